"""The facts in their groups: every field with its type, its closed list and who establishes it.

A field that is None is unknown, and unknown never helps. Field names, closed lists and who establishes each
fact (D declared, F on file, M measured) are the stable contract of docs/reference/facts.md. Every record checks
its own types when it is made, whoever makes it, because a misspelt place would otherwise pass for a harmless one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Final, Literal, NoReturn

from countenance.errors import MalformedError
from countenance.vocabulary import (
    AgeClass,
    AssessmentState,
    ConsentForm,
    ConsentState,
    FilingState,
    Ground,
    PlaceKind,
    Scope,
    StartedBy,
    StorageDestination,
    StorageWhere,
    VenueKind,
)

Kind = Literal["bool", "int", "text", "basis", "closed", "list", "filing", "instant"]
By = Literal["D", "F", "M"]

TEXT_CHARS_MAX: Final = 4096
INT_MAX: Final = 2**31 - 1
#: Attributes whose sensitivity is settled; for any other the given `analysis.sensitive` counts as absent.
ATTRIBUTES: Final = frozenset(
    ("race", "ethnicity", "religion", "health", "social_class", "emotion", "age", "sex", "pose", "quality", "attack")
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One row of the contract: type, closed list if any, who establishes it, and whether absence is an answer."""

    name: str
    kind: Kind
    by: By
    values: type[StrEnum] | None
    absence_answers: bool


def fact_field(
    kind: Kind | type[StrEnum], by: By, *, values: type[StrEnum] | None = None, answers: bool = False
) -> Any:
    """Declare a field of a record; None, its default, is unknown."""
    closed, row = (None, kind) if isinstance(kind, str) else (kind, "closed")
    return field(default=None, metadata={"row": (row, by, closed or values, answers)})


flag_field = partial(fact_field, "bool")
text_field = partial(fact_field, "text")


