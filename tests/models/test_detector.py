from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import WRITERS, arrow_table, machine_records, sample_detector, sample_record

from models.encoders.categorical import CategoricalEncoding
from models.encoders.numeric import BooleanEncoding, NumericEncoding
from models.errors import RecordError, TableError
from models.tables.files import read_table
from models.tables.table import Table


def close(left, right):
    return bool((np.abs(np.asarray(left) - right) <= 1e-5 * np.maximum(1.0, np.abs(right))).all())


@pytest.fixture(scope="module")
def fresh():
    return machine_records(33, seed=77)


def test_contributions_come_largest_first_and_sum_to_the_score():
    verdicts = sample_detector().score_records([sample_record(number=70.0), sample_record(mode="never seen")])
    for row, first in enumerate(("number", "mode")):
        parts = verdicts.contributions(row, top=5)
        sizes = [part.contribution for part in parts]
        assert parts[0].feature == first
        assert sizes == sorted(sizes, reverse=True)
        assert sum(sizes) == pytest.approx(verdicts.anomaly_score[row], rel=1e-12)


@pytest.mark.parametrize("cells", [1, 20, 100])
def test_the_columns_of_a_row_are_explained_in_pieces_with_a_look_before_each(cells, monkeypatch):
    looks, most = [], 0

    def reconstruct(Z):
        nonlocal most
        most = max(most, Z.size)
        return Z / 2

    verdicts = sample_detector(reconstruct=reconstruct).score_records([sample_record(), sample_record(number=70.0)])
    whole = list(verdicts.explained(top=5))
    monkeypatch.setattr("models.detector._CELLS_AT_ONCE", cells)
    features, most = verdicts.scores.Z.shape[1], 0
    assert list(verdicts.explained(top=5, check=lambda: looks.append("look"))) == whole
    assert most <= max(cells, features)
    assert len(looks) >= 10 * features / max(cells, features)

    def end():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        next(verdicts.reasoned(top=5, check=end))


@pytest.mark.parametrize("top", [0, 1, 3, 5])
def test_so_many_contributions_come_as_are_asked_for(top):
    assert len(sample_detector().score_records([sample_record()]).contributions(0, top=top)) == top


def test_actual_and_expected_values_are_in_the_units_of_the_user():
    verdicts = sample_detector().score_records([sample_record(number=60.0, mode="idle", flag=False)])
    parts = {part.feature: part for part in verdicts.contributions(0, top=5)}
    assert (parts["number"].actual, parts["number"].expected) == (60.0, 50.0)  # the mean: the others know nothing of it
    assert (parts["mode"].actual, parts["mode"].expected) == ("idle", "run")
    assert (parts["flag"].actual, parts["flag"].expected) == (False, False)
    assert parts["at"].actual == "2024-01-20T06:30:00"
    assert verdicts.expected(0)["at"].endswith(", 06:30")
    assert verdicts.expected(0)["number"] == pytest.approx(55.0)  # the network, which sees it, expects half way


def test_a_value_that_is_the_expected_one_comes_with_its_probability_and_a_number_as_it_is():
    whole = NumericEncoding(name="n", center=0.0, scale=1.0, low=0.0, high=10.0, whole=True)
    flag = BooleanEncoding(name="f", share=0.5)
    mode = CategoricalEncoding(name="m", categories=("H", "G"), shares=(0.5, 0.3), missing_share=0.2)
    of_mode = [(0.55 - 0.5) / mode.level_deviations[0], (0.45 - 0.3) / mode.level_deviations[1]]
    absent = [*of_mode, (0.7 - 0.2) / mode.level_deviations[2]]
    assert whole.expected_beside(3.0, [5.2]) == (5.0, None)  # as people write it
    assert whole.expected_beside(3.0, [2.6]) == (2.6, None)  # it would be rounded to the same
    assert whole.expected_beside(10.0, [12.5]) == (12.5, None)  # it would be kept in the range of the fitting rows
    assert flag.expected_beside(True, [0.2]) == (True, pytest.approx(0.6))
    assert flag.expected_beside(False, [-3.0]) == (False, 1.0)
    assert flag.expected_beside(True, [-0.2]) == (False, None)
    assert mode.expected_beside("H", [*of_mode, -1.0]) == ("H", pytest.approx(0.55))
    assert mode.expected_beside("G", [*of_mode, -1.0]) == ("H", None)
    assert mode.expected_beside(None, absent) == (None, pytest.approx(0.7))


def test_missing_unseen_and_absent_have_three_outcomes():
    detector = sample_detector()
    usual, missing, unseen = detector.score_records(
        [sample_record(), sample_record(mode=None), sample_record(mode="never seen")]
    ).anomaly_score
    assert len({usual, missing, unseen}) == 3
    assert min(missing, unseen) > usual
    absent = sample_record()
    del absent["mode"]
    with pytest.raises(RecordError, match="record 0, field 'mode': is absent"):
        detector.score_records([absent])


