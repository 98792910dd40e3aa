"""Where a threshold method just holds or just fails, and what its rows are: what mutants had survived."""

from __future__ import annotations

import re

import numpy as np
import pytest

from models.calibration import Calibration, CalibrationRows, check_rows, spec_of
from models.calibration.ranks import (
    LEAST_ROWS_OF_A_TAIL,
    conformal_threshold,
    contamination_threshold,
    require_anomalies,
    rows_needed,
    smallest_rate,
)
from models.calibration.rows import NO_SEGMENT
from models.calibration.tail import LEAST_RATE, fit_tail, survival
from models.errors import ConfigError

TAILED = np.sort(np.random.default_rng(0).exponential(size=LEAST_ROWS_OF_A_TAIL))


def segmented(*sizes):
    """Rows of segments a, b, … of the given sizes, and one row without a segment."""
    names = [*np.repeat([chr(97 + place) for place in range(len(sizes))], sizes), None]
    return CalibrationRows.of(np.linspace(0.1, 2.0, len(names)), segment=np.array(names, object))


@pytest.mark.parametrize("n", [1, 9, 19, 98, 99, 100, 654, 12_345])
def test_the_smallest_rate_is_the_least_one_of_two_digits_that_the_rows_can_promise(n):
    rate = smallest_rate(n)
    assert rows_needed(rate) <= n
    assert float(f"{rate:.1e}") == pytest.approx(rate, rel=1e-12)
    step = 10.0 ** (np.floor(np.log10(rate)) - 1)
    assert rate - step * 1.0000001 < 1 / (n + 1)


def test_known_smallest_rates():
    assert [smallest_rate(n) for n in (1, 9, 98, 99)] == pytest.approx([0.5, 0.1, 0.011, 0.01])


def test_a_tail_is_fitted_from_the_least_number_of_rows_on():
    assert Calibration.of(TAILED, method="evt", value=1e-4).threshold > TAILED[-1]
    check_rows(CalibrationRows.of(TAILED), spec_of("evt", 1e-4))
    with pytest.raises(ConfigError, match=f"at least {LEAST_ROWS_OF_A_TAIL} calibration rows .*there are 499"):
        Calibration.of(TAILED[:-1], method="evt", value=1e-4)
    with pytest.raises(ConfigError, match=r"fit a tail to, there are 499\. Give more data, or say --threshold-method"):
        fit_tail(TAILED[:-1], share=0.1)


def test_the_least_rate_may_be_asked_for():
    assert np.isfinite(Calibration.of(TAILED, method="evt", value=LEAST_RATE).threshold)
    with pytest.raises(ConfigError, match="alert_rate must be in"):
        Calibration.of(TAILED, method="evt", value=LEAST_RATE / 2)


def test_rows_that_are_left_out_move_no_threshold_and_are_counted():
    scores, names = np.array([3.0, 1e9, 1.0, 2.0]), np.array(["a", "b", "a", None], object)
    left_out = np.array([False, True, False, False])
    rows = CalibrationRows.of(scores, segment=names, left_out=left_out)
    assert rows.score.tolist() == [1.0, 2.0, 3.0]
    assert rows.names.tolist() == ["a", None, "a"]
    assert rows.left_out == 1
    calibration = Calibration.on(rows.without_segments(), spec_of("fpr", 0.25))
    assert calibration.threshold == 3.0
    assert "1 calibration row is left out, as a number in it is far beyond everything else" in calibration.promise
    plain = calibration.to_json()
    again = Calibration.from_json(plain, calibration.rows.to_array())
    assert again.rows.left_out == plain["left_out"] == 1
    without = Calibration.on(CalibrationRows.of(scores), spec_of("fpr", 0.25))
    assert "left_out" not in without.to_json()
    assert "left out" not in without.promise


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_within_the_calibration_rows_a_tails_threshold_is_that_of_their_ranks(rate):
    calibration = Calibration.of(TAILED, method="evt", value=rate)
    assert calibration.threshold == conformal_threshold(TAILED, rate)


def test_a_tail_that_ends_has_no_chance_beyond_its_end_and_nothing_overflows():
    assert survival(np.array([1.9, 2.0, 1e300]), -0.5, 1.0).tolist() == pytest.approx([0.0025, 0.0, 0.0])
    assert survival(np.array([1e305]), 50.0, 1e-3).tolist() == [0.0]  # in silence
    assert survival(np.array([2]), 0.0, 1.0) == pytest.approx([np.exp(-2)])


def test_a_fixed_threshold_may_be_0_and_thresholds_by_segment_are_not_for_it():
    assert Calibration.of(TAILED, method="fixed", value=0.0).threshold == 0.0
    check_rows(CalibrationRows.of(TAILED), spec_of("fixed", 0.0))
    with pytest.raises(ConfigError, match="must be at least 0"):
        Calibration.of(TAILED, method="fixed", value=-1e-9)


def test_too_few_rows_for_a_contamination_are_refused_before_a_score_is_known():
    check_rows(CalibrationRows.of(TAILED[:10]), spec_of("contamination", 0.1))
    with pytest.raises(ConfigError, match="at least 10 calibration rows, there are 9"):
        check_rows(CalibrationRows.of(TAILED[:9]), spec_of("contamination", 0.1))


@pytest.mark.parametrize(("contamination", "flagged"), [(0.1, 1), (0.19, 1), (0.2, 2), (0.5, 5)])
def test_a_contamination_flags_as_many_whole_rows(contamination, flagged):
    scores = np.arange(10.0)
    assert (scores > contamination_threshold(scores, contamination)).sum() == flagged


def test_without_any_anomaly_no_smaller_recall_is_proposed():
    with pytest.raises(ConfigError, match=r"there are 0\. Give more anomalies\.$"):
        require_anomalies(0, 0.5)
    with pytest.raises(ConfigError, match=r"there are 3\. Give more anomalies, or ask for --recall 0\.75 or less\.$"):
        require_anomalies(3, 0.9)
    require_anomalies(3, 0.75)


def test_the_rows_of_one_segment_are_rows_without_segments():
    rows = segmented(3, 2)
    own = rows.of_segment(1)
    assert own.segments == ()
    assert own.segment.dtype == rows.segment.dtype == np.int32
    assert own.segment.tolist() == [NO_SEGMENT] * 2
    np.testing.assert_array_equal(own.score, rows.score[3:5])
    bare = rows.without_segments()
    assert (bare.segments, bare.segment.tolist(), bare.segment.dtype) == ((), [NO_SEGMENT] * 6, np.int32)
    np.testing.assert_array_equal(bare.score, rows.score)


def test_each_row_knows_the_name_of_its_segment():
    names = segmented(2, 1).names
    assert names.tolist() == ["a", "a", "b", None]
    assert names.dtype == object


def test_segments_that_are_too_small_are_part_of_the_promise_and_of_the_error():
    alone = Calibration.on(segmented(19, 19), spec_of("fpr", 0.05)).promise
    assert alone.endswith("in each segment with a threshold of its own (2 of 2).")
    some = Calibration.on(segmented(19, 3), spec_of("fpr", 0.05)).promise
    assert some.endswith("(1 of 2). The others get the threshold of all rows.")
    for refuse in (check_rows, Calibration.on):
        complaint = (
            "of 2 the first is 'a': An alert rate of 0.05 needs at least 19 calibration rows, there are 18. Give more "
            "rows or another column"
        )
        with pytest.raises(ConfigError, match=re.escape(complaint)):
            refuse(segmented(18, 3), spec_of("fpr", 0.05))


def test_one_segment_that_is_large_enough_is_enough():
    check_rows(segmented(3, 19), spec_of("fpr", 0.05))
