"""The references that are held of a subject, opened for one comparison."""

from uuid import UUID

from countenance.compare import Features
from countenance.errors import IntegrityError, MalformedError
from countenance.operations.parts import House
from countenance.store import references as store
from countenance.store import subjects
from countenance.store.database import Transaction
from countenance.store.gathering import Question
from countenance.vault.sealing import TemplatePlace


def hold(tx: Transaction, question: Question) -> None:
    """Hold the subject a question is about: whoever wants to change what is on file of it waits for the commit."""
    if question.subject_id is not None:
        subjects.share(tx, question.operator_id, question.subject_id)
    elif question.subject_ref is not None:
        subjects.share_ref(tx, question.operator_id, question.subject_ref)


def references(
    tx: Transaction, house: House, operator_id: str, subject_id: UUID | None, purpose: str
) -> list[Features]:
    """Return a subject's references for one purpose, made by the model in use; the subject is held until the commit."""
    if subject_id is None or not subjects.share(tx, operator_id, subject_id):
        return []
    rows = store.of_subject(tx, operator_id, subject_id, purpose)
    return [opened(house, operator_id, row) for row in rows if row.model_id == house.engine.model_id]


def opened(house: House, operator_id: str, row: store.ReferenceRow) -> Features:
    """Return one reference, opened where it lies; raises IntegrityError where it does not open, or is no template."""
    place = TemplatePlace(row.subject_id, row.purpose, row.model_id, row.reference_id)
    template = house.vault(operator_id).open_template(row.sealed, row.wrapped, place)
    try:
        return Features.from_bytes(template, row.model_id)
    except MalformedError as error:  # sealed by us, so it is no caller's mistake
        raise IntegrityError(error.en, error.zh) from error
