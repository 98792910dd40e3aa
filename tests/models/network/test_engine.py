"""What an engine computes, and what it refuses to load."""

from __future__ import annotations

import dataclasses
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
from forging import forge, random_weights
from onnx import TensorProto, helper, numpy_helper

from models.bundle import load_detector
from models.errors import BundleError
from models.network.architecture import AutoencoderConfig
from models.network.engine import ENGINES, OnnxEngine
from training.network.onnx_export import onnx_bytes

CONFIG = AutoencoderConfig(features=3, hidden_units=(4,), latent_units=2, activation="tanh")
WEIGHTS = random_weights(CONFIG)
GRAPH = onnx_bytes(CONFIG, WEIGHTS)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("graph", [b"", b"junk", b"\x08\x0a\x12\x04junk", bytes(4) + b"ORTM" + bytes(99)])
def test_an_engine_refuses_a_graph_that_is_none_in_one_line(name, graph):
    with pytest.raises(BundleError, match=r"network.onnx: ONNX Runtime .* refuses it") as caught:
        ENGINES[name](graph, CONFIG)
    assert caught.value.__cause__ is not None
    assert "\n" not in str(caught.value)


def test_the_same_weights_are_the_same_bytes():
    assert onnx_bytes(CONFIG, WEIGHTS) == onnx_bytes(CONFIG, WEIGHTS)


@pytest.mark.parametrize("members", [1, 3])
def test_an_engine_takes_any_number_of_rows(members):
    config = dataclasses.replace(CONFIG, members=members)
    engine = OnnxEngine(onnx_bytes(config, random_weights(config)), config)
    for n in (0, 1, 7):
        Z = np.ones((n, 3), np.float32)
        assert engine.reconstruct(Z).shape == (members, n, 3)
        assert engine.embed(Z).shape == (n, 2)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_of_a_caller_do_not_disturb_one_another(threads):
    engine = OnnxEngine(GRAPH, CONFIG, threads=threads)
    chunks = list(np.random.default_rng(1).normal(size=(64, 5, 3)).astype(np.float32))
    serial = [engine.reconstruct(chunk) for chunk in chunks]
    with ThreadPoolExecutor(8) as pool:
        for alone, together in zip(serial, pool.map(engine.reconstruct, chunks), strict=True):
            np.testing.assert_allclose(alone, together, rtol=1e-6)


def test_running_a_network_leaves_no_trace_in_the_users_home(bundle_path, tmp_path, monkeypatch, run_python):
    """ONNX Runtime's official builds keep a device id there and report to their maker, unless it is switched off."""
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    program = f"from models.bundle import load_detector; load_detector({str(bundle_path)!r})"
    done = run_python("-c", program, HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.rglob("*")) == []


# --- graphs from elsewhere ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [{"features": 4}, {"latent_units": 3}, {"members": 2}],
    ids=str,
)
def test_the_graph_of_a_network_of_another_shape_is_refused(change):
    with pytest.raises(BundleError, match=r"network\.onnx: is not the network that the manifest describes"):
        OnnxEngine(GRAPH, dataclasses.replace(CONFIG, **change))


def other_domain(model):
    model.graph.node[0].domain = "com.evil"


def contributed_operator(model):
    model.graph.node[1].domain, model.graph.node[1].op_type = "com.microsoft", "Gelu"


def operator_set_of_others(model):
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))


def other_input(model):
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, ["n", 5]))


def input_of_doubles(model):
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE


def input_without_type(model):
    model.graph.input[0].ClearField("type")


def outputs_in_another_order(model):
    model.graph.output.extend(list(reversed(model.graph.output)))
    del model.graph.output[:2]


def output_less(model):
    del model.graph.output[1]


def other_output(model):
    model.graph.node.append(helper.make_node("Relu", ["embedding"], ["more"]))
    model.graph.output.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, ["n", 2]))


def array_of_another_shape(model):
    model.graph.initializer[0].dims[0] = 10**12


def array_that_is_cut_off(model):
    model.graph.initializer[0].raw_data = model.graph.initializer[0].raw_data[:-4]


def array_of_doubles(model):
    kernel = numpy_helper.to_array(model.graph.initializer[0]).astype(np.float64)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(kernel, model.graph.initializer[0].name))


def rows_that_are_joined(model):
    model.graph.node[-1].output[0] = "before"
    model.graph.node.append(
        helper.make_node("ReduceSum", ["before"], ["reconstruction"], keepdims=1, noop_with_empty_axes=1)
    )
    model.graph.node[-1].op_type = "ReduceMax"
    model.graph.initializer.append(numpy_helper.from_array(np.array([0]), "axes"))
    model.graph.node[-1].input.append("axes")


def operator_less(model):
    del model.graph.node[-1]


def no_graph(model):
    model.ClearField("graph")


@pytest.mark.parametrize(
    "change",
    [
        *(other_domain, contributed_operator, operator_set_of_others),
        *(other_input, input_of_doubles, input_without_type, outputs_in_another_order, output_less, other_output),
        *(array_of_another_shape, array_that_is_cut_off, array_of_doubles),
        *(rows_that_are_joined, operator_less, no_graph),
    ],
    ids=lambda change: change.__name__,
)
def test_a_graph_that_was_changed_is_refused_in_one_line(change):
    model = onnx.load_from_string(GRAPH)
    OnnxEngine(model.SerializeToString(), CONFIG)
    change(model)
    with pytest.raises(BundleError, match=r"^network\.onnx: ") as caught:
        OnnxEngine(model.SerializeToString(), CONFIG)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("location", ["secret.bin", "/etc/passwd", "../secret.bin", "*/_ORT_MEM_ADDR_/*"])
def test_a_graph_whose_weights_lie_in_a_file_or_in_memory_is_refused_unread(location, tmp_path, monkeypatch):
    np.ones(99, np.float32).tofile(tmp_path / "secret.bin")
    monkeypatch.chdir(tmp_path)
    model = onnx.load_from_string(GRAPH)
    array = model.graph.initializer[0]
    onnx.external_data_helper.set_external_data(array, location=location, offset=0, length=len(array.raw_data))
    array.ClearField("raw_data")
    monkeypatch.setattr("onnxruntime.InferenceSession", lambda *_, **__: pytest.fail("loaded"))
    with pytest.raises(BundleError, match=r"network\.onnx: names 'location': files or operators"):
        OnnxEngine(model.SerializeToString(), CONFIG)


@pytest.mark.parametrize("location", ["secret.bin", "/etc/passwd", "../secret.bin", "*/_ORT_MEM_ADDR_/*"])
def test_onnx_runtime_itself_reads_no_file_for_a_graph_of_bytes(location, tmp_path, monkeypatch):
    """The second line of defence: the text that is looked for is the only way to name one."""
    np.ones(99, np.float32).tofile(tmp_path / "secret.bin")
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path if location == "secret.bin" else tmp_path / "inner")
    monkeypatch.setattr("models.network.engine._NEVER_WRITTEN", ())
    model = onnx.load_from_string(GRAPH)
    array = model.graph.initializer[0]
    onnx.external_data_helper.set_external_data(array, location=location, offset=0, length=len(array.raw_data))
    array.ClearField("raw_data")
    with pytest.raises(BundleError, match=r"ONNX Runtime .* refuses it"):
        OnnxEngine(model.SerializeToString(), CONFIG)


def test_a_graph_beside_a_bundle_of_another_network_makes_it_be_refused_in_one_line(copied):
    forge(copied, "network.onnx", GRAPH)
    with pytest.raises(BundleError, match=r"network\.onnx: is not the network that the manifest describes"):
        load_detector(copied)
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
