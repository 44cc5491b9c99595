"""The shapes that several resources share: what a caller says of a subject, a session, a picture; what comes back."""

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    WithJsonSchema,
)

from countenance.answer import Permit, as_json
from countenance.detect.several import AttackCheck, Frames
from countenance.errors import NotFoundError
from countenance.facts import SessionFacts
from countenance.operations.parts import Permitted
from countenance.operations.receipts import ReceiptIssued, address
from countenance.reception.body import Form, refuse_field
from countenance.reception.words import Words
from countenance.record import Recorded
from countenance.settings import FRAMES_MAX
from countenance.vocabulary import StartedBy

_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")


def _instant(given: Any) -> datetime:
    if not isinstance(given, str) or not _RFC3339.fullmatch(given):
        raise ValueError
    try:
        return datetime.fromisoformat(given.upper()).astimezone(UTC)
    except OverflowError as error:  # the first or last day of the calendar, moved to UTC
        raise ValueError from error


def _picture(given: Any) -> bytes:
    """Return the bytes of a picture: as they came in a form, decoded from base64 in JSON."""
    if isinstance(given, bytes):
        return given
    if not isinstance(given, str) or not given.isascii():
        raise ValueError
    try:
        return base64.b64decode(given, validate=True)
    except binascii.Error as error:
        raise ValueError from error


def named(text: str) -> UUID:
    """Return the id that a path names; raises NotFoundError for what is no id, as for one of nothing."""
    try:
        return _uuid(text)
    except ValueError:
        raise NotFoundError("There is nothing of that id.", "没有该编号的内容。") from None


def _uuid(given: Any) -> UUID:
    if not isinstance(given, str) or len(given) != 36:  # noqa: PLR2004 — the one form of RFC 9562
        raise ValueError
    return UUID(given)


#: The operator's own word for a person; a number of a booking, never more than is needed.
Ref = Annotated[Words, Field(description="The operator's own word for the person, such as a booking number.")]
Instant = Annotated[
    datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"}, mode="validation")
]
Id = Annotated[UUID, BeforeValidator(_uuid), WithJsonSchema({"type": "string", "format": "uuid"}, mode="validation")]
#: An attribute that is asked for; whether anything can be said about it is settled by law and build.
Attribute = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$")]
Picture = Annotated[
    bytes,
    BeforeValidator(_picture),
    Field(min_length=1),  # a form shows none of its fields, so this one need not be kept out
    WithJsonSchema({"type": "string", "contentEncoding": "base64", "description": "The picture: JPEG, PNG, WebP …"}),
]


class Session(Form):
    """How the session at the device began; what is left out is unknown, and unknown never helps."""

    started_by: StartedBy | None = None
    purpose_prompted: StrictBool | None = None
    alternative_offered: StrictBool | None = None

    def facts(self) -> SessionFacts:
        """Return what is declared, as facts for the law."""
        return SessionFacts(
            started_by=self.started_by,
            purpose_prompted=self.purpose_prompted,
            alternative_offered=self.alternative_offered,
        )


class Pictured(Form):
    """The pictures of one act: one as `sample`, or several as `frames`, in the order they were taken."""

    sample: Picture | None = None
    frames: Annotated[tuple[Picture, ...], Field(max_length=FRAMES_MAX)] = ()
    challenge: Annotated[Id | None, Field(description="What POST /v1/challenges answered; then `steps` is needed.")] = (
        None
    )
    steps: Annotated[
        tuple[Annotated[StrictInt, Field(ge=0, lt=FRAMES_MAX)], ...],
        Field(max_length=FRAMES_MAX, description="The step of each of `frames`, from 0; in a form: 0,1,2."),
    ] = ()

    def pictures(self) -> Frames:
        """Return the pictures; raises MalformedError for none, for both kinds, and for steps without a challenge."""
        if self.sample is not None and self.frames:
            refuse_field("frames")
        if self.sample is None and not self.frames:
            refuse_field("sample")
        if (self.challenge is None) != (not self.steps):
            refuse_field("steps")
        return Frames(self.frames if self.sample is None else (self.sample,), self.steps)


