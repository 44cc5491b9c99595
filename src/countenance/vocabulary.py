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


class KeysFrom(StrEnum):
    """Where the operators' keys come from: files of our own, a folder somebody mounts, a hardware security module."""

    FILE = "file"
    MOUNTED = "mounted"
    HARDWARE = "hardware"


class Comparing(StrEnum):
    """How references of a purpose are matched: opened in the server's memory, or under encryption."""

    PLAIN = "plain"
    ENCRYPTED = "encrypted"


class Target(StrEnum):
    """Which of the two thresholds a comparison is held to."""

    VERIFY = "verify"
    IDENTIFY = "identify"


class FilingState(StrEnum):
    """How far the duty to file has come."""

    NOT_DUE = "not_due"
    DUE = "due"
    OVERDUE = "overdue"
    FILED = "filed"


class FilingCause(StrEnum):
    """What raised the duty to file."""

    PERSONS = "persons"
    PUBLIC_PLACE = "public_place"


class FilingKind(StrEnum):
    """What is filed: for the first time, a substantive change, or that use has stopped."""

    FIRST = "first"
    CHANGE = "change"
    DEREGISTRATION = "deregistration"


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


class NoticeItem(StrEnum):
    """What a notice says, item by item, in the order in which it is read."""

    WHO = "who"
    CONTACT = "contact"
    PURPOSE = "purpose"
    METHOD = "method"
    DATA = "data"
    RETENTION = "retention"
    STORAGE = "storage"
    NECESSITY = "necessity"
    EFFECT = "effect"
    ALTERNATIVES = "alternatives"
    RIGHTS = "rights"
    WITHDRAWAL = "withdrawal"
    COMPLAINTS = "complaints"


class Language(StrEnum):
    """A language in which a notice is published."""

    EN = "en"
    ZH = "zh"


class Variant(StrEnum):
    """How a notice is served.

    Large type and read-aloud render the standard text; plain language is a text of its own, however it is rendered.
    """

    STANDARD = "standard"
    LARGE_TYPE = "large_type"
    READ_ALOUD = "read_aloud"
    PLAIN_LANGUAGE = "plain_language"


class Relation(StrEnum):
    """What makes somebody the guardian of a subject."""

    PARENT = "parent"
    GRANDPARENT = "grandparent"
    ADULT_SIBLING = "adult_sibling"
    APPOINTED = "appointed"


class RelationEvidence(StrEnum):
    """What was looked at to see that a guardian is one."""

    HOUSEHOLD_REGISTER = "household_register"
    BIRTH_CERTIFICATE = "birth_certificate"
    ADOPTION_CERTIFICATE = "adoption_certificate"
    COURT_DECISION = "court_decision"
    APPOINTMENT = "appointment"


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


class Way(StrEnum):
    """How a session ended: by the face, by another way, with a no to the face, or with nobody there any more."""

    FACE = "face"
    ALTERNATIVE = "alternative"
    REFUSED = "refused"
    ABANDONED = "abandoned"


class Role(StrEnum):
    """In which role a credential calls in."""

    DEVICE = "device"
    OFFICER = "officer"
    SUBJECT = "subject"
    REGULATOR = "regulator"


class RequestKind(StrEnum):
    """What a subject asks for."""

    ACCESS = "access"
    CORRECT = "correct"
    COMPLAIN = "complain"
    HUMAN_REVIEW = "human_review"
    ERASE = "erase"


class RequestOutcome(StrEnum):
    """How a request was answered."""

    GRANTED = "granted"
    REFUSED = "refused"
    PARTLY = "partly"


class RequestState(StrEnum):
    """Where a request stands at an instant; one lapses when the person is erased before it was answered."""

    OPEN = "open"
    OVERDUE = "overdue"
    ANSWERED = "answered"
    LAPSED = "lapsed"


class ReceiptKind(StrEnum):
    """What a receipt was given for: a consent, or one use."""

    CONSENT = "consent"
    USE = "use"
