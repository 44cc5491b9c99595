"""GET /v1/consents and /v1/consents/{consent_id}: what a subject said, where it stands, and exports of one decision."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from starlette.responses import JSONResponse

from countenance.api.door import Call, Calling, Route
from countenance.api.wire import Ref, Shown, named
from countenance.errors import NotFoundError
from countenance.reception.body import Form, refuse_field
from countenance.store import sites
from countenance.store import subjects as store
from countenance.store.database import Transaction
from countenance.store.subjects import ConsentEvent, SubjectRow
from countenance.subjects.exports import consent_record, decision, kantara_receipt
from countenance.subjects.standing import standings
from countenance.vocabulary import ConsentForm, ConsentState, Relation, RelationEvidence, Role, Scope


class GuardianShown(Shown):
    """That a guardian consented, of which relation, and what was looked at."""

    relation: Relation
    evidence: RelationEvidence


class SaidShown(Shown):
    """One thing that was said: a yes or a no with what it rests on, or a withdrawal."""

    consent: UUID
    purpose: str
    at: datetime
    said: Literal["given", "refused", "withdrawn"]
    form: ConsentForm | None
    scopes: list[Scope]
    notice_version: int | None
    served: UUID | None
    on_paper: bool
    guardian: GuardianShown | None
    expires_at: datetime | None
    device: str | None

    @classmethod
    def of(cls, event: ConsentEvent) -> "SaidShown":
        """Return what is shown of an event."""
        return cls.model_validate(
            {
                "consent": event.event_id,
                "purpose": event.purpose,
                "at": event.at,
                "said": event.kind,
                "form": event.form,
                "scopes": event.scopes or [],
                "notice_version": event.notice_version,
                "served": event.served_id,
                "on_paper": event.evidence_digest is not None,
                "guardian": {"relation": event.guardian_relation, "evidence": event.guardian_evidence}
                if event.guardian_relation
                else None,
                "expires_at": event.expires_at,
                "device": event.device_id,
            }
        )


class StandingShown(Shown):
    """Where the consent to one purpose stands now, by the last thing that was said about it."""

    purpose: str
    state: ConsentState
    consent: UUID
    scopes: list[Scope]
    expires_at: datetime | None
    notice_current: Annotated[bool, Field(description="Whether the notice that was served is the one in force.")]


class Consents(Shown):
    """All that a subject said, in order, and where each purpose stands now."""

    subject: str | None
    purposes: list[StandingShown]
    events: list[SaidShown]


class ConsentsQuery(Form):
    """Of whom."""

    subject: Annotated[Ref | None, Field(description="Needed by an officer; a subject asks for itself.")] = None


class ExportQuery(Form):
    """In which form."""

    format: Annotated[
        Literal["dpv", "kantara"],
        Field(description="`dpv`: JSON-LD with the fields of ISO/IEC TS 27560; `kantara`: Consent Receipt 1.1."),
    ] = "dpv"


class JsonLd(JSONResponse):
    """JSON-LD."""

    media_type = "application/ld+json"


async def consents(call: Calling) -> Consents:
    """List what a subject said, in order, and where each purpose stands; a subject sees its own and no others'."""
    query = call.asked(ConsentsQuery)

    def act() -> Consents:
        with call.house.database.transaction() as tx:
            subject = _subject(tx, call, query.subject)
            events = store.events(tx, call.caller.operator_id, subject.subject_id)
            newest = {row["purpose"]: row["version"] for row in sites.notices(tx, call.caller.operator_id)}
        stand = standings(events, newest, call.house.clock())
        return Consents(
            subject=subject.ref,
            purposes=[
                StandingShown(
                    purpose=each.purpose,
                    state=each.state,
                    consent=each.event.event_id,
                    scopes=[Scope(scope) for scope in each.event.scopes or []],
                    expires_at=each.event.expires_at,
                    notice_current=each.notice_current,
                )
                for each in stand
            ],
            events=[SaidShown.of(event) for event in events],
        )

    return await call.work(act)


def _subject(tx: Transaction, call: Call, ref: str | None) -> SubjectRow:
    """Return the subject that is asked about; raises NotFoundError alike for nobody and for somebody else."""
    caller = call.caller
    if caller.role is Role.SUBJECT and caller.subject_id is not None:
        found = store.find_id(tx, caller.operator_id, caller.subject_id)
        if ref is not None and found is not None and found.ref != ref:
            found = None
    elif ref is None:
        refuse_field("subject")
    else:
        found = store.find(tx, caller.operator_id, ref)
    if found is None or found.linking_key is None:
        raise NotFoundError("No such subject is on file.", "该个人未登记。")
    return found


async def export_consent(call: Calling, consent_id: str) -> JSONResponse:
    """Export one decision, for the subject or whoever has to prove it: as a consent record or as a receipt."""
    query = call.asked(ExportQuery)

    def act() -> JSONResponse:
        caller = call.caller
        with call.house.database.transaction() as tx:
            made = decision(tx, caller.operator_id, named(consent_id), call.house.clock(), caller.subject_id)
        return JSONResponse(kantara_receipt(made)) if query.format == "kantara" else JsonLd(consent_record(made))

    return await call.work(act)


ROUTES = (
    Route(
        method="GET",
        path="/v1/consents",
        endpoint=consents,
        roles=(Role.OFFICER, Role.SUBJECT),
        tag="subjects",
        answer=Consents,
        example={
            "subject": "booking-4711",
            "purposes": [
                {
                    "purpose": "check-in",
                    "state": "given",
                    "consent": "c2c0a4f4-9a1e-4c25-8b35-7f5bb6a3c1de",
                    "scopes": ["enrol", "verify"],
                    "expires_at": None,
                    "notice_current": True,
                }
            ],
            "events": [
                {
                    "consent": "c2c0a4f4-9a1e-4c25-8b35-7f5bb6a3c1de",
                    "purpose": "check-in",
                    "at": "2026-11-23T02:00:00Z",
                    "said": "given",
                    "form": "separate",
                    "scopes": ["enrol", "verify"],
                    "notice_version": 1,
                    "served": "0d9f6a52-6f0b-4a6c-9a55-4a1f3a9a7b10",
                    "on_paper": False,
                    "guardian": None,
                    "expires_at": None,
                    "device": "kiosk-1",
                }
            ],
        },
        query=ConsentsQuery,
        problems=("not_found",),
    ),
    Route(
        method="GET",
        path="/v1/consents/{consent_id}",
        endpoint=export_consent,
        kind=JsonLd,
        roles=(Role.OFFICER, Role.SUBJECT),
        tag="subjects",
        query=ExportQuery,
        problems=("not_found", "conflict"),
    ),
)
