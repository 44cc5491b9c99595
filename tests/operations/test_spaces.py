"""Every reference lies in its operator's space from enrolment on; what was kept before is moved when a house opens."""

import threading

import numpy as np
import pytest
from sqlalchemy import text

from countenance.compare import Features
from countenance.errors import IntegrityError
from countenance.operations import held
from countenance.operations.fill import fill
from countenance.operations.parts import House
from countenance.store import references, subjects
from countenance.store.references import ReferenceRow
from countenance.vault.projection import Projection
from countenance.vault.sealing import TemplatePlace
from countenance.vault.spaces import Space, Spaces
from tests.database import OPERATOR, PURPOSE, Hotel
from tests.faces import grace_hopper_jpeg
from tests.operations.test_rotate import claimed


def rows(hotel: Hotel) -> list[ReferenceRow]:
    """Return the references of the guest."""
    with hotel.house.database.transaction() as tx:
        found = subjects.find(tx, OPERATOR, "guest")
        assert found is not None
        return references.of_subject(tx, OPERATOR, found.subject_id, PURPOSE)


def template(house: House, row: ReferenceRow) -> Features:
    """Return a reference as it lies."""
    place = TemplatePlace(row.subject_id, row.purpose, row.model_id, row.reference_id)
    return Features.from_bytes(
        house.vault(OPERATOR).open_template(row.sealed, row.wrapped, place), row.model_id, OPERATOR
    )


def afresh(hotel: Hotel) -> House:
    """Return the house as another process opens it, with nothing in memory."""
    engine = hotel.house.engine
    projection = Projection(engine.model_id, engine.extractor.dimension)
    return hotel.with_house(spaces=Spaces(), projection=projection).house


@pytest.fixture
def enrolled(hotel: Hotel) -> Hotel:
    """Return the hotel with a guest enrolled."""
    hotel.consent("guest")
    hotel.enrol("guest", grace_hopper_jpeg())
    return hotel


def as_before(hotel: Hotel) -> Features:
    """Put the guest's reference where an earlier version left it, and return its plain features."""
    (row,) = rows(hotel)
    space = held.space(hotel.house, OPERATOR)
    lies = template(hotel.house, row).numbers()
    plain = Features(((lies - space._shift) @ space._rotation.T).astype(np.float32), row.model_id)
    place = TemplatePlace(row.subject_id, row.purpose, row.model_id, row.reference_id)
    sealed = hotel.house.vault(OPERATOR).seal_template(plain.to_bytes(), row.wrapped, place)
    with hotel.house.database.transaction() as tx:
        references.seal_again(tx, OPERATOR, row, sealed)
    return plain


def test_a_reference_lies_in_the_operators_space_and_another_process_finds_it_there(enrolled: Hotel) -> None:
    (row,) = rows(enrolled)
    assert template(enrolled.house, row).space == OPERATOR
    assert claimed(enrolled.house)
    assert claimed(afresh(enrolled))


def test_what_lies_there_is_not_what_the_model_gave(enrolled: Hotel) -> None:
    (row,) = rows(enrolled)
    lies, plain = template(enrolled.house, row), as_before(enrolled)
    assert np.square(lies.numbers() - plain.numbers()).sum() > 1, "far beyond every threshold"
    assert np.allclose(plain.turned(held.space(enrolled.house, OPERATOR)).numbers(), lies.numbers(), atol=1e-5)


def test_a_reference_of_before_is_compared_and_moved_when_a_house_opens(enrolled: Hotel) -> None:
    as_before(enrolled)
    (before,) = rows(enrolled)
    assert template(enrolled.house, before).space is None
    assert claimed(enrolled.house), "before it is moved as well"

    house = afresh(enrolled)
    assert fill(house) == 1

    (after,) = rows(enrolled)
    assert template(house, after).space == OPERATOR
    assert claimed(house)
    assert fill(afresh(enrolled)) == 1
    assert rows(enrolled) == [after], "moved once"


def test_two_processes_that_come_first_make_one_space(hotel: Hotel) -> None:
    houses, meet = [afresh(hotel) for _ in range(4)], threading.Barrier(4)
    made: list[bytes] = []

    def first(house: House) -> None:
        meet.wait(timeout=30)
        made.append(held.space(house, OPERATOR).to_bytes())

    coming = [threading.Thread(target=first, args=(house,)) for house in houses]
    for each in coming:
        each.start()
    for each in coming:
        each.join(timeout=30)
    assert len(made) == 4
    assert len(set(made)) == 1


@pytest.mark.parametrize("harm", ["changed", "another model's", "no space", "no longer there"])
def test_a_space_that_is_not_the_operators_own_compares_nothing(enrolled: Hotel, harm: str) -> None:
    vault = enrolled.house.vault(OPERATOR)
    other = vault.seal_space("another model", Space.made(OPERATOR, 128).to_bytes())
    nothing = vault.seal_space(enrolled.house.engine.model_id, bytes(4 * 128 * 129))
    with enrolled.house.database.transaction() as tx:
        if harm == "changed":
            tx.execute(text("UPDATE space SET sealed = set_byte(sealed, 40, 255 - get_byte(sealed, 40))"))
        elif harm == "no longer there":
            tx.execute(text("DELETE FROM space"))
        else:
            tx.execute(text("UPDATE space SET sealed = :s"), {"s": other if harm == "another model's" else nothing})
    house = afresh(enrolled)
    for act in (lambda: claimed(house), lambda: fill(house)):
        with pytest.raises(IntegrityError):
            act()
    with enrolled.house.database.transaction() as tx:
        kept = tx.execute(text("SELECT count(*) FROM space")).scalar_one()
    assert kept == (0 if harm == "no longer there" else 1), "no new one is made in its place"
