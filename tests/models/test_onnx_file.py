"""A graph is judged without the package `onnx`: it is the one that its configuration plans, or it is refused."""

from __future__ import annotations

import contextlib
import dataclasses

import numpy as np
import onnx
import pytest
from forging import forge, random_layers
from hypothesis import given
from hypothesis import strategies as st
from models.network.graph import plan_of
from models.network.onnx_file import judge_graph
from models.network.onnx_graph import onnx_bytes
from models.network.protobuf import Field, read_message, write_message
from onnx import TensorProto, helper, numpy_helper

from models.bundle import load_detector
from models.errors import BundleError
from models.network.activations import ACTIVATIONS
from models.network.architecture import AutoencoderConfig

CONFIG = AutoencoderConfig(features=5, hidden_units=(4,), latent_units=2, activation="leaky_relu", negative_slope=0.3)
PLAN = plan_of(CONFIG)
GRAPH = onnx_bytes(CONFIG, random_layers(CONFIG))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("shape", [{}, {"members": 3}, {"members": 2, "carried": (0.5, 0.0), "linear_decoder": True}])
@pytest.mark.parametrize("hidden_units", [(), (7,), (7, 3)])
def test_what_training_writes_is_accepted_for_every_activation(activation, hidden_units, shape):
    config = AutoencoderConfig(features=5, hidden_units=hidden_units, latent_units=2, activation=activation, **shape)
    judge_graph(onnx_bytes(config, random_layers(config)), plan_of(config))


@pytest.mark.parametrize(
    "change",
    [
        {"features": 6},
        {"hidden_units": (5,)},
        {"hidden_units": (4, 4)},
        {"hidden_units": ()},
        {"latent_units": 3},
        {"activation": "relu"},
        {"activation": "prelu"},
        {"activation": "elu"},
        {"negative_slope": 0.3001},
        {"members": 2},
        {"members": 2, "carried": (0.5, 0.5)},
        {"linear_decoder": True},
    ],
    ids=str,
)
def test_the_graph_of_another_configuration_is_refused(change):
    with pytest.raises(ValueError, match=r"its (operator|inputs|arrays|outputs)"):
        judge_graph(GRAPH, plan_of(dataclasses.replace(CONFIG, **change)))


def other_domain(model):
    model.graph.node[0].domain = "com.evil"


def function(model):
    model.functions.append(helper.make_function("com.evil", "Gemm", ["x"], ["y"], [], []))


def subgraph(model):
    model.graph.node[1].attribute.append(helper.make_attribute("body", onnx.GraphProto()))


def second_domain(model):
    model.opset_import.append(helper.make_opsetid("com.evil", 1))


def external(model):
    onnx.external_data_helper.set_external_data(model.graph.initializer[0], location="../../etc/passwd")
    model.graph.initializer[0].ClearField("raw_data")
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL


def other_operator(model):
    model.graph.node[1].op_type = "If"


def operator_more(model):
    model.graph.node.append(helper.make_node("Relu", ["embedding"], ["more"]))


def operator_less(model):
    del model.graph.node[-1]


def other_wiring(model):
    model.graph.node[1].input[0] = "Z"


def attribute_twice(model):
    model.graph.node[1].attribute.append(model.graph.node[1].attribute[0])


def attribute_of_another_type(model):
    model.graph.node[1].attribute[0].type = onnx.AttributeProto.INT


def input_more(model):
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, ["n", 5]))


def wide_input(model):
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 6


def one_row(model):
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


def input_of_doubles(model):
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE


def input_without_shape(model):
    model.graph.input[0].type.tensor_type.ClearField("shape")


def input_without_type(model):
    model.graph.input[0].ClearField("type")


def outputs_in_another_order(model):
    model.graph.output[0].name, model.graph.output[1].name = "embedding", "reconstruction"


def output_less(model):
    del model.graph.output[1]


def array_more(model):
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(3, np.float32), "more"))


def array_twice(model):
    model.graph.initializer.append(model.graph.initializer[0])


def array_of_another_shape(model):
    model.graph.initializer[0].dims[0] = 10**12


def array_that_is_cut_off(model):
    model.graph.initializer[0].raw_data = model.graph.initializer[0].raw_data[:-4]


def array_without_content(model):
    model.graph.initializer[0].ClearField("raw_data")


def array_of_doubles(model):
    model.graph.initializer[0].data_type = TensorProto.DOUBLE


def weights_that_are_no_numbers(model):
    kernel = numpy_helper.to_array(model.graph.initializer[0]).copy()
    kernel[0, 0] = np.nan
    model.graph.initializer[0].raw_data = kernel.tobytes()


def sparse_array(model):
    model.graph.sparse_initializer.append(onnx.SparseTensorProto())


def training_info(model):
    model.training_info.append(onnx.TrainingInfoProto())


def no_graph(model):
    model.ClearField("graph")


