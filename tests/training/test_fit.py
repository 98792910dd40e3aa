from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import train
from samples import arrow_table, machine_records, with_anomalies

from models.calibration import Calibration
from models.columns.from_tables import columns_of_table
from models.errors import ConfigError, TableError
from models.tables.table import Table
from training.columns.learn_columns import learn_preprocessor
from training.data.demo_data import LABEL, embedded_table
from training.data.prepare import fits_of, prepare
from training.data.split import SHARES
from training.fit import fit
from training.network.learning import learn
from training.settings.config import TrainConfig


def table_of(records):
    return Table(data=arrow_table(records))


def shifted(table, mask, column):
    """Return the table with a number moved far away in the rows of a mask."""
    values = table.data.column(column).to_pylist()
    moved = [v + 1000.0 if m and v is not None else v for v, m in zip(values, mask, strict=True)]
    number = table.names.index(column)
    return Table(data=table.data.set_column(number, column, [moved]))


# --- what is held out -----------------------------------------------------------------------------------


@pytest.mark.parametrize("part", SHARES)
def test_encoders_are_learned_from_the_fitting_rows_only(part):
    table = table_of(machine_records(200, seed=5))
    config = TrainConfig(alert_rate=0.2)
    plain = prepare(table, config)
    moved = prepare(shifted(table, getattr(plain.split, part), "heat"), config)
    same = (
        moved.preprocessor.encodings == plain.preprocessor.encodings
        and (moved.preprocessor.limits == plain.preprocessor.limits).all()
    )
    assert same == (part != "fitting")


@pytest.fixture(scope="module")
def single(trained, tmp_path_factory):
    """A single network, which is fitted once and kept as it was calibrated."""
    settings = {"label": "state", "fit_on": "normal", "id": ("serial",), "preset": "fast"}
    return train(trained.table, tmp_path_factory.mktemp("single") / "1", **settings)


def test_encoders_are_those_of_the_fitting_rows(single):
    trained, prepared = single, single.prepared
    columns = columns_of_table(prepared.schema, trained.table)
    fitting = {name: values[prepared.split.fitting] for name, values in columns.items()}
    again = learn_preprocessor(prepared.schema, fitting)
    assert again.encodings == trained.detector.preprocessor.encodings
    np.testing.assert_array_equal(again.limits, trained.detector.preprocessor.limits)


def with_a_gross_error(part, **settings):
    """Records with a gross error in a row of a part, and that row."""
    records = machine_records(400, seed=3)
    if "label" in settings:
        records = with_anomalies(records, every=20)
    split = prepare(table_of(records), TrainConfig(**settings)).split
    row = int(np.flatnonzero(getattr(split, part))[5])
    records[row]["heat"] = 50_000_000.0
    return records, row


@pytest.mark.parametrize("preset", ["fast", "balanced"])
def test_a_gross_error_that_is_held_out_does_not_hide_itself(preset, tmp_path):
    settings = {"id": ("serial",), "preset": preset, "epochs": 2, "alert_rate": None}
    records, row = with_a_gross_error("calibration", **settings)
    made = train(table_of(records), tmp_path / "1", **settings)
    verdicts, rows = made.detector.score_records(records), made.detector.calibration.rows
    assert verdicts.is_anomaly[row]
    assert (rows.left_out, len(rows)) == (1, made.prepared.rows["calibration"] - 1)
    assert made.result.threshold["calibration_rows"] == len(rows)


@pytest.mark.parametrize(
    "settings",
    [
        {"threshold_method": "fixed", "threshold": 3.0},
        {"alert_rate": 1 / 51},  # needs each of the 50 rows
        {"label": "state"},
    ],
    ids=["no rate", "no row to spare", "labels"],
)
def test_a_gross_error_that_is_held_out_is_kept_where(settings, tmp_path):
    settings = {"id": ("serial",), "preset": "fast", "epochs": 2, "alert_rate": None} | settings
    records, _ = with_a_gross_error("calibration", **settings)
    made = train(table_of(records), tmp_path / "1", **settings)
    assert made.detector.calibration.rows.left_out == 0


