"""The statistics give what the papers print."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from benchmarks.quality.statistics import critical_difference, duel, friedman, groups_alike, holm, ranks

# Table 6 of Demšar (2006): C4.5, with m, with cf, with both; 14 sets of UCI, AUC.
DEMSAR = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975],  # printed as equal, ranked 2 and 3
        [0.957, 0.978, 0.946, 0.970],
    ]
)

# Table 5 of the same: q of Nemenyi's test at 0.05, for 2 to 10 classifiers.
Q_005 = (1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164)


def test_mean_ranks_and_friedmans_test_are_those_of_the_paper() -> None:
    assert ranks(DEMSAR).mean(axis=0) == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    found = friedman(DEMSAR)
    assert found.chi2 == pytest.approx(9.28, abs=0.01)
    assert found.f == pytest.approx(3.69, abs=0.01)
    assert 0.01 < found.p < 0.05  # the paper: F(3, 39) is critical at 2.85


def test_wilcoxons_test_of_the_paper_counts_wins_and_finds_a_difference() -> None:
    """Tables 2: C4.5 with m against C4.5, R⁺ = 93, R⁻ = 12, significant at 0.05 (z = −2.54)."""
    found = duel(DEMSAR[:, 1], DEMSAR[:, 0])
    assert (found.wins, found.ties, found.losses) == (10, 2, 2)
    assert found.p == pytest.approx(2 * stats.norm.cdf(-2.54), abs=0.003)


@pytest.mark.parametrize(("methods", "q"), list(enumerate(Q_005, start=2)))
def test_the_critical_difference_is_that_of_the_papers_table(methods: int, q: float) -> None:
    sets = 30
    expected = q * math.sqrt(methods * (methods + 1) / (6 * sets))
    assert critical_difference(methods=methods, sets=sets) == pytest.approx(expected, rel=3e-4)


def test_groups_are_those_of_the_papers_diagram() -> None:
    """Figure 1a of the paper: CD 1.25; all four are within one group."""
    mean_ranks = sorted(ranks(DEMSAR).mean(axis=0))
    assert groups_alike(mean_ranks, critical_difference(methods=4, sets=14)) == [(0, 3)]
    assert groups_alike([1.0, 2.0, 3.0], 0.5) == []


def test_methods_that_always_rank_alike_differ_for_sure() -> None:
    found = friedman(np.tile([3.0, 2.0, 1.0], (5, 1)))
    assert found.f == math.inf
    assert found.p == 0.0


def test_equal_methods_have_no_p_value_and_holm_leaves_them_out() -> None:
    same = duel(DEMSAR[:, 0], DEMSAR[:, 0])
    assert (same.wins, same.losses) == (0, 0)
    assert math.isnan(same.p)
    adjusted = holm([0.02, math.nan, 0.04])
    assert adjusted[0] == 0.04
    assert math.isnan(adjusted[1])
    assert adjusted[2] == 0.04


@given(values=arrays(np.float64, (9, 4), elements=st.floats(0, 1, width=16)))
def test_friedmans_statistic_is_that_of_scipy_where_nothing_ties(values: np.ndarray) -> None:
    values = values + np.arange(4) * 1e-9 + np.arange(9)[:, None] * 1e-12
    if all(len(set(row)) == 4 for row in values):
        assert friedman(values).chi2 == pytest.approx(stats.friedmanchisquare(*values.T).statistic)


@given(p_values=st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_the_order_and_never_makes_a_p_value_smaller(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(after >= before for before, after in zip(p_values, adjusted, strict=True))
    order = np.argsort(p_values, kind="stable")
    assert list(np.array(adjusted)[order]) == sorted(adjusted)
