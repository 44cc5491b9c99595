"""The vault: what is sealed opens where it lies and nowhere else, and a missing key is never replaced in silence."""

import json
import pickle
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from countenance.errors import IntegrityError, UnavailableError
from countenance.vault.keyring import Keyring
from countenance.vault.keys import FileKeys
from countenance.vault.projection import Candidate, Projection
from countenance.vault.sealing import TemplatePlace, Vault
from countenance.vault.vaults import Vaults

KEY = bytes(range(32))
TEMPLATE = b"numbers of a face" * 30


class Given:
    """Keys that a test gives, by generation."""

    def __init__(self, *keys: bytes) -> None:
        """Number the keys from the first generation on."""
        self.keys = dict(enumerate(keys, 1))

    def generations(self, operator_id: str) -> list[int]:
        """Return the generations that are there."""
        return sorted(self.keys)

    def open(self, operator_id: str, generation: int = 1) -> bytearray:
        """Return one."""
        if generation not in self.keys:
            raise UnavailableError("missing", "missing")
        return bytearray(self.keys[generation])

    def create(self, operator_id: str, generation: int = 1) -> None:
        """Make one that tells which it is."""
        self.keys[generation] = bytes([generation]) * 32

    def destroy(self, operator_id: str, generation: int) -> None:
        """Take one away."""
        self.keys.pop(generation, None)


def vault_of(operator_id: str, *keys: bytes) -> Vault:
    """Return a vault over keys of a test."""
    return Vault(operator_id, Keyring(Given(*(keys or (KEY,))), operator_id))


def sealed(vault: Vault) -> tuple[bytes, bytes, TemplatePlace]:
    place = TemplatePlace(uuid4(), "check-in", "model-1", uuid4())
    wrapped = vault.new_key(place.subject_id, place.purpose)
    return vault.seal_template(TEMPLATE, wrapped, place), wrapped, place


def test_a_template_opens_where_it_was_sealed() -> None:
    vault = vault_of("hotel")
    value, wrapped, place = sealed(vault)

    assert vault.open_template(value, wrapped, place) == TEMPLATE
    assert TEMPLATE[:8] not in value


@pytest.mark.parametrize("moved", ["subject", "purpose", "model", "reference", "operator", "key"])
def test_a_template_moved_anywhere_does_not_open(moved: str) -> None:
    vault = vault_of("hotel")
    value, wrapped, place = sealed(vault)
    other = TemplatePlace(
        uuid4() if moved == "subject" else place.subject_id,
        "marketing" if moved == "purpose" else place.purpose,
        "model-2" if moved == "model" else place.model_id,
        uuid4() if moved == "reference" else place.reference_id,
    )
    vault = vault_of("bank") if moved == "operator" else vault_of("hotel", bytes(32)) if moved == "key" else vault

    with pytest.raises(IntegrityError):
        vault.open_template(value, wrapped, other)


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_altering_any_byte_is_noticed(at: int, by: int) -> None:
    vault = vault_of("hotel")
    value, wrapped, place = sealed(vault)
    altered = bytearray(value)
    altered[at % len(altered)] ^= by

    with pytest.raises(IntegrityError):
        vault.open_template(bytes(altered), wrapped, place)
    with pytest.raises(IntegrityError):
        vault.open_template(value[: at % len(value)], wrapped, place)


def test_the_same_template_is_never_sealed_to_the_same_bytes() -> None:
    vault = vault_of("hotel")
    _, wrapped, place = sealed(vault)

    assert len({vault.seal_template(TEMPLATE, wrapped, place) for _ in range(20)}) == 20


def test_marks_tie_records_to_a_subject_only_with_its_linking_key() -> None:
    vault, subject = vault_of("hotel"), uuid4()
    linking = vault.new_linking_key(subject)

    assert vault.mark(linking, subject) == vault.mark(linking, subject)
    assert vault.mark(vault.new_linking_key(subject), subject) != vault.mark(linking, subject)
    with pytest.raises(IntegrityError):
        vault.mark(linking, uuid4())


@pytest.mark.parametrize("shown", [repr, str])
def test_keys_do_not_show_and_do_not_travel(shown: object, tmp_path: Path) -> None:
    vault = vault_of("hotel")
    assert KEY.hex() not in shown(vault)  # type: ignore[operator]
    assert repr(KEY)[2:10] not in shown(vault)  # type: ignore[operator]
    for held in (vault, Vaults(FileKeys(tmp_path)), Projection("model-1", 2)):
        with pytest.raises(TypeError):
            pickle.dumps(held)
        with pytest.raises(TypeError):
            json.dumps(held)


