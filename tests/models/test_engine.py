from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
from models.network.onnx_graph import LayerWeights, onnx_bytes

from models.errors import BundleError
from models.network.architecture import AutoencoderConfig
from models.network.engine import ENGINES, OnnxEngine

CONFIG = AutoencoderConfig(features=3, hidden_units=(), latent_units=2, activation="tanh")


def layers():
    rng = np.random.default_rng(0)
    return [
        LayerWeights(kernel=rng.normal(size=shape).astype(np.float32), bias=np.zeros(shape[1], np.float32))
        for shape in ((3, 2), (2, 3))
    ]


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("graph", [b"", b"junk", b"\x08\x0a\x12\x04junk"])
def test_an_engine_refuses_a_graph_that_is_none(name, graph):
    with pytest.raises(BundleError, match=r"network.onnx: is not the network") as caught:
        ENGINES[name](graph, CONFIG)
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("graph", [b"", b"junk"])
def test_what_onnx_runtime_refuses_is_one_error_of_ours(graph):
    with pytest.raises(BundleError, match=r"network.onnx: ONNX Runtime .* refuses it"):
        OnnxEngine(graph)


def test_the_same_weights_are_the_same_bytes():
    assert onnx_bytes(CONFIG, layers()) == onnx_bytes(CONFIG, layers())


def test_an_engine_takes_any_number_of_rows():
    engine = OnnxEngine(onnx_bytes(CONFIG, layers()))
    for n in (0, 1, 7):
        Z = np.ones((n, 3), np.float32)
        assert engine.reconstruct(Z).shape == (n, 3)
        assert engine.embed(Z).shape == (n, 2)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_of_a_caller_do_not_disturb_one_another(threads):
    engine = OnnxEngine(onnx_bytes(CONFIG, layers()), threads=threads)
    pieces = list(np.random.default_rng(1).normal(size=(64, 5, 3)).astype(np.float32))
    serial = [engine.reconstruct(piece) for piece in pieces]
    with ThreadPoolExecutor(8) as pool:
        for one, other in zip(serial, pool.map(engine.reconstruct, pieces), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)


def test_running_a_network_leaves_no_trace_in_the_users_home(bundle_path, tmp_path, monkeypatch, run_python):
    """ONNX Runtime's official builds keep a device id there and report to their maker, unless told not to."""
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    program = f"from models.bundle import load_detector; load_detector({str(bundle_path)!r})"
    done = run_python("-c", program, HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.rglob("*")) == []


def test_a_graph_that_names_files_outside_the_bundle_is_refused(tmp_path, monkeypatch):
    graph = onnx.load_from_string(onnx_bytes(CONFIG, layers()))
    onnx.external_data_helper.convert_model_to_external_data(graph, location="secret.bin", size_threshold=0)
    monkeypatch.chdir(tmp_path)
    onnx.save(graph, "outside.onnx")
    with pytest.raises(BundleError, match="is not the network that the manifest describes"):
        ENGINES["onnx"]((tmp_path / "outside.onnx").read_bytes(), CONFIG)
