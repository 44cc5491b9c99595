"""Group totals on the command line: a key, sketches of lists and of who is on file, their union, and exactly."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from countenance.cli.sketch import group_key_command, intersect_app, sketch_command, spot_app, union_command
from countenance.errors import ConflictError, LimitError, MalformedError, UnavailableError
from countenance.filing.sketches import make, read, read_key
from tests import pictures
from tests.database import OPERATOR, Address, Hotel


class Desk:
    """The commands, in a folder with a group's key and two lists that share 400 of 9,900."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.app = typer.Typer()
        self.app.command("group-key")(group_key_command)
        self.app.command("sketch")(sketch_command)
        self.app.command("union")(union_command)
        self.app.add_typer(intersect_app, name="intersect")
        self.app.add_typer(spot_app, name="spot-check")
        for name, first in (("ours", 0), ("theirs", 9_500)):
            self.path(name).write_text("".join(f"person {n}\n" for n in range(first, first + 9_900)), "utf-8")
        self.run("group-key", "--to", self["key"])

    def path(self, name: str) -> Path:
        return self.folder / name

    def __getitem__(self, name: str) -> str:
        return str(self.path(name))

    def run(self, *words: str) -> Result:
        done = CliRunner().invoke(self.app, words)
        if done.exception is not None:
            raise done.exception
        assert "person 1" not in done.output
        return done

    def key(self) -> bytes:
        return bytes(read_key(self.path("key").read_bytes()))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_group_key_is_for_its_owner_and_is_not_written_over(desk):
    assert desk.path("key").stat().st_mode & 0o777 == 0o600
    before = desk.key()
    with pytest.raises(ConflictError):
        desk.run("group-key", "--to", desk["key"])
    assert desk.key() == before
    assert sorted(each.name for each in desk.folder.iterdir()) == ["key", "ours", "theirs"], "no draft is left"
    shown = desk.run("group-key", "--to", desk["another"]).stdout
    assert bytes(read_key(desk.path("another").read_bytes())).hex() not in shown


def test_two_lists_become_sketches_and_bounds(desk):
    for name in ("ours", "theirs"):
        said = desk.run("sketch", "--key", desk["key"], "--to", desk[f"{name}.sketch"], desk[name]).stdout
        assert said.startswith("9900 persons under group key ")
        assert desk.path(f"{name}.sketch").stat().st_mode & 0o777 == 0o600

    union = json.loads(desk.run("union", desk["ours.sketch"], desk["theirs.sketch"], "--json").stdout)
    told = desk.run("union", desk["theirs.sketch"], desk["ours.sketch"]).stdout

    assert union["lower"] <= 19_400 <= union["upper"] <= union["sum"] == 19_800
    assert f"about {union['estimate']}, between {union['lower']} and {union['upper']}" in told


def test_a_list_by_standard_input(desk):
    result = CliRunner().invoke(desk.app, ["sketch", "--key", desk["key"], "--to", desk["s"], "-"], input=b"a\nA\nb\n")
    assert result.stdout.startswith("2 persons")
    assert desk.path("s").read_bytes() == make(["a", "b"], desk.key()).to_bytes()


def test_who_is_on_file_is_counted_while_something_is_stored(
    desk: Desk, hotel: Hotel, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTENANCE_DATABASE_URL", address.url.replace("+psycopg", ""))
    monkeypatch.setenv("COUNTENANCE_DATA_DIR", desk["data"])
    nobody = desk.run("sketch", "--key", desk["key"], "--to", desk["nobody"]).stdout
    hotel.consent("Guest-1")
    hotel.consent("guest-2")
    hotel.enrol("Guest-1", pictures.admiral())

    said = desk.run("sketch", "--key", desk["key"], "--to", desk["hotel"], "--operator", OPERATOR).stdout

    assert (nobody[:10], said[:10]) == ("0 persons ", "1 persons ")
    assert read(desk.path("hotel").read_bytes()).to_bytes() == make(["GUEST-1"], desk.key()).to_bytes()


def test_a_request_that_cannot_be_written_leaves_no_secret_behind(desk):
    words = ("intersect", "begin", "--key", desk["key"], "--secret", desk["secret"], desk["ours"], "--to")
    with pytest.raises(ConflictError, match="of this name"):
        desk.run(*words, desk["theirs"])
    assert not desk.path("secret").exists()
    desk.run(*words, desk["request"])
    assert desk.path("secret").exists()


def test_the_three_steps_of_an_exact_intersection(desk):
    key = ("--key", desk["key"])
    desk.run("intersect", "begin", *key, "--to", desk["request"], "--secret", desk["secret"], desk["ours"])
    answering = ("intersect", "answer", desk["request"], *key, "--to", desk["answer"], desk["theirs"], "--counted")
    with pytest.raises(ConflictError, match="as many points"):
        desk.run(*answering, "9899")
    assert not desk.path("answer").exists()
    desk.run(*answering, "9900")

    assert desk.path("secret").stat().st_mode & 0o777 == 0o600
    finishing = ("intersect", "finish", desk["answer"], "--secret", desk["secret"], "--counted")
    with pytest.raises(ConflictError):
        desk.run(*finishing, "9901")
    done = json.loads(desk.run(*finishing, "9900", "--json").stdout)

    assert done == {"ours": 9_900, "theirs": 9_900, "shared": 400, "union": 19_400}
    assert not desk.path("secret").exists(), "it has served"


def test_a_spot_check_finds_who_was_left_out(desk):
    key = ("--key", desk["key"])
    desk.path("asked").write_text("PERSON 3\nperson 4\nperson 9900\n", "utf-8")
    told = desk.run("spot-check", "commit", *key, "--to", desk["commitment"], desk["ours"]).stdout
    assert told.startswith("Committed to 9900 persons.")
    said = desk.run("spot-check", "open", desk["asked"], *key, "--to", desk["opened"], desk["ours"]).stdout
    assert said == "2 of 3 are in the list.\n"

    checking = ["spot-check", "check", desk["commitment"], desk["opened"], desk["asked"], *key]
    checked = CliRunner().invoke(desk.app, checking)

    assert checked.exit_code == 1
    assert "2 of 3 are among the 9900 persons" in checked.stdout
    assert checked.stdout.endswith(": 3\n")
    desk.path("asked").write_text("PERSON 3\nperson 4\n", "utf-8")
    with pytest.raises(ConflictError):
        desk.run(*checking)
    desk.run("spot-check", "open", desk["asked"], *key, "--to", desk["again"], desk["ours"])
    assert "2 of 2" in desk.run(*checking[:3], desk["again"], *checking[4:]).stdout


def test_files_that_do_not_serve(desk):
    sketch = ("sketch", "--to", desk["s"], desk["ours"], "--key")
    with pytest.raises(MalformedError):
        desk.run(*sketch, desk["none"])
    with pytest.raises(MalformedError):
        desk.run(*sketch[:-2], desk["none"], "--key", desk["key"])
    desk.path("key").chmod(0o644)
    with pytest.raises(UnavailableError, match="0600"):
        desk.run(*sketch, desk["key"])
    desk.path("large").write_bytes(bytes(70_000))
    with pytest.raises(LimitError):
        desk.run("union", desk["large"])
    assert not desk.path("s").exists()
