"""The references that are held of a subject, opened for one comparison in the operator's own space."""

from uuid import UUID

from countenance.compare import Features
from countenance.errors import IntegrityError, MalformedError
from countenance.operations.parts import House
from countenance.store import references as store
from countenance.store import spaces, subjects
from countenance.store.database import Transaction
from countenance.store.gathering import Question
from countenance.vault.sealing import TemplatePlace
from countenance.vault.spaces import Space


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


def space(house: House, operator_id: str) -> Space:
    """Return the operator's space for the features of the model in use; it is made when it is first asked for.

    Raises IntegrityError where it is gone while something lies in it: a new one would make strangers of everybody.
    """
    model_id = house.engine.model_id
    if held := house.spaces.find(operator_id, model_id):
        return held
    vault = house.vault(operator_id)
    with house.database.transaction() as tx:  # by itself: what asks for it may still fail
        sealed = spaces.find(tx, operator_id, model_id)
        if sealed is None:
            newest = store.newest(tx, operator_id, model_id)
            if newest is not None and _opened(house, operator_id, newest).space is not None:
                raise IntegrityError(
                    "The operator's space is gone, so its templates cannot be compared. Restore it from backup.",
                    "运营者的特征空间丢失，模板无法比对。请从备份恢复。",
                )
            made = Space.made(operator_id, house.engine.extractor.dimension)
            spaces.keep(tx, operator_id, model_id, vault.seal_space(model_id, made.to_bytes()))
            sealed = spaces.find(tx, operator_id, model_id)  # another process may have come first
    if sealed is None:
        raise IntegrityError("The operator's space was not kept.", "运营者的特征空间未能保存。")
    return house.spaces.keep(operator_id, model_id, Space.from_bytes(operator_id, vault.open_space(model_id, sealed)))


def turned(house: House, operator_id: str, probe: Features) -> Features:
    """Return a probe in the operator's space, where alone it compares with what is held."""
    return probe.turned(space(house, operator_id))


def opened(house: House, operator_id: str, row: store.ReferenceRow) -> Features:
    """Return one reference in the operator's space; raises IntegrityError where it does not open, or is no template."""
    return _opened(house, operator_id, row).turned(space(house, operator_id))


def _opened(house: House, operator_id: str, row: store.ReferenceRow) -> Features:
    """Return one reference as it lies: in the operator's space, or from before there was one."""
    template = house.vault(operator_id).open_template(row.sealed, row.wrapped, _place(row))
    try:
        return Features.from_bytes(template, row.model_id, operator_id)
    except MalformedError as error:  # sealed by us, so it is no caller's mistake
        raise IntegrityError(error.en, error.zh) from error


def _place(row: store.ReferenceRow) -> TemplatePlace:
    return TemplatePlace(row.subject_id, row.purpose, row.model_id, row.reference_id)


def settled(tx: Transaction, house: House, operator_id: str, row: store.ReferenceRow) -> Features:
    """Return one reference in the operator's space, and see that it lies there: one of before is sealed again."""
    lies = _opened(house, operator_id, row)
    features = lies.turned(space(house, operator_id))
    if lies.space is None:
        sealed = house.vault(operator_id).seal_template(features.to_bytes(), row.wrapped, _place(row))
        store.seal_again(tx, operator_id, row, sealed)
    return features