def test_an_operator_s_name_cannot_leave_the_folder(tmp_path: Path) -> None:
    FileKeys(tmp_path / "keys").create("../../outside")

    assert [each.parent for each in tmp_path.rglob("*.key")] == [tmp_path / "keys"]


def best(
    projection: Projection, operator: str, purpose: str, probe: NDArray[np.float32], score_min: float
) -> UUID | None:
    """Return the most alike subject, if any."""
    found = projection.candidates(operator, purpose, probe, score_min, 1)
    return found[0] if found else None


def numbers(seed: int, size: int = 16) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=size).astype(np.float32)


def test_the_search_is_exact_and_keeps_purposes_and_operators_apart() -> None:
    projection = Projection("model-1", 16)
    owners = [Candidate(uuid4(), uuid4()) for _ in range(700)]
    for seed, owner in enumerate(owners):
        projection.add("hotel", "check-in", owner, numbers(seed))
    probe = (numbers(311) + np.float32(0.001)).astype(np.float32)

    assert best(projection, "hotel", "check-in", probe, -0.01) == owners[311].subject_id
    assert best(projection, "hotel", "breakfast", probe, -1e9) is None
    assert best(projection, "bank", "check-in", probe, -1e9) is None
    assert best(projection, "hotel", "check-in", probe, -1e-9) is None
    distances = [float(((numbers(seed) - numbers(9999)) ** 2).sum()) for seed in range(700)]
    assert best(projection, "hotel", "check-in", numbers(9999), -1e9) == owners[int(np.argmin(distances))].subject_id


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=120))
def test_what_was_removed_is_never_found(acts: list[tuple[int, bool]]) -> None:
    projection, subjects = Projection("model-1", 16), [uuid4() for _ in range(31)]
    held: dict[int, list[UUID]] = {}
    for number, add in acts:
        if add:
            reference = uuid4()
            projection.add("hotel", "p", Candidate(subjects[number], reference), numbers(number))
            held.setdefault(number, []).append(reference)
        else:
            projection.remove("hotel", ["p", "no such purpose"], subjects[number], held.pop(number, []))
    for number, subject in enumerate(subjects):
        found = best(projection, "hotel", "p", numbers(number), -1e-3)
        assert (found == subject) == (number in held)


def test_holes_are_closed_and_memory_given_back() -> None:
    projection = Projection("model-1", 16)
    owners = [Candidate(uuid4(), uuid4()) for _ in range(3000)]
    for seed, owner in enumerate(owners):
        projection.add("hotel", "p", owner, numbers(seed))
    for owner in owners[:2900]:
        projection.remove("hotel", ["p"], owner.subject_id, [owner.reference_id])

    assert len(projection) == projection.count("hotel", "p") == 100
    assert best(projection, "hotel", "p", numbers(2950), -1e-3) == owners[2950].subject_id
    assert best(projection, "hotel", "p", numbers(10), -1e-3) is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused_and_match_nothing(value: float) -> None:
    projection = Projection("model-1", 16)
    projection.add("hotel", "p", Candidate(uuid4(), uuid4()), numbers(1))
    wrong = numbers(1)
    wrong[3] = value

    with pytest.raises(IntegrityError):
        projection.add("hotel", "p", Candidate(uuid4(), uuid4()), wrong)
    with pytest.raises(IntegrityError):
        projection.add("hotel", "p", Candidate(uuid4(), uuid4()), np.zeros(16, np.float32))
    assert best(projection, "hotel", "p", wrong, -1e9) is None


def test_candidates_are_subjects_in_order_and_bounded() -> None:
    projection, near, far = Projection("model-1", 16), uuid4(), uuid4()
    for offset, subject in ((0.0, near), (0.1, near), (0.2, far)):
        projection.add("hotel", "p", Candidate(subject, uuid4()), (numbers(1) + np.float32(offset)).astype(np.float32))

    assert projection.candidates("hotel", "p", numbers(1), -1.0, 8) == [near, far]
    assert projection.candidates("hotel", "p", numbers(1), -1.0, 1) == [near]
    assert projection.candidates("hotel", "p", numbers(1), -0.1, 8) == [near]


def test_a_newer_reference_of_the_same_subject_stays() -> None:
    projection, subject, older, newer = Projection("model-1", 16), uuid4(), uuid4(), uuid4()
    projection.add("hotel", "p", Candidate(subject, older), numbers(1))
    projection.add("hotel", "p", Candidate(subject, newer), numbers(2))
    projection.remove("hotel", ["p"], subject, [older])

    assert best(projection, "hotel", "p", numbers(1), -1e-3) is None
    assert best(projection, "hotel", "p", numbers(2), -1e-3) == subject
