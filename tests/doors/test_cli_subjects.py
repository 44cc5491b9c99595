"""The command line of a device and of an officer, at a real server: answers, refusals and their exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import pictures
from tests.doors.conftest import Desk

AT_THE_KIOSK = ("-p", "check-in", "--started-by", "subject", "--prompted", "--offered")


class Terminal:
    """Types commands at one desk."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        """Keep the desk, and two photographs of its guest."""
        self.desk = desk
        self.first, self.second = folder / "first.jpg", folder / "second.jpg"
        self.first.write_bytes(pictures.admiral())
        self.second.write_bytes(pictures.admiral_again())

    def __call__(self, *words: object, role: str = "device") -> subprocess.CompletedProcess[str]:
        """Type one command in a role."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("COUNTENANCE_")}
        reach = {
            "COUNTENANCE_URL": str(self.desk.client.base_url).rstrip("/"),
            "COUNTENANCE_TOKEN": self.desk.tokens[role],
        }
        return subprocess.run(
            [sys.executable, "-m", "countenance", *map(str, words)],
            env=clean | reach,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )


@pytest.fixture
def terminal(desk: Desk, tmp_path: Path) -> Terminal:
    """Return a terminal at the demo hotel's desk."""
    return Terminal(desk, tmp_path)


def test_the_whole_line_is_typed(terminal: Terminal) -> None:
    scopes = [word for scope in ("enrol", "off_device_storage", "verify", "identify") for word in ("--scope", scope)]
    asked = terminal("verify", terminal.first, "-s", "guest", *AT_THE_KIOSK)
    assert asked.returncode == 3
    assert "cn-2023-draft article 5" in asked.stdout

    assert terminal("consent", "guest", "-p", "check-in", "--notice", 1, "--age", "adult", *scopes).returncode == 0
    enrolled = terminal("enrol", terminal.first, "-s", "guest", *AT_THE_KIOSK, "--json")
    assert json.loads(enrolled.stdout)["references"] == 1
    assert terminal("verify", terminal.second, "-s", "guest", *AT_THE_KIOSK).stdout == "Match.\n"
    session = terminal("consent", "-q", "-p", "check-in", "--notice", 1, "--scope", "identify").stdout.strip()
    found = terminal("identify", terminal.second, *AT_THE_KIOSK, "--consent", session)
    assert found.stdout == "Match: guest.\n"

    assert "1 key and 1 reference destroyed" in terminal("withdraw", "guest", "-p", "check-in").stdout
    again = terminal("verify", terminal.second, "-s", "guest", *AT_THE_KIOSK, "--json")
    assert again.returncode == 3
    assert {finding["article"] for finding in json.loads(again.stdout)["findings"]} == {"5", "6"}
    history = json.loads(terminal("history", "guest", role="officer").stdout)
    assert len(history["records"]) == 6
    assert terminal("erase", "guest", role="officer").returncode == 0
    assert terminal("erase", "guest", role="officer").returncode == 1


def test_a_no_is_written_down(terminal: Terminal) -> None:
    said = terminal("consent", "guest", "-p", "check-in", "--notice", 1, "--no", "--json")

    assert said.returncode == 0
    assert "refused" in terminal("records", role="officer").stdout


@pytest.mark.parametrize("noun", ["operator", "purposes", "venues", "places", "devices", "alternatives", "notices"])
def test_what_is_on_file_is_shown(terminal: Terminal, noun: str) -> None:
    shown = terminal("site", "show", noun, role="officer")

    assert shown.returncode == 0
    assert json.loads(shown.stdout)


def test_readiness_is_said(terminal: Terminal) -> None:
    assert terminal("ready").returncode == 0
    terminal.desk.ready["database"] = False
    told = terminal("ready")

    assert told.returncode == 1
    assert "database   not ready" in told.stdout
    assert "Traceback" not in told.stderr


def test_the_wrong_role_is_told_so(terminal: Terminal) -> None:
    told = terminal("erase", "guest", role="device")

    assert told.returncode == 1
    assert told.stderr.startswith("countenance: ")
    assert told.stdout == ""


