"""Rates are counted for each species by itself, with intervals, and the worst is named; a mean is nowhere."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from countenance.engines import Engine, load_engine
from countenance.errors import MalformedError
from countenance.evaluate import wilson
from countenance.evaluate.attacks import AttackEvaluation, Presentations, evaluate_attacks
from countenance.vocabulary import Turn
from tests import pictures
from tests.contracts import networks
from tests.faces import grace_hopper_jpeg
from tests.heads import held_up, turning

ASKED = (Turn.CENTRE, Turn.RIGHT, Turn.CENTRE, Turn.LEFT, Turn.CENTRE, Turn.LEFT, Turn.CENTRE)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = load_engine(Path(tmp_path_factory.mktemp("engine")), workers=1)
    yield made
    made.close()


def keep(folder: Path, shown: tuple[bytes, ...], asked: tuple[Turn, ...] = ASKED) -> None:
    """Write a sample as the folder of one answered challenge."""
    folder.mkdir(parents=True)
    (folder / "challenge.txt").write_text(" ".join(asked), "utf-8")
    for step, picture in enumerate(shown):
        (folder / f"{step}-{asked[step]}.jpg").write_bytes(picture)


@pytest.fixture(scope="module")
def labelled(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a head that turns, the same turned too little, stills, a print, and nobody at all."""
    root = tmp_path_factory.mktemp("labelled")
    keep(root / "bona_fide" / "turned", turning(pictures.admiral(), engine, ASKED))
    keep(root / "bona_fide" / "shy", turning(pictures.admiral(), engine, ASKED, 8.0))
    keep(root / "bona_fide" / "absent", (pictures.nobody(),) * 7)
    keep(root / "replayed" / "1", (pictures.admiral(),) * 7)
    keep(root / "replayed" / "2", (pictures.astronaut(),) * 7)
    keep(root / "printed" / "1", held_up(pictures.admiral(), engine, ASKED, turn=45.0))
    keep(root / "printed" / "2", (pictures.nobody(),) * 7)
    own, other = (turning(each, engine, ASKED) for each in (pictures.admiral(), pictures.astronaut()))
    swapped = tuple(own[step] if turn is Turn.CENTRE else other[step] for step, turn in enumerate(ASKED))
    keep(root / "two_persons" / "1", swapped)
    # A film of a head that turns: what this check cannot know from the head itself.
    keep(root / "filmed" / "1", turning(pictures.admiral(), engine, ASKED, seed=9))
    return root


def test_each_species_is_counted_by_itself(engine, labelled):
    told: list[tuple[int, int]] = []
    found = evaluate_attacks(labelled, engine, lambda done, of: told.append((done, of)))
    counted = {each.kind: (each.suspected, each.passed, each.no_response) for each in found.species}
    assert counted == {"filmed": (0, 1, 0), "printed": (1, 0, 1), "replayed": (2, 0, 0), "two_persons": (1, 0, 0)}
    assert (found.bona_fide.suspected, found.bona_fide.passed, found.bona_fide.no_response) == (1, 1, 1)
    said = found.as_json()
    assert said["checks"] == [{"check": "head_turns", "version": 1}]
    assert (said["bpcer"]["rate"], said["bpcer"]["no_response_rate"]) == (0.5, pytest.approx(1 / 3))
    assert (said["bpcer"]["lower"], said["bpcer"]["upper"]) == wilson(1, 2)
    assert said["apcer_max"] == {"species": "filmed", **said["apcer"]["filmed"]}
    assert said["apcer"]["filmed"]["rate"] == 1.0
    assert "mean" not in json.dumps(said)
    assert (told[0], told[-1]) == ((0, 9), (9, 9))


