"""The estimator among scikit-learn's other parts: pipelines, searches, metadata routing, set_output, HTML."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from samples import machine_records, with_anomalies
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

from training.estimator import AutoencoderDetector
from training.estimator.errors import InputError
from training.estimator.scorers import SCORERS, anomalies_of, average_precision, roc_auc

FAST = {"preset": "fast", "epochs": 3, "alert_rate": 0.2, "activation": "elu", "hidden_units": (16,), "latent_units": 2}
FRAME = pd.DataFrame(machine_records(250, seed=4)).drop(columns=["serial", "site"])
LABELLED = pd.DataFrame(with_anomalies(machine_records(300, seed=5), every=6)).drop(columns=["serial", "site"])
ANOMALY = (LABELLED.pop("state") == "fault").to_numpy()
X = np.random.default_rng(0).normal(size=(120, 3))


@pytest.fixture(scope="module")
def fitted():
    return AutoencoderDetector(**FAST).fit(FRAME)


def test_a_pipeline_can_end_in_it():
    pipeline = make_pipeline(StandardScaler(), AutoencoderDetector(**FAST)).fit(X)
    assert set(pipeline.predict(X)) <= {-1, 1}
    np.testing.assert_array_equal(
        pipeline.score_samples(X), pipeline[-1].score_samples(StandardScaler().fit_transform(X))
    )
    assert pipeline[-1].n_features_in_ == 3
    assert pipeline.score(X) == pytest.approx(pipeline[-1].score(StandardScaler().fit_transform(X)))


def test_a_column_transformer_can_come_before_it_and_keeps_its_names():
    chosen = ColumnTransformer(
        [("numbers", StandardScaler(), make_column_selector(dtype_include=float)), ("rest", "passthrough", ["mode"])],
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    pipeline = Pipeline([("columns", chosen), ("detector", AutoencoderDetector(**FAST))]).fit(FRAME)
    assert pipeline[-1].feature_names_in_.tolist() == ["pressure", "flow", "heat", "mode"]
    kinds = {column.name: str(column.kind) for column in pipeline[-1].detector_.schema.columns}
    assert kinds["mode"] == "categorical"
    assert pipeline.predict(FRAME).shape == (250,)


def test_a_column_transformer_can_hold_it():
    transformer = ColumnTransformer([("bottleneck", AutoencoderDetector(**FAST), ["pressure", "flow", "heat"])])
    frame = transformer.set_output(transform="pandas").fit_transform(FRAME)
    assert frame.columns.tolist() == ["bottleneck__autoencoderdetector0", "bottleneck__autoencoderdetector1"]


@pytest.mark.parametrize(("kind", "frame"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
def test_the_bottleneck_comes_out_as_the_frame_that_is_asked_for(fitted, kind, frame):
    rows = FRAME.iloc[5:9]
    out = clone(fitted).set_output(transform=kind).fit(FRAME).transform(rows)
    assert isinstance(out, frame)
    assert list(out.columns) == fitted.get_feature_names_out().tolist()
    np.testing.assert_array_equal(out.to_numpy(), fitted.transform(rows))
    if kind == "pandas":
        assert out.index.tolist() == rows.index.tolist()


def test_a_search_without_labels_takes_what_reconstructs_best():
    search = GridSearchCV(AutoencoderDetector(**FAST), {"epochs": [1, 30]}, cv=2).fit(X)
    assert search.best_params_ == {"epochs": 30}
    assert search.best_score_ < 0
    assert set(search.predict(X)) <= {-1, 1}


def test_a_search_with_labels_takes_what_finds_most():
    grid = {"epochs": [1, 30], "exclude": [("flow",), ()]}
    search = GridSearchCV(AutoencoderDetector(**FAST), grid, cv=2, scoring=SCORERS, refit="roc_auc")
    search.fit(LABELLED, ANOMALY)
    assert search.best_params_ == {"epochs": 30, "exclude": ()}
    assert {"mean_test_roc_auc", "mean_test_average_precision"} <= search.cv_results_.keys()


@pytest.mark.slow  # each of them imports TensorFlow
def test_several_processes_search_as_one_does():
    alone, many = (
        GridSearchCV(AutoencoderDetector(**FAST), {"latent_units": [1, 2]}, cv=2, n_jobs=jobs).fit(X).cv_results_
        for jobs in (1, 2)
    )
    np.testing.assert_array_equal(alone["mean_test_score"], many["mean_test_score"])


def test_the_scorers_take_both_conventions_and_pipelines(fitted):
    pipeline = make_pipeline(fitted)
    for scorer in (roc_auc, average_precision):
        by_one = scorer(fitted, LABELLED, ANOMALY.astype(int))
        assert 0.5 < by_one <= 1 or scorer is average_precision
        assert scorer(fitted, LABELLED, ANOMALY) == by_one
        assert scorer(pipeline, LABELLED, np.where(ANOMALY, -1, 1)) == by_one


def test_the_scorer_of_scikit_learn_agrees_where_anomalies_are_minus_one(fitted):
    scores = cross_val_score(clone(fitted), LABELLED, np.where(ANOMALY, -1, 1), cv=2, scoring="roc_auc")
    ours = cross_val_score(clone(fitted), LABELLED, np.where(ANOMALY, -1, 1), cv=2, scoring=roc_auc)
    np.testing.assert_allclose(scores, ours)


@pytest.mark.parametrize("labels", [[1, 1], [0, 0], ["a", "b"], [0, 2], [-1, 0]])
def test_labels_that_could_mean_either_are_refused(labels):
    with pytest.raises(InputError, match="y must hold −1"):
        anomalies_of(labels)


def test_weights_reach_it_through_a_pipeline_and_a_search_by_metadata_routing():
    weights = np.where(np.arange(len(X)) % 2, 1.0, 0.0)
    with sklearn.config_context(enable_metadata_routing=True):
        detector = AutoencoderDetector(**FAST, least_rows=10).set_fit_request(sample_weight=True)
        detector.set_score_request(sample_weight=False)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), detector)
        pipeline.fit(X, sample_weight=weights)
        assert pipeline[-1].result_.detector.card["rows"] == 60
        search = GridSearchCV(detector, {"latent_units": [1]}, cv=2).fit(X, sample_weight=weights)
        assert search.best_estimator_.result_.detector.card["rows"] == 60


def test_weights_may_be_refused_by_the_request():
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(AutoencoderDetector(**FAST).set_fit_request(sample_weight=False))
        with pytest.raises(TypeError, match="sample_weight"):
            pipeline.fit(X, sample_weight=np.ones(len(X)))


@pytest.mark.parametrize("is_fitted", [False, True])
def test_a_notebook_shows_the_parameters_and_whether_it_is_fitted(fitted, is_fitted):
    page = estimator_html_repr(fitted if is_fitted else AutoencoderDetector(**FAST))
    assert ("<span>Fitted</span>" in page) is is_fitted
    assert ("<span>Not fitted</span>" in page) is not is_fitted
    assert "AutoencoderDetector" in page
    assert "activation" in page


def test_the_text_shows_what_was_changed():
    assert repr(AutoencoderDetector(epochs=3, exclude=("a",))) == "AutoencoderDetector(epochs=3, exclude=('a',))"
