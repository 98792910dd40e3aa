from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from samples import FakeEngine, numbers_preprocessor, sample_detector, sample_preprocessor, sample_record, sample_schema

from models.columns.from_records import columns_of_records
from models.encoders.preprocessor import Encoded
from models.scoring import Scorer
from models.scoring import scorer as scoring

HALF = FakeEngine(lambda Z: 0.5 * Z)
MIX = np.random.default_rng(5).normal(0, 0.3, (4, 4)).astype(np.float32)
MIXING = FakeEngine(lambda Z: np.tanh(Z @ MIX))
FOUR = numbers_preprocessor(1.0, 2.0, 0.5, 10.0)
MATRICES = hnp.arrays(np.float32, st.tuples(st.integers(1, 40), st.just(4)), elements=st.floats(-50, 50, width=32))


def test_the_score_is_the_mean_squared_distance_to_the_reconstruction():
    scorer = Scorer(preprocessor=numbers_preprocessor(1.0, 1.0, limit=9.0), engine=HALF)
    scores = scorer.score(Encoded(Z=np.array([[2.0, 4.0], [0.0, -6.0]], np.float32)))
    np.testing.assert_allclose(scores.anomaly_score, [(1 + 4) / 2, 9 / 2])
    np.testing.assert_allclose(scores.column_errors, [[0.5, 2.0], [0.0, 4.5]])


@given(MATRICES)
def test_what_the_columns_add_sums_exactly_to_the_score(Z):
    scores = Scorer(preprocessor=FOUR, engine=MIXING).score(Encoded(Z=Z))
    np.testing.assert_array_equal(scores.column_errors.sum(axis=1), scores.anomaly_score)
    assert (scores.column_errors >= 0).all()


@pytest.mark.parametrize("missing_share", [0.0, 0.1])
def test_gaps_and_news_are_part_of_the_exact_sum(missing_share):
    detector = sample_detector(missing_share=missing_share)
    news = [sample_record(), sample_record(mode="never seen"), *(sample_record(**{n: None}) for n in sample_record())]
    verdicts = detector.score_records(news)
    for row in range(len(news)):
        parts = verdicts.contributions(row, top=99)
        assert sum(part.contribution for part in parts) == pytest.approx(verdicts.anomaly_score[row], rel=1e-12)


@given(MATRICES, st.data())
def test_a_row_scores_the_same_alone_and_in_a_batch(Z, data):
    scorer = Scorer(preprocessor=FOUR, engine=MIXING)
    together = scorer.score(Encoded(Z=Z)).anomaly_score
    row = data.draw(st.integers(0, len(Z) - 1))
    alone = scorer.score(Encoded(Z=Z[row : row + 1])).anomaly_score[0]
    assert abs(alone - together[row]) <= 1e-5 * max(1.0, together[row])


@pytest.fixture(params=[1, 3], ids=["one thread", "three threads"])
def threads(request, monkeypatch):
    monkeypatch.setattr(scoring, "allowed_threads", lambda: request.param)
    scoring._map.cache_clear()
    yield
    scoring._map.cache_clear()


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("n", [0, 1, 1023, 1024, 1025, 2100])
def test_any_number_of_rows_is_scored_row_by_row(n):
    Z = np.random.default_rng(n).normal(0, 1, (n, 4)).astype(np.float32)
    missing = np.zeros((n, 4), bool)
    missing[::3, 1] = True
    penalty = np.zeros((n, 4))
    penalty[::5, 2] = 7.0
    scores = Scorer(preprocessor=FOUR, engine=HALF).score(Encoded(Z=Z, missing=missing, novelty_penalty=penalty))
    clipped = np.clip(Z, -2, 2)
    expected = np.square(Z - 0.5 * clipped) / 4 * ~missing + penalty
    np.testing.assert_allclose(scores.column_errors, expected, rtol=1e-5, atol=1e-7)
    assert scores.reconstruction.shape == (n, 4)


@given(st.floats(2.0, 1e6), st.floats(1.01, 10.0), st.sampled_from([-1.0, 1.0]), st.integers(0, 3))
def test_the_further_a_value_is_beyond_the_training_range_the_higher_it_scores(distance, factor, sign, column):
    Z = np.zeros((3, 4), np.float32)
    Z[:, column] = sign * np.array([2.0, distance, factor * distance])
    assume(distance > 2.001)
    at_the_end, beyond, far_beyond = Scorer(preprocessor=FOUR, engine=MIXING).score(Encoded(Z=Z)).anomaly_score
    assert at_the_end < beyond < far_beyond


def test_no_extrapolation_of_the_network_can_excuse_a_value_beyond_the_training_range():
    perfect = FakeEngine(lambda Z: Z)  # reconstructs whatever it is given
    Z = np.array([[2.0, 0, 0, 0], [3.0, 0, 0, 0], [300.0, 0, 0, 0]], np.float32)
    np.testing.assert_allclose(
        Scorer(preprocessor=FOUR, engine=perfect).score(Encoded(Z=Z)).anomaly_score, [0, 1 / 4, 298**2 / 4], rtol=1e-6
    )


@pytest.mark.parametrize("name", list(sample_record()))
def test_a_missing_value_is_not_scored_by_what_the_network_expects_in_its_place(name):
    schema, gap = sample_schema(), sample_record(**{name: None})

    def score(offset):
        preprocessor = sample_preprocessor(missing_share=0.1)
        number = schema.names.index(name)
        place = preprocessor.slices[number]

        def network(Z):
            expected = np.zeros_like(Z)
            expected[:, place.start : place.stop - 1] = offset
            return expected

        scorer = Scorer(preprocessor=preprocessor, engine=FakeEngine(network))
        return scorer.score(preprocessor.transform(columns_of_records(schema, [gap]))).anomaly_score[0]

    assert score(0.0) == score(100.0)


def test_an_unseen_category_scores_higher_than_any_that_was_seen():
    detector = sample_detector()
    records = [sample_record(mode=mode) for mode in ("never seen", "run", "idle", "flush")]
    unseen, *seen = detector.score_records(records).anomaly_score
    assert unseen > max(seen)


def test_the_embedding_is_made_of_what_the_network_is_given():
    scorer = Scorer(preprocessor=FOUR, engine=HALF)
    np.testing.assert_array_equal(scorer.embed(Encoded(Z=np.array([[9.0, 0, 0, 0]], np.float32))), [[2.0]])
