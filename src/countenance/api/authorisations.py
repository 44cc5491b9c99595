"""/v1/authorisations: ask for one, approve it, revoke it, and review what was done under it."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import Field, StrictBool

from countenance.api.door import Calling, Route
from countenance.api.wire import RECORD_EXAMPLE, Instant, RecordPointer, Ref, Shown, named
from countenance.errors import NotFoundError
from countenance.operations import authorise as operation
from countenance.reception.body import Form
from countenance.reception.words import Code, Words
from countenance.sites.authorisations import DEVICES_MAX, SUBJECTS_MAX, Wanted
from countenance.store import authorisations as store
from countenance.store import subjects
from countenance.store.authorisations import AuthorisationRow
from countenance.store.database import Transaction
from countenance.vocabulary import Ground, Role

#: How many uses are listed under one authorisation, the newest first.
USES_MAX: Final = 1000


class AuthorisationForm(Form):
    """What is asked for: on which ground, at whose request and order, for which purpose, when, where, about whom."""

    purpose: Code
    ground: Ground
    requester: Annotated[Words, Field(description="Who wants it.")]
    requested_by_subject: Annotated[
        StrictBool, Field(description="Whether that is the person concerned or an interested party.")
    ]
    issuer: Annotated[Words, Field(description="The authority or office that ordered it.")]
    reference: Annotated[Words, Field(description="The number of the order or case.")]
    devices: Annotated[tuple[Code, ...], Field(min_length=1, max_length=DEVICES_MAX)]
    subjects: Annotated[
        tuple[Ref, ...], Field(max_length=SUBJECTS_MAX, description="Whom; nobody else is compared at a distance.")
    ] = ()
    starts_at: Annotated[Instant | None, Field(description="Left out: now.")] = None
    ends_at: Annotated[Instant, Field(description="Within 24 hours in an emergency, within a year otherwise.")]


class RevocationForm(Form):
    """Nothing has to be said."""


class ApprovalForm(Form):
    """Nothing has to be said: who calls approves."""


class AuthorisationsQuery(Form):
    """How many of the newest."""

    most: Annotated[int, Field(ge=1, le=1000)] = 100


class ApprovalShown(Shown):
    """One person's approval; one given before there was a list of staff names nobody, and does not count."""

    credential: str
    staff: str | None
    at: datetime


class UseShown(Shown):
    """One record of what was done, or tried, while the authorisation was on file for it."""

    record: UUID
    at: datetime
    kind: str
    outcome: str


class AuthorisationSummary(Shown):
    """An authorisation as it stands."""

    authorisation: UUID
    state: Annotated[str, Field(description="waiting, live, ended or revoked.")]
    purpose: str
    ground: Ground
    requester: str
    requested_by_subject: bool
    issuer: str
    reference: str
    devices: list[str]
    subjects_named: int
    starts_at: datetime
    ends_at: datetime
    asked_by: str
    asked_by_staff: str | None
    asked_at: datetime
    revoked_by: str | None
    revoked_at: datetime | None


class AuthorisationShown(AuthorisationSummary):
    """An authorisation with whom it is about while it lives, who approved it, and every use of it, for review."""

    subjects: list[str]
    approvals: list[ApprovalShown]
    uses: list[UseShown]


class AuthorisationsAnswer(Shown):
    """Authorisations, newest first."""

    authorisations: list[AuthorisationSummary]


class AuthorisationAnswer(Shown):
    """The receipt of a step: asked for, approved or revoked."""

    authorisation: UUID
    outcome: str
    approvers: int
    record: RecordPointer


async def authorise(call: Calling) -> AuthorisationAnswer:
    """Ask for an authorisation; it permits nothing before two other people have approved it."""
    sent = await call.sent()

    def act() -> AuthorisationAnswer:
        said = sent.form(AuthorisationForm).model_dump()
        row, recorded = operation.ask_for(call.house, call.caller, Wanted(**said))
        pointer = RecordPointer.of(recorded)
        return AuthorisationAnswer(authorisation=row.authorisation_id, outcome="asked", approvers=0, record=pointer)

    return await call.work(act)


async def approve(call: Calling, authorisation_id: str) -> AuthorisationAnswer:
    """Approve an authorisation: once by each member of staff, never by the one who asked for it."""
    sent = await call.sent()

    def act() -> AuthorisationAnswer:
        sent.form(ApprovalForm)
        row, approvers, recorded = operation.approve(call.house, call.caller, named(authorisation_id))
        pointer = RecordPointer.of(recorded)
        return AuthorisationAnswer(
            authorisation=row.authorisation_id, outcome="approved", approvers=approvers, record=pointer
        )

    return await call.work(act)


async def revoke_authorisation(call: Calling, authorisation_id: str) -> AuthorisationAnswer:
    """Revoke an authorisation: it binds at the next decision, and whom it was about is forgotten."""
    sent = await call.sent()

    def act() -> AuthorisationAnswer:
        sent.form(RevocationForm)
        row, recorded = operation.revoke(call.house, call.caller, named(authorisation_id))
        with call.house.database.transaction() as tx:
            approvers = store.approvers(tx, row.operator_id, row.authorisation_id)
        pointer = RecordPointer.of(recorded)
        return AuthorisationAnswer(
            authorisation=row.authorisation_id, outcome="revoked", approvers=approvers, record=pointer
        )

    return await call.work(act)