@pytest.mark.parametrize("preset", ["fast", "balanced"])
def test_a_gross_error_that_was_fitted_is_flagged_and_named_first(preset, tmp_path):
    settings = {"id": ("serial",), "preset": preset, "epochs": 2}
    records, row = with_a_gross_error("fitting", **settings)
    made = train(table_of(records), tmp_path / "1", **settings)
    verdicts = made.detector.score_records(records)
    assert verdicts.anomaly_score.argmax() == row
    assert verdicts.is_anomaly[row]
    assert verdicts.contributions(row, top=1)[0].feature == "heat"
    scorer = made.detector.scorer
    without = replace(scorer, extremes=None).score(scorer.preprocessor.transform(verdicts.columns))
    assert verdicts.anomaly_score[row] > 5 * without.anomaly_score[row]


def test_calibration_scores_are_those_of_the_calibration_rows(single):
    trained = single
    rows = trained.prepared.part(trained.prepared.split.calibration)
    scores = trained.detector.score(rows).anomaly_score
    np.testing.assert_array_equal(np.sort(scores), trained.detector.calibration.pooled.scores)
    assert len(scores) == trained.result.rows["calibration"]


def test_an_ensemble_is_calibrated_by_a_fit_without_the_held_out_rows(trained):
    split = trained.prepared.split
    first, _ = fits_of(trained.prepared, trained.config)
    assert not (first & (split.calibration | split.test)).any()
    assert first.sum() == split.fitting.sum() + split.validation.sum()
    silent = {"on_epoch": lambda epoch: None, "should_stop": lambda: False}
    learned = learn(trained.prepared, trained.config, rows=first, watched=split.calibration, **silent)
    rows = learned.scorer.preprocessor.transform(trained.prepared.part(split.calibration))
    scores = learned.scorer.score(rows).anomaly_score
    np.testing.assert_array_equal(np.sort(scores), trained.detector.calibration.pooled.scores)


def test_the_ensemble_that_is_kept_has_seen_every_row_but_known_anomalies(trained):
    prepared = trained.prepared
    _, last = fits_of(prepared, trained.config)
    np.testing.assert_array_equal(last, ~prepared.is_anomaly)
    again = learn_preprocessor(prepared.schema, prepared.part(last))
    assert again.encodings == trained.detector.preprocessor.encodings
    (alone,) = fits_of(prepared, replace(trained.config, preset="fast"))
    np.testing.assert_array_equal(alone, prepared.split.fitting)


def test_the_promise_says_whether_it_is_of_the_networks_that_are_kept(trained, single):
    assert "it is expected, not proved" in trained.detector.calibration.promise
    assert trained.detector.card["promise"] == trained.detector.calibration.promise
    assert "expected" not in single.detector.calibration.promise


def test_the_median_fitting_row_scores_one(trained):
    _, last = fits_of(trained.prepared, trained.config)
    assert np.median(trained.detector.score(trained.prepared.part(last)).anomaly_score) == pytest.approx(1, rel=1e-5)


def test_the_threshold_is_computed_from_the_calibration_scores(trained):
    calibration = trained.detector.calibration
    assert calibration.threshold == Calibration.of(calibration.pooled.scores, method="fpr", value=0.05).threshold
    assert calibration.threshold in calibration.pooled.scores


@pytest.mark.parametrize(("part", "same"), [("fitting", False), ("calibration", True), ("test", True)])
def test_calibration_and_test_rows_have_no_influence_on_the_weights(part, same):
    table = table_of(machine_records(120, seed=6))
    config = TrainConfig(alert_rate=0.2, epochs=2, hidden_units=(4,), latent_units=2, preset="fast")
    plain = prepare(table, config)
    # The values of a part are put upside down.
    mask = getattr(plain.split, part)
    values = np.array(table.data.column("heat").to_pylist())
    values[mask] = 140 - values[mask]
    moved = prepare(Table(data=table.data.set_column(table.names.index("heat"), "heat", [values])), config)
    networks = [list(fit(p, config, name="x", version="1").learned.network.arrays().values()) for p in (plain, moved)]
    assert all(np.array_equal(a, b) for a, b in zip(*networks, strict=True)) == same


