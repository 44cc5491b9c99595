"""The references that are held of a subject, opened for one comparison."""

from uuid import UUID

from countenance.compare import Features
from countenance.operations.parts import House
from countenance.store import references as store
from countenance.store import subjects
from countenance.store.database import Transaction
from countenance.vault.sealing import TemplatePlace


def references(
    tx: Transaction, house: House, operator_id: str, subject_id: UUID | None, purpose: str
) -> list[Features]:
    """Return a subject's references for one purpose, made by the model in use, and hold them until the commit.

    The subject's row is shared, so that a withdrawal either came first (and nothing is found) or waits.
    """
    if subject_id is None or not subjects.share(tx, operator_id, subject_id):
        return []
    vault, model_id = house.vault(operator_id), house.engine.model_id
    return [
        Features.from_bytes(
            vault.open_template(
                row.sealed, row.wrapped, TemplatePlace(subject_id, purpose, row.model_id, row.reference_id)
            ),
            row.model_id,
        )
        for row in store.of_subject(tx, operator_id, subject_id, purpose)
        if row.model_id == model_id
    ]
