"""POST /v1/consents: write down what a subject decided, yes or no, and give the receipt of a yes."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StrictInt

from countenance.api.door import Call, Calling, Route
from countenance.api.wire import RECEIPT_EXAMPLE, RECORD_EXAMPLE, Id, Instant, ReceiptGiven, RecordPointer, Ref, Shown
from countenance.operations.consent import consent as operation
from countenance.reception.body import Form, refuse_field
from countenance.reception.words import Code, Sha256, Words
from countenance.subjects.consents import Paper, Said
from countenance.subjects.guardians import Guardian
from countenance.vocabulary import AgeClass, ConsentForm, Relation, RelationEvidence, Role, Scope


class GuardianForm(Form):
    """Who consents in a child's place: the operator's own word for them, the relation, and what was looked at."""

    ref: Annotated[Words, Field(description="The operator's own word for the guardian; never the child's.")]
    relation: Relation
    evidence: Annotated[RelationEvidence, Field(description="What was looked at to see the relation.")]
    checked_by: Annotated[Words, Field(description="The operator's own word for whoever looked at it.")]
    evidence_sha256: Annotated[Sha256 | None, Field(description="Of a copy, where one is kept.")] = None


class PaperForm(Form):
    """A decision made on paper, which an officer enters: the version on the sheet, and the SHA-256 of its scan."""

    notice_version: Annotated[StrictInt, Field(ge=1, le=2**31 - 1)]
    evidence_sha256: Sha256


class DecisionForm(Form):
    """One decision about one purpose, after its notice was served; without `subject` it is for this session only.

    It rests on `served`, the id that `POST /v1/notices/served` gave at the same device, or else on `paper`.
    """

    subject: Ref | None = None
    purpose: Code
    decision: Literal["given", "refused"]
    form: Annotated[ConsentForm | None, Field(description="`separate` or `written`; `bundled` is no consent.")] = None
    scopes: Annotated[tuple[Scope, ...], Field(max_length=len(Scope))] = ()
    served: Annotated[Id | None, Field(description="The notice that this person was served.")] = None
    paper: Annotated[PaperForm | None, Field(description="For an officer only.")] = None
    age_class: Annotated[AgeClass | None, Field(description="As declared; never inferred from a face.")] = None
    guardian: Annotated[GuardianForm | None, Field(description="Needed for a yes of a child under 14.")] = None
    expires_at: Instant | None = None


class ConsentAnswer(Shown):
    """What was written down, and of a yes the receipt, which is shown this once."""

    consent: UUID
    expires_at: datetime | None
    record: RecordPointer
    receipt: ReceiptGiven | None


async def consent(call: Calling) -> ConsentAnswer:
    """Write down what a subject decided about one purpose, yes or no."""
    sent = await call.sent()

    def act() -> ConsentAnswer:
        form = sent.form(DecisionForm)
        done = operation(call.house, call.caller, _said(call, form))
        return ConsentAnswer(
            consent=done.consent_id,
            expires_at=done.expires_at,
            record=RecordPointer.of(done.recorded),
            receipt=ReceiptGiven.of(done.receipt, call.door.settings.public_url) if done.receipt else None,
        )

    return await call.work(act)


def _said(call: Call, form: DecisionForm) -> Said:
    if form.expires_at is not None and form.expires_at <= call.house.clock():
        refuse_field("expires_at")
    if len(set(form.scopes)) != len(form.scopes):
        refuse_field("scopes")
    guardian, paper = form.guardian, form.paper
    return Said(
        purpose=form.purpose,
        decision=form.decision,
        served_id=form.served,
        paper=Paper(paper.notice_version, bytes.fromhex(paper.evidence_sha256)) if paper else None,
        subject_ref=form.subject,
        age_class=form.age_class,
        form=form.form,
        scopes=form.scopes,
        guardian=_guardian(guardian) if guardian else None,
        expires_at=form.expires_at,
    )


def _guardian(form: GuardianForm) -> Guardian:
    digest = form.evidence_sha256
    return Guardian(
        ref=form.ref,
        relation=form.relation,
        evidence=form.evidence,
        checked_by=form.checked_by,
        evidence_digest=bytes.fromhex(digest) if digest else None,
    )


ROUTES = (
    Route(
        method="POST",
        path="/v1/consents",
        endpoint=consent,
        roles=(Role.DEVICE, Role.OFFICER),
        tag="subjects",
        answer=ConsentAnswer,
        status=201,
        example={
            "consent": "c2c0a4f4-9a1e-4c25-8b35-7f5bb6a3c1de",
            "expires_at": None,
            "record": RECORD_EXAMPLE,
            "receipt": RECEIPT_EXAMPLE,
        },
        form=DecisionForm,
        form_example={
            "subject": "booking-4711",
            "purpose": "check-in",
            "decision": "given",
            "form": "separate",
            "scopes": ["enrol", "verify", "off_device_storage"],
            "served": "0d9f6a52-6f0b-4a6c-9a55-4a1f3a9a7b10",
            "age_class": "adult",
        },
        problems=("not_found", "conflict"),
    ),
)
