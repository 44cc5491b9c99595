"""What every operation is handed and what every operation can answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event
from typing import Any, Final, Protocol
from uuid import UUID

from countenance.answer import Finding, Permit, Refusal, Text, as_json
from countenance.capture import Limits
from countenance.compare import Threshold
from countenance.detect import FailureToAcquire
from countenance.detect.several import NO_CHECK, AttackCheck
from countenance.engines import Engine
from countenance.law.pack import Packs
from countenance.operations.logs import Logs
from countenance.record import Recorded
from countenance.store.database import Database
from countenance.vault.encrypted import EncryptedProjection
from countenance.vault.projection import Projection
from countenance.vault.sealing import Vault
from countenance.vault.spaces import Spaces
from countenance.vault.vaults import Vaults
from countenance.vocabulary import AttackChecking, ReceiptKind, Role, Target


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls in: a credential, its operator and role, and the device, subject or member of staff it belongs to."""

    operator_id: str
    credential_id: str
    role: Role
    device_id: str | None = None
    subject_id: UUID | None = None
    staff_id: str | None = None

    @property
    def named(self) -> str:
        """Return the caller as records name whoever did something."""
        return f"{self.role.value}:{self.credential_id}"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who comes with a receipt: nobody is named, the receipt alone says what may be done with it."""

    operator_id: str
    receipt_id: str
    kind: ReceiptKind


_TRY_AGAIN: Final = Text(
    "We could not make sure that a person stands before the camera. Try once more: follow each step slowly and turn "
    "your head well to the side; or choose the other way.",
    "未能确认摄像头前为真人。请再试一次：按提示逐步缓慢操作，并将头充分转向一侧；或选择其他方式。",
)


class Counter(Protocol):
    """Counts what happened, for the metrics; never sees who it happened to."""

    def __call__(self, action: str, outcome: str) -> None:
        """Count one outcome of one action."""


@dataclass(frozen=True, slots=True)
class Margins:
    """By how much the other way may be behind the face, in per cent of seconds and in steps, measured how often."""

    percent: int
    steps: int
    measurements_min: int


@dataclass(frozen=True, slots=True)
class House:
    """Everything that stands ready when a request comes in; made once, by `app`."""

    database: Database
    packs: Packs
    engine: Engine
    threshold: Threshold
    identify_threshold: Threshold
    vaults: Vaults = field(repr=False)
    projection: Projection
    encrypted: EncryptedProjection
    limits: Limits
    logs: Logs
    clock: Callable[[], datetime]
    count: Counter
    alarm: Event
    references_max: int
    session_consent_seconds: int
    notice_served_minutes_max: int
    receipt_minutes: int
    receipt_days: int
    clock_backward_seconds_max: int
    request_days: int
    request_keep_days: int
    link_minutes: int
    margins: Margins
    frames_max: int = 12
    challenge_seconds: int = 30
    attack_check: AttackChecking = AttackChecking.WHEN_OFFERED
    budget_device: int = 20_000
    budget_claim: int = 240
    backup_days: int = 35
    measure: Callable[[str, int], None] = lambda state, records: None  # noqa: ARG005 — where nobody measures
    spaces: Spaces = field(default_factory=Spaces, repr=False)

    def threshold_of(self, target: Target) -> Threshold:
        """Return the threshold of a target."""
        return self.threshold if target is Target.VERIFY else self.identify_threshold

    def vault(self, operator_id: str) -> Vault:
        """Return the vault of an operator; raises UnavailableError where its key is missing or unsafe."""
        return self.vaults.of(operator_id)


@dataclass(frozen=True, slots=True)
class Refused:
    """The law, or the house, said no; the refusal is on record."""

    refusal: Refusal
    recorded: Recorded

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return every article that refuses."""
        return self.refusal.findings


@dataclass(frozen=True, slots=True)
class NotAcquired:
    """The law said yes, but the picture gives nothing to compare; that is on record."""

    failure: FailureToAcquire
    recorded: Recorded


@dataclass(frozen=True, slots=True)
class AttackSuspected:
    """The law said yes, but the pictures may be a presentation attack, so nothing was compared; that is on record."""

    check: AttackCheck
    recorded: Recorded

    @property
    def say(self) -> Text:
        """What the person can do; what gave it away is not said, because whoever reads that could mend it."""
        return _TRY_AGAIN


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A reference is kept."""

    reference_id: UUID
    references: int
    permit: Permit
    recorded: Recorded
    check: AttackCheck = NO_CHECK

    def as_json(self) -> dict[str, Any]:
        """Return the receipt; it holds nothing personal."""
        return {
            "outcome": "enrolled",
            "reference": str(self.reference_id),
            "references": self.references,
            "duties": as_json(self.permit)["duties"],
            "attack_check": self.check.as_json(),
            "record": self.recorded.as_json(),
        }


@dataclass(frozen=True, slots=True)
class Verified:
    """The decision on one claim; a non-match says nothing about how near it was."""

    match: bool
    permit: Permit
    recorded: Recorded
    check: AttackCheck = NO_CHECK


@dataclass(frozen=True, slots=True)
class Identified:
    """Who it is, by the operator's own word for the person, or nobody known (None)."""

    subject_ref: str | None
    permit: Permit
    recorded: Recorded
    check: AttackCheck = NO_CHECK

    def __repr__(self) -> str:
        """Show only whether somebody was found."""
        return f"Identified(known={self.subject_ref is not None})"


@dataclass(frozen=True, slots=True)
class Permitted:
    """The law permits what was asked about, and that is on record; what follows is the caller's to do."""

    permit: Permit
    recorded: Recorded

    def as_json(self, outcome: str) -> dict[str, Any]:
        """Return the answer, under the name that the operation gives its outcome; it holds nothing personal."""
        said = as_json(self.permit)
        law = {"packs": said["packs"]}
        return {"outcome": outcome, "law": law, "duties": said["duties"], "record": self.recorded.as_json()}


@dataclass(frozen=True, slots=True)
class Analysed:
    """What was read from a face, in a word; no number that could rebuild one."""

    attribute: str
    says: str
    permit: Permit
    recorded: Recorded


@dataclass(frozen=True, slots=True)
class NoAnalyser:
    """The law permits the analysis, but no such analyser exists in this build; that is on record."""

    permit: Permit
    recorded: Recorded


@dataclass(frozen=True, slots=True)
class Kept:
    """An original is kept, sealed, until it ends."""

    original_id: UUID
    expires_at: datetime
    permit: Permit
    recorded: Recorded
