"""What a clerk of an authority sees: parties, cases with their conversation, deadlines, groups, devices and signals.

These are values; whoever shows them decides how. Words for people come in English and Chinese.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from countenance.answer import Text
from countenance.filing.calendar import Deadline
from countenance.filing.exchange import Kind, PublicDevice
from countenance.vocabulary import FilingKind


class CaseState(StrEnum):
    """How a filing stands: come in, asked about, taken into the register, given back for correction."""

    RECEIVED = "received"
    ASKED = "asked"
    ACCEPTED = "accepted"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Counted:
    """Persons as an operator states or files them: both bounds, the peak, and all ever counted."""

    lower: int
    upper: int
    highest: int
    cumulative: int


@dataclass(frozen=True, slots=True)
class Duty:
    """A duty to file that an operator states: under which pack, how it stands, and the day from which it counts."""

    pack: str
    #: As the operator's server names it (vocabulary.FilingState); None where it cannot tell.
    state: str | None
    raised_on: date | None
    deadline: date | None


@dataclass(frozen=True, slots=True)
class Stated:
    """A statement: the count of a day, how much of each pack's line that is, and the signals the operator sees."""

    day: date
    at: datetime
    counted: Counted
    percent: Mapping[str, int]
    signals: tuple[Mapping[str, Any], ...]
    duties: tuple[Duty, ...]
    message_id: str


@dataclass(frozen=True, slots=True)
class Party:
    """An operator that is paired: who it is, its pinned key, its log, what it stated last."""

    party_id: str
    name: str
    organisation: str
    contact: str = field(repr=False)
    officer: str | None = field(repr=False)
    officer_contact: str | None = field(repr=False)
    credit_code: str | None
    group: str | None
    vkey: str
    log_vkey: str | None
    log_url: str | None
    paired_at: datetime
    #: So many messages came in its name that its key had not signed; anybody can send such ones.
    refused: int
    stated: Stated | None


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that belongs to a message; `here` once it has come."""

    name: str
    media_type: str
    size: int
    sha256: str
    here: bool


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a conversation; `ours` where the authority sent it, and then by which clerk."""

    message_id: str
    number: int
    kind: Kind
    ours: bool
    by: str | None
    at: datetime
    complete_at: datetime | None
    text: str | None
    body: Mapping[str, Any] = field(repr=False)
    attached: tuple[Attached, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A filing under one pack, and where it stands."""

    case_id: int
    party_id: str
    party_name: str
    pack: str
    act: FilingKind
    state: CaseState
    number: str | None
    cause: str | None
    raised_on: date | None
    deadline: Deadline | None
    working_days_left: int | None
    counted: Counted
    filed_at: datetime
    decided_on: date | None
    message_id: str
    snapshot: Mapping[str, Any] = field(repr=False)
    devices: tuple[PublicDevice, ...] = field(repr=False)
    #: Whether it came in after the last day to file.
    late: bool
    #: Whether the file of its devices came and cannot be read: the case then has none.
    devices_unread: bool = False


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A case with everything that was said about it, the oldest first."""

    case: Case
    said: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Due:
    """A filing that somebody owes: the day is computed here from the day it was raised, as the calendar is known."""

    party_id: str
    party_name: str
    pack: str
    raised_on: date | None
    deadline: Deadline
    working_days_left: int
    overdue: bool
    #: The case where it was given back or asked about, None where nothing came yet.
    case_id: int | None
    act: FilingKind = FilingKind.FIRST


@dataclass(frozen=True, slots=True)
class Member:
    """A party of a group, what it stated last, and whether its sketch is here."""

    party_id: str
    party_name: str
    day: date | None
    counted: Counted | None
    sketched_at: datetime | None


@dataclass(frozen=True, slots=True)
class Group:
    """A group and how many distinct persons it holds together, between two bounds.

    From statements alone: no fewer than its largest member, no more than the sum. From sketches: tighter, with the
    stated `error` (at 95 %). `sketched` members have one; the others are counted by their statements.
    """

    name: str
    members: tuple[Member, ...]
    lower: int
    upper: int
    estimate: int | None
    error: float | None
    sketched: int
    key_id: str | None
    #: The packs whose line the upper bound reaches, while no member reaches it alone.
    over: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MapDevice:
    """A device in a public place as it was filed; without coordinates where the venue has no location."""

    party_id: str
    party_name: str
    number: str | None
    filed: PublicDevice


@dataclass(frozen=True, slots=True)
class Signal:
    """Something to look at, and never a verdict: what was seen, of whom, and since when."""

    kind: str
    party_id: str | None
    party_name: str | None
    group: str | None
    at: datetime
    text: Text


@dataclass(frozen=True, slots=True)
class Complaint:
    """What somebody complains about; `contact` is theirs, if they left one."""

    complaint_id: int
    at: datetime
    party_id: str | None
    about: str
    text: str = field(repr=False)
    contact: str | None = field(repr=False)
    answer: str | None
    answered_at: datetime | None
    answered_by: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing an inspection looked at: whether it is as it should be, and what that means."""

    code: str
    holds: bool
    text: Text


@dataclass(frozen=True, slots=True)
class Inspection:
    """An inspection of a party's log and count from outside; `done_at` None while it is under way."""

    inspection_id: int
    party_id: str
    party_name: str
    order: str
    opened_at: datetime
    opened_by: str
    done_at: datetime | None
    origin: str | None
    size: int | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Registered:
    """A line of the register: who filed under which pack, under which number, since when, and whether it ended."""

    number: str
    party_id: str
    name: str
    credit_code: str | None
    pack: str
    registered_on: date
    changed_on: date | None
    deregistered_on: date | None
    counted: Counted
    public_devices: int


@dataclass(frozen=True, slots=True)
class MadeCode:
    """A pairing code, which is shown once; `party_id` where it is for a party that changes its key."""

    code: str = field(repr=False)
    expires_at: datetime
    party_id: str | None


@dataclass(frozen=True, slots=True)
class Clerk:
    """Who works at the desk; whoever got a password from somebody else has to choose one first."""

    name: str
    must_choose: bool


@dataclass(frozen=True, slots=True)
class Session:
    """A clerk who has signed in, and the token of the session, which is shown once."""

    clerk: Clerk
    token: str = field(repr=False)
    ends_at: datetime
