"""What is known of one act before it is done: the closed, frozen record that the law judges."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from countenance.facts.groups import (
    GROUPS,
    OPTIONAL_GROUPS,
    ROWS,
    AlternativeFacts,
    AnalysisFacts,
    AuthorisationFacts,
    Checked,
    ConsentFacts,
    DeviceFacts,
    Fact,
    MeasuredFacts,
    OperatorFacts,
    OriginPurposeFacts,
    PlaceFacts,
    PurposeFacts,
    RetentionFacts,
    ReviewFacts,
    SessionFacts,
    StorageFacts,
    SubjectFacts,
    VenueFacts,
    fact_field,
    flag_field,
    malformed,
    rows_of,
)
from countenance.vocabulary import Action, Lift


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Facts(Checked):
    """All that is known of one act; made before gate one, and grown by `with_measured` before gate two."""

    action: Action = fact_field(Action, "D")
    at: datetime = fact_field("instant", "D")
    operator: OperatorFacts | None = None
    purpose: PurposeFacts | None = None
    origin_purpose: OriginPurposeFacts | None = None
    venue: VenueFacts | None = None
    place: PlaceFacts | None = None
    device: DeviceFacts | None = None
    subject: SubjectFacts | None = None
    consent: ConsentFacts | None = None
    minor_rules: bool | None = flag_field("F")
    statutory_basis: str | None = fact_field("basis", "F", answers=True)
    statutory_basis_lifts: tuple[Lift, ...] | None = fact_field("list", "F", values=Lift)
    session: SessionFacts | None = None
    alternative: AlternativeFacts | None = None
    authorisation: AuthorisationFacts | None = None
    analysis: AnalysisFacts | None = None
    storage: StorageFacts | None = None
    review: ReviewFacts | None = None
    retention: RetentionFacts | None = None
    measured: MeasuredFacts | None = None

    def __post_init__(self) -> None:
        """Refuse a record without action or instant, or with a group of the wrong kind."""
        Checked.__post_init__(self)
        for name in ("action", "at"):
            if getattr(self, name) is None:
                malformed(name, "is required", "必须提供")
        for name, group in GROUPS.items():
            value = getattr(self, name)
            if value is not None and type(value) is not group:
                malformed(name, "must be an object", "必须是对象")

    def __repr__(self) -> str:
        """Show the action alone: facts are about a person."""
        return f"Facts(action={getattr(self, 'action', None)})"

    def with_measured(self, measured: MeasuredFacts) -> "Facts":
        """Return the same facts with what gate two measured."""
        return replace(self, measured=measured)

    def at_instant(self, at: datetime) -> "Facts":
        """Return the same facts judged at another instant, which must carry a zone."""
        return replace(self, at=at)

    def value(self, name: str, pack: str | None = None) -> object:
        """Return the fact of that dotted name, None where it is unknown; `operator.filing` as `pack` sees it."""
        group, _, attribute = name.rpartition(".")
        record = getattr(self, group) if group else self
        found: object = None if record is None else getattr(record, attribute)
        return found.get(pack or "") if isinstance(found, Mapping) else found

    def unknown(self, name: str, pack: str | None = None) -> bool:
        """Whether nobody established that fact, where its absence is not an answer in itself."""
        if self.value(name, pack) is not None:
            return False
        return not self.absent_by_right(name)

    def absent_by_right(self, name: str) -> bool:
        """Whether the contract takes the absence of that fact as an answer, in these facts and for this action."""
        if name in ("statutory_basis", "session.last_refusal_days"):
            return True
        if name == "subject.age_class":
            return self.action in (Action.VERIFY, Action.IDENTIFY)
        group = name.partition(".")[0]
        return group in OPTIONAL_GROUPS and getattr(self, group) is None


ROWS[Facts] = rows_of(Facts, "")
#: Every fact of the contract by its dotted name.
FACT_NAMES: Final[Mapping[str, Fact]] = MappingProxyType(
    {fact.name: fact for rows in ROWS.values() for _, fact in rows}
)


def as_context(facts: Facts, pack: str | None = None) -> dict[str, Any]:
    """Return the facts as a pack's Cedar context: unknown facts left out, every group present but the optional ones."""
    context: dict[str, Any] = {}
    for name, group in GROUPS.items():
        record = getattr(facts, name)
        if record is not None:
            context[name] = {
                attribute: value for attribute, _ in ROWS[group] if (value := getattr(record, attribute)) is not None
            }
        elif name not in OPTIONAL_GROUPS:
            context[name] = {}
    for name in ("minor_rules", "statutory_basis", "statutory_basis_lifts"):
        value = getattr(facts, name)
        if value is not None:
            context[name] = value
    filing = context["operator"].get("filing")
    if isinstance(filing, Mapping):
        context["operator"].pop("filing")
        if (state := filing.get(pack or "")) is not None:
            context["operator"]["filing"] = state
    return context


def as_json(facts: Facts) -> dict[str, Any]:
    """Return the facts as the nested JSON they are read from, unknown ones left out: the slice kept in records."""
    nested = {
        name: _plain(part) for name, part in as_context(facts).items() if part != {} or getattr(facts, name) is not None
    }
    filing = facts.operator.filing if facts.operator else None
    if isinstance(filing, Mapping):
        nested["operator"]["filing"] = {pack: state.value for pack, state in filing.items() if state is not None}
    return {"action": facts.action.value, "at": facts.at.isoformat(), **nested}


def _plain(value: Any) -> Any:
    """Return a value of the context in JSON's own types."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value.value if isinstance(value, StrEnum) else value