def test_a_missing_value_is_reported_as_none_and_an_unseen_one_as_itself():
    verdicts = sample_detector().score_records(
        [sample_record(mode=None, number=None), sample_record(mode="never seen")]
    )
    assert {p.feature: p.actual for p in verdicts.contributions(0, top=5)}.items() >= {
        "mode": None,
        "number": None,
    }.items()
    assert verdicts.contributions(1, top=1)[0].actual == "never seen"


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.1]))
def test_verdict_and_p_value_never_disagree(seed, missing_share):
    rng = np.random.default_rng(seed)
    records = [sample_record(number=float(n)) for n in rng.normal(50, 20, 20)]
    verdicts = sample_detector(missing_share=missing_share).score_records(records)
    np.testing.assert_array_equal(verdicts.is_anomaly, verdicts.p_value <= 0.05)


def test_a_table_that_lacks_a_feature_is_refused():
    table = Table(data=arrow_table([sample_record()]).drop_columns(["flag"]))
    with pytest.raises(TableError, match="Missing: 'flag'"):
        sample_detector().score_table(table)


def test_a_table_without_rows_gets_no_verdicts():
    assert len(sample_detector().score_table(Table(data=arrow_table([sample_record()]).slice(0, 0)))) == 0


# --- with a real network --------------------------------------------------------------------------------


@pytest.mark.parametrize("form", WRITERS)
def test_a_file_of_any_format_scores_as_the_same_records_do(form, detector, fresh, tmp_path):
    name, write = WRITERS[form]
    by_table = detector.score_table(read_table([write(tmp_path / name, fresh)]))
    by_record = detector.score_records(fresh)
    np.testing.assert_array_equal(by_table.anomaly_score, by_record.anomaly_score)
    np.testing.assert_array_equal(by_table.scores.column_errors, by_record.scores.column_errors)


def test_a_table_without_rows_is_scored_by_the_real_engine_too(detector, fresh):
    assert len(detector.score_table(Table(data=arrow_table(fresh).slice(0, 0)))) == 0


def test_a_record_scores_the_same_alone_and_at_any_index_of_a_batch(detector, fresh):
    """Case 4."""
    together = detector.score_records(fresh)
    for row, record in enumerate(fresh):
        others = [other for other in fresh if other is not record]
        for place in (0, 16, 32):
            batch = detector.score_records([*others[:place], record, *others[place:]])
            assert close(batch.anomaly_score[place], together.anomaly_score[row])
        alone = detector.score_records([record])
        assert close(alone.anomaly_score[0], together.anomaly_score[row])
        assert close(alone.scores.column_errors[0], together.scores.column_errors[row])
        assert alone.is_anomaly[0] == together.is_anomaly[row]


def test_a_broken_relation_is_found_and_the_column_that_breaks_it_is_named(detector, fresh):
    broken = [record | {"flow": record["pressure"] * 2 - 60} for record in fresh]
    assert detector.score_records(broken).is_anomaly.all()
    top = {detector.score_records(broken).contributions(row, top=1)[0].feature for row in range(33)}
    assert top <= {"flow", "pressure", "heat"}


def test_expected_values_of_a_real_network_follow_the_relation_that_it_learned(detector, fresh):
    verdicts = detector.score_records(fresh)
    expected = np.array([verdicts.expected(row)["heat"] for row in range(33)])
    actual = np.array([record["heat"] for record in fresh])
    assert np.corrcoef(expected, actual)[0, 1] > 0.9
    assert verdicts.expected(0)["mode"] in {"run", "idle", "boost", "(rare)"}


@pytest.mark.parametrize("value", [1e9, -1e9, 1e300])
def test_an_extreme_value_gets_a_finite_and_high_score(value, detector, fresh):
    verdicts = detector.score_records([record | {"heat": value} for record in fresh])
    assert np.isfinite(verdicts.anomaly_score).all()
    assert verdicts.is_anomaly.all()


def test_an_embedding_has_a_row_for_each_record(detector, fresh):
    from models.columns.from_records import columns_of_records

    embedding = detector.embed(columns_of_records(detector.schema, fresh))
    assert embedding.shape[0] == 33
    assert np.isfinite(embedding).all()


# --- the shared input of the cases ----------------------------------------------------------------------


def test_the_three_broken_records_of_the_cases_score_highest(base, cases):
    verdicts = base.detector.score_table(read_table([cases / "base_score.csv"]))
    assert set(np.argsort(-verdicts.anomaly_score)[:3].tolist()) == {7, 18, 29}
    assert verdicts.is_anomaly[[7, 18, 29]].all()


@pytest.mark.parametrize("name", ["16_reordered.csv", "16_reordered.jsonl", "base_score.jsonl"])
def test_columns_in_another_order_score_the_same(base, cases, name):
    """Case 16, in Python."""
    straight, reordered = (base.detector.score_table(read_table([cases / n])) for n in ("base_score.csv", name))
    np.testing.assert_array_equal(reordered.anomaly_score, straight.anomaly_score)
    np.testing.assert_array_equal(reordered.scores.column_errors, straight.scores.column_errors)
