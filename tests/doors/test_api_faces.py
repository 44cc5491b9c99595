"""Enrol, verify, identify, withdraw and erase through the REST door, on the real database and engine."""

from tests.doors.conftest import about


from tests import pictures


def test_smoke(desk):
    first = pictures.admiral()
    assert desk.consent("g1").status_code == 201
    done = desk.post("/v1/enrol", about("g1", first))
    print(done.text)
    assert done.status_code == 201
    done = desk.post("/v1/verify", about("g1", first))
    print(done.text)
    assert done.json()["outcome"] == "match"
