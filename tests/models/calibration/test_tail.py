from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import genpareto

from models.calibration import Calibration
from models.calibration.ranks import conformal_p_value
from models.calibration.tail import LEAST_RATE, estimate, excess_of, fit_tail, survival
from models.errors import ConfigError

SHAPES = [-0.4, -0.1, 0.0, 0.2, 0.5, 0.9]


@given(st.sampled_from(SHAPES), st.floats(0.01, 100), st.lists(st.floats(0, 1e4), min_size=1))
def test_the_chance_of_an_excess_is_that_of_scipy(shape, scale, excesses):
    ours = survival(np.array(excesses), shape, scale)
    np.testing.assert_allclose(ours, genpareto.sf(excesses, shape, scale=scale), rtol=1e-9, atol=1e-300)


@given(st.sampled_from(SHAPES), st.floats(0.01, 100), st.floats(1e-9, 1))
def test_the_excess_of_a_chance_is_that_of_scipy(shape, scale, chance):
    ours = excess_of(np.array([chance]), shape, scale)[0]
    assert ours == pytest.approx(genpareto.isf(chance, shape, scale=scale), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [50, 300, 3000])
def test_shape_and_scale_are_found_about_as_well_as_by_maximum_likelihood(shape, n):
    """Zhang and Stephens report a smaller error than that of maximum likelihood on small samples."""
    rng = np.random.default_rng(0)
    samples = [np.sort(genpareto.rvs(shape, scale=2, size=n, random_state=rng)) for _ in range(60)]
    ours = np.array([estimate(sample) for sample in samples])
    errors = np.sqrt(((ours - [shape, 2.0]) ** 2).mean(axis=0))
    # The asymptotic deviations of maximum likelihood (Smith, 1987).
    bound = np.sqrt([(1 + shape) ** 2 / n, 2 * (1 + shape) * 4 / n])
    assert (errors < (1.35 if shape > -0.4 else 2.0) * bound).all()  # near −0.5 that law sets in late


@pytest.mark.parametrize("shape", [-0.1, 0.3])
def test_an_estimate_is_near_to_that_of_scipy_on_the_same_rows(shape):
    sample = np.sort(genpareto.rvs(shape, scale=3, size=5000, random_state=np.random.default_rng(1)))
    theirs = genpareto.fit(sample, floc=0)
    assert estimate(sample) == pytest.approx((theirs[0], theirs[2]), abs=0.03, rel=0.03)


@given(st.floats(1e-3, 1e3))
def test_the_unit_of_the_scores_does_not_matter(unit):
    sample = np.sort(genpareto.rvs(0.2, size=200, random_state=np.random.default_rng(1)))
    shape, scale = estimate(sample)
    assert estimate(unit * sample) == pytest.approx((shape, unit * scale), rel=1e-6)


def scores_like(seed, n=2000, digits=None):
    scores = np.random.default_rng(seed).gamma(2.0, size=n) ** 1.5
    return scores if digits is None else np.round(scores, digits)


@pytest.mark.parametrize("digits", [None, 1])
@pytest.mark.parametrize("rate", [1e-6, 1e-4, 0.0007, 0.003, 0.05, 0.1, 0.3])
@pytest.mark.parametrize("seed", range(3))
def test_the_verdict_is_that_the_p_value_is_at_most_the_rate_ties_included(seed, rate, digits):
    scores = scores_like(seed, digits=digits)
    calibration = Calibration.of(scores, method="evt", value=rate)
    edges = np.array([calibration.threshold, calibration.pooled.tail.start])
    near = [edges, np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf), edges * (1 + 1e-12), edges * (1 - 1e-12)]
    probed = np.concatenate([scores, *near, np.linspace(0, 4 * scores.max(), 2000)])
    judged = calibration.decide(probed)
    np.testing.assert_array_equal(judged.is_anomaly, judged.p_value <= rate)
    assert judged.is_anomaly.any()
    assert not judged.is_anomaly.all()


@pytest.mark.parametrize("rate", [1e-6, 1e-4, 0.003])
def test_the_threshold_settles_rounding_alone(rate):
    """The p-value of the threshold, by the tail itself, is the rate to twelve digits."""
    cutoff = Calibration.of(scores_like(1), method="evt", value=rate).pooled
    assert cutoff.tail.p_value(np.array([cutoff.threshold]))[0] == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_up_to_the_tail_p_values_are_ranks_and_there_the_tail_goes_on_from_them(seed):
    scores = np.sort(scores_like(seed))
    calibration = Calibration.of(scores, method="evt", value=1e-5)
    tail = calibration.pooled.tail
    below = scores[scores <= tail.start]
    np.testing.assert_array_equal(calibration.decide(below).p_value, conformal_p_value(scores, below))
    just_above = np.array([np.nextafter(tail.start, np.inf)])
    assert calibration.decide(just_above).p_value[0] == pytest.approx(
        conformal_p_value(scores, just_above)[0], rel=1e-9
    )


def test_a_p_value_is_above_0_even_beyond_the_end_of_a_tail_that_has_one():
    scores = np.random.default_rng(0).uniform(size=2000)
    calibration = Calibration.of(scores, method="evt", value=1e-4)
    assert calibration.pooled.tail.shape < -0.5
    assert calibration.decide(np.array([2.0, 1e9])).p_value.tolist() == [LEAST_RATE] * 2


def test_a_rate_below_one_over_the_number_of_rows_has_a_threshold_above_all_of_them():
    scores = np.random.default_rng(0).exponential(size=2000)
    threshold = Calibration.of(scores, method="evt", value=1e-5).threshold
    assert threshold > scores.max()
    assert threshold == pytest.approx(-np.log(1e-5), rel=0.35)


def test_the_tail_is_the_asked_share_of_the_rows_but_at_most_a_thousand_and_at_least_fifty():
    assert fit_tail(np.arange(5000.0), share=0.1).excesses == 500
    assert fit_tail(np.arange(50_000.0), share=0.1).excesses == 1000
    assert fit_tail(np.arange(600.0), share=0.025).excesses == 50


@pytest.mark.parametrize(
    ("scores", "complaint"),
    [
        (np.arange(499.0), "needs at least 500 calibration rows to fit a tail to, there are 499"),
        (np.full(1000, 2.5), r"so often the same \(2\.5\) that no tail can be fitted"),
        (np.array([*np.arange(900.0), *[950.0] * 100, 960.0]), "so often the same"),
    ],
)
def test_scores_without_a_tail_are_refused_with_the_remedy(scores, complaint):
    with pytest.raises(ConfigError, match=f"{complaint}.*--threshold-method fpr"):
        Calibration.of(scores, method="evt", value=0.001)
