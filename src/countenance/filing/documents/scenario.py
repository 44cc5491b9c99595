"""A purpose in a dossier, one scenario of the filing form: its notice, its basis, other ways, its assessment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from countenance.answer import Text
from countenance.filing.documents.answers import Answer
from countenance.vocabulary import AssessmentState, Comparing, Language, Lift, NoticeItem


@dataclass(frozen=True, slots=True)
class NoticePart:
    """The newest notice of a purpose, item by item in each language."""

    version: int
    published_at: datetime
    digest: str
    items: Mapping[Language, Mapping[NoticeItem, str]]


@dataclass(frozen=True, slots=True)
class BasisPart:
    """A law that orders otherwise, and what it dispenses with."""

    citation: str
    lifts: tuple[Lift, ...]
    approved_by: str
    expires_on: date


@dataclass(frozen=True, slots=True)
class WayPart:
    """A way to the same end without a face; without hours it is always open."""

    id: str
    venue: str
    title: Text
    working: bool | None
    hours: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class SignaturePart:
    """Who signed an assessment, by the code on the list of staff, and when."""

    staff_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ReportPart:
    """The guided assessment of a purpose: what was answered, and how far it has come."""

    id: str
    answers: Mapping[str, Answer]
    configuration: str
    signatures: tuple[SignaturePart, ...]
    valid_until: date | None
    keep_until: date | None
    current: bool

    def __repr__(self) -> str:
        """Show which it is, and nothing that was answered."""
        return f"ReportPart({self.id})"


@dataclass(frozen=True, slots=True)
class PurposePart:
    """One purpose, which is one scenario of the filing form."""

    code: str
    title: Text
    necessity: str | None
    necessity_signed_by: str | None
    necessity_expires_on: date | None
    alternatives_assessed: str | None
    assessment: AssessmentState
    assessment_signed_by: str | None
    assessed_on: date | None
    assessment_expires_on: date | None
    configuration: str | None
    major_interest: bool | None
    public_security: bool | None
    retention_days: int | None
    comparison: Comparing
    steps_to_consent: int | None
    steps_to_withdraw: int | None
    active_since: datetime | None
    notice: NoticePart | None
    basis: BasisPart | None
    ways: tuple[WayPart, ...]
    report: ReportPart | None

    def __repr__(self) -> str:
        """Show the code, and nobody's name."""
        return f"PurposePart({self.code})"
