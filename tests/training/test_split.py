from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.split import SHARES, split_rows, spread_anomalies

SEEDS = st.integers(0, 2**40)


def masks(split):
    return np.stack([getattr(split, part) for part in SHARES])


@given(st.integers(0, 500), SEEDS)
def test_every_row_is_in_exactly_one_part(n, seed):
    assert (masks(split_rows(n, seed=seed)).sum(axis=0) == 1).all()


@given(st.integers(0, 300), st.integers(0, 300), SEEDS)
def test_the_part_of_a_row_does_not_depend_on_how_many_rows_there_are(n, more, seed):
    np.testing.assert_array_equal(masks(split_rows(n + more, seed=seed))[:, :n], masks(split_rows(n, seed=seed)))


@given(SEEDS)
def test_the_same_seed_is_the_same_split_and_another_one_another(seed):
    one, same, other = (masks(split_rows(200, seed=s)) for s in (seed, seed, seed + 1))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("seed", range(5))
def test_each_part_has_its_share_of_the_rows(seed):
    shares = masks(split_rows(50_000, seed=seed)).mean(axis=1)
    np.testing.assert_allclose(shares, list(SHARES.values()), atol=0.01)  # 4 deviations of a share of 0.6


@pytest.mark.parametrize("seed", range(5))
def test_neighbouring_rows_are_split_independently(seed):
    fitting = split_rows(50_000, seed=seed).fitting.astype(float)
    for lag in (1, 2, 7):
        assert abs(np.corrcoef(fitting[:-lag], fitting[lag:])[0, 1]) < 0.02


@given(st.integers(1, 300), SEEDS, st.data())
def test_rows_that_nothing_may_be_learned_from_are_test_rows_and_the_others_stay_where_they_were(n, seed, data):
    only_test = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    split, free = split_rows(n, seed=seed, only_test=only_test), split_rows(n, seed=seed)
    assert split.test[only_test].all()
    np.testing.assert_array_equal(masks(split)[:, ~only_test], masks(free)[:, ~only_test])


@given(st.integers(1, 300), SEEDS, st.data())
def test_spread_anomalies_are_calibration_or_test_rows_and_the_others_stay_where_they_were(n, seed, data):
    anomalies = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    before = split_rows(n, seed=seed, only_test=anomalies)
    after = spread_anomalies(before, anomalies, seed=seed)
    assert (masks(after).sum(axis=0) == 1).all()
    assert (after.calibration | after.test)[anomalies].all()
    np.testing.assert_array_equal(masks(after)[:, ~anomalies], masks(before)[:, ~anomalies])


def test_half_of_the_spread_anomalies_are_calibration_rows():
    anomalies = np.arange(20_000) % 2 == 0
    split = spread_anomalies(split_rows(20_000, seed=3, only_test=anomalies), anomalies, seed=3)
    assert split.calibration[anomalies].mean() == pytest.approx(0.5, abs=0.02)


def test_the_shares_are_of_one_whole():
    assert sum(SHARES.values()) == pytest.approx(1)
