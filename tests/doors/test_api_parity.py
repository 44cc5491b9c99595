"""Choices and the parity report through the REST door, the client and the command line."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from countenance.client import Client
from countenance.operations.choose import CHOICES_PER_HOUR_MAX
from countenance.operations.parity import watch
from countenance.operations.parts import Margins
from tests.database import OPERATOR, PURPOSE
from tests.doors.test_cli_subjects import Terminal

CHOICE = {"purpose": PURPOSE, "way": "face", "seconds": 40, "steps": 3}
HERE = {"venue": "harbour"}
KEY = {"Idempotency-Key": "session-0001"}


def kept(desk):
    with desk.hotel.house.database.transaction() as tx:
        return int(tx.execute(text("SELECT count(*) FROM choice")).scalar_one())


def measure(desk, face, other, times=20):
    """Let so many sessions end each way, each in so many seconds."""
    for _ in range(times):
        assert desk.post("/v1/choices", CHOICE | {"seconds": face}).status_code == 201
        assert desk.post("/v1/choices", CHOICE | {"way": "alternative", "seconds": other}).status_code == 201


def report(desk, role="officer", **query):
    answer = desk.get("/v1/parity", role=role, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_from_the_kiosk_to_the_report_and_back_to_equal(desk):
    told = desk.post("/v1/choices", CHOICE)
    assert (told.status_code, told.json()) == (201, {"venue": "harbour", "purpose": PURPOSE, "way": "face"})
    measure(desk, 40, 60)
    for way in ("refused", "abandoned"):
        assert desk.post("/v1/choices", {"purpose": PURPOSE, "way": way}).status_code == 201
    by_hand = CHOICE | HERE | {"way": "alternative", "seconds": 61}
    assert desk.post("/v1/choices", by_hand, role="officer").status_code == 201

    (turned,) = watch(desk.hotel.house, OPERATOR)
    assert turned.verdict == "face_easier"
    shown = report(desk)
    assert report(desk, role="regulator") == shown
    assert shown["margins"] == {"percent": 25, "steps": 1, "measurements_min": 20}
    begins, ends = (datetime.fromisoformat(shown[name]) for name in ("since", "until"))
    assert (ends - begins, ends) == (timedelta(days=30), desk.hotel.clock())
    (found,) = shown["parity"]
    stands = found.pop("finding_since")
    assert found == {
        "venue": "harbour",
        "purpose": PURPOSE,
        "face": {
            "choices": 21,
            "seconds": {"median": 40.0, "measurements": 21},
            "steps": {"median": 3.0, "measurements": 21},
        },
        "alternative": {
            "choices": 21,
            "seconds": {"median": 60.0, "measurements": 21},
            "steps": {"median": 3.0, "measurements": 21},
        },
        "refused": 1,
        "abandoned": 1,
        "difference": {"percent": 50.0, "steps": 0.0},
        "verdict": "face_easier",
        "missing": [],
    }
    (record,) = [each["record"] for each in desk.get("/v1/records?kind=parity").json()["records"]]
    assert (record["outcome"], record["details"]["venue"], record["at"]) == (
        "face_easier",
        "harbour",
        desk.hotel.clock().isoformat(),
    )
    assert datetime.fromisoformat(stands) == desk.hotel.clock()
    counted = desk.get("/metrics", role=None).text
    assert 'countenance_decisions_total{action="parity",outcome="face_easier"} 1.0' in counted
    assert 'countenance_decisions_total{action="choose",outcome="face"} 21.0' in counted

    measure(desk, 40, 45, times=22)
    (found,) = report(desk)["parity"]
    assert (found["verdict"], found["finding_since"]) == ("equal", stands)
    assert len(watch(desk.hotel.house, OPERATOR)) == 1
    assert report(desk)["parity"][0]["finding_since"] is None


def test_nothing_measured_is_unknown(desk):
    (found,) = report(desk)["parity"]
    assert (found["verdict"], found["difference"]) == ("unknown", {"percent": None, "steps": None})
    assert found["missing"] == ["face.seconds", "face.steps", "alternative.seconds", "alternative.steps"]
    for seconds in (0, 5):
        desk.post("/v1/choices", CHOICE | {"seconds": 0})
        desk.post("/v1/choices", CHOICE | {"way": "alternative", "seconds": seconds})
    (found,) = report(desk)["parity"]
    assert (found["verdict"], found["difference"]) == ("unknown", {"percent": None, "steps": 0.0})


def test_a_window_can_be_named(desk):
    desk.post("/v1/choices", CHOICE)
    now = desk.hotel.clock()
    later, before = (now + timedelta(hours=2)).isoformat(), (now - timedelta(hours=2)).isoformat()
    assert report(desk, since=before, until=later)["parity"][0]["face"]["choices"] == 1
    assert report(desk, until=before)["parity"][0]["face"]["choices"] == 0
    for wrong in (
        {"since": later},
        {"since": later, "until": before},
        {"since": "yesterday"},
        {"since": ""},
        {"until": "2026-11-23 10:00:00Z"},
        {"most": "1"},
        {"venue": "harbour"},
    ):
        answer = desk.get("/v1/parity", params=wrong)
        assert (wrong, answer.status_code, answer.json()["type"]) == (wrong, 400, "/v1/problems/malformed")


WRONG: list[dict[str, object]] = [
    {"way": "desk"},
    {"way": "FACE"},
    {"way": None},
    {"way": 1},
    {"way": ["face"]},
    {"seconds": -1},
    {"seconds": 7201},
    {"seconds": 10**30},
    {"seconds": 12.5},
    {"seconds": "40"},
    {"seconds": True},
    {"steps": -1},
    {"steps": 101},
    {"steps": 2.0},
    {"steps": False},
    {"purpose": None},
    {"purpose": "Check in"},
    {"purpose": "'; DROP TABLE choice; --"},
    {"venue": "../harbour"},
    {"subject": "guest-0"},
    {"device": "kiosk-1"},
    {"at": "2026-11-23T10:00:00Z"},
]


@pytest.mark.parametrize("changes", WRONG, ids=str)
def test_a_wrong_choice_is_malformed_and_leaves_nothing(desk, changes):
    answer = desk.post("/v1/choices", CHOICE | changes)
    assert (answer.status_code, answer.json()["type"]) == (400, "/v1/problems/malformed"), answer.text
    assert "DROP" not in answer.text
    assert kept(desk) == 0


def test_an_officer_names_the_venue_and_a_device_no_other(desk):
    assert desk.post("/v1/choices", CHOICE, role="officer").status_code == 400
    for role, changes in (
        ("officer", {"venue": "annex"}),
        ("device", {"venue": "annex"}),
        ("device", {"purpose": "breakfast"}),
    ):
        answer = desk.post("/v1/choices", CHOICE | changes, role=role)
        assert (answer.status_code, answer.json()["type"]) == (404, "/v1/problems/not_found")
    assert kept(desk) == 0
    assert desk.post("/v1/choices", CHOICE | HERE, role="officer").status_code == 201
    assert desk.post("/v1/choices", CHOICE | HERE).status_code == 201


@pytest.mark.parametrize(
    ("path", "roles"), [("/v1/choices", ("subject", "regulator")), ("/v1/parity", ("device", "subject"))]
)
def test_other_roles_are_sent_away(desk, path, roles):
    for role in roles:
        answer = desk.post(path, CHOICE | HERE, role=role) if path == "/v1/choices" else desk.get(path, role=role)
        assert (role, answer.status_code, answer.json()["type"]) == (role, 403, "/v1/problems/not_allowed")
    assert kept(desk) == 0


def test_a_choice_sent_twice_with_its_key_is_one(desk):
    first = desk.post("/v1/choices", CHOICE, headers=KEY)
    assert (first.status_code, "idempotent-replay" in first.headers) == (201, False)
    again = desk.post("/v1/choices", CHOICE, headers=KEY)
    assert (again.status_code, again.json(), again.headers["idempotent-replay"]) == (201, first.json(), "true")
    assert kept(desk) == 1
    other = desk.post("/v1/choices", CHOICE | {"seconds": 41}, headers=KEY)
    assert (other.status_code, other.json()["type"]) == (409, "/v1/problems/conflict")
    assert desk.post("/v1/choices", CHOICE | HERE, role="officer", headers=KEY).status_code == 201
    assert desk.post("/v1/choices", CHOICE, headers={"Idempotency-Key": "has space"}).status_code == 400
    assert kept(desk) == 2
    assert desk.post("/v1/choices", CHOICE).status_code == 201
    assert desk.post("/v1/choices", CHOICE).status_code == 201
    assert kept(desk) == 4


def test_a_flood_is_told_to_stop(desk):
    assert desk.post("/v1/choices", CHOICE).status_code == 201
    copy = "INSERT INTO choice SELECT operator_id, gen_random_uuid(), venue_id, purpose, device_id, at, way FROM choice"
    with desk.hotel.house.database.transaction() as tx:
        for _ in range(CHOICES_PER_HOUR_MAX - 1):
            tx.execute(text(f"{copy} LIMIT 1"))
    answer = desk.post("/v1/choices", CHOICE)
    assert (answer.status_code, answer.json()["type"]) == (429, "/v1/problems/too_many")


def test_the_client_writes_and_reads(desk):
    with Client(str(desk.client.base_url), desk.tokens["device"]) as kiosk:
        first = kiosk.choose("alternative", purpose=PURPOSE, seconds=45, steps=3, idempotency_key="one")
        assert first == kiosk.choose("alternative", purpose=PURPOSE, seconds=45, steps=3, idempotency_key="one")
        kiosk.choose("refused", purpose=PURPOSE)
    assert kept(desk) == 2
    with Client(str(desk.client.base_url), desk.tokens["officer"]) as officer:
        officer.choose("face", purpose=PURPOSE, venue="harbour")
        (found,) = officer.parity()["parity"]
        assert (found["face"]["choices"], found["alternative"]["choices"], found["refused"]) == (1, 1, 1)
        (empty,) = officer.parity(until="2020-01-01T00:00:00Z")["parity"]
        assert empty["face"]["choices"] == 0


def test_the_commands_write_and_print_a_table(desk, tmp_path):
    terminal = Terminal(desk, tmp_path)
    told = terminal("site", "choose", "face", "-p", PURPOSE, "--seconds", 40, "--steps", 3, "--once", "one")
    assert (told.returncode, told.stdout) == (0, "Written down for harbour.\n")
    terminal("site", "choose", "face", "-p", PURPOSE, "--seconds", 40, "--steps", 3, "--once", "one")
    assert terminal("site", "choose", "face", "-p", PURPOSE, role="officer").returncode == 2
    assert terminal("site", "choose", "face", "-p", PURPOSE, "--seconds", -1).returncode == 2
    other = ("site", "choose", "alternative", "-p", PURPOSE, "--venue", "harbour", "--seconds", 61, "--steps", 4)
    assert terminal(*other, role="officer").returncode == 0
    unknown = terminal("parity", role="officer")
    assert "unknown (too few: face.seconds, face.steps, " in unknown.stdout

    house = replace(desk.hotel.house, margins=Margins(percent=25, steps=1, measurements_min=1))
    watch(house, OPERATOR)
    head, line, margins = terminal("parity", role="officer").stdout.splitlines()
    assert head.split() == ["venue", "purpose", "face", "sec", "steps", "other", "sec", "steps", "refused", "abandoned",
                            "verdict"]  # fmt: skip
    assert line.split()[:10] == ["harbour", PURPOSE, "1", "40", "3", "1", "61", "4", "0", "0"]
    assert "(finding since " in line
    assert "25 per cent" in margins
    assert "parity     face_easier          harbour check-in" in terminal("records", role="officer").stdout
    assert '"verdict": "unknown"' in terminal("parity", "--json", role="regulator").stdout
    assert terminal("parity", "--since", "yesterday", role="officer").returncode == 2
    assert terminal("parity").returncode == 1