class Shown(BaseModel):
    """What the server says; exactly these fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AttackCheckShown(Shown):
    """Which checks for presentation attacks were made: head turns have a version, a passive model its name."""

    check: Literal["none", "head_turns", "passive", "head_turns_and_passive"]
    version: Annotated[int | None, Field(exclude_if=lambda value: value is None)] = None
    passive: Annotated[str | None, Field(exclude_if=lambda value: value is None)] = None

    @classmethod
    def of(cls, check: AttackCheck) -> "AttackCheckShown":
        """Return what is said of the checks of one act."""
        return cls.model_validate(check.as_json())


class RecordPointer(Shown):
    """Where an act stands on record, and the digest by which a change of the record is noticed."""

    id: UUID
    at: datetime
    digest: str

    @classmethod
    def of(cls, recorded: Recorded) -> "RecordPointer":
        """Return the pointer to what was just recorded."""
        return cls.model_validate(recorded.as_json())


class ReceiptGiven(Shown):
    """A receipt to hand over: whoever has `token`, or opens `url`, may do what the receipt is for; shown this once."""

    id: str
    token: str
    url: str
    expires_at: datetime | None

    @classmethod
    def of(cls, issued: ReceiptIssued, public_url: str) -> "ReceiptGiven":
        """Return what is handed over of a new receipt."""
        url = address(public_url, issued.token)
        return cls(id=issued.receipt_id, token=issued.token, url=url, expires_at=issued.expires_at)

    def __repr__(self) -> str:
        """Show the public id only."""
        return f"ReceiptGiven({self.id})"

    __str__ = __repr__


class DutyShown(Shown):
    """A duty that came with the permit and was discharged."""

    pack: str
    article: str
    duty: str


class PackShown(Shown):
    """The edition of a pack of law that was asked, and whether it binds on that day."""

    edition: str
    binds: bool


class LawShown(Shown):
    """The law that was asked."""

    packs: dict[str, PackShown]


class Bilingual(Shown):
    """One sentence in two languages."""

    en: str
    zh: str


class Destroyed(Shown):
    """What a withdrawal or an erasure destroyed."""

    keys: int
    references: int
    originals: int
    purposes: list[str]


class PermitAnswer(Shown):
    """The law permits it: what was done or may be done, and the duties that come with that."""

    outcome: str
    law: LawShown
    duties: list[DutyShown]
    record: RecordPointer


def permitted(done: Permitted, outcome: str) -> PermitAnswer:
    """Return the answer to what the law permits."""
    return PermitAnswer.model_validate(done.as_json(outcome))


def law(permit: Permit) -> dict[str, Any]:
    """Return what a permit says for an answer: the packs asked, and the duties discharged."""
    said = as_json(permit)
    return {"law": {"packs": said["packs"]}, "duties": said["duties"]}


#: Examples that several operations share.
RECORD_EXAMPLE: Final = {
    "id": "6f0e3bb6-6f3c-4b1e-9d2b-0a5a6b2f7c11",
    "at": "2026-11-23T02:00:00+00:00",
    "digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}
RECEIPT_EXAMPLE: Final = {
    "id": "abcdefghijkl",
    "token": "cr_abcdefghijkl_…",
    "url": "https://faces.harbour-hotel.example/r#cr_abcdefghijkl_…",
    "expires_at": None,
}
DUTY_EXAMPLE: Final = {"pack": "cn-2023-draft", "article": "17", "duty": "discard-original"}
LAW_EXAMPLE: Final = {"packs": {"cn-2023-draft": {"edition": "sha256:2c26…", "binds": True}}}
ATTACK_CHECK_EXAMPLE: Final = {"check": "head_turns", "version": 1}
SESSION_EXAMPLE: Final = {"started_by": "subject", "purpose_prompted": True, "alternative_offered": True}
