"""The exchange between an operator and an authority: signed messages, each a signed note (C2SP signed-note).

A note's text is two lines: the name of this format, and the message as canonical JSON (RFC 8785). Whoever holds the
sender's key can check a message for ever, with any verifier of signed notes. What is too long for a note travels beside
it and is named in it by its SHA-256. A message is known by the SHA-256 of its text: sent again it is the same message.
docs/reference/exchange.md says what is sent where.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from countenance.errors import IntegrityError, LimitError, MalformedError
from countenance.filing.plain import ODD, Count, Digest, Free, Order, Prose, Word
from countenance.log.notes import NOTE_BYTES_MAX, Note, Signer, Verifier
from countenance.vocabulary import FilingKind

FORMAT: Final = "countenance-filing/1"
#: So much may be attached to one message, piece by piece and all together.
ATTACHMENT_BYTES_MAX: Final = 64 << 20
ATTACHMENTS_BYTES_MAX: Final = 256 << 20
ATTACHMENTS_MAX: Final = 64
#: What was asked for with a signature is answered for so long after it was signed, and so long before.
FRESH_SECONDS: Final = 300

#: Where an authority is asked, below its address.
KEY: Final = "/exchange/key"
PAIR: Final = "/exchange/pair"
MESSAGES: Final = "/exchange/messages"
COLLECT: Final = "/exchange/collect"
ATTACHMENTS: Final = "/exchange/attachments"
NOTE_TYPE: Final = "text/plain; charset=utf-8"

_YEARS: Final = (2000, 2100)


class Kind(StrEnum):
    """What a message is: the first five come from operators, the others from an authority."""

    PAIR = "pair"
    FILING = "filing"
    STATEMENT = "statement"
    ANSWER = "answer"
    SHARE = "share"
    COLLECT = "collect"
    PAIRED = "paired"
    RECEIPT = "receipt"
    NUMBER = "number"
    QUESTION = "question"
    RETURNED = "returned"
    REMINDER = "reminder"
    GROUP_KEY = "group_key"
    INSPECTED = "inspected"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)


Made = TypeVar("Made", bound=_Part)


class Attachment(_Part):
    """A file that travels beside a message; `name` is for people, and no path."""

    name: Annotated[str, StringConstraints(pattern=rf"^[^/\\{ODD}]{{1,128}}$")]
    media_type: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.+-]+/[a-z0-9.+-]+$", max_length=128)]
    size: Annotated[int, Field(ge=0, le=ATTACHMENT_BYTES_MAX)]
    sha256: Digest


class Organisation(_Part):
    """Who files: the operator as its site file names it."""

    id: Word
    name: Word
    contact: Word = Field(repr=False)
    officer: Word | None = Field(default=None, repr=False)
    officer_contact: Word | None = Field(default=None, repr=False)
    credit_code: Word | None = None
    group: Word | None = None


class LogAddress(_Part):
    """Where the operator's transparency log is served, and by which key it is signed."""

    vkey: Word
    url: Word


class Pairing(_Part):
    """Body of PAIR: the proof that the sender holds the code, the key it signs with, and who it is."""

    proof: Digest
    vkey: Word
    organisation: Organisation
    log: LogAddress | None = None


class Paired(_Part):
    """Body of PAIRED: by which word the authority knows the operator from now on."""

    party: Word


class Persons(_Part):
    """The count of persons as it is filed and stated: both bounds, the peak since the last filing, all ever counted."""

    lower: Count
    upper: Count
    highest: Count
    cumulative: Count


class PublicDevice(_Part):
    """A device in a public place, for the authority's map; a venue without a location has no coordinates."""

    device: Word
    name: Word
    venue: Word
    venue_kind: Word
    place: Word
    division: Word | None = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None


class Filing(_Part):
    """Body of FILING: under which pack, why, by when, and what is filed; the documents are attached.

    `devices_file` is the SHA-256 of an attachment that holds the devices as a JSON array, in place of `devices`: a note
    is too short for many.
    """

    act: FilingKind
    pack: Word
    cause: Word | None = None
    raised_on: Word | None = None
    deadline: Word | None = None
    persons: Persons
    snapshot: dict[str, Any] = {}
    devices: tuple[PublicDevice, ...] = ()
    devices_file: Digest | None = None
    amends: Digest | None = None


