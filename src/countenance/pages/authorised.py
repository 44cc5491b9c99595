"""Authorisations: ask for one, approve or revoke one; those that wait, those that run, and every use of each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, NaiveDatetime
from starlette.responses import Response

from countenance.answer import Text
from countenance.errors import CountenanceError, MalformedError, NotFoundError
from countenance.operations import authorise
from countenance.pages.door import Page, Session, Visit
from countenance.pages.filled import filled_in
from countenance.reception.body import Form
from countenance.reception.words import Code, Prose, Typed
from countenance.sites.authorisations import DEVICES_MAX, SUBJECTS_MAX, Wanted
from countenance.store import authorisations as store
from countenance.store import sites
from countenance.store.authorisations import ApprovalRow, AuthorisationRow
from countenance.store.gathering import PLACE
from countenance.vocabulary import Ground

_NEWEST = 100


class ActForm(Form):
    """What an officer does with an authorisation."""

    act: Literal["approve", "revoke"]


@dataclass(frozen=True, slots=True)
class ShownAuthorisation:
    """An authorisation with who approved it, and what state that leaves it in at this instant."""

    row: AuthorisationRow
    approvals: list[ApprovalRow]
    uses: int
    state: str


class AskForm(Form):
    """What is asked for: the ground, whose order, for which purpose, on which devices, about whom, and until when."""

    purpose: Code
    ground: Ground
    requester: Typed
    requested_by_subject: Literal["yes", "no"]
    issuer: Typed
    reference: Typed
    devices: Annotated[tuple[Code, ...], Field(min_length=1, max_length=DEVICES_MAX)]
    subjects: Prose | None = None
    starts_at: NaiveDatetime | None = None
    ends_at: NaiveDatetime

    def wanted(self) -> Wanted:
        """Return what is wanted; the times are those of the clock at the venue, the persons one on each line."""
        named = [line.strip() for line in (self.subjects or "").splitlines() if line.strip()]
        if len(named) > SUBJECTS_MAX:
            raise MalformedError(
                f"An authorisation names {SUBJECTS_MAX} persons at most: particular persons, and not a crowd.",
                f"一项授权最多写明 {SUBJECTS_MAX} 人：须为特定个人，而非人群。",
            )
        return Wanted(
            purpose=self.purpose,
            ground=self.ground,
            requester=self.requester,
            requested_by_subject=self.requested_by_subject == "yes",
            issuer=self.issuer,
            reference=self.reference,
            devices=self.devices,
            subjects=tuple(named),
            starts_at=None if self.starts_at is None else self.starts_at.replace(tzinfo=PLACE),
            ends_at=self.ends_at.replace(tzinfo=PLACE),
        )


async def authorisations(visit: Visit) -> Response:
    """List authorisations, the newest first, with the form that asks for another."""
    return await _listed(visit)


async def _listed(visit: Visit, filled: AskForm | None = None, wrong: CountenanceError | None = None) -> Response:
    operator_id, at = visit.caller.operator_id, visit.house.clock()

    def act() -> dict[str, Any]:
        with visit.house.database.transaction() as tx:
            shown = [
                _shown(
                    row,
                    store.approvals(tx, operator_id, row.authorisation_id),
                    len(store.uses(tx, operator_id, row.authorisation_id, 1000)),
                    at,
                )
                for row in store.listed(tx, operator_id, _NEWEST)
            ]
            purposes = sites.read(tx, operator_id, "purpose")
            devices = sites.read(tx, operator_id, "device")
        return {
            "authorisations": shown,
            "titles": {row["code"]: row["title"] for row in purposes},
            "purposes": [row for row in purposes if not row["retired"]],
            "devices": [row for row in devices if not row["retired"]],
        }

    return visit.show(
        "authorised.html",
        200 if wrong is None else 400,
        grounds=list(Ground),
        filled=filled_in(AskForm, filled),
        wrong=None if wrong is None else Text(wrong.en, wrong.zh),
        **await visit.work(act),
    )


async def asked_for(visit: Visit) -> Response:
    """Put what is asked for on file: it permits nothing before two other people have approved it."""
    form = visit.form(AskForm)
    try:
        wanted = form.wanted()
        await visit.work(lambda: authorise.ask_for(visit.house, visit.caller, wanted))
    except (MalformedError, NotFoundError) as error:
        return await _listed(visit, form, error)
    return visit.go("/console/authorisations")


def _shown(row: AuthorisationRow, approvals: list[ApprovalRow], uses: int, at: datetime) -> ShownAuthorisation:
    people = {each.staff_id for each in approvals if each.staff_id is not None}
    if row.revoked_at is not None:
        state = "revoked"
    elif row.ends_at <= at:
        state = "ended"
    else:
        state = "runs" if len(people) > 1 else "waits"
    return ShownAuthorisation(row, approvals, uses, state)


async def authorisation(visit: Visit) -> Response:
    """Approve or revoke one."""
    form, which = visit.form(ActForm), visit.id("authorisation_id")
    if form.act == "approve":
        await visit.work(lambda: authorise.approve(visit.house, visit.caller, which))
    else:
        await visit.work(lambda: authorise.revoke(visit.house, visit.caller, which))
    return visit.go("/console/authorisations")


PAGES = (
    Page(method="GET", path="/console/authorisations", endpoint=authorisations, who=Session.STAFF),
    Page(method="POST", path="/console/authorisations", endpoint=asked_for, who=Session.STAFF),
    Page(method="POST", path="/console/authorisations/{authorisation_id}", endpoint=authorisation, who=Session.STAFF),
)
