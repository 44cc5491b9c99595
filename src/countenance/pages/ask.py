"""Asking a guest: age as declared, the notice served and shown, one question at a time, yes and no alike."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field
from starlette.responses import Response

from countenance.errors import ConflictError, NotFoundError
from countenance.operations.consent import Consented, consent
from countenance.operations.offered import Standing, rest_days, standing
from countenance.pages import look, other
from countenance.pages.door import Page, Session, Visit
from countenance.pages.going import Going
from countenance.pages.kiosk import offered
from countenance.pages.serving import serve_notice
from countenance.store import served, sites
from countenance.subjects.consents import GIVEN, REFUSED, Said
from countenance.vocabulary import AgeClass, ConsentForm, ConsentState, Scope, Variant

#: One question at a time, each with the scopes that a yes to it covers.
QUESTIONS: Final = ((Scope.ENROL, Scope.VERIFY), (Scope.OFF_DEVICE_STORAGE,))


class AskForm(Going):
    """A guest to be asked, in words of the notice that the guest prefers."""

    variant: Variant = Variant.STANDARD


class AnswerForm(Going):
    """A guest's answer to one question."""

    served: UUID
    question: Annotated[int, Field(ge=0, lt=len(QUESTIONS))]
    answer: Literal["yes", "no"]


async def ask(visit: Visit) -> Response:
    """Take the guest to what comes next: the camera where they have agreed, else the questions, else the other way."""
    form = visit.form(AskForm)
    return await _next(visit, form, form.variant)


async def _next(visit: Visit, form: Going, variant: Variant, *, anew: bool = False) -> Response:
    """Return the page that comes next for a guest; `anew` where an answer could not be kept and is asked for again."""
    offer = await offered(visit, form.purpose)
    if not offer.open:
        return visit.go(f"/kiosk/{visit.device}")
    found: Standing = await visit.work(lambda: standing(visit.house, visit.caller, form.purpose, form.subject))
    if found.agreed:
        return look.shown(visit, form, offer, "verify" if found.references else "enrol")
    if found.consent is ConsentState.REFUSED and (found.refused_days or 0) < rest_days(visit.house):
        return await other.shown(visit, form, "rest")
    age = found.age_class or form.age
    if age is None:
        return visit.show("age.html", offer=offer, carry=form.carried(), ages=list(AgeClass))
    if age is AgeClass.UNDER_14:
        return await other.shown(visit, form, "guardian")
    notice = await serve_notice(visit, form.purpose, variant)
    carry = form.carried(age=age.value, served=notice.id)
    return _question(visit, offer, carry, 0, notice=notice, anew=anew)


def _question(visit: Visit, offer: Any, carry: dict[str, str], question: int, **more: Any) -> Response:
    return visit.show("ask.html", offer=offer, carry=carry, question=question, of=len(QUESTIONS), **more)


async def answer(visit: Visit) -> Response:
    """Take an answer: a no ends the asking and leads straight to the other way, the last yes leads to the camera.

    A yes that cannot stand, because notice or file changed meanwhile, is asked for again with the notice of now. A no
    is never asked for again.
    """
    form = visit.form(AnswerForm)
    offer = await offered(visit, form.purpose)
    if form.answer == "no":
        try:
            await visit.work(lambda: _decided(visit, form, REFUSED))
        except (ConflictError, NotFoundError):
            return await other.shown(visit, form, "chosen")
        return await other.shown(visit, form, "refused")
    if not offer.open:
        return visit.go(f"/kiosk/{visit.device}")
    if not await visit.work(lambda: _in_force(visit, form)):
        return await _next(visit, form, Variant.STANDARD, anew=True)
    if form.question + 1 < len(QUESTIONS):
        return _question(visit, offer, form.carried(), form.question + 1)
    try:
        done = await visit.work(lambda: _decided(visit, form, GIVEN))
    except (ConflictError, NotFoundError):
        return await _next(visit, form, Variant.STANDARD, anew=True)
    return look.shown(visit, form, offer, "enrol", consented=done)


def _in_force(visit: Visit, form: AnswerForm) -> bool:
    """Return whether the notice that the guest read is the one in force now."""
    operator_id = visit.caller.operator_id
    with visit.house.database.reading() as tx:
        read = served.find(tx, operator_id, form.served)
        return read is not None and read.version == sites.notices(tx, operator_id, form.purpose)[0]["version"]


def _decided(visit: Visit, form: AnswerForm, decision: str) -> Consented:
    """Write down what the guest decided, for this one purpose, after this notice."""
    yes = decision == GIVEN
    return consent(
        visit.house,
        visit.caller,
        Said(
            purpose=form.purpose,
            decision=decision,
            served_id=form.served,
            subject_ref=form.subject,
            age_class=form.age if yes else None,
            form=ConsentForm.SEPARATE if yes else None,
            scopes=tuple(scope for scopes in QUESTIONS for scope in scopes) if yes else (),
        ),
    )


PAGES = (
    Page(method="POST", path="/kiosk/{device}/ask", endpoint=ask, who=Session.KIOSK, camera=True),
    Page(method="POST", path="/kiosk/{device}/answer", endpoint=answer, who=Session.KIOSK, camera=True),
)
