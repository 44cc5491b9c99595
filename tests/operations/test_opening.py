"""Which law judges and which model compares is on record, once, and again when it changes."""

from dataclasses import replace

from countenance.law.pack import Packs
from countenance.operations.opening import note_opening
from tests.database import Hotel
from tests.operations.governed import bodies


def test_packs_and_model_are_recorded_once_and_again_when_they_change(hotel: Hotel) -> None:
    note_opening(hotel.house)
    note_opening(hotel.house)
    model, law = bodies(hotel)
    assert (law["kind"], law["outcome"], law["by"]) == ("law", "in_force", "server")
    assert law["details"] == {"packs": {each.name: each.edition for each in hotel.house.packs}, "before": None}
    assert (model["kind"], model["details"]) == ("model", {"model": hotel.house.engine.model_id, "before": None})

    fewer = hotel.with_house(packs=Packs([hotel.house.packs[0]]))
    note_opening(fewer.house)
    note_opening(fewer.house)
    (change, *before) = bodies(hotel)
    assert len(before) == 2
    assert change["details"]["before"] == {"packs": law["details"]["packs"]}
    assert list(change["details"]["packs"]) == [hotel.house.packs[0].name]

    other = hotel.with_house(engine=replace(hotel.house.engine, model_id="another"))
    note_opening(other.house)
    kinds = [(each["kind"], each["details"]["before"] is None) for each in bodies(hotel)]
    assert kinds[:2] in ([("model", False), ("law", False)], [("model", False), ("law", True)])
