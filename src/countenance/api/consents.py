"""POST /v1/consents: write down what a subject decided, yes or no, and give the receipt of a yes."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StrictInt

from countenance.api.body import Form, refuse_field
from countenance.api.door import Call, Calling, Route
from countenance.api.wire import (
    RECEIPT_EXAMPLE,
    RECORD_EXAMPLE,
    Code,
    Instant,
    ReceiptGiven,
    RecordPointer,
    Ref,
    Shown,
    Words,
)
from countenance.operations.consent import consent as operation
from countenance.subjects.consents import Said
from countenance.vocabulary import AgeClass, ConsentForm, Role, Scope


class DecisionForm(Form):
    """One decision about one purpose, after the notice was served; without `subject` it is for this session only."""

    subject: Ref | None = None
    purpose: Code
    decision: Literal["given", "refused"]
    form: ConsentForm | None = None
    scopes: Annotated[tuple[Scope, ...], Field(max_length=len(Scope))] = ()
    notice_version: Annotated[StrictInt, Field(ge=1, le=2**31 - 1)]
    age_class: Annotated[AgeClass | None, Field(description="As declared; never inferred from a face.")] = None
    guardian: Annotated[Words | None, Field(description="How the guardian's relation was evidenced.")] = None
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
    return Said(
        purpose=form.purpose,
        decision=form.decision,
        notice_version=form.notice_version,
        subject_ref=form.subject,
        age_class=form.age_class,
        form=form.form,
        scopes=form.scopes,
        guardian=form.guardian,
        expires_at=form.expires_at,
        device_id=call.caller.device_id,
        corrects=call.caller.role is Role.OFFICER,
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
            "notice_version": 1,
            "age_class": "adult",
        },
        problems=("not_found", "conflict"),
    ),
)
