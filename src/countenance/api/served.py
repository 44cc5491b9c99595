"""POST /v1/notices/served: the notice in force, to be shown or read now; that it was served is on record by itself."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictInt

from countenance.api.door import Calling, Route
from countenance.api.wire import RECORD_EXAMPLE, RecordPointer, Shown
from countenance.operations.serve import serve as operation
from countenance.reception.body import Form
from countenance.reception.words import Code
from countenance.subjects.notices import Showing
from countenance.vocabulary import Language, Role, Variant


class ServedForm(Form):
    """Which notice is served, and how; it names nobody."""

    purpose: Code
    language: Language
    variant: Variant = Variant.STANDARD
    version: Annotated[
        StrictInt | None,
        Field(ge=1, le=2**31 - 1, description="Where the text is in hand already: refused unless it is in force."),
    ] = None


class ServedAnswer(Shown):
    """What to show or to read, and the id that the decision about it names, at this device and until then."""

    served: UUID
    purpose: str
    version: int
    language: Language
    variant: Variant
    text: dict[str, str]
    until: datetime
    record: RecordPointer


async def serve_notice(call: Calling) -> ServedAnswer:
    """Serve the notice in force: show or read the text that comes back, then ask."""
    sent = await call.sent()

    def act() -> ServedAnswer:
        form = sent.form(ServedForm)
        showing = Showing(purpose=form.purpose, language=form.language, variant=form.variant, version=form.version)
        done = operation(call.house, call.caller, showing)
        return ServedAnswer(
            served=done.served.served_id,
            purpose=done.served.purpose,
            version=done.served.version,
            language=form.language,
            variant=form.variant,
            text=dict(done.text),
            until=done.until,
            record=RecordPointer.of(done.recorded),
        )

    return await call.work(act)


ROUTES = (
    Route(
        method="POST",
        path="/v1/notices/served",
        endpoint=serve_notice,
        roles=(Role.DEVICE, Role.OFFICER),
        tag="subjects",
        answer=ServedAnswer,
        status=201,
        example={
            "served": "0d9f6a52-6f0b-4a6c-9a55-4a1f3a9a7b10",
            "purpose": "check-in",
            "version": 1,
            "language": "en",
            "variant": "standard",
            "text": {"who": "Harbour Hotel", "purpose": "To check you in, and nothing else."},
            "until": "2026-11-23T03:00:00Z",
            "record": RECORD_EXAMPLE,
        },
        form=ServedForm,
        form_example={"purpose": "check-in", "language": "en"},
        problems=("not_found", "conflict"),
    ),
)
