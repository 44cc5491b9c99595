"""Fill: at a start every reference of the model in use is read into memory, and lies afterwards as it should."""

import gc
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Final

from countenance.errors import UnavailableError
from countenance.operations import memory
from countenance.operations.held import read_into, settled, space
from countenance.operations.parts import House
from countenance.store import references, sites, wrapped
from countenance.store.database import Transaction
from countenance.vault.projection import Candidate
from countenance.vocabulary import Comparing

_log = logging.getLogger("countenance.operations")

#: So many references are opened before memory takes them over, and progress is told.
_PORTION: Final = 2000

Progress = Callable[[str, int, int], None]


def fill(house: House, progress: Progress | None = None) -> int:
    """Read every reference of the model in use into memory and return how many there are.

    Raises IntegrityError when one does not open where it lies.
    """
    with _uncollected(), house.database.transaction() as tx:
        for operator_id in sites.operators(tx):
            # A missing key is found now, not at the first guest.
            house.vault(operator_id).check(wrapped.by_generation(tx, operator_id))
            space(house, operator_id)  # and made now where it is new, not in the middle of somebody's act
            encrypted = _encrypted(tx, house, operator_id)
            total, done = references.count(tx, operator_id), 0
            with references.all_of(tx, operator_id) as rows:
                while portion := list(islice(rows, _PORTION)):
                    _remember(tx, house, operator_id, portion, encrypted)
                    done += len(portion)
                    if progress is not None:
                        progress("references", done, total)
    return len(house.projection) + len(house.encrypted)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let nobody look for garbage meanwhile: what is made here stays, and each look goes through all of it again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _encrypted(tx: Transaction, house: House, operator_id: str) -> set[str]:
    """Return the purposes whose references are to be parted, none while the key holder does not answer."""
    purposes = {
        row["code"] for row in sites.read(tx, operator_id, "purpose") if row["comparison"] == Comparing.ENCRYPTED
    }
    if purposes:
        try:
            house.encrypted.public_key()
        except UnavailableError:  # the others are served; what lies open stays so until the next start
            _log.warning("keyholder_silent")
            return set()
    return purposes


def _remember(
    tx: Transaction,
    house: House,
    operator_id: str,
    rows: Sequence[references.ReferenceRow],
    encrypted: Collection[str],
) -> None:
    """Hold references; those of another model are left shut."""
    by_purpose: dict[str, list[references.ReferenceRow]] = {}
    for row in rows:
        if row.model_id == house.engine.model_id:
            by_purpose.setdefault(row.purpose, []).append(row)
    for purpose, some in by_purpose.items():
        owners, room = list[Candidate](), house.projection.room(len(some))
        for row in some:
            owner = Candidate(row.subject_id, row.reference_id)
            if purpose not in encrypted and read_into(room.row(len(owners)), house, operator_id, row):
                owners.append(owner)
                continue
            reference = settled(tx, house, operator_id, row, encrypted=purpose in encrypted)
            memory.remember(house, operator_id, purpose, owner, reference)
        house.projection.take(operator_id, purpose, owners, room)