def test_with_a_receipt_and_no_credential(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "receipt.token"
    scopes = [word for scope in ("enrol", "off_device_storage", "verify") for word in ("--scope", scope)]
    said = ("consent", "guest", "-p", "check-in", "--notice", 1, "--age", "adult", *scopes)
    assert "cr_" not in terminal(*said, "--receipt-to", file).stdout
    assert file.stat().st_mode & 0o077 == 0
    assert terminal("enrol", terminal.first, "-s", "guest", *AT_THE_KIOSK).returncode == 0
    terminal.desk.tokens["none"] = ""

    shown = terminal("receipt", "show", "--token-file", file, role="none")
    assert "Receipt of a consent: given." in shown.stdout
    assert "cn-2025 6" in shown.stdout
    assert "enrolled" in terminal("receipt", "uses", "--token-file", file, role="none").stdout
    told = terminal("receipt", "withdraw", "--token-file", file, role="none")
    assert "1 keys, 1 references and 0 originals destroyed" in told.stdout
    again = terminal("receipt", "withdraw", "--token-file", file, "--json", role="none")
    assert json.loads(again.stdout)["destroyed"]["keys"] == 1
    assert "Withdrawn at" in terminal("receipt", "show", "--token-file", file, role="none").stdout
    assert terminal("verify", terminal.first, "-s", "guest", *AT_THE_KIOSK).returncode == 3

    file.write_text("cn_not-a-receipt\n")
    assert terminal("receipt", "show", "--token-file", file, role="none").returncode == 2
    assert terminal("receipt", "show", "--token-file", tmp_path / "none", role="none").returncode == 2


def test_a_notice_is_served_and_then_answered(terminal: Terminal) -> None:
    shown = terminal("notice", "serve", "-p", "check-in", "--language", "zh", "--variant", "read_aloud")
    assert shown.stdout.splitlines()[0] == "who: 海港酒店"
    served = terminal("notice", "serve", "-q", "-p", "check-in").stdout.strip()
    assert len(served) == 36

    given = terminal("consent", "-q", "guest", "-p", "check-in", "--served", served, "--scope", "verify")
    listed = terminal("consents", "list", "guest", role="officer").stdout.splitlines()
    assert listed[0].endswith("check-in  given      notice 1   verify")
    assert listed[1] == f"check-in: given ({given.stdout.strip()})"
    record = json.loads(terminal("consents", "export", given.stdout.strip(), role="officer").stdout)
    assert record["@type"] == "dpv:ConsentRecord"
    receipt = terminal("consents", "export", given.stdout.strip(), "--format", "kantara", role="officer")
    assert json.loads(receipt.stdout)["version"] == "KI-CR-v1.1.0"

    again = terminal("consent", "other", "-p", "check-in", "--served", served, "--scope", "verify")
    assert (again.returncode, "Somebody else" in again.stderr) == (1, True)
    for words in ((), ("--notice", 9)):
        assert terminal("consent", "other", "-p", "check-in", "--scope", "verify", *words).returncode in {1, 2}


def test_a_guardian_and_a_sheet_of_paper_are_typed(terminal: Terminal) -> None:
    child = ("consent", "child", "-p", "check-in", "--notice", 1, "--age", "under_14", "--scope", "verify")
    guardian = ("--guardian", "mother", "--relation", "parent", "--seen", "birth_certificate")
    assert terminal(*child).returncode == 2
    assert terminal(*child, *guardian).returncode == 2
    assert terminal(*child, *guardian, "--checked-by", "desk-3").returncode == 0

    sheet = ("consent", "guest", "-p", "check-in", "--notice", 1, "--paper", "0" * 64, "--scope", "verify")
    assert terminal(*sheet, "--form", "written").returncode == 1, "a device has no paper"
    assert terminal(*sheet, "--form", "written", role="officer").returncode == 0
    told = terminal("records", "--kind", "consent", role="officer").stdout
    assert told.count("given") == 3, "with the one that the desk began with"


def test_a_notice_is_linted_without_a_server(tmp_path: Path, root: Path) -> None:
    def lint(text: str, *words: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "site.yaml").write_text(text, "utf-8")
        command = [sys.executable, "-m", "countenance", "notice", "lint", str(tmp_path / "site.yaml"), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    good = (root / "examples" / "hotel.yaml").read_text("utf-8")
    bad = good.replace("purpose: To check you in, and nothing else.", "purpose: See our website.")
    assert (lint(good).returncode, lint(good).stdout) == (0, "Nothing to correct.\n")
    told = lint(bad)
    assert told.returncode == 2
    assert told.stdout.startswith("purposes.check-in.notice.en.purpose\n  purpose: says nothing")
    assert [each["at"] for each in json.loads(lint(bad, "--json").stdout)["remarks"]] == [
        "purposes.check-in.notice.en.purpose"
    ]
    assert lint("[").returncode == 2
