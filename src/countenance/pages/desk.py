"""The desk: a person, or a child's guardian, decides with a member of staff, told there and then or on paper."""

from typing import Annotated, Any, Final, Literal, NoReturn
from uuid import UUID

from pydantic import Field
from starlette.responses import Response

from countenance.answer import Text
from countenance.errors import ConflictError, MalformedError, NotFoundError
from countenance.operations.consent import consent
from countenance.operations.offered import WANTED, rest_days, standing
from countenance.pages.door import Page, Session, Visit
from countenance.pages.filled import filled_in
from countenance.pages.receipt import shown_receipt
from countenance.pages.serving import serve_notice
from countenance.reception.body import Form
from countenance.reception.words import Code, Sha256, Typed
from countenance.store import sites
from countenance.subjects.consents import GIVEN, REFUSED, Paper, Said
from countenance.subjects.guardians import SHOWS, Guardian
from countenance.vocabulary import (
    AgeClass,
    ConsentForm,
    ConsentState,
    Language,
    Relation,
    RelationEvidence,
    Scope,
    Variant,
)

Answer = Literal["yes", "no"]
_NO_AGE: Final = Text(
    "No age class is on file for this person. Ask, and say which it is.", "该个人尚未登记年龄段。请询问后选择。"
)

_NO_NOTICE: Final = Text(
    "What the person was told is not known here. Show the notice again, or look at the version on the sheet.",
    "未找到所告知的内容。请重新展示告知书，或核对纸质材料上的版本号。",
)


class DeskForm(Form):
    """Who decides about which purpose, what is asked, and how they are told of it."""

    subject: Typed
    purpose: Code
    age: AgeClass | None = None
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=len(Scope))]
    way: Literal["here", "paper"]
    language: Language
    variant: Variant = Variant.STANDARD

    def carried(self, **more: Any) -> dict[str, Any]:
        """Return the fields for the next form, with `more` changed; what is unknown is left out."""
        said = self.model_dump(mode="json", include=set(DeskForm.model_fields)) | more
        return {name: value for name, value in said.items() if value is not None}


class DecidedForm(DeskForm):
    """What the person, or the guardian, said to each question, and what that rests on."""

    enrol: Answer | None = None
    verify: Answer | None = None
    identify: Answer | None = None
    off_device_storage: Answer | None = None
    keep_original: Answer | None = None
    analyse: Answer | None = None
    disclose: Answer | None = None
    reuse: Answer | None = None
    served: UUID | None = None
    notice_version: Annotated[int | None, Field(ge=1, le=2**31 - 1)] = None
    evidence_sha256: Sha256 | None = None
    guardian: Typed | None = None
    relation: Relation | None = None
    evidence: RelationEvidence | None = None
    checked_by: Typed | None = None
    guardian_sha256: Sha256 | None = None

    def agreed(self) -> tuple[Scope, ...]:
        """Return what was said yes to; raises MalformedError where a question has no answer."""
        answers = {scope: getattr(self, scope.value) for scope in self.scopes}
        if None in answers.values():
            _unsaid(Text("A question has no answer yet. Ask it, and write down what was said.",
                         "有问题尚未回答。请询问并记录回答。"))  # fmt: skip
        return tuple(scope for scope, answer in answers.items() if answer == "yes")


def _unsaid(text: Text) -> NoReturn:
    raise MalformedError(text.en, text.zh)


async def desk(visit: Visit) -> Response:
    """Ask who decides, about what, and how."""
    return await _begun(visit)


async def _begun(visit: Visit, form: DeskForm | None = None, wrong: Text | None = None) -> Response:
    def act() -> list[dict[str, Any]]:
        with visit.house.database.reading() as tx:
            noticed = {row["purpose"] for row in sites.notices(tx, visit.caller.operator_id)}
            rows = sites.read(tx, visit.caller.operator_id, "purpose")
        return [row for row in rows if not row["retired"] and row["code"] in noticed]

    status = 200 if wrong is None else 400
    return visit.show(
        "desk.html", status, purposes=await visit.work(act), scopes=list(Scope), usual=WANTED, ages=list(AgeClass),
        filled=form, wrong=wrong,
    )  # fmt: skip