class Statement(_Part):
    """Body of STATEMENT: the count with its days and signals, as `countenance filing statement` makes it.

    `log` says where the operator's log is, for an authority that was paired with before there was one.
    """

    statement: dict[str, Any]
    log: LogAddress | None = None


class Reply(_Part):
    """Body of ANSWER: what the operator answers to a question or a return."""

    to: Digest
    text: Prose


class Share(_Part):
    """Body of SHARE: an affiliate's sketch, attached, under the group's key, and how many persons it says it holds."""

    group: Word
    key_id: Word
    persons: Count


class Collect(_Part):
    """Body of COLLECT: what the authority sent after this number."""

    after: Count


class Receipt(_Part):
    """Body of RECEIPT: which message came, when it was first seen, and what is still missing of its attachments."""

    of: Digest
    received_at: Word
    missing: tuple[Digest, ...] = ()


class Number(_Part):
    """Body of NUMBER: a filing was taken into the register under this number."""

    of: Digest
    pack: Word
    act: FilingKind
    number: Word
    on: Word


class Asked(_Part):
    """Body of QUESTION, RETURNED and REMINDER: what the authority says, and about which message of the operator."""

    of: Digest | None = None
    pack: Word | None = None
    deadline: Word | None = None
    text: Prose


class GroupKey(_Part):
    """Body of GROUP_KEY: the key under which the affiliates of a group make their sketches; a secret."""

    group: Word
    key_id: Word
    key: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(repr=False)


class Inspected(_Part):
    """Body of INSPECTED: that the operator's log and count were looked at, and what was found."""

    order: Order
    found: Prose


BODIES: Final[Mapping[Kind, type[_Part]]] = {
    Kind.PAIR: Pairing,
    Kind.FILING: Filing,
    Kind.STATEMENT: Statement,
    Kind.ANSWER: Reply,
    Kind.SHARE: Share,
    Kind.COLLECT: Collect,
    Kind.PAIRED: Paired,
    Kind.RECEIPT: Receipt,
    Kind.NUMBER: Number,
    Kind.QUESTION: Asked,
    Kind.RETURNED: Asked,
    Kind.REMINDER: Asked,
    Kind.GROUP_KEY: GroupKey,
    Kind.INSPECTED: Inspected,
}


class Message(_Part):
    """One message: from whose key to whose, when, of which kind, and what it says."""

    kind: Kind
    sender: Word
    recipient: Word
    at: datetime
    body: Free = Field(repr=False)
    attachments: Annotated[tuple[Attachment, ...], Field(max_length=ATTACHMENTS_MAX)] = ()

    @field_validator("at")
    @classmethod
    def _zoned(cls, value: datetime) -> datetime:
        if value.tzinfo is None:
            message = "a time without a zone"
            raise ValueError(message)
        if not _YEARS[0] <= value.year < _YEARS[1]:
            message = "a time of another century"
            raise ValueError(message)
        return value

    @classmethod
    def of(cls, kind: Kind, sender: str, recipient: str, at: datetime, body: _Part, *files: Attachment) -> Self:
        """Return a message whose body fits its kind; raises MalformedError for characters that no message has."""
        said = body.model_dump(mode="json", exclude_none=True)
        try:
            return cls(kind=kind, sender=sender, recipient=recipient, at=at, body=said, attachments=files)
        except ValidationError as error:
            raise MalformedError(
                "A message has no control characters, no numbers beyond 2^53, and at most 64 files. Correct it.",
                "消息不得含控制字符或大于 2^53 的数字，附件最多 64 份。请更正。",
            ) from error

    def says(self) -> Any:
        """Return the body as what its kind holds; raises MalformedError for another."""
        try:
            return BODIES[self.kind].model_validate(self.body)
        except ValidationError as error:
            raise _malformed() from error

    def as_text(self) -> str:
        """Return the text that is signed."""
        said = self.model_dump(mode="json")
        line = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return f"{FORMAT}\n{line}\n"

    @property
    def id(self) -> str:
        """Return what the message is known by."""
        return hashlib.sha256(self.as_text().encode()).hexdigest()


def made(part: type[Made], **said: Any) -> Made:
    """Return a part of a body; raises MalformedError naming the field that no message may hold as it is."""
    try:
        return part(**said)
    except ValidationError as error:
        where = ".".join(map(str, error.errors(include_url=False, include_input=False)[0]["loc"]))
        raise MalformedError(
            f"{where} is empty, too long for a message, or not what belongs there. Correct it where it is said.",
            f"{where} 为空、过长或内容不符，无法写入消息。请在填写处更正。",
        ) from error


