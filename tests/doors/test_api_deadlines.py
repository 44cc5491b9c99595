"""The operator's clocks at the doors: over the interface, and on the server's own machine."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from countenance.operations.remind import remind
from countenance.operations.ways import Mail, MailTls, Ways
from tests.database import OPERATOR, PURPOSE, Address
from tests.doors.test_cli_house import Shell
from tests.operations.receivers import mail_server
from tests.operations.reminding import has_to_file


@pytest.fixture
def shell(address: Address, tmp_path: Path) -> Shell:
    """Return a command line for the test's own database."""
    return Shell(address, tmp_path)


def test_officer_and_regulator_see_every_clock_and_what_became_of_the_reminders(make_desk: Any) -> None:
    desk = make_desk(audit_months=6)
    with desk.hotel.house.database.transaction() as tx:  # nothing is on record of a day after the one that is looked at
        tx.execute(text("UPDATE record SET at = '2026-11-01T02:00:00Z'"))
    has_to_file(desk.hotel)
    ways = Ways(mail=Mail("localhost", 1, MailTls.NONE, "a@b.example", ("c@d.example",)))
    remind(desk.hotel.house, OPERATOR, ways)

    seen = desk.get("/v1/filing/deadlines", role="officer").json()

    assert seen == desk.get("/v1/filing/deadlines", role="regulator").json()
    (filing,) = [each for each in seen["deadlines"] if each["kind"] == "filing"]
    assert (filing["about"], filing["last_day"], filing["working_days_left"]) == ("cn-2023-draft", "2026-12-14", 20)
    assert (filing["state"], filing["provisional"], filing["starts_on"]) == ("running", False, "2026-11-02")
    assert filing["what"]["zh"] == "依 cn-2023-draft 备案"
    assert {"assessment", "necessity", "sign", "device_assessment", "purpose_review"} <= {
        each["kind"] for each in seen["deadlines"]
    }
    by_way = {each["way"]: each for each in seen["reminders"]}
    assert by_way["console"]["sent_at"] is not None
    assert (by_way["mail"]["sent_at"], by_way["mail"]["trouble"], by_way["mail"]["tries"]) == (None, "unreachable", 1)
    assert by_way["mail"]["next_at"] > by_way["mail"]["due_at"]
    for role in ("device", "subject"):
        assert desk.get("/v1/filing/deadlines", role=role).status_code == 403


def test_the_terminal_shows_clocks_and_tries_the_ways(shell: Shell) -> None:
    listed = json.loads(shell("filing", "deadlines", "--json").stdout)["deadlines"]
    (necessity,) = [each for each in listed if each["kind"] == "necessity"]
    assert (necessity["about"], necessity["last_day"]) == (PURPOSE, "2027-12-31")
    printed = shell("filing", "deadlines").stdout
    assert "The statement why the purpose check-in needs faces · 处理目的 check-in 的必要性说明" in printed
    assert "Nobody was reminded yet." in shell("filing", "remind").stdout
    assert "No way is set" in shell("filing", "remind", "--test").stdout

    with mail_server() as server:
        given = {
            "COUNTENANCE_MAIL_SERVER": f"smtp+plain://localhost:{server.port}",
            "COUNTENANCE_MAIL_FROM": "countenance@hotel.example",
            "COUNTENANCE_MAIL_TO": "officer@hotel.example, desk@hotel.example",
        }
        sent = shell("filing", "remind", "--test", **given)
        assert (sent.returncode, sent.stdout) == (0, "mail: sent · 已发送\n")
        assert server.taken[0].to == ["officer@hotel.example", "desk@hotel.example"]
    gone = shell("filing", "remind", "--test", **given)
    assert gone.returncode == 1
    assert "cannot be reached" in gone.stdout
    wrong = shell("filing", "remind", "--test", **given | {"COUNTENANCE_MAIL_FROM": "the hotel"})
    assert (wrong.returncode, "COUNTENANCE_MAIL_FROM" in wrong.stderr) == (2, True)


def test_the_terminal_takes_what_a_person_says_was_done(shell: Shell) -> None:
    assert shell("filing", "done", "purpose_review", "--about", PURPOSE).stdout == "Noted, and on record.\n"
    assert shell("filing", "done", "audit", "--on", "2026-01-05").returncode == 0
    listed = json.loads(shell("filing", "deadlines", "--json").stdout)["deadlines"]
    assert {each["last_day"] for each in listed if each["kind"] == "audit"} == {"2027-01-05"}
    assert shell("filing", "done", "sign", "--about", "kiosk-1").returncode == 2
    assert shell("filing", "done", "nothing").returncode == 2