HOSTILE = [
    (other_domain, "its operator 1 is Gemm, not the one"),
    (function, "a field of number 25"),
    (subgraph, "a field of number 6"),
    (second_domain, "no graph of ONNX's own operators"),
    (external, "a field of number 1[34]"),
    (other_operator, "its operator 2 is If, not the one"),
    (operator_more, "its operator 8 is Relu, not the one"),
    (operator_less, "its operator 7 is missing, not the one"),
    (other_wiring, "its operator 2 is LeakyRelu, not the one"),
    (attribute_twice, "its operator 2 is LeakyRelu, not the one"),
    (attribute_of_another_type, "its operator 2 is LeakyRelu, not the one"),
    (input_more, "its inputs are not Z of width 5"),
    (wide_input, "its inputs are not Z of width 5"),
    (one_row, "its inputs are not Z of width 5"),
    (input_of_doubles, "its inputs are not Z of width 5"),
    (input_without_shape, "its inputs are not Z of width 5"),
    (input_without_type, "its inputs are not Z of width 5"),
    (outputs_in_another_order, "its outputs are not reconstruction of width 5, embedding of width 2"),
    (output_less, "its outputs are not reconstruction of width 5, embedding of width 2"),
    (array_more, "its arrays of weights have other names or shapes"),
    (array_twice, "its arrays of weights have other names or shapes"),
    (array_of_another_shape, "its arrays of weights have other names or shapes"),
    (array_that_is_cut_off, "its array 'encoder_1_kernel' does not hold its own weights"),
    (array_without_content, "its array 'encoder_1_kernel' does not hold its own weights"),
    (array_of_doubles, "its array 'encoder_1_kernel' does not hold its own weights"),
    (weights_that_are_no_numbers, "its array 'encoder_1_kernel' holds weights that are no numbers"),
    (sparse_array, "a field of number 15"),
    (training_info, "a field of number 20"),
    (no_graph, "no graph of ONNX's own operators"),
]


@pytest.mark.parametrize(("change", "complaint"), HOSTILE, ids=lambda value: getattr(value, "__name__", ""))
def test_a_graph_that_was_changed_is_refused_by_what_was_changed(change, complaint):
    model = onnx.load_from_string(GRAPH)
    judge_graph(model.SerializeToString(), PLAN)
    change(model)
    with pytest.raises(ValueError, match=complaint):
        judge_graph(model.SerializeToString(), PLAN)


def test_the_graph_of_another_network_makes_a_bundle_be_refused_in_one_line(copied):
    forge(copied, "network.onnx", GRAPH)
    with pytest.raises(BundleError, match=r"network\.onnx: is not the network that .*: its operator 2"):
        load_detector(copied)


# --- the wire format ------------------------------------------------------------------------------------

INNER = {1: Field(name="n", kind=int)}
FIELDS = {
    1: Field(name="number", kind=int),
    2: Field(name="text", kind=str),
    3: Field(name="parts", kind=INNER, repeated=True),
    4: Field(name="share", kind=float),
    5: Field(name="content", kind=bytes),
}


def message(*pieces):
    return read_message(memoryview(b"".join(pieces)), FIELDS)


def test_a_message_is_read_by_the_names_of_its_table():
    assert message(b"\x08\xac\x02", b"\x12\x02\xc3\xa9", b"\x1a\x02\x08\x01", b"\x1a\x00", b"\x25\x00\x00\x80\x3f") == {
        "number": 300,
        "text": "é",
        "parts": [{"n": 1}, {"n": None}],
        "share": 1.0,
        "content": None,
    }
    assert bytes(message(b"\x2a\x03abc")["content"]) == b"abc"
    assert message(b"\x08" + b"\xff" * 9 + b"\x01")["number"] == 2**64 - 1


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"\x30\x01", "a field of number 6"),
        (b"\x00", "a field of number 0"),
        (b"\x08\x01\x08\x01", "'number' twice"),
        (b"\x08\x00\x08\x00", "'number' twice"),
        (b"\x0a\x00", "its 'number' is of wire type 2"),
        (b"\x10\x00", "its 'text' is of wire type 0"),
        (b"\x18\x00", "its 'parts' is of wire type 0"),
        (b"\x22\x00", "its 'share' is of wire type 2"),
        (b"\x0b", "its 'number' is of wire type 3"),
        (b"\x08", "cut off"),
        (b"\x08\x80", "cut off"),
        (b"\x12\x05abcd", "cut off in 'text'"),
        (b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "cut off in 'text'"),
        (b"\x25\x00\x00\x80", "cut off in 'share'"),
        (b"\x1a\x02\x08", "cut off in 'parts'"),
        (b"\x1a\x01\x08", "cut off"),
        (b"\x12\x01\xff", "codec can't decode"),
        (b"\x08" + b"\xff" * 10 + b"\x01", "a number that never ends"),
    ],
)
def test_a_message_that_is_not_in_the_table_is_refused(content, complaint):
    with pytest.raises(ValueError, match=complaint):
        message(content)


@given(st.binary(max_size=64))
def test_any_bytes_are_a_message_or_one_error(content):
    with contextlib.suppress(ValueError):
        message(content)


def test_what_is_written_is_read_again():
    inner = {1: Field(name="number", kind=int), 2: Field(name="text", kind=str)}
    fields = {
        1: Field(name="share", kind=float),
        2: Field(name="bytes", kind=bytes),
        3: Field(name="parts", kind=inner, repeated=True),
        9: Field(name="numbers", kind=int, repeated=True),
    }
    parts = [{"number": 0, "text": "é"}, {"number": 2**40, "text": None}]
    values = {"share": 0.5, "bytes": b"\x00\xff" * 200, "parts": parts, "numbers": [1, 127, 128, 300]}
    assert read_message(memoryview(write_message(values, fields)), fields) == values
    assert write_message({"parts": [], "share": None}, fields) == b""
