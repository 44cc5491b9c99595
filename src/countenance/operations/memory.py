"""What this process holds of references: those that open here, and those that are matched under encryption.

Memory proposes and the database decides: what is found here is looked up again before anybody is named.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from countenance.compare import Features
from countenance.operations.parts import House
from countenance.vault.encrypted import Kept
from countenance.vault.projection import Candidate

Reference = Features | Kept
Remember = Callable[[str, str, Candidate, Reference], None]


def remember(house: House, operator_id: str, purpose: str, owner: Candidate, reference: Reference) -> None:
    """Hold one reference; one that is held already stays as it is."""
    if isinstance(reference, Kept):
        house.encrypted.add(operator_id, purpose, owner, reference)
    else:
        house.projection.add(operator_id, purpose, owner, reference.numbers())


def let_go(
    house: House, operator_id: str, purposes: Sequence[str], subject_id: UUID, reference_ids: Sequence[UUID]
) -> None:
    """Forget references of a subject, wherever they are held."""
    house.projection.remove(operator_id, purposes, subject_id, reference_ids)
    house.encrypted.remove(operator_id, purposes, subject_id, reference_ids)


@contextmanager
def staged(house: House) -> Iterator[Remember]:
    """Yield what holds references for as long as a transaction may still fail: if it does, they go again.

    Held before the commit, while the subject is held, so that a withdrawal that waits for the subject finds them.
    """
    held: list[tuple[str, str, Candidate]] = []

    def add(operator_id: str, purpose: str, owner: Candidate, reference: Reference) -> None:
        remember(house, operator_id, purpose, owner, reference)
        held.append((operator_id, purpose, owner))

    try:
        yield add
    except BaseException:
        for operator_id, purpose, owner in held:
            let_go(house, operator_id, [purpose], owner.subject_id, [owner.reference_id])
        raise


def held(house: House, operator_id: str) -> set[tuple[str, Candidate]]:
    """Return purpose and owner of every reference of an operator that is held."""
    return house.projection.held(operator_id) | house.encrypted.held(operator_id)


def count(house: House, operator_id: str, purpose: str) -> int:
    """Return how many references a search goes through."""
    return house.projection.count(operator_id, purpose) + house.encrypted.count(operator_id, purpose)