async def authorisations(call: Calling) -> AuthorisationsAnswer:
    """List the authorisations, newest first."""
    query = call.asked(AuthorisationsQuery)

    def act() -> AuthorisationsAnswer:
        operator_id, at = call.caller.operator_id, call.house.clock()
        with call.house.database.transaction() as tx:
            rows = store.listed(tx, operator_id, query.most)
            shown = [AuthorisationSummary(**_shown(tx, row, at)) for row in rows]
        return AuthorisationsAnswer(authorisations=shown)

    return await call.work(act)


async def authorisation(call: Calling, authorisation_id: str) -> AuthorisationShown:
    """Show one authorisation with its approvals and every use of it, for review."""

    def act() -> AuthorisationShown:
        operator_id, wanted = call.caller.operator_id, named(authorisation_id)
        with call.house.database.transaction() as tx:
            row = store.find(tx, operator_id, wanted)
            if row is None:
                raise NotFoundError("There is no such authorisation.", "没有该授权。")
            found = [subjects.find_id(tx, operator_id, each) for each in row.subjects]
            approvals = store.approvals(tx, operator_id, wanted)
            uses = store.uses(tx, operator_id, wanted, USES_MAX)
            shown = _shown(tx, row, call.house.clock())
        return AuthorisationShown(
            **shown,
            subjects=[each.ref for each in found if each is not None and each.ref is not None],
            approvals=[
                ApprovalShown(credential=each.credential_id, staff=each.staff_id, at=each.at) for each in approvals
            ],
            uses=[UseShown(record=use.pop("record_id"), **use) for use in uses],
        )

    return await call.work(act)


_SAME: Final = (
    "purpose", "ground", "requester", "requested_by_subject", "issuer", "reference", "devices", "subjects_named",
    "starts_at", "ends_at", "asked_by", "asked_by_staff", "asked_at", "revoked_by", "revoked_at",
)  # fmt: skip


def _shown(tx: Transaction, row: AuthorisationRow, at: datetime) -> dict[str, Any]:
    state = "ended" if row.ends_at <= at else "live"
    if row.revoked_at is not None:
        state = "revoked"
    elif state == "live" and not store.approvers(tx, row.operator_id, row.authorisation_id):
        state = "waiting"
    same = {name: getattr(row, name) for name in _SAME}
    return {"authorisation": row.authorisation_id, "state": state} | same | {"ground": Ground(row.ground)}


_ASKED = {
    "purpose": "missing-persons",
    "ground": "emergency",
    "requester": "The parents of the child",
    "requested_by_subject": True,
    "issuer": "City police, harbour station",
    "reference": "2026-1123-07",
    "devices": ["lobby-camera"],
    "ends_at": "2026-11-23T14:00:00Z",
}
_SUMMARY = _ASKED | {
    "authorisation": "4b0e3bb6-6f3c-4b1e-9d2b-0a5a6b2f7c11",
    "state": "live",
    "subjects_named": 1,
    "starts_at": "2026-11-23T02:00:00Z",
    "asked_by": "abcdefghijkl",
    "asked_by_staff": "staff-12",
    "asked_at": "2026-11-23T02:00:00Z",
    "revoked_by": None,
    "revoked_at": None,
}
_USE = {"record": RECORD_EXAMPLE["id"], "at": RECORD_EXAMPLE["at"], "kind": "identify_remote", "outcome": "non_match"}
_WHOLE = _SUMMARY | {
    "subjects": ["booking-4711"],
    "approvals": [{"credential": "bcdefghijklm", "staff": "staff-17", "at": "2026-11-23T02:00:00Z"}],
    "uses": [_USE],
}


def _step(outcome: str, approvers: int) -> dict[str, Any]:
    return {
        "authorisation": _SUMMARY["authorisation"],
        "outcome": outcome,
        "approvers": approvers,
        "record": RECORD_EXAMPLE,
    }


ROUTES = (
    Route(
        method="POST",
        path="/v1/authorisations",
        endpoint=authorise,
        roles=(Role.OFFICER,),
        tag="authorisations",
        answer=AuthorisationAnswer,
        status=201,
        example=_step("asked", 0),
        form=AuthorisationForm,
        form_example=_ASKED | {"subjects": ["booking-4711"]},
        problems=("not_found",),
    ),
    Route(
        method="GET",
        path="/v1/authorisations",
        endpoint=authorisations,
        roles=(Role.OFFICER,),
        tag="authorisations",
        answer=AuthorisationsAnswer,
        example={"authorisations": [_SUMMARY]},
        query=AuthorisationsQuery,
    ),
    Route(
        method="GET",
        path="/v1/authorisations/{authorisation_id}",
        endpoint=authorisation,
        roles=(Role.OFFICER,),
        tag="authorisations",
        answer=AuthorisationShown,
        example=_WHOLE,
        problems=("not_found",),
    ),
    Route(
        method="POST",
        path="/v1/authorisations/{authorisation_id}/approve",
        endpoint=approve,
        roles=(Role.OFFICER,),
        tag="authorisations",
        answer=AuthorisationAnswer,
        example=_step("approved", 1),
        form=ApprovalForm,
        problems=("not_found", "conflict"),
    ),
    Route(
        method="POST",
        path="/v1/authorisations/{authorisation_id}/revoke",
        endpoint=revoke_authorisation,
        roles=(Role.OFFICER,),
        tag="authorisations",
        answer=AuthorisationAnswer,
        example=_step("revoked", 1),
        form=RevocationForm,
        problems=("not_found", "conflict"),
    ),
)