def test_known_anomalies_are_never_learned_from(trained):
    prepared = trained.prepared
    anomalies = np.array([state == "fault" for state in trained.table.data.column("state").to_pylist()])
    np.testing.assert_array_equal(prepared.is_anomaly, anomalies)
    assert prepared.split.test[anomalies].all()
    assert anomalies.sum() == 25


def test_every_row_may_be_learned_from_by_default():
    table = table_of(with_anomalies(machine_records(200, seed=5), every=5))
    prepared = prepare(table, TrainConfig(label="state", alert_rate=0.2))
    assert (prepared.split.fitting & prepared.is_anomaly).any()


# --- what comes out -------------------------------------------------------------------------------------


def test_broken_rows_score_above_the_others(trained):
    metrics = trained.result.metrics
    assert metrics.anomalies == 25
    assert metrics.roc_auc > 0.95
    assert metrics.recall > 0.9


def test_the_rates_are_those_of_the_test_rows(single):
    trained, prepared = single, single.prepared
    test = prepared.split.test
    verdicts = trained.detector.score(prepared.part(test))
    normal = ~prepared.is_anomaly[test]
    assert trained.result.realised_alert_rate == verdicts.is_anomaly[normal].mean()
    assert trained.result.metrics.false_positive_rate == verdicts.is_anomaly[normal].mean()


def test_the_detector_scores_as_the_trained_network_does(trained):
    """Case 31, the part in the process that trained."""

    encoded = trained.detector.preprocessor.transform(trained.prepared.columns)
    expected = replace(trained.detector.scorer, engine=trained.result.learned.network).score(encoded)
    scores = trained.detector.scorer.score(encoded)
    assert (np.abs(scores.anomaly_score - expected.anomaly_score) <= 1e-4 * np.maximum(1, expected.anomaly_score)).all()


def test_the_schema_has_the_decision_on_every_column(trained):
    schema = trained.detector.schema
    assert schema.names == ("pressure", "flow", "heat", "mode", "valve_open", "at")
    assert (schema.ids, schema.label) == (("serial",), "state")
    assert schema.dropped == {"site": "constant (always 'north')"}


def test_the_card_is_plain_data_that_tells_how_it_went(trained):
    card = json.loads(json.dumps(trained.result.detector.card, allow_nan=False))
    assert card["rows"] == 500
    assert sum(card["parts"].values()) == 500
    assert card["epochs"] == len(trained.result.learned.history.epochs)
    assert card["settings"]["label"] == "state"
    assert card["metrics"]["roc_auc"] == trained.result.metrics.roc_auc
    assert [column["name"] for column in card["columns"]] == list(trained.detector.schema.names)


def test_the_reference_tells_what_the_fitting_rows_looked_like(trained):
    reference = trained.detector.reference["columns"]
    fitting = trained.prepared.part(fits_of(trained.prepared, trained.config)[-1])  # of the networks that are saved
    assert reference["flow"]["missing"] == int(np.isnan(fitting["flow"]).sum()) > 0
    assert reference["heat"]["mean"] == pytest.approx(fitting["heat"].mean())
    assert reference["mode"]["counts"]["run"] == int((fitting["mode"] == "run").sum())
    assert reference["valve_open"]["counts"]["true"] == int(fitting["valve_open"].sum())


def test_the_typical_values_of_the_reference_make_a_record_that_scores_low(trained):
    reference = trained.detector.reference["columns"]
    verdicts = trained.detector.score_records([{name: column["typical"] for name, column in reference.items()}])
    assert not verdicts.is_anomaly[0]


# --- other tables to judge on ---------------------------------------------------------------------------


