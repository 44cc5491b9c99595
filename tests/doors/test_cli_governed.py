"""What an officer governs, on the command line at a real server."""

import json
import re
from datetime import timedelta

import pytest

from countenance.operations.declare import declare
from countenance.sites.declaration import read_site
from countenance.vocabulary import Role
from tests.database import HOTEL, KIOSK
from tests.doors.conftest import Desk
from tests.doors.test_cli_subjects import AT_THE_KIOSK, Terminal

P = ("-p", "check-in")


@pytest.fixture
def terminal(desk: Desk, tmp_path):
    """Return a terminal at the desk; `guest` is enrolled, and there are three officers."""
    made = Terminal(desk, tmp_path)
    for name in ("first", "second"):
        desk.tokens[name] = desk.issue(Role.OFFICER)
    desk.consent("guest", scopes=["enrol", "verify", "off_device_storage", "keep_original"])
    assert made("enrol", made.first, "-s", "guest", *AT_THE_KIOSK).returncode == 0
    return made


def test_an_authorisation_is_asked_for_approved_used_and_revoked(terminal: Terminal) -> None:
    until = (terminal.desk.hotel.clock() + timedelta(hours=1)).isoformat()
    asked = terminal(
        "authorisation", "ask", *P, "--ground", "emergency", "--requester", "Parents", "--issuer", "Police",
        "--reference", "7", "--device", KIOSK, "--until", until, "-s", "guest", "--concerned", role="officer",
    )  # fmt: skip
    name = asked.stdout.strip()
    assert asked.returncode == 0, asked.stderr
    assert terminal("remote", terminal.second, *P).returncode == 3
    assert terminal("authorisation", "approve", name, role="officer").returncode == 1
    assert terminal("authorisation", "approve", name, role="first").stdout == "Approved by 1.\n"
    assert terminal("authorisation", "approve", name, role="second").stdout == "Approved by 2.\n"
    assert terminal("remote", terminal.second, *P).stdout == "Match: guest.\n"
    assert name in terminal("authorisation", "list", role="officer").stdout
    shown = json.loads(terminal("authorisation", "show", name, role="officer").stdout)
    assert [use["outcome"] for use in shown["uses"]] == ["match", "refused"]
    assert terminal("authorisation", "revoke", name, role="officer").stdout == "Revoked.\n"


def test_the_other_acts_have_their_words_and_exit_codes(terminal: Terminal) -> None:
    assert terminal("activate", "check-in", role="officer").stdout.startswith("Activated. On record as ")
    assert terminal("register", KIOSK, *P, role="officer").stdout.startswith("Registered. On record as ")
    assert terminal("register", "room-camera", *P, role="officer").returncode == 3
    assert terminal("capture", *P).stdout.startswith("Permitted. Duty: discard-original. On record as ")
    assert terminal("analyse", terminal.first, "pose", *P).stdout.startswith("Pose: ")
    assert terminal("analyse", terminal.first, "race", *P).returncode == 3
    assert terminal("reuse", "guest", "--origin", "check-in", *P, role="officer").returncode == 0
    assert terminal("disclose", "guest", *P, "--to", "local", role="officer").returncode == 0


def test_what_is_missing_is_looked_at_and_what_was_permitted_ended(terminal: Terminal) -> None:
    assert terminal("readiness", "check-in", role="officer").stdout == "Ready.\n"
    camera = terminal("readiness", "check-in", "--device", "room-camera", role="regulator")
    assert camera.returncode == 3
    assert camera.stdout.startswith("Not ready.\n")
    assert "cn-2025 article 13: " in camera.stdout
    assert "At: room-camera." in camera.stdout
    assert json.loads(terminal("readiness", "check-in", "--json", role="officer").stdout)["ready"] is True
    assert terminal("readiness", "advertising", role="officer").returncode == 1
    assert terminal("deactivate", "check-in", role="officer").stdout.startswith("Deactivated. On record as ")
    assert terminal("capture", *P).returncode == 3
    assert terminal("unregister", KIOSK, role="officer").stdout.startswith("Unregistered. On record as ")
    assert terminal("unregister", "no-such-device", role="officer").returncode == 1
    assert terminal("deactivate", "check-in").returncode == 1, "a device ends nothing"


def test_an_original_and_a_review(terminal: Terminal) -> None:
    until = (terminal.desk.hotel.clock() + timedelta(days=3)).isoformat()
    assert terminal("keep", terminal.first, "-s", "guest", *P, "--until", until).stdout.startswith("Kept: original ")
    assert "check-in" in terminal("originals", role="officer").stdout
    match = json.loads(terminal("verify", terminal.second, "-s", "guest", *AT_THE_KIOSK, "--json").stdout)
    final = terminal("finalise", match["record"]["id"], "--decision", "upheld", "--reviewed", role="officer")
    assert final.stdout.startswith("Finalised. On record as ")
    assert ", 1 original too." in terminal("withdraw", "guest", *P).stdout


def test_the_line_of_filing_and_the_time_left_in_words(terminal: Terminal) -> None:
    hotel = terminal.desk.hotel
    draft, measures = terminal("filing", role="officer").stdout.splitlines()
    assert draft == "cn-2023-draft    not due  1 persons of 10001 (0 %)"
    assert measures == "cn-2025          not due  1 persons of 100000 (0 %)"

    site = read_site(HOTEL.read_bytes().replace(b"public: false", b"public: true"))
    declare(hotel.house.database, hotel.keys, hotel.house.packs, site, hotel.clock())
    (raised, _) = terminal("filing", role="officer").stdout.splitlines()
    assert re.fullmatch(
        r"cn-2023-draft    due      1 persons of 10001 \(0 %\); raised on \S+,"
        r" until \S+( \(provisional\))?, \d\d working days left",
        raised,
    )
    filed = b"  filings: {cn-2023-draft: {number: A7, filed_on: 2026-11-30}}\n\npurposes:"
    site = read_site(HOTEL.read_bytes().replace(b"\npurposes:", filed, 1))
    declare(hotel.house.database, hotel.keys, hotel.house.packs, site, hotel.clock())
    (done, _) = terminal("filing", role="officer").stdout.splitlines()
    assert done == "cn-2023-draft    filed    1 persons of 10001 (0 %); filed as A7 on 2026-11-30"
    told = json.loads(terminal("filing", "--json", role="officer").stdout)["filing"]
    assert [each["number"] for each in told] == ["A7", None]
