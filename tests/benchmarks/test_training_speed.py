"""The benchmark of fitting: what is compared is what it says, and what is missing is left out."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.training import __main__ as program
from benchmarks.training import equal_error
from benchmarks.training.made_up import standardised, write
from benchmarks.training.peers import PEERS, Fitted, missing
from benchmarks.training.programs import exponent, import_seconds
from models.tables.files import read_table
from training.settings.config import TrainConfig

ROWS = standardised(400, 6)
CONFIG = TrainConfig(preset="fast", training_rows="clean")


def test_rows_are_standardised_and_held_out_rows_are_others() -> None:
    assert (ROWS.fitting.shape, ROWS.held_out.shape) == ((400, 6), (80, 6))
    np.testing.assert_allclose(ROWS.fitting.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(ROWS.fitting.std(axis=0), 1, atol=1e-5)
    assert not (ROWS.fitting[:, None] == ROWS.held_out).all(axis=2).any()


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_the_same_rows_are_in_a_file(name: str, tmp_path: Path) -> None:
    write(tmp_path / name, 20, 3)
    assert read_table([tmp_path / name]).data.shape == (20, 3)


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_learns_something_of_rows_that_it_has_not_seen(name: str) -> None:
    if missing(name):
        pytest.skip(f"{name} is not installed")
    fitted = PEERS[name](ROWS, CONFIG.architecture(features=6))
    assert fitted.error < 0.9  # that of the mean of each column is 1
    assert fitted.seconds > 0


@pytest.mark.parametrize("preset", ["fast", "balanced"])
def test_ours_comes_down_to_an_error_and_the_seconds_rise_with_the_epochs(preset: str) -> None:
    config = TrainConfig(preset=preset, training_rows="clean", epochs=6)
    curve = equal_error._curve(ROWS, config, times=1)
    seconds, errors = zip(*curve, strict=True)
    assert list(seconds) == sorted(seconds)
    assert errors[-1] < errors[0]


def test_a_level_that_a_fit_does_not_reach_is_reached_by_a_longer_one_or_reported_as_out_of_reach(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    curves = {1: [(1.0, 0.5), (2.0, 0.4)], 2: [(1.5, 0.45), (3.0, 0.3)]}
    monkeypatch.setattr(equal_error, "_REST", 0)
    monkeypatch.setattr(equal_error, "_curve", lambda rows, config, *, times: curves[min(times, 2)])
    found = equal_error.ours(ROWS, CONFIG, {"at once": 0.5, "later": 0.35, "never": 0.1})
    assert found.seconds == {"at once": 1.0, "later": 3.0, "never": None}
    assert found.longer == {"at once": 1, "later": 2}
    assert (found.fit_seconds, found.error) == (2.0, 0.4)


def test_ratios_are_medians_over_rounds_and_none_is_given_where_ours_was_once_never_as_good() -> None:
    def one(theirs: float, own: float | None) -> equal_error.Round:
        reached = equal_error.Reached(seconds={"pyod": own}, longer={"pyod": 1}, fit_seconds=1.0, error=0.1)
        return equal_error.Round(ours=reached, peers={"pyod": Fitted(seconds=theirs, error=0.2)})

    cells, ratios = program._cells([one(2.0, 1.0), one(9.0, 1.0), one(12.0, 3.0)], ["pyod"])
    assert ratios == {"pyod": 4.0}
    assert cells == ["1.00, 0.100", "4.00 (2.00–9.00)", "9.00, 0.200", "1.00"]
    cells, ratios = program._cells([one(2.0, 1.0), one(9.0, None)], ["pyod"])
    assert (ratios, cells[1], cells[-1]) == ({}, "–", "never as good")


def test_linear_growth_has_the_exponent_one() -> None:
    assert exponent([10, 100, 1000], [0.2, 2.0, 20.0]) == pytest.approx(1)


def test_what_cannot_be_imported_has_no_time() -> None:
    assert import_seconds("import no_such_package_at_all") is None
    assert import_seconds("import json") is not None


def test_a_peer_that_is_not_installed_is_left_out_with_a_note(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert program._there(["pyod", "keras", "torch"]) == ["keras"]
    assert [line.split(":")[0] for line in capsys.readouterr().err.splitlines()] == [
        "pyod is left out",
        "torch is left out",
    ]


def test_steps_are_reported_by_name_with_their_products(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "_STEP_ROUNDS", 1)
    assert program.main(["--parts", "steps", "--columns", "4", "--presets", "fast", "balanced", "--json"]) == 0
    out, err = capsys.readouterr()
    assert list(json.loads(out)) == [
        "step_over_products_4_fast_relu_batch256",
        "step_over_products_4_fast_relu_batch1024",
        "step_over_products_4_balanced_relu_batch64",
        "step_over_products_4_balanced_relu_batch1024",
    ]
    assert err.count("| 4 |") == 4


def test_a_fit_names_no_device() -> None:
    """The same code runs on whatever TensorFlow finds."""
    root = Path(program.__file__).parents[2]
    sources = [*(root / "training").rglob("*.py")]
    texts = {path.name: path.read_text(encoding="utf-8") for path in sources}
    assert [name for name, text in texts.items() if "tf.device" in text or '"/CPU' in text or '"/GPU' in text] == []
