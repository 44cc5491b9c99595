"""The references that are held of a subject, made ready for one comparison in the operator's own space.

Where matching is encrypted they are not opened: a share stays a share, and the key holder says whether one matches.
"""

from dataclasses import dataclass, field
from uuid import UUID

from countenance.answer import Permit
from countenance.compare import Comparison, Features, compare
from countenance.errors import IntegrityError, MalformedError
from countenance.operations.parts import House
from countenance.store import references as store
from countenance.store import spaces, subjects
from countenance.store.database import Transaction
from countenance.store.gathering import Question
from countenance.vault.encrypted import Kept
from countenance.vault.keyring import wipe
from countenance.vault.projection import Candidate
from countenance.vault.sealing import TemplatePlace
from countenance.vault.shares import Share, is_share, split
from countenance.vault.spaces import Space
from countenance.vocabulary import Target


def hold(tx: Transaction, question: Question) -> None:
    """Hold the subject a question is about: whoever wants to change what is on file of it waits for the commit."""
    if question.subject_id is not None:
        subjects.share(tx, question.operator_id, question.subject_id)
    elif question.subject_ref is not None:
        subjects.share_ref(tx, question.operator_id, question.subject_ref)


@dataclass(frozen=True, slots=True)
class Held:
    """A subject's references for one purpose: those that open here, and those that are matched under encryption."""

    operator_id: str
    purpose: str
    features: list[Features] = field(repr=False)
    shares: list[tuple[Candidate, Kept]] = field(repr=False)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.features) + len(self.shares)


def references(tx: Transaction, house: House, operator_id: str, subject_id: UUID | None, purpose: str) -> Held:
    """Return a subject's references for one purpose, made by the model in use; the subject is held until the commit."""
    if subject_id is None or not subjects.share(tx, operator_id, subject_id):
        return Held(operator_id, purpose, [], [])
    return of_subject(tx, house, operator_id, subject_id, purpose)


def of_subject(tx: Transaction, house: House, operator_id: str, subject_id: UUID, purpose: str) -> Held:
    """Return the same of a subject that nobody holds."""
    held = Held(operator_id, purpose, [], [])
    for row in store.of_subject(tx, operator_id, subject_id, purpose):
        if row.model_id == house.engine.model_id:
            kept = opened(house, operator_id, row)
            if isinstance(kept, Kept):
                held.shares.append((Candidate(subject_id, row.reference_id), kept))
            else:
                held.features.append(kept)
    return held


def matched(house: House, permit: Permit, probe: Features, held: Held, target: Target) -> Comparison:
    """Decide whether any of a subject's references matches the probe; raises what `compare` raises.

    Raises UnavailableError where it takes the key holder and that does not answer.
    """
    threshold = house.threshold_of(target)
    comparison = compare(permit, probe, held.features, threshold)
    if comparison.match or not held.shares:
        return comparison
    for owner, kept in held.shares:  # another server may have enrolled a moment ago
        house.encrypted.add(held.operator_id, held.purpose, owner, kept)
    among = [owner for owner, _ in held.shares]
    numbers = space(house, held.operator_id).centred(probe.numbers())
    found = house.encrypted.candidates(held.operator_id, held.purpose, numbers, target, 1, among)
    return Comparison(bool(found), threshold.fmr_target)


def candidates(house: House, operator_id: str, purpose: str, probe: Features, most: int) -> list[UUID]:
    """Return the subjects who match a probe for identification, the most alike first within each way of matching.

    Raises UnavailableError where some are matched under encryption and the key holder does not answer: whoever is
    looked for might be among them.
    """
    found = house.projection.candidates(operator_id, purpose, probe.numbers(), house.identify_threshold.score, most)
    if house.encrypted.count(operator_id, purpose):
        numbers = space(house, operator_id).centred(probe.numbers())
        owners = house.encrypted.candidates(operator_id, purpose, numbers, Target.IDENTIFY, most)
        found += [owner.subject_id for owner in owners]
    return list(dict.fromkeys(found))[:most]


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
            if newest is not None and _lies_in_space(house, operator_id, newest):
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


def opened(house: House, operator_id: str, row: store.ReferenceRow) -> Features | Kept:
    """Return one reference in the operator's space, or its share; raises IntegrityError where it does not open."""
    lies = _opened(house, operator_id, row)
    return lies if isinstance(lies, Kept) else lies.turned(space(house, operator_id))


def _opened(house: House, operator_id: str, row: store.ReferenceRow) -> Features | Kept:
    """Return one reference as it lies: in the operator's space, from before there was one, or as a share."""
    place = _place(row)
    template = house.vault(operator_id).open_template(row.sealed, row.wrapped, place)
    try:
        if is_share(template):
            return Kept(Share.from_bytes(template), place.associated(operator_id))
        return Features.from_bytes(template, row.model_id, operator_id)
    except MalformedError as error:  # sealed by us, so it is no caller's mistake
        raise IntegrityError(error.en, error.zh) from error
    finally:
        wipe(template)


def _lies_in_space(house: House, operator_id: str, row: store.ReferenceRow) -> bool:
    lies = _opened(house, operator_id, row)
    return isinstance(lies, Kept) or lies.space is not None


def _place(row: store.ReferenceRow) -> TemplatePlace:
    return TemplatePlace(row.subject_id, row.purpose, row.model_id, row.reference_id)


def parted(house: House, operator_id: str, features: Features, place: TemplatePlace) -> Kept:
    """Return features as they are kept where matching is encrypted; from here on nobody here can put them together.

    Raises UnavailableError where the key holder does not answer.
    """
    associated = place.associated(operator_id)
    numbers = space(house, operator_id).centred(features.numbers())
    return Kept(split(numbers, house.encrypted.public_key(), associated), associated)


def read_into(numbers: memoryview, house: House, operator_id: str, row: store.ReferenceRow) -> bool:
    """Write one reference into a row of numbers, and say whether it lies in the operator's space: only then it does."""
    template = house.vault(operator_id).open_template(row.sealed, row.wrapped, _place(row))
    try:
        return Features.written_into(numbers, template)
    finally:
        wipe(template)


def settled(
    tx: Transaction, house: House, operator_id: str, row: store.ReferenceRow, *, encrypted: bool
) -> Features | Kept:
    """Return one reference as it should lie, and see that it does: what lies otherwise is sealed again.

    One from before there were spaces is moved into its own; one of a purpose whose matching is encrypted now is parted.
    """
    lies = _opened(house, operator_id, row)
    if isinstance(lies, Kept):
        return lies
    features = lies.turned(space(house, operator_id))
    reference = parted(house, operator_id, features, _place(row)) if encrypted else features
    if encrypted or lies.space is None:
        sealed = house.vault(operator_id).seal_template(reference.to_bytes(), row.wrapped, _place(row))
        store.seal_again(tx, operator_id, row, sealed)
    return reference