def test_the_worst_is_the_one_that_passes_most_often():
    bona_fide = Presentations("bona_fide", 1, 9, 0)
    species = (Presentations("mask", 5, 5, 0), Presentations("print", 99, 1, 0), Presentations("screen", 0, 0, 4))
    found = AttackEvaluation((), bona_fide, species)
    assert found.worst is species[0]
    assert species[2].rate() is None
    assert found.as_json()["apcer"]["screen"]["rate"] is None
    assert AttackEvaluation((), bona_fide, species[2:]).as_json()["apcer_max"] is None


def test_single_pictures_are_for_a_passive_model(engine, tmp_path):
    for kind, light in (("bona_fide", 1.7), ("dark", 0.4)):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "1.jpg").write_bytes(grace_hopper_jpeg(light=light))
    with pytest.raises(MalformedError, match="1 of bona_fide is a single picture"):
        evaluate_attacks(tmp_path, engine)
    guarded = load_engine(tmp_path / "engine", workers=1, attack_card=networks.attack_card(tmp_path / "engine"))
    for each in ("engine",):  # the model's own folder is no kind of presentation
        (tmp_path / each).rename(tmp_path.parent / f"{tmp_path.name}-{each}")
    found = evaluate_attacks(tmp_path, guarded)
    guarded.close()
    assert [check.as_json() for check in found.checks] == [{"check": "passive", "passive": "bright-1"}]
    assert (found.bona_fide.passed, found.species[0].suspected) == (1, 1)


def spoil(what: str, root: Path) -> None:
    sample = root / "bona_fide" / "1"
    if what == "no bona fide":
        (root / "bona_fide").rename(root / "genuine")
    elif what == "no attack":
        (root / "printed").rename(root / ".printed")
    elif what == "an empty species":
        (root / "mask").mkdir()
    elif what == "no challenge":
        (sample / "challenge.txt").unlink()
    elif what == "an unknown turn":
        (sample / "challenge.txt").write_text("centre up centre", "utf-8")
    elif what == "an empty challenge":
        (sample / "challenge.txt").write_text(" ", "utf-8")
    elif what == "a step left out":
        (sample / "3-left.jpg").unlink()
    elif what == "no picture":
        (sample / "3-left.jpg").write_bytes(b"no picture")


SPOILT = ["no bona fide", "no attack", "an empty species", "no challenge", "an unknown turn", "an empty challenge",
          "a step left out", "no picture"]  # fmt: skip


@pytest.mark.parametrize("what", SPOILT)
def test_a_folder_that_cannot_be_measured_is_refused(engine, tmp_path, what):
    keep(tmp_path / "bona_fide" / "1", (pictures.admiral(),) * 7)
    keep(tmp_path / "printed" / "1", (pictures.admiral(),) * 7)
    spoil(what, tmp_path)
    with pytest.raises(MalformedError):
        evaluate_attacks(tmp_path, engine)
    with pytest.raises(MalformedError):
        evaluate_attacks(tmp_path / "absent", engine)


def command(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = "from countenance.cli import main; main()"
    environment = os.environ | {"COUNTENANCE_DATA_DIR": str(tmp_path / "data")}
    return subprocess.run(
        [sys.executable, "-c", line, "evaluate", *arguments],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip


def test_the_command_prints_every_species_and_the_worst(labelled, tmp_path):
    done = command(tmp_path, "--attacks", str(labelled))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for name in ("APCER filmed", "APCER printed", "APCER replayed", "APCER two_persons", "BPCER bona_fide"):
        assert sum(line.startswith(name) for line in lines) == 1
    assert any(line.startswith("APCER max") and "100.00% by filmed" in line for line in lines)
    assert "head_turns" in lines[0]
    told = command(tmp_path, "--attacks", str(labelled), "--json")
    assert json.loads(told.stdout)["apcer_max"]["species"] == "filmed"


def test_the_command_measures_one_thing_at_a_time(labelled, tmp_path):
    for arguments in ((), ("--attacks", str(labelled), "--images", str(labelled)), ("pairs.csv",)):
        done = command(tmp_path, *arguments)
        assert (done.returncode, "--attacks" in done.stderr) == (2, True)
