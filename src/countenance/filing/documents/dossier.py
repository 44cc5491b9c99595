"""The dossier: everything that the documents of one operator are made of, as it stood at one instant.

What may not be on file is None, or empty; `on_file` has words for each such part, and what to do about it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from countenance.answer import Text
from countenance.filing.documents.scenario import PurposePart
from countenance.vocabulary import (
    AttackChecking,
    FilingCause,
    FilingKind,
    FilingState,
    KeysFrom,
    PlaceKind,
    Target,
    VenueKind,
)


@dataclass(frozen=True, slots=True)
class PackPart:
    """A pack of law by which a dossier is made, and its edition."""

    name: str
    title: Text
    authority: Text
    edition: str
    binds: bool


@dataclass(frozen=True, slots=True)
class HandlerPart:
    """Who decides why and how faces are processed."""

    id: str
    name: str | None
    contact: str | None
    credit_code: str | None
    group: str | None
    officer: str | None
    officer_contact: str | None
    minor_rules: str | None

    def __repr__(self) -> str:
        """Show the id, and nobody's name."""
        return f"HandlerPart({self.id})"


@dataclass(frozen=True, slots=True)
class DevicePart:
    """One capturing device."""

    id: str
    name: str
    sign_checked_on: date | None
    sign_evidence: str | None
    security_necessity: str | None
    security_necessity_expires_on: date | None
    area: tuple[tuple[float, float], ...] | None
    assessed_on: date | None
    sole_entry: bool | None
    suspended: bool
    registered_on: date | None


@dataclass(frozen=True, slots=True)
class PlacePart:
    """Where devices stand."""

    id: str
    name: str
    kind: PlaceKind
    private: bool | None
    public: bool | None
    internal: bool | None
    declared_by: str | None
    declared_on: date | None
    devices: tuple[DevicePart, ...]

    def __repr__(self) -> str:
        """Show the id, and nobody's name."""
        return f"PlacePart({self.id})"


@dataclass(frozen=True, slots=True)
class VenuePart:
    """Where places are; the division is that of the civil administration."""

    id: str
    name: str
    kind: VenueKind
    business: bool | None
    address: str | None
    division: str | None
    latitude: float | None
    longitude: float | None
    places: tuple[PlacePart, ...]


@dataclass(frozen=True, slots=True)
class LinePart:
    """From how many persons or public devices a pack wants a filing, within how many working days."""

    pack: str
    persons_from: int | None
    public_devices_from: int | None
    working_days: int


@dataclass(frozen=True, slots=True)
class ElsewherePart:
    """Where else faces are stored, by the operator's own word."""

    name: str
    kind: str
    persons: int
    declared_by: str
    declared_on: date


@dataclass(frozen=True, slots=True)
class NumbersPart:
    """Persons of whom something is stored, here, at least and at most anywhere; the peaks, and all there ever were."""

    stored: int
    lower: int
    upper: int
    highest: int
    highest_ever: int
    cumulative: int
    in_backups: int
    elsewhere: tuple[ElsewherePart, ...]
    public_devices: int


@dataclass(frozen=True, slots=True)
class GroupPart:
    """How many persons the members of the group on this server hold together, at least and at most."""

    members: int
    lower: int
    upper: int


@dataclass(frozen=True, slots=True)
class SignalPart:
    """A sign that a line may be avoided: what it means, since when, and its numbers; never a verdict."""

    means: Text
    since: date
    numbers: str


@dataclass(frozen=True, slots=True)
class DutyPart:
    """How the duty to file stands under one pack, and what is to be filed now."""

    pack: str
    state: FilingState | None
    demands: FilingKind | None
    cause: FilingCause | None
    raised_on: date | None
    deadline: date | None
    provisional: bool
    number: str | None
    filed_on: date | None


@dataclass(frozen=True, slots=True)
class ModelPart:
    """A network at work: which it is by its digest, on what its error rates rest, and what it is bad at."""

    role: str
    id: str
    version: str
    sha256: str
    licence: str
    origin: str
    weaknesses: tuple[str, ...]
    calibrated: str | None


@dataclass(frozen=True, slots=True)
class OperatingPart:
    """The threshold of one kind of comparison, with the error rates that were measured there."""

    target: Target
    fmr_target: float
    threshold: float
    fmr: float
    fmr_upper: float
    fnmr: float


@dataclass(frozen=True, slots=True)
class SafeguardsPart:
    """What protects the data, as it is configured."""

    keys_from: KeysFrom
    key_holder: bool
    tls: Text
    database: Text
    witnesses: int
    quorum: bool
    backup_days: int
    request_days: int
    request_keep_days: int
    receipt_days: int
    budget_device: int
    budget_claim: int
    attack_check: AttackChecking
    staff: int


@dataclass(frozen=True, slots=True)
class RefusalPart:
    """How often an article refused an action in the period; no pack and no article where the server did."""

    pack: str
    article: str
    action: str
    refusals: int


@dataclass(frozen=True, slots=True)
class ParityPart:
    """How the face and the other way compare in one venue; medians, None where too little was measured."""

    venue: str
    purpose: str
    face: int
    other: int
    face_seconds: float | None
    other_seconds: float | None
    face_steps: float | None
    other_steps: float | None
    refused: int
    abandoned: int
    verdict: str


@dataclass(frozen=True, slots=True)
class LogPart:
    """How the operator's transparency log was signed last."""

    origin: str
    size: int
    root: str


@dataclass(frozen=True, slots=True)
class DestructionPart:
    """A record of a destruction, by which it can be found and proven in the log."""

    at: datetime
    kind: str
    record_id: str
    digest: str
    log_index: int | None


@dataclass(frozen=True, slots=True)
class DisposalPart:
    """What was destroyed so far: how many records say so, the newest of them, and what is still stored."""

    records: int
    listed: tuple[DestructionPart, ...]
    references_left: int
    originals_left: int


@dataclass(frozen=True, slots=True)
class ChangePart:
    """One thing that differs from what was filed."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class FiledPart:
    """What was filed last under a pack, and what differs from it now."""

    number: str | None
    filed_on: date
    persons: int
    changes: tuple[ChangePart, ...]


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything there is to say of an operator; refusals are since `since`, choices since `measured_since`."""

    made_at: datetime
    today: date
    since: date
    measured_since: date
    pack: PackPart
    packs: tuple[PackPart, ...]
    handler: HandlerPart
    purposes: tuple[PurposePart, ...]
    venues: tuple[VenuePart, ...]
    numbers: NumbersPart
    group: GroupPart | None
    signals: tuple[SignalPart, ...]
    lines: tuple[LinePart, ...]
    duties: tuple[DutyPart, ...]
    models: tuple[ModelPart, ...]
    operating: tuple[OperatingPart, ...]
    safeguards: SafeguardsPart
    refusals: tuple[RefusalPart, ...]
    parity: tuple[ParityPart, ...]
    disposal: DisposalPart
    log: LogPart | None
    filed: FiledPart | None
    snapshot: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Show whose it is, and of when."""
        return f"Dossier({self.handler.id}, {self.made_at.isoformat()})"

    @property
    def devices(self) -> tuple[tuple[VenuePart, PlacePart, DevicePart], ...]:
        """Return every device with where it stands."""
        return tuple(
            (venue, place, device) for venue in self.venues for place in venue.places for device in place.devices
        )
