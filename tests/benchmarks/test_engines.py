"""Other engines: what is there is measured beside ours, what is not is said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from benchmarks.engines import __main__ as program
from benchmarks.engines.alone import Alone
from benchmarks.engines.beside import Beside, measured
from benchmarks.engines.engines import ENGINES, OURS
from benchmarks.engines.litert import _OPERATORS
from benchmarks.engines.page import Cost, Found, page_of
from benchmarks.serving.contenders import train_detectors


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("engines")
    train_detectors(folder, ["balanced"])
    return folder / "balanced"


@pytest.mark.slow
def test_an_engine_that_is_ours_under_another_name_is_as_fast_and_scores_alike(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "ENGINES", {OURS: ENGINES[OURS], "absent": replace(ENGINES[OURS], needs=("nowhere",))})
    left_out = program.convert(bundle, tmp_path / "networks")
    assert left_out == {"absent": "nowhere is not installed"}
    found = measured(bundle, tmp_path / "networks", rounds=2, threads=1, sizes=(1, 200))
    assert list(found) == [OURS]
    assert found[OURS].worst == 0
    assert found[OURS].ratios == {1: [1.0, 1.0], 200: [1.0, 1.0]}
    assert all(value > 0 for value in found[OURS].microseconds.values())


@pytest.mark.slow
def test_every_operator_of_the_networks_that_are_measured_can_be_converted(bundle: Path) -> None:
    graph = (bundle / "network.onnx").read_bytes()
    assert {node.op_type for node in onnx.load_from_string(graph).graph.node} <= set(_OPERATORS)


def test_the_page_has_speed_parity_and_cost_of_each_engine_and_what_is_left_out() -> None:
    page = page_of(made_up())
    assert "| ONNX Runtime, float32: ours | 7 µs | 0e+00 | 0e+00 |" in page
    assert "| LiteRT with XNNPACK, float32 | 2.00 (1.00–3.00) | 2e-06 | 1e-06 |" in page
    assert "| LiteRT with XNNPACK, float32 | 59 | 0.10 | 35 |" in page
    assert "Left out: openvino: openvino is not installed" in page


def test_the_figures_are_plain_data() -> None:
    assert json.loads(json.dumps(program.asdict(made_up())))["costs"]["litert"]["fast"]["package_mb"] == 59


def made_up() -> Found:
    ours = Beside(microseconds={64: 7.0}, ratios={64: [1.0]}, worst=0.0, usual=0.0)
    theirs = Beside(microseconds={64: 3.5}, ratios={64: [1.0, 2.0, 3.0]}, worst=2e-6, usual=1e-6)
    cost = Cost(alone=Alone(load_seconds=0.1, memory_mb=35), package_mb=59)
    return Found(
        cpus=1,
        speed={"fast": {OURS: ours, "litert": theirs}},
        costs={name: {"fast": cost} for name in (OURS, "litert")},
        left_out={"openvino": "openvino is not installed"},
    )


def test_a_package_that_is_not_there_takes_no_room() -> None:
    assert replace(ENGINES[OURS], package="nowhere").package_mb == 0
    assert np.isfinite(ENGINES[OURS].package_mb)
