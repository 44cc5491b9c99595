"""Warm start: every reference of a database read, opened and taken into memory, as a server does before it serves."""

import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast
from uuid import UUID, uuid4

import numpy as np
from sqlalchemy import text

from bench import ROOT
from countenance.compare import Features
from countenance.operations import held
from countenance.operations.fill import fill
from countenance.operations.parts import House
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.store import embedded
from countenance.store.database import Database
from countenance.store.tables import reference, subject_key
from countenance.vault.encrypted import EncryptedProjection
from countenance.vault.keyring import Keyring
from countenance.vault.keys import FileKeys
from countenance.vault.projection import Projection
from countenance.vault.sealing import TemplatePlace, Vault
from countenance.vault.spaces import Spaces

TARGETS: Final = {"a million, s": ("≤", 30.0), "opening one template, µs": ("≤", 50.0)}
OPERATOR, PURPOSE, MODEL = "harbour-hotel", "check-in", "bench"
_REFERENCES: Final = 100_000
_AT_ONCE: Final = 5_000
_DIMENSION: Final = 128
_MILLION: Final = 1_000_000


def measure(faces: Path) -> dict[str, float]:
    """Return seconds of a start with 100,000 references and what that makes for a million, and of one template."""
    del faces  # made numbers serve: sealed, every template is as good as any
    with tempfile.TemporaryDirectory(prefix="cn-") as name:
        folder = Path(name)
        database = Database(embedded.start(folder / "postgres"))
        try:
            database.migrate()
            house = _house(database, folder)
            _put(house)
            begun = time.perf_counter()
            kept = fill(house)
            took = time.perf_counter() - begun
            one = _one(house)
        finally:
            database.close()
    return {
        "references": float(kept),
        "warm start, s": took,
        "a million, s": took * _MILLION / kept,
        "opening one template, µs": one,
    }


def _house(database: Database, folder: Path) -> House:
    """Return as much of a house as a start needs."""
    keys = FileKeys(folder / "keys")
    keys.create(OPERATOR)
    vault = Vault(OPERATOR, Keyring(keys, OPERATOR))
    with database.transaction() as tx:
        apply(tx, read_site((ROOT / "examples" / "hotel.yaml").read_bytes()), datetime.now(UTC))
    engine = SimpleNamespace(model_id=MODEL, extractor=SimpleNamespace(dimension=_DIMENSION))
    parts: dict[str, Any] = {
        "database": database, "engine": engine, "vault": lambda _: vault, "spaces": Spaces(),
        "projection": Projection(MODEL, _DIMENSION), "alarm": threading.Event(),
        "encrypted": EncryptedProjection(None, _DIMENSION),
    }  # fmt: skip
    return cast(House, SimpleNamespace(**parts))


def _put(house: House) -> None:
    """Put sealed references of so many subjects on file."""
    vault, space, at = house.vault(OPERATOR), held.space(house, OPERATOR), datetime.now(UTC)
    drawing = np.random.default_rng(1)
    subject = "INSERT INTO subject (operator_id, subject_id, created_at) SELECT :o, gen_random_uuid(), :at"
    with house.database.transaction() as tx:
        tx.execute(text(f"{subject} FROM generate_series(1, :n)"), {"o": OPERATOR, "at": at, "n": _REFERENCES})
        everybody = list(tx.execute(text("SELECT subject_id FROM subject")).scalars())
    for first in range(0, _REFERENCES, _AT_ONCE):
        some = everybody[first : first + _AT_ONCE]
        keys = {each: vault.new_key(each, PURPOSE) for each in some}
        numbers = space.turned(drawing.standard_normal((len(some), _DIMENSION), np.float32))
        made = [_sealed(vault, each, keys[each], row) for each, row in zip(some, numbers, strict=True)]
        with house.database.transaction() as tx:
            own = {"operator_id": OPERATOR, "purpose": PURPOSE, "created_at": at}
            tx.execute(subject_key.insert(), [own | {"subject_id": each, "wrapped": keys[each]} for each in some])
            tx.execute(reference.insert(), [own | row for row in made])


def _sealed(vault: Vault, subject_id: UUID, wrapped: bytes, numbers: Any) -> dict[str, Any]:
    place = TemplatePlace(subject_id, PURPOSE, MODEL, uuid4())
    template = Features(numbers, MODEL, OPERATOR).to_bytes()
    sealed = vault.seal_template(template, wrapped, place)
    return {"reference_id": place.reference_id, "subject_id": subject_id, "model_id": MODEL, "sealed": sealed}


def _one(house: House) -> float:
    """Return microseconds of opening one template."""
    vault, place = house.vault(OPERATOR), TemplatePlace(uuid4(), PURPOSE, MODEL, uuid4())
    wrapped = vault.new_key(place.subject_id, PURPOSE)
    sealed = vault.seal_template(bytes(8 + 4 * _DIMENSION), wrapped, place)
    begun = time.perf_counter()
    for _ in range(10_000):
        vault.open_template(sealed, wrapped, place)
    return (time.perf_counter() - begun) / 10_000 * 1e6
