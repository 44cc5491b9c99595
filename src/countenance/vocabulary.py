"""The closed lists of words that facts, packs, tables and logs share (docs/reference/facts.md)."""

from enum import StrEnum
from typing import Final


class Action(StrEnum):
    """What is about to be done."""

    ACTIVATE_PURPOSE = "activate_purpose"
    REGISTER_DEVICE = "register_device"
    CAPTURE = "capture"
    ENROL = "enrol"
    VERIFY = "verify"
    IDENTIFY = "identify"
    IDENTIFY_REMOTE = "identify_remote"
    ANALYSE = "analyse"
    REUSE = "reuse"
    KEEP_ORIGINAL = "keep_original"
    DISCLOSE = "disclose"
    FINALISE = "finalise"


#: The acts in which the person at the device takes part, and so can be asked to turn the head.
TAKING_PART: Final = frozenset({Action.ENROL, Action.VERIFY, Action.IDENTIFY})


class Turn(StrEnum):
    """How a head is asked to be held; left and right are the subject's own."""

    CENTRE = "centre"
    LEFT = "left"
    RIGHT = "right"


class AttackChecking(StrEnum):
    """When the active check for presentation attacks is made: never, where a caller offers it, or always."""

    OFF = "off"
    WHEN_OFFERED = "when_offered"
    REQUIRED = "required"


class FilingState(StrEnum):
    """How far the duty to file has come."""

    NOT_DUE = "not_due"
    DUE = "due"
    OVERDUE = "overdue"
    FILED = "filed"


class AssessmentState(StrEnum):
    """Whether an impact assessment covers the purpose as it is configured."""

    CURRENT = "current"
    STALE = "stale"
    NONE = "none"


class VenueKind(StrEnum):
    """What kind of venue a place belongs to."""

    HOTEL = "hotel"
    BANK = "bank"
    STATION = "station"
    AIRPORT = "airport"
    SPORTS_VENUE = "sports_venue"
    EXHIBITION_HALL = "exhibition_hall"
    MUSEUM = "museum"
    GALLERY = "gallery"
    LIBRARY = "library"
    SHOP = "shop"
    RESTAURANT = "restaurant"
    RESIDENTIAL = "residential"
    OFFICE = "office"
    SCHOOL = "school"
    HOSPITAL = "hospital"
    STREET = "street"
    PARK = "park"
    OTHER = "other"


class PlaceKind(StrEnum):
    """What kind of place a device looks at."""

    LOBBY = "lobby"
    COUNTER = "counter"
    ENTRANCE = "entrance"
    CORRIDOR = "corridor"
    PLATFORM = "platform"
    HALL = "hall"
    GATE = "gate"
    HOTEL_ROOM = "hotel_room"
    PUBLIC_BATH = "public_bath"
    BATHROOM = "bathroom"
    TOILET = "toilet"
    CHANGING_ROOM = "changing_room"
    FITTING_ROOM = "fitting_room"
    OTHER = "other"


class AgeClass(StrEnum):
    """The age of a subject as far as the law asks; declared or on file, never inferred from a face."""

    UNDER_14 = "under_14"
    FROM_14_TO_17 = "14_to_17"
    ADULT = "adult"


class ConsentState(StrEnum):
    """Where a subject's consent for one purpose stands at an instant."""

    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    NONE = "none"


class ConsentForm(StrEnum):
    """The form in which a consent was given."""

    SEPARATE = "separate"
    WRITTEN = "written"
    BUNDLED = "bundled"


class Scope(StrEnum):
    """What a consent reaches, each given by itself."""

    ENROL = "enrol"
    VERIFY = "verify"
    IDENTIFY = "identify"
    OFF_DEVICE_STORAGE = "off_device_storage"
    KEEP_ORIGINAL = "keep_original"
    ANALYSE = "analyse"
    DISCLOSE = "disclose"
    REUSE = "reuse"


class Lift(StrEnum):
    """What a statutory basis dispenses with, and nothing else."""

    CONSENT = "consent"
    GUARDIAN = "guardian"
    VENUE = "venue"
    ORIGINAL = "original"
    STORAGE = "storage"
    DISCLOSURE = "disclosure"


class StartedBy(StrEnum):
    """Who began a session."""

    SUBJECT = "subject"
    STAFF = "staff"
    PASSIVE = "passive"


class Ground(StrEnum):
    """The ground of an authorisation."""

    NATIONAL_SECURITY = "national_security"
    PUBLIC_SECURITY = "public_security"
    EMERGENCY = "emergency"


class StorageWhere(StrEnum):
    """Where a template will rest."""

    DEVICE = "device"
    SERVER = "server"


class StorageDestination(StrEnum):
    """Where something disclosed would go."""

    LOCAL = "local"
    PRIVATE_NETWORK = "private_network"
    INTERNET = "internet"


class Role(StrEnum):
    """In which role a credential calls in."""

    DEVICE = "device"
    OFFICER = "officer"
    SUBJECT = "subject"
    REGULATOR = "regulator"
