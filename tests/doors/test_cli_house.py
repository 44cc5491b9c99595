"""The command line on the server's own machine: site files, credentials, and errors in one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.database import HOTEL, OPERATOR, Address


class Shell:
    """Runs the command line against one database."""

    def __init__(self, address: Address, folder: Path) -> None:
        """Keep the environment."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("COUNTENANCE_")}
        url = address.url.replace("+psycopg", "")
        self.environment = clean | {"COUNTENANCE_DATABASE_URL": url, "COUNTENANCE_DATA_DIR": str(folder / "data")}

    def __call__(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run one command."""
        return subprocess.run(
            [sys.executable, "-m", "countenance", *words],
            env=self.environment | more,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )


@pytest.fixture
def shell(address: Address, tmp_path: Path) -> Shell:
    """Return a command line for the test's own database, in which the demo hotel is applied but has no key yet."""
    return Shell(address, tmp_path)


def test_a_site_is_applied_once_and_shown_before(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "inn.yaml"
    file.write_text(HOTEL.read_text(encoding="utf-8").replace(OPERATOR, "inn"), encoding="utf-8")

    shown = shell("site", "apply", str(file), "--dry-run")
    first = shell("site", "apply", str(file), "--json")
    second = shell("site", "apply", str(file))

    assert shown.returncode == 0
    assert "9 would change." in shown.stdout
    assert json.loads(first.stdout)["applied"] is True
    assert len(json.loads(first.stdout)["changes"]) == 9
    assert second.stdout == "Nothing to change.\n"
    assert shell("credential", "issue", "officer").returncode == 1, "two operators: one must be named"
    assert shell("credential", "issue", "officer", "--operator", "inn").stdout.startswith("cn_")


def test_credentials_are_issued_listed_and_revoked(shell: Shell, tmp_path: Path) -> None:
    shown = shell("credential", "issue", "device", "--device", "kiosk-1", "--label", "front").stdout.strip()
    file = tmp_path / "officer.token"
    written = shell("credential", "issue", "officer", "--to", str(file))

    assert shown.startswith("cn_")
    assert written.stdout == ""
    assert file.stat().st_mode & 0o777 == 0o600
    listed = shell("credential", "list").stdout
    assert "front" in listed
    assert shown.split("_", 2)[2] not in listed
    public = shown.split("_")[1]
    assert shell("credential", "revoke", public).stdout == "Revoked.\n"
    assert "revoked" in shell("credential", "list").stdout
    assert shell("credential", "revoke", public).returncode == 1


def test_staff_are_added_hold_credentials_and_are_retired(shell: Shell) -> None:
    assert shell("staff", "add", "anna", "--name", "Chen Anna").stdout == "Added.\n"
    assert shell("staff", "add", "anna", "--name", "Another").returncode == 1
    assert shell("staff", "add", "Anna!", "--name", "x").returncode == 2
    token = shell("credential", "issue", "officer", "--staff", "anna").stdout.strip()
    assert token.startswith("cn_")
    assert shell("credential", "issue", "officer", "--staff", "nobody").returncode == 1
    assert shell("credential", "issue", "regulator", "--staff", "anna").returncode == 1
    assert "held by anna" in shell("credential", "list").stdout
    assert shell("staff", "retire", "anna").returncode == 1, "she holds the last credential of an officer"
    assert shell("credential", "issue", "officer").stdout.startswith("cn_")
    assert shell("staff", "list").stdout.split() == ["anna", "active", "Chen", "Anna"]
    assert shell("staff", "retire", "anna").stdout == "Retired; credentials revoked: 1.\n"
    assert shell("staff", "list").stdout.split() == ["anna", "retired", "Chen", "Anna"]
    assert shell("staff", "retire", "anna").returncode == 1


@pytest.mark.parametrize(
    ("words", "more", "status"),
    [
        (("site", "apply", "/no/such/file.yaml"), {}, 2),
        (("credential", "issue", "king"), {}, 2),
        (("credential", "issue", "device"), {}, 1),
        (("credential", "issue", "subject", "--subject", "nobody"), {}, 1),
        (("serve",), {"COUNTENANCE_ALLOW_ALL": "1"}, 2),
        (("serve",), {"COUNTENANCE_HOST": "0.0.0.0"}, 2),
        (("serve",), {"COUNTENANCE_LAW_PACKS": "no-such-pack"}, 1),
        (("verify", "/no/such.jpg", "-s", "x", "-p", "y"), {"COUNTENANCE_TOKEN": "cn_x"}, 2),
        (("withdraw", "x", "-p", "y"), {}, 1),
        (("withdraw", "x", "-p", "y"), {"COUNTENANCE_TOKEN_FILE": "/no/such"}, 2),
        (("withdraw", "x", "-p", "y"), {"COUNTENANCE_TOKEN": "cn_x", "COUNTENANCE_URL": "http://127.0.0.1:1"}, 1),
        (("records", "--most", "0"), {"COUNTENANCE_TOKEN": "cn_x"}, 2),
    ],
)
def test_an_error_is_said_in_words_with_its_exit_code(
    shell: Shell, words: tuple[str, ...], more: dict[str, str], status: int
) -> None:
    ended = shell(*words, **more)

    assert ended.returncode == status, ended.stderr
    assert ended.stderr.strip()
    assert "Traceback" not in ended.stderr + ended.stdout
    assert ended.stdout == ""


def test_the_version_and_the_help_need_nothing() -> None:
    for words in (("--version",), ("--help",), ("law", "--help"), ("site", "apply", "--help")):
        ended = subprocess.run(
            [sys.executable, "-m", "countenance", *words], capture_output=True, text=True, check=False, timeout=60
        )
        assert ended.returncode == 0
        assert ended.stdout.strip()


def test_the_operators_key_is_shown_turned_and_the_old_one_kept_until_it_is_safe(shell: Shell, tmp_path: Path) -> None:
    assert "MISSING" not in shell("vault", "status").stdout
    assert shell("vault", "rotate").returncode == 1, "an operator on file without a key gets none by this"

    file = tmp_path / "inn.yaml"
    file.write_text(HOTEL.read_text(encoding="utf-8").replace(OPERATOR, "inn"), encoding="utf-8")
    assert shell("site", "apply", str(file)).returncode == 0
    assert shell("vault", "status", "--operator", "inn").stdout == "generation 1: 0 values; the key is kept\n"
    turned = shell("vault", "rotate", "--operator", "inn")
    assert turned.stdout.startswith("Everything lies under generation 2 now; 0 values were wrapped anew.\n")
    soon = shell("vault", "retire", "--operator", "inn", "--yes")
    assert (soon.returncode, soon.stdout) == (1, "")
    assert "Wait for a minute" in soon.stderr
    asked = shell("vault", "retire", "--operator", "inn")
    assert asked.returncode == 1, "nobody there to say yes"
    assert len(list((tmp_path / "data" / "keys").iterdir())) == 2
    wrong = shell("vault", "wrapping-key")
    assert (wrong.returncode, "No hardware module is named" in wrong.stderr) == (2, True)