def quick(**settings):
    return TrainConfig(**({"epochs": 1, "alert_rate": 0.2, "hidden_units": (4,), "preset": "fast"} | settings))


def test_a_test_table_replaces_held_out_rows_in_the_evaluation():
    records = with_anomalies(machine_records(150, seed=7), every=10)
    others = table_of(with_anomalies(machine_records(40, seed=8), every=4))
    config = quick(label="state")
    result = fit(
        prepare(table_of(records), config, test_table=others), config, name="x", version="1", test_table=others
    )
    assert (result.metrics.rows, result.metrics.anomalies) == (40, 10)


def test_the_label_may_be_in_the_test_table_alone():
    others = table_of(with_anomalies(machine_records(40, seed=8), every=4))
    config = quick(label="state")
    prepared = prepare(table_of(machine_records(150, seed=7)), config, test_table=others)
    result = fit(prepared, config, name="x", version="1", test_table=others)
    assert (result.metrics.rows, result.metrics.anomalies) == (40, 10)
    assert "state" not in prepared.schema.names


def test_a_test_table_needs_a_label():
    table = table_of(machine_records(150, seed=7))
    with pytest.raises(ConfigError, match="name the label column, --label COLUMN"):
        prepare(table, quick(), test_table=table)


def test_a_label_that_is_nowhere_is_refused_with_the_columns():
    with pytest.raises(ConfigError, match=r"there is no column 'state'\. .* The columns are: serial, pressure"):
        prepare(table_of(machine_records(150, seed=7)), quick(label="state"))


@pytest.mark.parametrize("rows", [1, 10, 15])
def test_too_few_rows_are_refused_with_the_number_that_is_enough(rows):
    with pytest.raises(
        TableError, match=r"Too few rows: of \d+ there are \d+ for \w+, at least \d+ are needed.*give at least \d+"
    ):
        prepare(table_of(machine_records(rows, seed=7)), quick())


@pytest.mark.parametrize(("least_rows", "rows"), [(20, 42), (5, 12), (1, 12)])
def test_the_number_of_rows_in_the_remedy_is_enough_for_every_seed(least_rows, rows):
    with pytest.raises(TableError, match=rf"give at least {rows}, or accept fewer: --least-rows N"):
        prepare(table_of(machine_records(3, seed=7)), quick(least_rows=least_rows))
    for seed in range(20):
        for n in (rows, rows + 1, 99):
            method = {"threshold_method": "fixed", "threshold": 1.0, "alert_rate": None}
            made = prepare(table_of(machine_records(n, seed=7)), quick(least_rows=least_rows, seed=seed, **method))
            assert made.rows["fitting"] >= least_rows
            assert min(made.rows.values()) >= 1


def test_an_alert_rate_that_the_rows_cannot_promise_is_refused_before_the_first_epoch():
    with pytest.raises(ConfigError, match=r"An alert rate of 0.001 needs at least 999 calibration rows, there are"):
        prepare(table_of(machine_records(150, seed=7)), quick(alert_rate=0.001))


def test_an_alert_rate_that_follows_few_rows_is_a_warning():
    config = quick(alert_rate=None)
    result = fit(prepare(table_of(machine_records(150, seed=7)), config), config, name="x", version="1")
    assert any("too few to promise an alert rate of 1 %" in warning for warning in result.warnings)


def test_learned_slopes_are_in_the_card():
    config = quick(activation="prelu")
    result = fit(prepare(table_of(machine_records(150, seed=7)), config), config, name="x", version="1")
    assert set(result.learned.slopes) == set(result.learned.config.layer_names)
    assert all(low <= mean <= high for low, mean, high in result.learned.slopes.values())


def test_the_embedded_data_are_real_rows_with_a_label():
    table = embedded_table()
    assert len(table) == 569
    prepared = prepare(table, TrainConfig(label=LABEL, fit_on="normal"))
    assert prepared.rule.values == {"benign"}
    assert int(prepared.is_anomaly.sum()) == 212
