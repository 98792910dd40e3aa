"""Methods are named, made from settings, and refused with a reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.quality.ablations import WITHOUT
from benchmarks.quality.methods import METHODS, chosen_methods, method_of
from benchmarks.quality.ours import settings_of
from benchmarks.quality.peers import PEERS
from models.errors import ConfigError
from training.settings.presets import PRESETS


def test_the_methods_of_the_benchmark_are_all_there() -> None:
    assert list(METHODS) == ["ours", "ours_clean", "fast", "best", "plain", *PEERS]
    assert list(PEERS) == ["AutoEncoder", "KNN", "LOF", "OCSVM", "IForest", "HBOS", "COPOD", "ECOD", "PCA"]
    assert METHODS["ours_clean"].protocols == ("S",), "rows of U are not clean, and nothing may say so"


def test_settings_of_ours_are_read_from_the_name() -> None:
    assert settings_of("ours:dropout=0.1,hidden_units=64-32,activation=elu,epochs=3") == {
        "dropout": 0.1,
        "hidden_units": (64, 32),
        "activation": "elu",
        "epochs": 3,
    }
    assert settings_of("ours:hidden_units=64") == {"hidden_units": (64,)}


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("ours:depht=1", r"ours:depht=1: the estimator has no parameter depht; it has .*depth"),
        ("ours:depth", "settings are KEY=VALUE,KEY=VALUE, got 'depth'"),
        ("KNM", r"there is no 'KNM'; there are ours, .*KNN.*MODULE:FUNCTION"),
        ("nowhere:fit", "there is no module 'nowhere'"),
    ],
)
def test_a_method_that_cannot_be_is_refused_with_what_could(name: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        chosen_methods([name])


def test_a_missing_library_is_an_error_only_where_its_method_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = replace(METHODS["KNN"], modules=("no_such_library.knn",))
    monkeypatch.setitem(METHODS, "KNN", lacking)
    with pytest.raises(ConfigError, match=r"KNN needs no_such_library: pip install '\.\[bench\]'"):
        chosen_methods(["KNN"])
    methods, refusals = chosen_methods([])
    assert "KNN" not in [method.name for method in methods]
    assert "KNN needs no_such_library: pip install '.[bench]'" in refusals


@pytest.mark.parametrize("part", WITHOUT)
def test_every_part_of_ours_can_be_left_out_and_changes_what_is_fitted(part: str) -> None:
    balanced = PRESETS["balanced"]
    changed = WITHOUT[part][1](balanced)
    assert changed != balanced
    assert changed.families["mixed"]
    assert method_of(f"without:{part}").says.startswith("ours, ")


def test_ours_without_a_part_is_fitted_and_scores_in_another_way() -> None:
    X = np.random.default_rng(0).normal(size=(700, 3))  # enough for the default alert rate
    ours, without = (method_of(name).fit(X, 0)(X) for name in ("ours:epochs=1", "without:fine"))
    assert np.isfinite(without).all()
    assert (ours != without).any()
    assert list(PRESETS) == ["fast", "balanced", "best"], "a preset of the benchmark stays in the product"


def test_a_method_named_twice_is_run_once() -> None:
    assert [method.name for method in chosen_methods(["ours", "plain", "ours"])[0]] == ["ours", "plain"]


def test_a_function_of_ones_own_is_a_method() -> None:
    rows = [[0.0], [3.0]]
    method = method_of("made_up_sets:distance")
    import numpy as np

    assert method.refusal is None
    assert method.fit(np.array(rows), 0)(np.array(rows)).tolist() == [2.25, 2.25]
