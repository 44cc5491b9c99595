"""A model file or a card that could do more than compute is refused before a runtime sees it (attack A8)."""

import hashlib
from pathlib import Path

import onnx
import pytest
import yaml
from onnx import TensorProto, helper

from countenance.engines import cards, graphs, load_engine
from countenance.engines.cards import Role
from countenance.errors import CountenanceError, MalformedError, UnavailableError
from tests.contracts import networks


def _external(model):
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "../../etc/passwd"), ("offset", "0"), ("length", "16")):
        tensor.external_data.add(key=key, value=value)


def _external_in_attribute(model):
    tensor = TensorProto(data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="secret")
    model.graph.node.append(helper.make_node("Constant", [], ["extra"], value=tensor))


def _function(model):
    model.functions.add(name="mine", domain="")


def _foreign_domain(model):
    model.opset_import.add(domain="com.example", version=1)


def _foreign_node(model):
    model.graph.node[0].domain = "com.microsoft"


def _future_opset(model):
    model.opset_import[0].version = 99


def _no_opset(model):
    del model.opset_import[:]


def _subgraph(model):
    branch = helper.make_graph([helper.make_node("Identity", ["picture"], ["b"])], "b", [], [])
    model.graph.node.append(helper.make_node("If", ["features"], ["c"], then_branch=branch, else_branch=branch))


def _huge(model):
    model.graph.initializer[0].dims[:] = [2**20, 2**20]


def _negative(model):
    model.graph.initializer[0].dims[:] = [-1, 4]


def _sparse(model):
    model.graph.sparse_initializer.add()


def _empty(model):
    del model.graph.node[:]


CRAFTED = [
    _external,
    _external_in_attribute,
    _function,
    _foreign_domain,
    _foreign_node,
    _future_opset,
    _no_opset,
    _subgraph,
    _huge,
    _negative,
    _sparse,
    _empty,
]


@pytest.mark.parametrize("how", CRAFTED)
def test_a_crafted_model_is_refused(how):
    graphs.checked(networks.extractor())
    with pytest.raises(MalformedError):
        graphs.checked(networks.changed(networks.extractor(), how))


@pytest.mark.parametrize("data", [b"", b"\xff" * 100, b"PK\x03\x04", b"\x80\x04\x95pickle"])
def test_what_is_no_onnx_is_refused(data):
    with pytest.raises(MalformedError):
        graphs.checked(data)


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_a_model_no_runtime_can_compile_is_our_error(runtime, tmp_path):
    def unknown(model):
        model.graph.node[0].op_type = "NoSuchOperator"

    card = networks.extractor_card(tmp_path, networks.changed(networks.extractor(), unknown))
    with pytest.raises(CountenanceError):
        load_engine(tmp_path, runtime=runtime, detector_card=networks.detector_card(tmp_path), extractor_card=card)


def test_two_inputs_are_refused(tmp_path):
    def second(model):
        model.graph.input.add().CopyFrom(model.graph.input[0])
        model.graph.input[1].name = "other"

    parsed = graphs.checked(networks.changed(networks.extractor(), second))
    with pytest.raises(MalformedError):
        graphs.with_shape(parsed, (1, 3, 32, 32))


def test_the_shape_of_the_input_is_set_and_weights_are_no_inputs():
    def listed(model):
        model.graph.input.append(helper.make_tensor_value_info("red", TensorProto.FLOAT, [1, 3, 4, 4]))

    parsed = graphs.checked(networks.changed(networks.detector(), listed))
    fixed = onnx.load_model_from_string(graphs.with_shape(parsed, (1, 3, 96, 128)))
    assert [[size.dim_value for size in one.type.tensor_type.shape.dim] for one in fixed.graph.input] == [
        [1, 3, 96, 128]
    ]
    assert len(parsed.graph.input) == 2


def written(tmp_path: Path, **changes: object) -> str:
    raw = yaml.safe_load(networks.extractor_card(tmp_path).read_text("utf-8"))
    raw.update(changes)
    return yaml.safe_dump({key: value for key, value in raw.items() if value is not None})


WRONG: dict[str, dict[str, object]] = {
    "an unknown key": {"threshold": 0.4},
    "no licence": {"licence": None},
    "a digest too short": {"sha256": "abc"},
    "a role": {"role": "oracle"},
    "a dimension": {"dimension": 0},
    "four landmarks": {"landmarks": [[1, 2]] * 4},
    "no weakness": {"weaknesses": []},
    "a text for a switch": {"mirror": "yes"},
    "no size": {"input": {"sides": []}},
    "an enormous size": {"input": {"sides": [100_000]}},
    "a way out of the folder": {"source": {"file": "../../weights.onnx"}},
    "an absolute path": {"source": {"file": "/weights.onnx"}},
    "a self-test of another size": {"self_test": [0.1, 0.2]},
    "a list for a mapping": {"source": ["x"]},
    "rows that are none": {"calibration": {"rows": 3}},
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_card_is_refused(what, tmp_path):
    cards.parse(written(tmp_path))
    with pytest.raises(MalformedError):
        cards.parse(written(tmp_path, **WRONG[what]))


@pytest.mark.parametrize("text", ["", "[]", "id: [", "!!python/object/apply:os.getcwd []", "a: &a [*a]", "\0"])
def test_what_is_no_card_is_refused(text):
    with pytest.raises(MalformedError):
        cards.parse(text)


def test_a_card_or_a_weight_file_that_is_absent_is_said(tmp_path):
    with pytest.raises(MalformedError):
        cards.load(tmp_path / "none.yaml")
    card = cards.load(networks.extractor_card(tmp_path))
    (tmp_path / "shades.onnx").unlink()
    with pytest.raises(UnavailableError):
        cards.weights(card)
    with pytest.raises(UnavailableError):
        cards.weights(cards.parse(written(tmp_path, source={"package": "no-such-package", "file": "x.onnx"})))


#: No passive model comes with the package; an operator's own is named by the setting `attack_card`.
BUILT_IN = (Role.DETECTOR, Role.EXTRACTOR)


def test_built_in_cards_say_what_the_networks_are_bad_at():
    for role in BUILT_IN:
        card = cards.builtin(role)
        assert card.licence
        assert card.weaknesses
        assert hashlib.sha256(cards.weights(card)).hexdigest() == card.sha256
    weak = " ".join(cards.builtin(Role.EXTRACTOR).weaknesses)
    assert "East Asian" in weak
    assert "children" in weak


def test_no_card_points_at_the_network_that_is_not_free():
    """The 68-point predictor in the same package may not be used commercially: it is never read."""
    named = [cards.builtin(role).source.file for role in BUILT_IN]
    assert len(named) == 2
    assert not any("68" in name for name in named)
