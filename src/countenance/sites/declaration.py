"""The site file: one YAML document that says what an operator has and does, checked before anything is written."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from countenance.errors import LimitError, MalformedError
from countenance.law.strict_yaml import read_yaml
from countenance.vocabulary import Comparing, Lift, PlaceKind, VenueKind

FILE_BYTES_MAX = 4 * 2**20

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4096)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4096)]
Citation = Annotated[str, StringConstraints(pattern=r"^[^\s/]+/[^\s/]+$", max_length=256)]


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TwoLanguages(_Declared):
    """A sentence in English and in Chinese."""

    en: Sentence
    zh: Sentence


class Officer(_Declared):
    """Who answers for the protection of the data."""

    name: Sentence
    contact: Sentence


class Filing(_Declared):
    """A filing with the authority: the number it gave, and the day; and the day on which it was deregistered."""

    number: Sentence
    filed_on: date
    deregistered_on: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.deregistered_on is not None and self.deregistered_on < self.filed_on:
            raise ValueError("deregistered_on lies before filed_on")
        return self


class Declared(_Declared):
    """Who vouches for what is said of a place, and since when."""

    by: Sentence
    on: date


class Elsewhere(_Declared):
    """Where else faces of persons are stored, of which this server cannot know by itself: how many, and who says so."""

    name: Sentence
    kind: Literal["devices", "backups", "quarantine", "import", "other"]
    persons: Annotated[int, Field(ge=0, le=100_000_000)]
    declared: Declared


class Operator(_Declared):
    """Who decides why and how faces are processed; `group` names the legal group whose members count together."""

    id: Id
    name: Sentence
    contact: Sentence
    officer: Officer | None = None
    minor_rules: Sentence | None = None
    credit_code: Annotated[str, StringConstraints(pattern=r"^[0-9A-HJ-NP-RT-UW-Y]{18}$")] | None = None
    group: Id | None = None
    elsewhere: Annotated[list[Elsewhere], Field(max_length=64)] = []
    filings: dict[Id, Filing] = {}

    @property
    def deregistered(self) -> dict[str, tuple[str, date]]:
        """Return number and day of what was deregistered by hand, by pack."""
        ended = {pack: each for pack, each in self.filings.items() if each.deregistered_on is not None}
        return {pack: (each.number, each.deregistered_on) for pack, each in ended.items() if each.deregistered_on}

    @property
    def persons_elsewhere(self) -> int:
        """Return of how many persons something is stored outside this server, as declared: the plain sum."""
        return sum(each.persons for each in self.elsewhere)


class Necessity(_Declared):
    """Why the purpose needs faces, signed, and until when that stands."""

    statement: Sentence
    signed_by: Sentence
    expires_on: date


class Assessment(_Declared):
    """The impact assessment of a purpose: who signed it, and until when it stands.

    It covers the configuration with which it was first applied; a later change of that makes it stale, until it is
    signed again.
    """

    signed_by: Sentence
    signed_on: date
    expires_on: date


class Steps(_Declared):
    """How many steps a subject takes to consent and to withdraw."""

    consent: Annotated[int, Field(ge=1, le=50)]
    withdraw: Annotated[int, Field(ge=1, le=50)]


class NoticeItems(_Declared):
    """What a subject is told before anything is asked, in one language; what is left out keeps it from publication."""

    who: Text = ""
    contact: Text = ""
    purpose: Text = ""
    method: Text = ""
    data: Text = ""
    retention: Text = ""
    storage: Text = ""
    necessity: Text = ""
    effect: Text = ""
    alternatives: Text = ""
    rights: Text = ""
    withdrawal: Text = ""
    complaints: Text = ""


class NoticeText(NoticeItems):
    """A notice in one language, and perhaps a text of its own in plain language: the same items, shorter sentences."""

    plain: NoticeItems | None = None


class Notice(_Declared):
    """A notice in both languages; a changed item is a new version."""

    en: NoticeText = NoticeText()
    zh: NoticeText = NoticeText()

    def as_published(self) -> dict[str, Any]:
        """Return the notice as it is kept and digested: what it says, and nothing of what it leaves out."""
        return self.model_dump(mode="json", exclude_defaults=True)


class StatutoryBasis(_Declared):
    """A law or administrative regulation that orders otherwise, and what it dispenses with."""

    citation: Citation
    lifts: Annotated[list[Lift], Field(min_length=1)]
    approved_by: Sentence
    expires_on: date


class Purpose(_Declared):
    """One purpose for which faces are processed; `matching: encrypted` needs a key holder."""

    title: TwoLanguages
    necessity: Necessity | None = None
    alternatives_assessed: Sentence | None = None
    assessment: Assessment | None = None
    major_interest: bool | None = None
    public_security: bool | None = None
    retention_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    comparison: Annotated[Comparing, Field(alias="matching")] = Comparing.PLAIN
    steps: Steps | None = None
    notice: Notice | None = None
    statutory_basis: StatutoryBasis | None = None


class SecurityNecessity(_Declared):
    """Why public security needs a device here, and until when that stands."""

    statement: Sentence
    expires_on: date


class Sign(_Declared):
    """The sign at a device: the day somebody looked, and the SHA-256 of the photograph they took of it."""

    checked_on: date
    evidence_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


#: A corner of an area: across and down, as shares of the picture's width and height.
Corner = tuple[Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=1)]]


class Device(_Declared):
    """One capturing device; `area` is the polygon it may see, everything outside it is blackened before detection."""

    name: Sentence
    sign: Sign | None = None
    security_necessity: SecurityNecessity | None = None
    area: Annotated[list[Corner], Field(min_length=3, max_length=64)] | None = None
    assessed_on: date | None = None
    sole_entry: bool | None = None
    suspended: bool = False


class Place(_Declared):
    """Where devices stand. What is left out, or said by nobody by name, is unknown, and unknown refuses."""

    name: Sentence
    declared: Declared | None = None
    kind: PlaceKind
    private: bool | None = None
    public: bool | None = None
    internal: bool | None = None
    devices: dict[Id, Device] = {}


Span = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$")]


class Alternative(_Declared):
    """A way to the same end without a face.

    `hours` are those of the place of the law, by weekday; left out, it is always open. With `heartbeat_minutes`,
    somebody or something at the desk has to say that often that it works.
    """

    purpose: Id
    title: TwoLanguages
    working: bool | None = None
    hours: dict[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], list[Span]] | None = None
    heartbeat_minutes: Annotated[int, Field(ge=1, le=1440)] | None = None


class Location(_Declared):
    """Where a venue is: its address, its division (GB/T 2260), and its coordinates (WGS 84, degrees)."""

    address: Sentence | None = None
    division: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")] | None = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None


class Venue(_Declared):
    """Where places are."""

    name: Sentence
    kind: VenueKind
    business: bool | None = None
    location: Location | None = None
    places: dict[Id, Place] = {}
    alternatives: dict[Id, Alternative] = {}


class Site(_Declared):
    """Everything one operator declares."""

    version: Literal[1] = 1
    operator: Operator
    purposes: dict[Id, Purpose] = {}
    venues: dict[Id, Venue] = {}

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for kind, ids in (("place", self._places()), ("device", self._devices()), ("alternative", self._ways())):
            seen: set[str] = set()
            for each in ids:
                if each in seen:
                    message = f"the {kind} {each} stands in two venues; give each its own id"
                    raise ValueError(message)
                seen.add(each)
        for venue in self.venues.values():
            for name, way in venue.alternatives.items():
                if way.purpose not in self.purposes:
                    message = f"the alternative {name} serves a purpose that is not in the file"
                    raise ValueError(message)
        return self

    def _places(self) -> Iterator[str]:
        return (place for venue in self.venues.values() for place in venue.places)

    def _devices(self) -> Iterator[str]:
        return (name for venue in self.venues.values() for place in venue.places.values() for name in place.devices)

    def _ways(self) -> Iterator[str]:
        return (way for venue in self.venues.values() for way in venue.alternatives)


def read_site(data: bytes) -> Site:
    """Return the site that `data` declares; raises MalformedError naming line or field, LimitError when too large."""
    if len(data) > FILE_BYTES_MAX:
        raise LimitError("The site file is larger than 4 MiB. Split it.", "站点文件超过 4 MiB，请拆分。")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MalformedError(
            "The site file is not UTF-8 text. Save it as UTF-8.", "站点文件不是 UTF-8 文本。"
        ) from None
    document = read_yaml(text, "the site file")
    try:
        return Site.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        more = f" ({error.error_count()} places in all)" if error.error_count() > 1 else ""
        message = f"The site file is wrong at {where}: {first['msg']}{more}. Correct it and apply again."
        raise MalformedError(message, f"站点文件 {where} 处有误，请更正后重新应用。") from error
