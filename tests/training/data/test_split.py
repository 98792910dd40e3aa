from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.split import LEAST_GROUPS, SHARES, split_by_group, split_in_time, split_rows, spread_anomalies

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


# --- in time --------------------------------------------------------------------------------------------

INSTANTS = st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=200).map(np.array)


@given(INSTANTS, st.data())
def test_in_time_each_part_is_later_than_the_one_before_and_a_timestamp_is_never_divided(instants, data):
    only_test = np.array(data.draw(st.lists(st.booleans(), min_size=len(instants), max_size=len(instants))))
    split = split_in_time(instants, only_test=only_test)
    assert (masks(split).sum(axis=0) == 1).all()
    assert split.test[only_test].all()
    ends = [instants[mask & ~only_test] for mask in masks(split) if (mask & ~only_test).any()]
    assert all(earlier.max() < later.min() for earlier, later in itertools.pairwise(ends))


def test_in_time_each_part_has_its_share_whatever_the_order_in_the_file():
    instants = np.random.default_rng(0).permutation(10_000).astype(float)
    np.testing.assert_allclose(masks(split_in_time(instants)).mean(axis=1), list(SHARES.values()), atol=1e-3)


def test_in_time_the_shares_are_those_of_the_rows_that_may_be_learned_from():
    only_test = np.arange(2000) >= 1000
    split = split_in_time(np.arange(2000.0), only_test=only_test)
    np.testing.assert_allclose(masks(split)[:, :1000].mean(axis=1), list(SHARES.values()), atol=1e-2)


# --- by group -------------------------------------------------------------------------------------------


@given(st.integers(LEAST_GROUPS, 40), st.integers(1, 30), SEEDS)
def test_by_group_a_group_is_in_one_part_and_every_part_has_one(groups, most, seed):
    sizes = np.random.default_rng(seed).integers(1, most + 1, groups)
    numbers = np.random.default_rng(seed).permutation(np.repeat(np.arange(groups), sizes))
    split = split_by_group(numbers, seed=seed)
    assert (masks(split).sum(axis=0) == 1).all()
    parts = [set(numbers[mask].tolist()) for mask in masks(split)]
    assert all(parts)
    assert sum(map(len, parts)) == groups


def test_by_group_many_small_groups_fill_the_shares_and_another_seed_is_another_split():
    numbers = np.repeat(np.arange(2000), 3)
    one, same, other = (masks(split_by_group(numbers, seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_allclose(one.mean(axis=1), list(SHARES.values()), atol=1e-2)
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_by_group_known_anomalies_are_test_rows_whatever_their_group():
    numbers = np.repeat(np.arange(10), 20)
    only_test = np.arange(200) % 20 == 0
    assert split_by_group(numbers, seed=0, only_test=only_test).test[only_test].all()


def test_rows_that_are_left_out_are_in_no_part():
    out = np.arange(100) % 7 == 0
    split = split_rows(100, seed=0)
    np.testing.assert_array_equal(masks(split.without(out)).sum(axis=0), ~out)
    np.testing.assert_array_equal(masks(split.without(out))[:, ~out], masks(split)[:, ~out])


def test_the_shares_are_of_one_whole():
    assert sum(SHARES.values()) == pytest.approx(1)
