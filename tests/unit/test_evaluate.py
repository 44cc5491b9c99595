"""The rates are those that counting by hand gives; thresholds are never eased; the card keeps what a person wrote."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from countenance import evaluate as room
from countenance.engines import Engine, cards, load_engine
from countenance.errors import MalformedError
from countenance.evaluate import Pair, calibration, evaluate, plot, read_pairs, wilson, write_calibration
from tests.contracts import networks
from tests.faces import astronaut_jpeg, grace_hopper_jpeg, nobody_jpeg


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return load_engine(Path(tmp_path_factory.mktemp("engine")), workers=1)


CHANGES: list[dict[str, float]] = [{}, {"scale": 0.5}, {"light": 0.7}, {"turn": 8}]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name, make in (("collins", astronaut_jpeg), ("hopper", grace_hopper_jpeg)):
        (tmp_path / name).mkdir()
        for number, changes in enumerate(CHANGES):
            (tmp_path / name / f"{number}.jpg").write_bytes(make(**changes))
    return tmp_path


def listed() -> list[Pair]:
    mated = [Pair(f"{name}/0.jpg", f"{name}/{number}.jpg", mated=True) for name in ("collins", "hopper") for number in (1, 2, 3)]  # fmt: skip  # noqa: E501
    return mated + [Pair(f"collins/{number}.jpg", f"hopper/{number}.jpg", mated=False) for number in range(4)]


def test_two_subjects_are_told_apart_without_an_error(engine, images):
    told: list[tuple[int, int]] = []
    found = evaluate(listed(), images, engine, lambda done, of: told.append((done, of)))
    assert (found.samples, found.subjects, found.pairs, found.failures_to_acquire) == (8, 2, 10, 0)
    assert (found.mated, found.non_mated) == (12, 16)  # every pair of the eight pictures
    assert (found.accuracy.best, found.accuracy.ten_fold, found.eer) == (1.0, 1.0, 0.0)
    assert told[0] == (0, 8)
    assert told[-1] == (8, 8)


def test_a_picture_without_a_face_is_a_failure_to_acquire(engine, images):
    (images / "hopper" / "3.jpg").write_bytes(nobody_jpeg())
    found = evaluate(listed(), images, engine)
    assert found.failures_to_acquire == 1
    assert (found.mated, found.non_mated) == (9, 12)


def test_where_folders_are_not_subjects_only_the_list_counts(engine, images):
    flat = [Pair(pair.a, pair.b, not pair.mated) for pair in listed()]
    found = evaluate(flat, images, engine)
    assert (found.mated, found.non_mated) == (4, 6)


@pytest.mark.parametrize(
    "pairs",
    [
        [Pair("collins/0.jpg", "collins/1.jpg", mated=True)],
        [Pair("collins/0.jpg", "../outside.jpg", mated=False)],
        [Pair("collins/0.jpg", "collins/absent.jpg", mated=True)],
    ],
)
def test_a_list_that_cannot_be_measured_is_refused(engine, images, pairs):
    (images.parent / "outside.jpg").write_bytes(astronaut_jpeg())
    with pytest.raises(MalformedError):
        evaluate(pairs, images, engine)


@pytest.mark.parametrize("text", ["", "file_a,file_b,same\n", "file_a,file_b,same\na,b,2\n", "a;b;c\n1;2;3\n", "file_a,file_b\na,b\n"])  # fmt: skip  # noqa: E501
def test_a_wrong_list_is_refused(tmp_path, text):
    (tmp_path / "pairs.csv").write_text(text)
    with pytest.raises(MalformedError):
        read_pairs(tmp_path / "pairs.csv")
    with pytest.raises(MalformedError):
        read_pairs(tmp_path / "absent.csv")


def test_the_threshold_of_a_target_never_lets_more_through():
    rng = np.random.default_rng(1)
    non_mated, mated = np.sort(rng.normal(-2, 0.3, 100_000)), np.sort(rng.normal(-0.7, 0.3, 5_000))
    rows = room._operating(mated, non_mated)
    assert [one.row.fmr_target for one in rows] == [0.1, 0.05, 0.01, 0.005, 0.001, 0.0005, 0.0001]
    for one in rows:
        matches = int((non_mated >= one.row.score).sum())
        assert matches == one.non_mated_matches
        assert one.row.fmr == matches / 100_000 <= one.row.fmr_target
        assert matches >= one.row.fmr_target * 100_000 - 1
        assert one.row.fnmr == (mated < one.row.score).mean()
        assert one.fmr_lower < one.row.fmr < one.row.fmr_upper
    assert [one.row.score for one in rows] == sorted(one.row.score for one in rows)


def test_equal_scores_do_not_slip_through():
    non_mated = np.sort(np.concatenate([np.full(990, -2.0), np.full(10, -1.0)]))
    rows = room._operating(np.full(10, -0.5), non_mated)
    assert rows[0].row.fmr_target == 0.1
    assert all(one.row.fmr <= one.row.fmr_target for one in rows)


def test_the_best_accuracy_and_the_equal_error_rate_are_counted_right():
    scores = np.array([-0.1, -0.2, -0.3, -0.4, -0.5, -0.6])
    same = np.array([True, True, False, True, False, False])
    best, at = room._best(scores, same)
    assert best == 5 / 6
    assert ((scores >= at) == same).mean() == best
    assert abs(room._eer(np.array([-0.4, -0.2, -0.1]), np.array([-0.6, -0.5, -0.3])) - 1 / 3) < 1e-9


def test_the_interval_is_wilsons():
    """Values of the published formula, worked out by hand for 10 of 100 and 0 of 50."""
    lower, upper = wilson(10, 100)
    assert math.isclose(lower, 0.0552, abs_tol=1e-4)
    assert math.isclose(upper, 0.1744, abs_tol=1e-4)
    assert wilson(0, 50)[0] == 0
    assert math.isclose(wilson(0, 50)[1], 0.0713, abs_tol=1e-4)


def test_a_calibration_is_written_behind_what_a_person_wrote(engine, images, tmp_path):
    found = evaluate(listed(), images, engine)
    assert found.operating == ()  # sixteen non-mated comparisons support no rate at all
    card = networks.extractor_card(tmp_path / "card")
    card.write_text("# a person's remark\n" + card.read_text())
    before = card.read_text()
    for day in ("2026-01-01", "2026-01-02"):
        write_calibration(card, calibration(found, "two persons", day))
    assert card.read_text().startswith(before)
    block = cards.load(card).calibration
    assert block is not None
    assert (block.data_set, block.date, block.samples, block.model_id) == (
        "two persons",
        "2026-01-02",
        8,
        engine.model_id,
    )


def test_rounding_a_threshold_never_eases_it():
    rng = np.random.default_rng(2)
    non_mated, mated = np.sort(rng.normal(-2, 0.3, 20_000)), np.sort(rng.normal(-0.7, 0.3, 500))
    operating = room._operating(mated, non_mated)
    found = room.Evaluation("m", 1, 1, 1, 0, 0, 500, 20_000, room.Accuracy(1, 1, -1), 0, operating, mated, non_mated)
    rows = calibration(found, "made", "2026-01-01").rows
    assert len(rows) == len(operating) > 3
    assert all(row.score >= one.row.score for row, one in zip(rows, operating, strict=True))


def test_the_plot_is_a_picture(engine, images, tmp_path):
    plot(evaluate(listed(), images, engine), tmp_path / "det.png")
    assert (tmp_path / "det.png").read_bytes().startswith(b"\x89PNG")


def command(images: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    rows = [f"{pair.a},{pair.b},{int(pair.mated)}" for pair in listed()]
    (images / "pairs.csv").write_text("\n".join(["file_a,file_b,same", *rows]))
    line = "from countenance.cli import main; main()"
    command = [sys.executable, "-c", line, "evaluate", str(images / "pairs.csv"), "--images", str(images), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=images)


def test_the_command_prints_no_score_of_a_comparison(images):
    done = command(images, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["accuracy"]["best"] == 1.0
    assert "mated_scores" not in found
    assert "accuracy on the list  100.00%" in command(images).stdout


def test_a_calibration_without_a_name_or_a_day_is_refused(images):
    for arguments in (["--calibrate", "card.yaml"], ["--calibrate", "card.yaml", "--data-set", "x", "--day", "soon"]):
        done = command(images, *arguments)
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
