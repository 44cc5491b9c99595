"""Opening: that other packs of law judge, or another model compares, than when the house was last open is recorded."""

import json
from typing import Any, Final

from countenance.operations.parts import House
from countenance.record import Entry, append
from countenance.store import records, sites
from countenance.store.database import Transaction

_BY: Final = "server"


def note_opening(house: House) -> None:
    """Record for each operator which packs, in which editions, and which model work from now on, where that changed."""
    packs = {pack.name: pack.edition for pack in house.packs}
    with house.database.transaction() as tx:
        for operator_id in sites.operators(tx):
            _note(tx, house, operator_id, "law", "in_force", {"packs": packs})
            _note(tx, house, operator_id, "model", "admitted", {"model": house.engine.model_id})


def _note(tx: Transaction, house: House, operator_id: str, kind: str, outcome: str, now: dict[str, Any]) -> None:
    """Record what there is now beside what there was before, where the two differ."""
    last = records.listed(tx, operator_id, most=1, kind=kind)
    said = json.loads(last[0].body)["details"] if last else {}
    before = {name: said.get(name) for name in now}
    if before == now:
        return
    details = now | {"before": before if last else None}
    entry = Entry(operator_id=operator_id, at=house.clock(), kind=kind, outcome=outcome, by=_BY, details=details)
    append(tx, entry)
