"""What tests of packages and assessments share: the hotel with everything said, and what is made of it."""

import io
import zipfile
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from countenance.filing.documents.answers import Answer
from countenance.filing.documents.prefill import PREFILLED
from countenance.filing.documents.questions import QUESTIONS, Asks
from countenance.operations.assess import Asking, answer, listed, sign
from countenance.operations.declare import declare
from countenance.operations.dossier import Sources
from countenance.operations.package import package
from countenance.settings import Settings
from countenance.sites.declaration import read_site
from countenance.store.assessments import AssessmentRow
from countenance.vocabulary import FilingKind
from tests.database import HOTEL, OPERATOR, PURPOSE, Hotel
from tests.operations.governed import bodies, colleague

DRAFT, MEASURES = "cn-2023-draft", "cn-2025"


#: A leap day, when years are counted from it.
LEAP = datetime(2028, 2, 29, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))


TEXT = HOTEL.read_text(encoding="utf-8")


def sources(hotel: Hotel) -> Sources:
    return Sources.of(hotel.house, Settings())


def files(made: bytes) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(made))
    return {name: archive.read(name) for name in archive.namelist()}


def filed(hotel: Hotel, act: FilingKind = FilingKind.FIRST, pack: str = DRAFT) -> dict[str, bytes]:
    return files(package(sources(hotel), OPERATOR, pack, act, hotel.clock()))


def in_json(made: dict[str, bytes], name: str) -> str:
    return made[f"en/{name}.json"].decode()


def apply(hotel: Hotel, change: Callable[[str], str]) -> None:
    site = read_site(change(TEXT).encode())
    assert declare(hotel.house.database, hotel.keys, hotel.house.packs, site, hotel.clock()), "nothing changed"


def filed_under(pack: str) -> Callable[[str], str]:
    """Return the change that puts a number under a pack into the site file."""
    said = f"  filings:\n    {pack}: {{number: '2026-71', filed_on: 2026-11-02}}\n"
    return lambda site: site.replace("\npurposes:", f"{said}\npurposes:", 1)


def kept_shorter(site: str) -> str:
    days = site.replace("retention_days: 30", "retention_days: 20")
    return days.replace("30 days", "20 days").replace("30 天", "20 天")


def asking(hotel: Hotel, purpose: str = PURPOSE) -> Asking:
    return Asking(OPERATOR, purpose, "console", hotel.clock())


def everything() -> dict[str, Answer]:
    """Return an answer to whatever the configuration does not answer by itself."""
    given = {}
    for each in QUESTIONS:
        if each.id not in PREFILLED:
            items = ("one", "two") if each.asks is Asks.LIST else ()
            given[each.id] = Answer(f"On {each.id}.", items, 2 if each.asks is Asks.STEP else None)
    return given


def signed(hotel: Hotel, staff_id: str | None = None) -> AssessmentRow:
    answer(sources(hotel), asking(hotel), everything())
    return sign(sources(hotel), asking(hotel), DRAFT, staff_id or colleague(hotel))


def rows(hotel: Hotel) -> list[AssessmentRow]:
    with hotel.house.database.reading() as tx:
        return listed(tx, OPERATOR, PURPOSE)


def on_record(hotel: Hotel) -> list[tuple[str, dict[str, Any]]]:
    return [(body["outcome"], body["details"]) for body in bodies(hotel) if body["kind"] == "assessment"]
