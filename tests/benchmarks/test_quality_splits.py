"""Draws and splits stay what published figures rest on."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from made_up_sets import write_set

from benchmarks.quality.splits import CAP, LabelledSet, read_set, sets_by_name
from models.errors import ConfigError, TableError


def digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def test_a_novelty_split_has_the_rows_it_always_had(tmp_path: Path) -> None:
    split = read_set(write_set(tmp_path / "a.npz", rows=20, anomalies=4)).split(protocol="S", seed=1)
    whole = read_set(tmp_path / "a.npz").X
    order = [int(np.where((whole == row).all(axis=1))[0][0]) for row in np.r_[split.fitting, split.test]]
    assert order[:8] == [3, 13, 7, 2, 6, 10, 4, 1]
    assert sorted(order) == list(range(20)), "every row is fitted or judged, once"
    assert split.is_anomaly.tolist() == [False] * 8 + [True] * 4


def test_a_large_set_is_drawn_down_as_it_always_was(tmp_path: Path) -> None:
    large = read_set(write_set(tmp_path / "a.npz", rows=CAP + 2_000, columns=2, anomalies=601))
    split = large.split(protocol="U", seed=3)
    assert split.fitting.shape == (CAP, 2)
    assert split.is_anomaly.sum() == round(CAP * 601 / (CAP + 2_000))
    assert digest(split.fitting) == "5befebe697961a9f"


def test_fitted_and_scored_rows_of_the_unlabelled_protocol_are_one_object(tmp_path: Path) -> None:
    split = read_set(write_set(tmp_path / "a.npz")).split(protocol="U", seed=0).standardised()
    assert split.fitting is split.test


def test_rows_are_standardised_by_the_fitting_rows_and_a_constant_is_only_centred() -> None:
    X = np.c_[np.arange(40.0), np.full(40, 7.0)]
    made = LabelledSet(X=X, is_anomaly=np.arange(40) >= 30)
    plain = made.split(protocol="S", seed=0)
    split = plain.standardised()
    assert split.fitting.dtype == np.float32
    assert split.fitting[:, 0].mean() == pytest.approx(0, abs=1e-6)
    assert split.fitting[:, 0].std() == pytest.approx(1)
    assert (split.test[:, 1] == 0).all()
    expected = (plain.test[:, 0] - plain.fitting[:, 0].mean()) / plain.fitting[:, 0].std()
    assert split.test[:, 0] == pytest.approx(expected)


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("protocol", ["S", "U"])
@pytest.mark.parametrize("name", ["45_wine", "30_satellite", "33_skin"])
def test_splits_are_those_of_the_tool_that_made_the_peers_figures(
    shared: Path, name: str, protocol: str, seed: int
) -> None:
    """33_skin is drawn down; 30_satellite has whole numbers."""
    spec = importlib.util.spec_from_file_location("quality_splits", shared / "tools" / "quality_splits.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    path = shared / "data" / "adbench" / f"{name}.npz"
    fitting, test, labels = tool.split(path, protocol=protocol, seed=seed)
    ours = read_set(path).split(protocol=protocol, seed=seed).standardised()
    assert np.array_equal(ours.fitting, fitting)
    assert np.array_equal(ours.test, test)
    assert np.array_equal(ours.is_anomaly, labels == 1)


def test_sets_are_found_by_name_the_smallest_first(tmp_path: Path) -> None:
    write_set(tmp_path / "a.npz", rows=400)
    write_set(tmp_path / "b.npz")
    assert list(sets_by_name(tmp_path)) == ["b", "a"]
    assert list(sets_by_name(tmp_path, ["a"])) == ["a"]
    with pytest.raises(ConfigError, match=r"has no c; it has a, b\."):
        sets_by_name(tmp_path, ["c"])
    with pytest.raises(ConfigError, match="has no npz files"):
        sets_by_name(tmp_path / "nowhere")


def test_what_is_no_set_is_refused_in_one_line(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.ones((3, 2)))
    with pytest.raises(TableError, match=r"a\.npz: is no set .* with X .* and y\."):
        read_set(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", X=np.ones((3, 2)), y=np.ones(3))
    with pytest.raises(TableError, match=r"y hold 0 \(normal\) and 1 \(anomaly\)"):
        read_set(tmp_path / "b.npz")
