"""A whole filing package, in both languages and every form, of an operator with many scenarios, devices and persons.

Nobody is stored: the count is kept as a number, and a package reads that number whatever it is. What costs is
rendering, and what is read from the database: the site, tallies and choices, and the records of destruction.
"""

import io
import json
import tempfile
import time
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text

from bench import ROOT
from countenance.law import load_packs
from countenance.law.strict_yaml import read_yaml
from countenance.operations.dossier import Sources, gather
from countenance.operations.logs import Logs
from countenance.operations.package import package
from countenance.record import Entry, append
from countenance.settings import Settings
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.store import embedded, persons
from countenance.store.database import Database
from countenance.vault.keys import FileKeys
from countenance.vocabulary import FilingKind

TARGETS: Final = {"first filing, s": ("≤", 5.0), "deregistration, s": ("≤", 5.0)}
_AT: Final = datetime(2026, 11, 26, 1, 30, tzinfo=UTC)
_PERSONS: Final = 1_000_000
_PURPOSES, _VENUES, _DEVICES = 5, 20, 5
_DESTROYED: Final = 20_000
_PACK: Final = "cn-2025"


def measure(faces: Path) -> dict[str, float]:
    """Return the seconds of gathering, and of the packages of two acts with all they gather."""
    del faces  # a package shows nobody
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="cn-") as folder:
        database = Database(embedded.start(Path(folder) / "pg"))
        try:
            database.migrate()
            operator_id = _keep(database)
            logs = Logs(Path(folder) / "log", "bench.example", FileKeys(Path(folder) / "log-keys"))
            sources = Sources(database, load_packs(["cn-2025", "cn-2023-draft"]), logs, Settings())
            start = time.perf_counter()
            gather(sources, operator_id, _PACK, _AT)
            figures["gathering, s"] = time.perf_counter() - start
            for name, act in (("first filing", FilingKind.FIRST), ("deregistration", FilingKind.DEREGISTRATION)):
                start, busy = time.perf_counter(), time.process_time()
                made = package(sources, operator_id, _PACK, act, _AT)
                figures[f"{name}, s"] = time.perf_counter() - start
                figures[f"{name}: processor s"] = time.process_time() - busy
                figures[f"{name}, MiB"] = len(made) / 2**20
                with zipfile.ZipFile(io.BytesIO(made)) as archive:
                    figures[f"{name}: files"] = float(len(json.loads(archive.read("manifest.json"))["files"]))
        finally:
            database.close()
            embedded.stop(Path(folder) / "pg")
    return figures


def _site() -> dict[str, Any]:
    """Return the demonstration's site, as large as a chain's."""
    site: dict[str, Any] = read_yaml((ROOT / "examples" / "hotel.yaml").read_text("utf-8"), "the site file")
    ((code, purpose),) = site["purposes"].items()
    site["purposes"] = {f"{code}-{each}": purpose for each in range(_PURPOSES)}
    ((_, venue),) = site["venues"].items()
    place = venue["places"]["front-desk"] | {"public": True}
    kiosk = place["devices"]["kiosk-1"] | {
        "security_necessity": {"statement": "An order of the city asks for it.", "expires_on": "2027-12-31"}
    }
    way = venue["alternatives"]["desk"]
    site["venues"] = {
        f"venue-{one}": venue
        | {
            "places": {f"desk-{one}": place | {"devices": {f"kiosk-{one}-{two}": kiosk for two in range(_DEVICES)}}},
            "alternatives": {f"way-{one}-{each}": way | {"purpose": f"{code}-{each}"} for each in range(_PURPOSES)},
        }
        for one in range(_VENUES)
    }
    return site


def _keep(database: Database) -> str:
    """Put the site, a count and many destructions on file."""
    site = read_site(json.dumps(_site(), default=str).encode())  # JSON is YAML, and repeats nothing by reference
    operator_id = site.operator.id
    with database.transaction() as tx:
        apply(tx, site, _AT)
        persons.hold(tx, operator_id)
        persons.change(tx, operator_id, persons=_PERSONS, highest=_PERSONS, highest_ever=_PERSONS, cumulative=_PERSONS)
    for portion in range(_DESTROYED // 1000):
        with database.transaction() as tx:
            for each in range(1000):
                at = _AT - timedelta(minutes=_DESTROYED - 1000 * portion - each)
                said = {"destroyed": {"keys": 1, "references": 1, "originals": 0, "purposes": ["check-in-0"]}}
                append(
                    tx, Entry(operator_id=operator_id, at=at, kind="erase", outcome="erased", by="bench", details=said)
                )
    with database.transaction() as tx:
        tx.execute(text("ANALYZE"))
    return operator_id
