"""9,900 persons: no duty to file, and the law all the same; with a statement that says how many there are."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from countenance.filing.statement import statement
from countenance.operations.activate import register
from countenance.operations.analyse import Analysis, analyse
from countenance.operations.counting import settle
from countenance.operations.enrol import enrol
from countenance.operations.keep_original import keep_original
from countenance.operations.parts import Refused
from countenance.vocabulary import Scope
from tests import pictures
from tests.database import DEVICE, KIOSK, OFFICER, OPERATOR, PURPOSE, ROOM_CAMERA, SESSION, Hotel, enrolment
from tests.operations.governed import articles, bodies, keeping
from tests.operations.people import known

DRAFT = "cn-2023-draft"


def test_9900_persons_raise_no_duty_and_nothing_is_permitted_for_it(hotel: Hotel) -> None:
    hotel.clock.now = datetime(2026, 11, 2, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)
    known(hotel, 9_900)
    hotel.consent("guest", Scope.ENROL, Scope.VERIFY, Scope.OFF_DEVICE_STORAGE)
    settle(hotel.house, OPERATOR)
    race = Analysis(attribute="race", purpose=PURPOSE, subject_ref="guest", device_id=KIOSK, session=SESSION)

    refused = {
        "5": enrol(hotel.house, DEVICE, enrolment("nobody"), pictures.admiral()),
        "17": keep_original(hotel.house, DEVICE, keeping(hotel), pictures.admiral()),
        "11": analyse(hotel.house, DEVICE, race, pictures.admiral()),
        "6": register(hotel.house, OFFICER, ROOM_CAMERA, PURPOSE),
    }

    for article, answer in refused.items():
        assert isinstance(answer, Refused)
        assert (DRAFT, article) in articles(answer)
    with hotel.house.database.reading() as tx:
        said = statement(tx, hotel.house.packs, OPERATOR, hotel.clock())
    assert (said["persons"]["stored"], said["persons"]["upper"]) == (9_900, 9_900)
    assert {each["pack"]: (each["state"], each["percent"]) for each in said["duties"]} == {
        DRAFT: ("not_due", 98),
        "cn-2025": ("not_due", 9),
    }
    (on_record,) = [body["details"] for body in bodies(hotel) if body["kind"] == "statement"]
    assert on_record["persons"] == said["persons"]
