from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.columns.inspect_columns import find_sentinels

RNG = np.random.default_rng(5)
N = 1000


def with_sentinel(values, *sentinels, share=0.05, seed=1):
    rng = np.random.default_rng(seed)
    values = np.array(values, float)
    for value in sentinels:
        values[rng.random(len(values)) < share] = value
    return values


def found(**columns):
    return {name: [s.value for s in sentinels] for name, sentinels in find_sentinels(columns).items()}


@pytest.mark.parametrize(
    ("values", "sentinel"),
    [
        (RNG.normal(20, 8, N), -200.0),
        (RNG.normal(20, 8, N), -999.0),
        (RNG.integers(0, 28, N), 999.0),
        (RNG.lognormal(0, 1, N), 99999.0),
        (RNG.normal(1e6, 1e3, N), -1.0),
        (RNG.integers(1, 6, N), 99.0),
        (RNG.normal(0, 1, N), -(2.0**31)),
        (RNG.normal(0, 1, N), 1e30),
    ],
)
def test_one_repeated_number_far_outside_the_others_is_found(values, sentinel):
    [(one,)] = find_sentinels({"x": with_sentinel(values, sentinel)}).values()
    assert one.value == sentinel
    assert one.rows == int((with_sentinel(values, sentinel) == sentinel).sum())


def test_several_at_one_end_are_found_together():
    assert found(x=with_sentinel(RNG.integers(0, 30, N), 997, 998, 999)) == {"x": [999.0, 998.0, 997.0]}


def test_a_number_that_is_far_outside_in_other_columns_counts_where_it_is_nearer():
    near = with_sentinel(RNG.uniform(5, 1200, N), -200)
    far = {name: with_sentinel(RNG.normal(20, 5, N), -200, seed=seed) for seed, name in enumerate("abc")}
    assert found(near=near) == {}
    assert found(near=near, **far)["near"] == [-200.0]


@pytest.mark.parametrize(
    "values",
    [
        RNG.standard_cauchy(N),
        RNG.lognormal(0, 2, N),
        RNG.integers(0, 2, N),
        np.where(RNG.random(N) < 0.99, 0.0, RNG.integers(1, 6, N)),
        np.where(RNG.random(N) < 0.6, 0.0, RNG.lognormal(0, 1, N)),
        np.append(RNG.normal(0, 1, N), [50.0]),
        np.minimum(RNG.lognormal(0, 1, N), 5.0),
        np.full(N, 3.0),
        np.full(N, np.nan),
        np.array([]),
    ],
)
def test_tails_flags_counts_caps_and_single_outliers_are_no_sentinels(values):
    assert found(x=values) == {}


@settings(max_examples=100)
@given(st.integers(0, 10_000), st.floats(0.1, 1e6), st.floats(-1e6, 1e6))
def test_bell_shaped_numbers_have_no_sentinel_whatever_their_scale(seed, scale, shift):
    values = np.random.default_rng(seed).normal(shift, scale, 300).round(2)
    assert found(x=values) == {}


def test_few_false_alarms_on_public_tables(shared):
    """30 sets, 2,344 columns: one is named, days since a contact where 999 says "never", scaled to 1."""
    columns = named = 0
    for path in sorted((shared / "data" / "adbench").glob("*.npz")):
        X = np.load(path)["X"].astype(float)
        columns += X.shape[1]
        named += len(find_sentinels({f"x{number}": values for number, values in enumerate(X.T)}))
    assert columns == 2344
    assert named <= 1