async def asked(visit: Visit) -> Response:
    """Serve the notice, or ask for the sheet, and put the questions one by one."""
    return await _questions(visit, visit.form(DeskForm))


async def _questions(visit: Visit, form: DeskForm, wrong: Text | None = None) -> Response:
    """Return the page with the questions; what was filled in already stands in it."""
    found = await visit.work(lambda: standing(visit.house, visit.caller, form.purpose, form.subject))
    age = form.age or found.age_class
    if age is None:
        return await _begun(visit, form, _NO_AGE)
    here = form.way == "here"
    notice = await serve_notice(visit, form.purpose, form.variant, form.language) if here else None
    rests = found.consent is ConsentState.REFUSED and (found.refused_days or 0) < rest_days(visit.house)
    return visit.show(
        "desk_ask.html",
        200 if wrong is None else 400,
        form=form,
        notice=notice,
        found=found,
        rests=rests,
        child=age is AgeClass.UNDER_14,
        shows={each.value: sorted(found.value for found in SHOWS[each]) for each in Relation},
        evidences=list(RelationEvidence),
        filled=filled_in(DecidedForm, form),
        by=visit.caller.staff_id,
        wrong=wrong,
    )


async def decided(visit: Visit) -> Response:
    """Write down what was decided, and show the receipt; what does not stand is asked for again, with its reason."""
    form = visit.form(DecidedForm)
    try:
        said = _said(form)
        done = await visit.work(lambda: consent(visit.house, visit.caller, said))
    except NotFoundError:  # what they were shown, or the version on the sheet, is none
        return await _questions(visit, form, _NO_NOTICE)
    except (MalformedError, ConflictError) as error:
        return await _questions(visit, form, Text(error.en, error.zh))
    yes = said.decision == GIVEN
    receipt = shown_receipt(visit, done.receipt) if yes and done.receipt is not None else None
    return visit.show("desk_done.html", form=form, said=said, yes=yes, recorded=done.recorded, receipt=receipt)


def _said(form: DecidedForm) -> Said:
    """Return the decision: a yes reaches what was agreed to, and one that reaches nothing is a no."""
    agreed = form.agreed()
    yes = bool(agreed)
    written = ConsentForm.WRITTEN if form.way == "paper" else ConsentForm.SEPARATE
    return Said(
        purpose=form.purpose,
        decision=GIVEN if yes else REFUSED,
        served_id=form.served if form.way == "here" else None,
        paper=_paper(form) if form.way == "paper" else None,
        subject_ref=form.subject,
        age_class=form.age,
        form=written if yes else None,
        scopes=agreed,
        guardian=_guardian(form),
    )


def _paper(form: DecidedForm) -> Paper:
    if form.notice_version is None or form.evidence_sha256 is None:
        _unsaid(Text("Say which version stands on the sheet, and choose its scan: only its SHA-256 is kept.",
                     "请填写纸质告知书上的版本号并选择其扫描件；仅保存其 SHA-256。"))  # fmt: skip
    return Paper(form.notice_version, bytes.fromhex(form.evidence_sha256))


def _guardian(form: DecidedForm) -> Guardian | None:
    told = (form.guardian, form.relation, form.evidence, form.checked_by)
    if told[:3] == (None, None, None):
        return None
    if form.guardian is None or form.relation is None or form.evidence is None or form.checked_by is None:
        _unsaid(Text("Say of the guardian who it is, the relation, what showed it, and who looked at that.",
                     "请填写监护人、监护关系、证明材料及查验人。"))  # fmt: skip
    digest = form.guardian_sha256
    return Guardian(
        ref=form.guardian,
        relation=form.relation,
        evidence=form.evidence,
        checked_by=form.checked_by,
        evidence_digest=bytes.fromhex(digest) if digest else None,
    )


PAGES = (
    Page(method="GET", path="/console/desk", endpoint=desk, who=Session.STAFF),
    Page(method="POST", path="/console/desk/ask", endpoint=asked, who=Session.STAFF),
    Page(method="POST", path="/console/desk/decide", endpoint=decided, who=Session.STAFF),
)
