"""POST /v1/analyse: one word about how a face is held or how good a picture is; nothing about the person."""

from typing import Annotated, Literal

from fastapi import Response
from pydantic import Field

from countenance.api.door import Calling, Route, device_of
from countenance.api.told import told
from countenance.api.wire import (
    LAW_EXAMPLE,
    RECORD_EXAMPLE,
    SESSION_EXAMPLE,
    Attribute,
    DutyShown,
    LawShown,
    Picture,
    RecordPointer,
    Ref,
    Session,
    Shown,
    law,
)
from countenance.operations import analyse as operation
from countenance.operations.parts import Analysed
from countenance.reception.body import Form
from countenance.reception.words import Code
from countenance.vocabulary import Role


class AnalyseForm(Form):
    """A picture, and what to say about it; `subject` is whose face it is said to be, where that matters to the law."""

    sample: Picture
    attribute: Annotated[Attribute, Field(description="pose, quality or attack; for any other no analyser exists.")]
    purpose: Code
    subject: Ref | None = None
    device: Annotated[Code | None, Field(description="For officers; a device speaks for itself.")] = None
    session: Session = Session()


class AnalyseAnswer(Shown):
    """One word about the face; `not_checked` where nothing in this build looks at that."""

    outcome: Literal["analysed"] = "analysed"
    attribute: str
    says: str
    law: LawShown
    duties: list[DutyShown]
    record: RecordPointer


async def analyse(call: Calling) -> AnalyseAnswer | Response:
    """Say one word about the face in a picture, if the law permits it; none about the person."""
    sent = await call.sent()

    def act() -> AnalyseAnswer | Response:
        form = sent.form(AnalyseForm)
        analysis = operation.Analysis(
            attribute=form.attribute,
            purpose=form.purpose,
            subject_ref=form.subject,
            device_id=device_of(call.caller, form.device),
            session=form.session.facts(),
        )
        done = operation.analyse(call.house, call.caller, analysis, form.sample)
        if not isinstance(done, Analysed):
            return told(call, done)
        pointer = RecordPointer.of(done.recorded)
        return AnalyseAnswer(attribute=done.attribute, says=done.says, record=pointer, **law(done.permit))

    return await call.work(act)


ROUTES = (
    Route(
        method="POST",
        path="/v1/analyse",
        endpoint=analyse,
        roles=(Role.DEVICE, Role.OFFICER),
        tag="faces",
        answer=AnalyseAnswer,
        example={
            "outcome": "analysed",
            "attribute": "pose",
            "says": "frontal",
            "law": LAW_EXAMPLE,
            "duties": [],
            "record": RECORD_EXAMPLE,
        },
        form=AnalyseForm,
        form_example={
            "sample": "/9j/4AAQSkZJRgABAQAAAQ==",
            "attribute": "pose",
            "purpose": "check-in",
            "session": SESSION_EXAMPLE,
        },
        multipart=True,
        problems=("refused", "failure_to_acquire", "no_analyser", "too_large"),
    ),
)
