"""Means over seeds, and what is found by comparing the seeds of two activations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_up import SETTING, outcome

from training.comparison.outcomes import Failure
from training.comparison.summary import Mean, best_settings, summaries_of
from training.comparison.trials import Setting, Trial


def test_a_mean_of_positive_figures_and_its_interval_are_on_a_ratio_scale() -> None:
    mean = Mean.of([1.0, 2.0, 4.0])
    half = 4.302653 * np.log(2) / 3**0.5
    assert (mean.mean, mean.low, mean.high) == pytest.approx((2, 2 * np.exp(-half), 2 * np.exp(half)))
    assert Mean.of([1.0]).to_json() == {"mean": pytest.approx(1.0), "interval": None}
    tenfold = Mean.of([10.0, 20.0, 40.0])
    assert (tenfold.low, tenfold.high) == pytest.approx((10 * mean.low, 10 * mean.high))


def test_no_interval_goes_below_zero_and_that_of_a_share_not_above_one() -> None:
    assert Mean.of([0.01, 2.0, 3.0]).low > 0
    assert Mean.of([0.0, 2.0, 3.0]).low == 0
    assert Mean.of_shares([0.9, 1.0]).to_json()["interval"] == [pytest.approx(0.314690), 1.0]
    [relu] = summaries_of([outcome("relu", seed, 1.0, roc_auc=area) for seed, area in enumerate((0.1, 0.9))])
    assert relu.to_json()["roc_auc"]["interval"] == [0.0, 1.0]


def test_the_level_of_relu_is_reached_by_epoch_and_second_seed_by_seed() -> None:
    found = [
        outcome("relu", 0, 1.0, validation_losses=(3.0, 2.0, 1.9)),
        outcome("relu", 1, 1.0, validation_losses=(3.0, 1.0, 0.5)),
        outcome("elu", 0, 1.0, validation_losses=(2.5, 1.8, 1.0)),
        outcome("elu", 1, 1.0, validation_losses=(2.5, 1.8, 1.0)),
    ]
    relu, elu = summaries_of(found)
    assert relu.reached == ((3, 0.04), (3, 0.04))
    assert elu.reached == ((2, 0.03), None)
    report = elu.to_json()
    assert report["epochs_to_relu_level"]["mean"] == 2
    assert report["seeds_that_reached_relu_level"] == 1


def test_the_ranking_is_stable_where_seeds_order_the_rows_alike() -> None:
    alike = summaries_of([outcome("relu", 0, 1.0), outcome("relu", 1, 1.0, scores=(10.0, 20.0, 30.0, 41.0))])
    reversed_ = summaries_of([outcome("relu", 0, 1.0), outcome("relu", 1, 1.0, scores=(4.0, 3.0, 2.0, 1.0))])
    assert alike[0].rank_stability == pytest.approx(1)
    assert reversed_[0].rank_stability == pytest.approx(-1)
    assert summaries_of([outcome("relu", 0, 1.0)])[0].rank_stability is None


def test_the_first_epoch_which_is_compiled_does_not_count_in_the_time_of_a_step() -> None:
    assert outcome("relu", 0, 1.0, elapsed=(5.0, 5.01, 5.02)).step_seconds == pytest.approx(1e-3)
    assert outcome("relu", 0, 1.0, elapsed=(0.02,), best_epoch=1).step_seconds == pytest.approx(2e-3)


def test_settings_are_apart_and_what_failed_with_every_seed_has_no_summary() -> None:
    other = Setting(hidden_units=(8, 4), learning_rate=1e-3)
    found = [
        outcome("relu", 0, 1.0),
        outcome("relu", 0, 2.0, setting=other),
        Failure(trial=Trial(activation="elu", setting=SETTING, seed=0), complaint="NaN"),
    ]
    assert [(one.activation, one.setting) for one in summaries_of(found)] == [("relu", SETTING), ("relu", other)]


def test_shares_are_of_all_units() -> None:
    one = outcome("relu", 0, 1.0, dead=2)
    assert one.share("dead") == pytest.approx(0.25)
    assert not one.dead_layer
    assert outcome("relu", 0, 1.0, dead=5).dead_layer
    assert one.gradient_ratio == pytest.approx(0.5)


def test_the_setting_with_which_an_activation_finds_most_is_its_best() -> None:
    other = Setting(hidden_units=(8, 4), learning_rate=1e-3)
    found = [
        outcome("relu", 0, 1.0, found={"sign": 0.7}),
        outcome("relu", 0, 2.0, found={"sign": 0.9}, setting=other),
        outcome("elu", 0, 2.0),
        outcome("elu", 0, 1.0, setting=other),
    ]
    assert [one.setting for one in best_settings(summaries_of(found))] == [other, other]
    by_label = [replace(one, roc_auc=0.9 if one.trial.setting == SETTING else 0.8) for one in found]
    assert [one.setting for one in best_settings(summaries_of(by_label))] == [SETTING, SETTING]


def test_what_is_found_is_there_by_kind() -> None:
    [relu] = summaries_of(
        [outcome("relu", seed, 1.0, found={"sign": area, "unit": 1.0}) for seed, area in ((0, 0.6), (1, 0.8))]
    )
    found = relu.to_json()["found"]
    assert found["mean"] == pytest.approx(0.85)
    assert found["kinds"]["sign"] == {"roc_auc": pytest.approx(0.7), "at_rate": pytest.approx(0.35), "errors": 20}
    assert "found" not in summaries_of([outcome("relu", 0, 1.0)])[0].to_json()