class Checked:
    """A record that refuses a value of the wrong type or outside its closed list, however it is made."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for attribute, fact in ROWS[type(self)]:
            value = getattr(self, attribute)
            if value is not None and not _fits(fact, value):
                malformed(fact.name, *EXPECTED[fact.kind])


@dataclass(frozen=True, slots=True, repr=False)
class OperatorFacts(Checked):
    """What is on file of the operator; `filing` is one state, or states by pack id."""

    officer_named: bool | None = flag_field("F")
    filing: FilingState | Mapping[str, FilingState | None] | None = fact_field("filing", "F", values=FilingState)


@dataclass(frozen=True, slots=True, repr=False)
class PurposeFacts(Checked):
    """The purpose of the act and what is on file for it."""

    code: str | None = text_field("D")
    banned: bool | None = flag_field("F")
    stated: bool | None = flag_field("F")
    necessity: bool | None = flag_field("F")
    alternatives_assessed: bool | None = flag_field("F")
    assessment: AssessmentState | None = fact_field(AssessmentState, "F")
    major_interest: bool | None = flag_field("F")
    public_security: bool | None = flag_field("F")


@dataclass(frozen=True, slots=True, repr=False)
class OriginPurposeFacts(Checked):
    """For `reuse`: the purpose the data were collected for."""

    code: str | None = text_field("F")
    public_security: bool | None = flag_field("F")


@dataclass(frozen=True, slots=True, repr=False)
class VenueFacts(Checked):
    """The venue around the place."""

    kind: VenueKind | None = fact_field(VenueKind, "F")
    business: bool | None = flag_field("F")


@dataclass(frozen=True, slots=True, repr=False)
class PlaceFacts(Checked):
    """The place a device looks at; a private kind is private whatever `private` says."""

    kind: PlaceKind | None = fact_field(PlaceKind, "F")
    private: bool | None = flag_field("F")
    public: bool | None = flag_field("F")
    internal: bool | None = flag_field("F")


@dataclass(frozen=True, slots=True, repr=False)
class DeviceFacts(Checked):
    """The device that captures."""

    registered: bool | None = flag_field("F")
    sign_current: bool | None = flag_field("F")
    security_necessity: bool | None = flag_field("F")
    area_set: bool | None = flag_field("F")
    assessed_days: int | None = fact_field("int", "F")
    sole_entry: bool | None = flag_field("F")


@dataclass(frozen=True, slots=True, repr=False)
class SubjectFacts(Checked):
    """What is declared or on file of the subject; never inferred from the face."""

    age_class: AgeClass | None = fact_field(AgeClass, "F", answers=True)


@dataclass(frozen=True, slots=True, repr=False)
class ConsentFacts(Checked):
    """The consent of this subject to this operator for this purpose, at the instant judged."""

    state: ConsentState | None = fact_field(ConsentState, "F")
    form: ConsentForm | None = fact_field(ConsentForm, "F")
    purpose: str | None = text_field("F")
    scopes: tuple[Scope, ...] | None = fact_field("list", "F", values=Scope)
    notice_current: bool | None = flag_field("F")
    guardian: bool | None = flag_field("F")
    withdrawal_as_easy: bool | None = flag_field("F")


@dataclass(frozen=True, slots=True, repr=False)
class SessionFacts(Checked):
    """The session at the device or counter."""

    started_by: StartedBy | None = fact_field(StartedBy, "D")
    purpose_prompted: bool | None = flag_field("D")
    alternative_offered: bool | None = flag_field("D")
    last_refusal_days: int | None = fact_field("int", "F", answers=True)


@dataclass(frozen=True, slots=True, repr=False)
class AlternativeFacts(Checked):
    """The other way that needs no face."""

    available: bool | None = flag_field("F")


@dataclass(frozen=True, slots=True, repr=False)
class AuthorisationFacts(Checked):
    """An unexpired authorisation for this very use; the whole record absent means that none is on file."""

    ground: Ground | None = fact_field(Ground, "F", answers=True)
    requested_by_subject: bool | None = flag_field("F", answers=True)
    in_scope: bool | None = flag_field("F", answers=True)
    approvers: int | None = fact_field("int", "F", answers=True)


@dataclass(frozen=True, slots=True, repr=False)
class AnalysisFacts(Checked):
    """What an analysis would infer; `sensitive` counts only for an attribute of the table, or an unknown one."""

    attribute: str | None = text_field("D")
    sensitive: bool | None = flag_field("F")

    def __post_init__(self) -> None:
        """Drop a sensitivity that no table backs."""
        Checked.__post_init__(self)
        if self.attribute is not None and self.attribute not in ATTRIBUTES:
            object.__setattr__(self, "sensitive", None)


@dataclass(frozen=True, slots=True, repr=False)
class StorageFacts(Checked):
    """Where a template will rest, or where something disclosed would go."""

    where: StorageWhere | None = fact_field(StorageWhere, "F")
    destination: StorageDestination | None = fact_field(StorageDestination, "F")


@dataclass(frozen=True, slots=True, repr=False)
class ReviewFacts(Checked):
    """Who reviewed a result."""

    human: bool | None = flag_field("D")
    by_operator: bool | None = flag_field("D")


@dataclass(frozen=True, slots=True, repr=False)
class RetentionFacts(Checked):
    """The retention period of what would be kept."""

    bounded: bool | None = flag_field("F")


@dataclass(frozen=True, slots=True, repr=False)
class MeasuredFacts(Checked):
    """What gate two measured in the sample; the whole record absent means gate one."""

    faces: int | None = fact_field("int", "M", answers=True)
    target_isolated: bool | None = flag_field("M", answers=True)
    quality_ok: bool | None = flag_field("M", answers=True)
    attack_suspected: bool | None = flag_field("M", answers=True)


#: The groups by name, in the order of the contract.
GROUPS: Final[Mapping[str, type[Checked]]] = {
    "operator": OperatorFacts,
    "purpose": PurposeFacts,
    "origin_purpose": OriginPurposeFacts,
    "venue": VenueFacts,
    "place": PlaceFacts,
    "device": DeviceFacts,
    "subject": SubjectFacts,
    "consent": ConsentFacts,
    "session": SessionFacts,
    "alternative": AlternativeFacts,
    "authorisation": AuthorisationFacts,
    "analysis": AnalysisFacts,
    "storage": StorageFacts,
    "review": ReviewFacts,
    "retention": RetentionFacts,
    "measured": MeasuredFacts,
}
#: Groups whose absence is an answer: no authorisation on file; gate one, nothing measured yet.
OPTIONAL_GROUPS: Final = ("authorisation", "measured")


def rows_of(record: type[Any], prefix: str) -> tuple[tuple[str, Fact], ...]:
    """Return the rows of one record, by attribute."""
    return tuple(
        (part.name, Fact(prefix + part.name, *part.metadata["row"])) for part in fields(record) if part.metadata
    )


#: The facts of each record, by attribute.
ROWS: Final[dict[type[Any], tuple[tuple[str, Fact], ...]]] = {
    group: rows_of(group, f"{name}.") for name, group in GROUPS.items()
}

#: What a value of each kind must be, in English and Chinese, to follow the name of the field.
EXPECTED: Final[Mapping[str, tuple[str, str]]] = {
    "bool": ("must be true or false", "必须是 true 或 false"),
    "int": ("must be a whole number from 0 to 2147483647", "必须是 0 到 2147483647 的整数"),
    "text": (
        f"must be text of at most {TEXT_CHARS_MAX} valid characters",
        f"必须是不超过 {TEXT_CHARS_MAX} 个有效字符的文本",
    ),
    "basis": (
        "must be act/article: two parts, one slash, no white space",
        "必须是“法律/条款”：两部分、一个斜杠、无空白",
    ),
    "closed": ("must be one of the values of its list", "必须是其列表中的值"),
    "list": ("must be a list of values of its list", "必须是由其列表中的值组成的列表"),
    "filing": (
        "must be one filing state, or an object of states by pack id",
        "必须是一个备案状态，或按规则包列出的状态对象",
    ),
    "instant": ("must be an RFC 3339 time with seconds and zone", "必须是含秒和时区的 RFC 3339 时间"),
}


def malformed(where: str, en: str, zh: str) -> NoReturn:
    """Stop with one line that names the field and repeats no value."""
    raise MalformedError(f"{where} {en}.", f"{where} {zh}。")


def _fits_text(value: object) -> bool:
    return type(value) is str and len(value) <= TEXT_CHARS_MAX and not _SURROGATE.search(value)


def _fits_basis(value: str) -> bool:
    act, slash, article = value.partition("/")
    return bool(act and slash and article) and "/" not in article and not any(sign.isspace() for sign in value)


def _fits(fact: Fact, value: object) -> bool:
    """Whether a value that is not None is of the fact's type and within its limits."""
    match fact.kind:
        case "bool":
            return type(value) is bool
        case "closed":
            return type(value) is fact.values
        case "text":
            return _fits_text(value)
        case "int":
            return type(value) is int and 0 <= value <= INT_MAX
        case "list":
            return type(value) is tuple and all(type(part) is fact.values for part in value)
        case "basis":
            return isinstance(value, str) and _fits_text(value) and _fits_basis(value)
        case "filing":
            states = value.values() if isinstance(value, Mapping) else (value,)
            return all(state is None or type(state) is FilingState for state in states)
        case "instant":
            return isinstance(value, datetime) and value.tzinfo is not None


_SURROGATE: Final = re.compile("[\ud800-\udfff]")
