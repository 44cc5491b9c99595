"""Requests on the command line, at a real server: the officer's clock, answers, copies and links."""

import json
import re

import pytest

from tests.doors.conftest import Desk
from tests.doors.test_cli_subjects import Terminal


@pytest.fixture
def terminal(desk: Desk, tmp_path) -> Terminal:
    """Return a terminal at the demo hotel's desk."""
    return Terminal(desk, tmp_path)


def test_a_request_is_opened_seen_and_answered(terminal: Terminal) -> None:
    opened = terminal("requests", "open", "complain", "--text", "Too loud.", role="subject")
    name = re.search(r"request (\S+), to be answered by \d{4}-\d\d-\d\d\.$", opened.stdout)
    assert name, opened.stdout + opened.stderr
    terminal.desk.hotel.clock.forward(days=14)
    listed = terminal("requests", role="officer").stdout
    assert re.fullmatch(rf"{name[1]}  complain     1 day left \(\S+\) +guest-0\n", listed), listed
    terminal.desk.hotel.clock.forward(days=3)
    assert "  2 days overdue (" in terminal("requests", "--state", "overdue", role="officer").stdout
    assert terminal("requests", "--state", "open", role="officer").stdout == ""
    assert json.loads(terminal("requests", "show", name[1], role="officer").stdout)["text"] == "Too loud."

    answered = terminal("requests", "answer", name[1], "--outcome", "refused", "--text", "It is not.", role="officer")

    assert answered.stdout.startswith("Answered: refused. On record as ")
    assert terminal("requests", "answer", name[1], "--outcome", "granted", role="officer").returncode == 1
    assert json.loads(terminal("requests", "show", name[1], role="subject").stdout)["answer"] == "It is not."
    assert json.loads(terminal("requests", "--json", role="officer").stdout)["requests"][0]["state"] == "answered"
    assert terminal("requests", role="device").returncode == 1


def test_an_officer_writes_down_what_a_person_asks_for_and_does_it(terminal: Terminal) -> None:
    opened = json.loads(terminal("requests", "open", "erase", "-s", "guest-0", "--json", role="officer").stdout)
    name = opened["request"]["request"]
    copy = json.loads(terminal("data", "guest-0", role="officer").stdout)
    assert [each["request"] for each in copy["requests"]] == [name]
    made = terminal("link", "guest-0", role="officer").stdout
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/me#cl_[A-Za-z0-9_-]{43}\n", made)

    done = terminal("requests", "answer", name, "--outcome", "granted", role="officer")

    assert done.stdout.startswith("Answered: granted. The person is erased. On record as ")
    assert terminal("data", "guest-0", role="officer").returncode == 1


def test_a_wrong_age_is_corrected(terminal: Terminal) -> None:
    terminal("requests", "open", "correct", "-s", "guest-0", "--text", "Sixteen.", role="officer")
    name = terminal("requests", role="officer").stdout.split()[0]
    done = terminal("requests", "answer", name, "--outcome", "granted", "--age", "14_to_17", role="officer")
    assert done.returncode == 0, done.stderr
    assert json.loads(terminal("data", "guest-0", role="officer").stdout)["age_class"] == "14_to_17"
