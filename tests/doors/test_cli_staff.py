"""Staff on the command line: an invitation is printed and opens once; the demonstration prints what opens it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from countenance.app import Opened
from countenance.cli import demo
from countenance.errors import NotAllowedError
from countenance.operations.sign_in import welcome
from countenance.reception.metrics import Metrics
from countenance.settings import Settings
from countenance.sites.declaration import read_site
from countenance.vocabulary import Role
from tests.database import HOTEL, KIOSK, OPERATOR, Address, Hotel
from tests.doors.test_cli_house import Shell
from tests.operations.governed import bodies
from tests.operations.signing import Member

PUBLIC = "https://faces.hotel.example"


@pytest.fixture
def shell(address: Address, tmp_path: Path) -> Shell:
    """Return a command line on the machine of the hotel, with the hotel's keys."""
    made = Shell(address, tmp_path)
    made.environment |= {"COUNTENANCE_DATA_DIR": str(tmp_path), "COUNTENANCE_PUBLIC_URL": f"{PUBLIC}/"}
    return made


def test_an_invitation_is_printed_as_a_link_and_opens_once(hotel: Hotel, shell: Shell) -> None:
    assert shell("staff", "add", "anna", "--name", "Chen Anna").returncode == 0

    done = shell("staff", "invite", "anna")

    link, _, token = done.stdout.strip().partition("#")
    assert (done.returncode, done.stderr, link) == (0, "", f"{PUBLIC}/console/welcome")
    hotel.clock.now = datetime.now(UTC)
    person = Member(hotel, "anna")
    assert person.works(person.accepts(token))
    with pytest.raises(NotAllowedError):
        welcome(hotel.house, token)
    invited = next(body for body in bodies(hotel) if body["outcome"] == "invited")
    assert (invited["by"], invited["details"]) == ("console", {"staff": "anna", "sessions": 0})


def test_nobody_is_invited_who_is_not_on_the_list(hotel: Hotel, shell: Shell) -> None:
    assert hotel
    done = shell("staff", "invite", "nobody")
    assert (done.returncode, done.stdout) == (1, "")
    assert "No such member of staff" in done.stderr
    shell("staff", "add", "anna", "--name", "Chen Anna")
    shell("staff", "retire", "anna")
    assert shell("staff", "invite", "anna").returncode == 1
    assert shell("staff", "invite", "anna", "--operator", "another-hotel").returncode == 1


def test_without_the_operators_key_nobody_is_invited(address: Address, tmp_path: Path) -> None:
    shell = Shell(address, tmp_path / "elsewhere")
    shell("staff", "add", "anna", "--name", "Chen Anna")
    done = shell("staff", "invite", "anna")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr


def test_the_demonstration_pairs_its_kiosk_and_invites_its_officer_until_they_are_in(
    hotel: Hotel, tmp_path: Path
) -> None:
    opened = Opened(hotel.house, Metrics(), Settings(data_dir=tmp_path, port=8123))
    site, here = read_site(HOTEL.read_bytes()), "http://127.0.0.1:8123"
    hotel.clock.now = datetime.now(UTC)
    tokens = demo._credentials(opened, site, tmp_path)
    device = tokens[Role.DEVICE].read_text().strip()

    first, second = demo._links(opened, site, tmp_path), demo._links(opened, site, tmp_path)

    assert first["pairing"] == second["pairing"] == f"{here}/kiosk/{KIOSK}/pair#{device}"
    links = [each["console"].partition("#") for each in (first, second)]
    assert {link for link, _, _ in links} == {f"{here}/console/welcome"}
    person = Member(hotel, "officer")
    with pytest.raises(NotAllowedError):
        welcome(hotel.house, links[0][2])  # a start before, another link
    hotel.clock.now = datetime.now(UTC)
    issued = person.accepts(links[1][2])
    assert demo._links(opened, site, tmp_path)["console"] == f"{here}/console"
    assert person.works(issued), "starting again signs nobody out"
    assert [body["details"]["staff"] for body in bodies(hotel) if body["kind"] == "staff"] == ["officer"]
    assert site.operator.id == OPERATOR