def attachment(name: str, media_type: str, content: bytes) -> Attachment:
    """Return how a message names a file."""
    digest = hashlib.sha256(content).hexdigest()
    return Attachment(name=name, media_type=media_type, size=len(content), sha256=digest)


def sealed(message: Message, signer: Signer) -> bytes:
    """Return a message as a signed note; raises LimitError for one that is too long: attach what it says instead."""
    text = message.as_text()
    note = f"{text}\n{signer.sign(text)}".encode()
    if len(note) > NOTE_BYTES_MAX or sum(each.size for each in message.attachments) > ATTACHMENTS_BYTES_MAX:
        raise LimitError(
            "The message is too long. Attach less, or send it in several.", "消息过长。请减少附件，或分多次发送。"
        )
    return note


def message_of(note: bytes) -> Message:
    """Return what a note says, its signature not yet looked at; raises MalformedError for what is no message."""
    text = Note.parse(note).text
    head, _, rest = text.partition("\n")
    try:
        message = Message.model_validate_json(rest.removesuffix("\n"))
    except ValidationError as error:
        raise _malformed() from error
    # One text for one message: else the same message could come twice under two names.
    if head != FORMAT or message.as_text() != text or sum(a.size for a in message.attachments) > ATTACHMENTS_BYTES_MAX:
        raise _malformed()
    return message


def opened(note: bytes, sender: Verifier, recipient: str) -> Message:
    """Return a message that this key signed, to this recipient.

    Raises MalformedError for what is no message, IntegrityError for one that is not signed by the key, says that it is
    somebody else's, or is for somebody else.
    """
    message = message_of(note)
    if sender not in Note.parse(note).signed_by([sender]):
        raise IntegrityError("The message is not signed by the key that is known.", "消息未由已知密钥签名。")
    if message.sender != sender.name or message.recipient != recipient:
        raise IntegrityError("The message is from or for somebody else.", "消息的发送方或接收方不符。")
    return message


# Base32 without letters that are taken for digits (Crockford).
_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SECRET_BYTES: Final = 10
_CODE_LETTERS: Final = 2 * 8 * _SECRET_BYTES // 5
_READ_AS: Final = str.maketrans("OIL", "011", " -\t\n")


def fingerprint(vkey: str) -> bytes:
    """Return the ten bytes by which a pairing code names an authority's key."""
    return hashlib.sha256(f"{FORMAT}\n{vkey}\n".encode()).digest()[:_SECRET_BYTES]


def pairing_code(secret: bytes, vkey: str) -> str:
    """Return the code that an authority hands to an operator: a secret of ten bytes, and which key is the authority's.

    So whoever stands between the two can neither pair in the operator's place nor show a key of their own.
    """
    value = int.from_bytes(secret + fingerprint(vkey))
    letters = "".join(_LETTERS[value >> 5 * place & 31] for place in reversed(range(_CODE_LETTERS)))
    return "-".join(letters[start : start + 4] for start in range(0, _CODE_LETTERS, 4))


def read_code(code: str) -> tuple[bytes, bytes]:
    """Return the secret and the key's fingerprint of a code; raises MalformedError for what is no code."""
    letters = code.upper().translate(_READ_AS)
    if len(letters) != _CODE_LETTERS or not set(letters) <= set(_LETTERS):
        raise MalformedError(
            "This is no pairing code: it has eight groups of four letters and digits. Ask the authority for one.",
            "这不是配对码：配对码由八组各四位字母或数字组成。请向主管部门索取。",
        )
    value = 0
    for letter in letters:
        value = value << 5 | _LETTERS.index(letter)
    both = value.to_bytes(2 * _SECRET_BYTES)
    return both[:_SECRET_BYTES], both[_SECRET_BYTES:]


def proof(secret: bytes, operator_vkey: str, authority_vkey: str) -> str:
    """Return the proof that whoever pairs holds the secret of a code, for these two keys and no others."""
    said = f"{FORMAT} pair\n{operator_vkey}\n{authority_vkey}\n"
    return hmac.digest(secret, said.encode(), "sha256").hex()


def _malformed() -> MalformedError:
    return MalformedError(
        "This is no message of the exchange, or one that this version does not know.",
        "这不是交换消息，或当前版本无法识别。",
    )
