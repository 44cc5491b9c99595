"""Facts made of what a request declares, by tables that no request can change."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from countenance.facts import AnalysisFacts, OriginPurposeFacts, StorageFacts
from countenance.vocabulary import Action, StorageDestination, StorageWhere

#: Whether an attribute is sensitive. Only what says nothing about the person is not; one that is not here is unknown.
SENSITIVE: Final[Mapping[str, bool]] = MappingProxyType(
    {
        "race": True,
        "ethnicity": True,
        "religion": True,
        "health": True,
        "social_class": True,
        "emotion": True,
        "age": True,
        "sex": True,
        "pose": False,
        "quality": False,
        "attack": False,
    }
)
#: What decides whether a registered device still stands where and as it was registered.
_STANDING: Final = ("place_id", "place_kind", "private", "public", "internal", "venue_kind")


def analysis(attribute: str | None) -> AnalysisFacts | None:
    """Return the attribute that is asked for, and whether it is sensitive by the table."""
    return None if attribute is None else AnalysisFacts(attribute=attribute, sensitive=SENSITIVE.get(attribute))


def storage(action: Action, destination: StorageDestination | None) -> StorageFacts | None:
    """Return where a template will rest when it is enrolled, or where something would be disclosed to."""
    if action is Action.ENROL:
        return StorageFacts(where=StorageWhere.SERVER)
    return None if destination is None else StorageFacts(destination=destination)


def origin(row: Any) -> OriginPurposeFacts | None:
    """Return the purpose the data were collected for, as it is on file."""
    if row.origin_code is None:
        return None
    return OriginPurposeFacts(code=row.origin_code, public_security=row.origin_public_security)


def standing(row: Any) -> dict[str, Any] | None:
    """Return where and as what a device stands, None where no device was found."""
    return None if row.device_id is None else {name: getattr(row, name) for name in _STANDING}


def registered(row: Any) -> bool:
    """Return whether a device is on file, not suspended, and stands where and as it was registered."""
    return row.device_id is not None and not row.suspended and row.standing == standing(row)
