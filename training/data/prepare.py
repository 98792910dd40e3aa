"""Preparing a table for fitting: its split, its columns, encoders learned from the fitting rows, the plan. No Keras."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calibration import CalibrationRows, check_rows
from models.calibration.rows import check_segments, segments_of
from models.columns.from_records import Columns
from models.columns.from_tables import columns_of_table, number_format_of
from models.encoders.preprocessor import Preprocessor
from models.errors import ConfigError, Set, TableError, absent_columns
from models.messages import Message, phrase
from models.schema import FeatureSchema, Kind
from models.tables.table import Table
from training.columns.infer_schema import Finding, infer_schema
from training.columns.inspect_columns import inspect_columns
from training.columns.learn_columns import learn_preprocessor
from training.columns.missing_words import find_missing_words
from training.columns.number_texts import find_notation, whole_columns, with_number_format
from training.columns.roles import DATE_ORDERS, Roles, split_assignments
from training.columns.schema_file import check_schema
from training.columns.stray_rows import find_stray_rows
from training.data.labels import LabelRule, label_rule
from training.data.split import SHARES, SMALL_TABLE, Split, split_table, used_rows
from training.settings.config import TrainConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A table that is ready for fitting, with every decision that was made about it.

    Args:
        findings: What was noticed about columns, with the setting that would change it.
        preprocessor: Learned from the fitting rows.
        rule: Which labels mean "anomaly"; None without a label.
        is_anomaly: The labels `(n,)`; None where the table has none.
        left_out: Number of rows that are in no part, by the reason.
        row_weights: Weight of each row in the loss `(n,)`; None for equal weights.
    """

    table: Table
    split: Split
    schema: FeatureSchema
    findings: tuple[Finding, ...]
    columns: Columns
    preprocessor: Preprocessor
    rule: LabelRule | None
    is_anomaly: NDArray[np.bool_] | None
    left_out: Mapping[str, int]
    row_weights: NDArray[np.float64] | None = None

    @property
    def rows(self) -> dict[str, int]:
        """Number of rows in each part."""
        return {part: int(getattr(self.split, part).sum()) for part in SHARES}

    def part(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> dict[str, NDArray[Any]]:
        """Return the values of the rows of a mask `(n,)`, or of those at some indices."""
        return {name: values[rows] for name, values in self.columns.items()}

    def weights_of(self, mask: NDArray[np.bool_]) -> NDArray[np.float64] | None:
        """Return the weights of the rows of a mask; None for equal weights."""
        return None if self.row_weights is None else self.row_weights[mask]


def prepare(
    table: Table,
    config: TrainConfig,
    *,
    test_table: Table | None = None,
    row_weights: NDArray[np.float64] | None = None,
    decided: FeatureSchema | None = None,
) -> Prepared:
    """Decide on every row and column of a table.

    The test table has labelled rows for evaluation alone; the label column may be in it alone. What becomes of each
    column is `decided` by a schema file, else by the values. Row weights `(n,)`, above 0, count in the loss;
    encoders, calibration and evaluation do not use them.

    Raises:
        ConfigError, TableError: The settings do not fit the table, or its rows are too few.
    """
    rule, is_anomaly = _labels(table, config, test_table)
    if config.threshold_by is not None and config.threshold_by not in table.names:
        raise ConfigError(Set("threshold_by"), f": {absent_columns([config.threshold_by], table.names)}")
    roles = _roles(table, config, label=None if rule is None else rule.column)
    table = with_number_format(table, roles, decided)
    split = split_table(table, config, roles, is_anomaly=is_anomaly)
    _check_rows(split, config)
    about_strays = () if decided else find_stray_rows(table, roles)
    schema, findings = (decided, ()) if decided else infer_schema(table, roles, fitting=split.fitting)
    if decided:
        check_schema(decided, table, fitting=split.fitting)
    about_numbers = () if decided else find_notation(schema, table, roles)
    decimal, thousands = number_format_of(schema, table)
    schema = replace(schema, threshold_by=config.threshold_by, decimal=decimal, thousands=thousands)
    check_segments(schema)
    columns = columns_of_table(schema, table)
    schema = replace(schema, whole=whole_columns(schema, columns))
    split, left_out, about_rows = used_rows(split, schema, columns, config)
    _check_rows(split, config)
    prepared = Prepared(
        table=table,
        split=split,
        schema=schema,
        findings=(
            *about_strays,
            *findings,
            *about_numbers,
            *find_missing_words(schema, table, roles),
            *inspect_columns(schema, columns, is_anomaly),
            *about_rows,
        ),
        columns=columns,
        preprocessor=learn_preprocessor(schema, columns, split.fitting),
        rule=rule,
        is_anomaly=is_anomaly,
        left_out=left_out,
        row_weights=row_weights,
    )
    # No score matters here: too few rows for the method are an error before the first epoch.
    held_out = held_out_rows(np.zeros(prepared.rows["calibration"]), prepared, config)
    check_rows(held_out, config.threshold_spec(calibration_rows=len(held_out.reference)))
    return prepared


def held_out_rows(
    scores: NDArray[np.float64],
    prepared: Prepared,
    config: TrainConfig,
    *,
    gross: NDArray[np.bool_] | None = None,
) -> CalibrationRows:
    """Return the calibration rows with their anomaly scores, in the table's order, labels and segments.

    Those that are `gross` `(n,)` errors are left out, unless labels say what they are.
    """
    calibration, is_anomaly = prepared.split.calibration, prepared.is_anomaly
    segments = segments_of(prepared.schema, prepared.part(calibration))
    if is_anomaly is None:
        return CalibrationRows.of(scores, segment=segments, left_out=gross)
    kept = is_anomaly[calibration]
    # Where anomalies are spread over two parts alone, more of them are kept than of the normal rows.
    weight = 1.0
    if kept.any() and not kept.all() and config.fit_on == "normal":
        weight = float((is_anomaly.sum() / kept.sum()) / ((~is_anomaly).sum() / (~kept).sum()))
    return CalibrationRows.of(
        scores, is_anomaly=kept, segment=segments, population=config.fit_on, anomaly_weight=weight
    )


def plan_of(prepared: Prepared, config: TrainConfig) -> dict[str, Any]:
    """Return all decisions as plain data, as ``--dry-run --json`` prints them; the keys are an interface."""
    schema, preprocessor = prepared.schema, prepared.preprocessor
    network = config.architecture(features=len(preprocessor.features))
    epochs = config.epoch_settings(rows=prepared.rows["fitting"], features=network.features)[0]
    return {
        "rows": len(prepared.table),
        "parts": prepared.rows,
        "split": split_policy(config),
        "left_out": dict(prepared.left_out),
        "repairs": list(prepared.table.repairs),
        "columns": [
            {"name": encoder.name, "kind": str(encoder.kind), "enters_as": str(encoder.describe())}
            for encoder in preprocessor.encodings
        ],
        "columns_dropped": dict(schema.dropped),
        "findings": [str(finding) for finding in prepared.findings],
        "ids": list(schema.ids),
        "label": None if prepared.rule is None else {"column": prepared.rule.column, "reason": prepared.rule.reason},
        "anomalies": None if prepared.is_anomaly is None else int(prepared.is_anomaly.sum()),
        "preset": config.preset,
        "training_rows": config.known_rows,
        "members": network.members,
        "layers": [network.features, *network.layer_units, network.features],
        "activation": network.activation,
        "epochs": epochs.epochs,
        "batch_size": epochs.batch_size,
        "threshold_method": config.threshold_method,
        "threshold_value": config.threshold_spec(calibration_rows=prepared.rows["calibration"]).value,
        "settings": asdict(config),
    }


def fits_of(prepared: Prepared, config: TrainConfig) -> tuple[NDArray[np.bool_], ...]:
    """Return the fitting rows of each fit of a training, one mask `(n,)` a fit.

    A single network is fitted once, on the fitting rows. An ensemble is fitted twice: first without the held-out rows,
    to learn how it scores rows that it has not seen, then on all rows that may be learned from; that fit is saved.
    """
    split = prepared.split
    if not config.families:
        return (split.fitting,)
    seen = split.fitting | split.validation
    known = prepared.is_anomaly if config.fit_on == "normal" and prepared.is_anomaly is not None else False
    return seen, (seen | split.calibration | split.test) & ~np.asarray(known)


def epochs_of(prepared: Prepared, config: TrainConfig) -> int:
    """Return the largest number of epochs of all fits of a training together."""
    features = len(prepared.preprocessor.features)
    return sum(
        settings.epochs
        for rows in fits_of(prepared, config)
        for settings in config.epoch_settings(rows=int(rows.sum()), features=features)
    )


def split_policy(config: TrainConfig) -> Message:
    """Return the split policy in one phrase."""
    if config.time is not None:
        return phrase("in time by {column!r}: the oldest are fitted, the newest are test rows", column=config.time)
    if config.group is not None:
        return phrase("by {column!r}: rows of one value are in one part", column=config.group)
    return phrase("at random, whatever their order in the file")


def _roles(table: Table, config: TrainConfig, *, label: str | None) -> Roles:
    def words(setting: str) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for column, value in split_assignments(setting, getattr(config, setting), table.names):
            found[column] = (*found.get(column, ()), value.strip())
        return found

    return Roles(
        ids=config.id,
        label=label,
        group=config.group,
        include=config.include,
        exclude=config.exclude,
        kinds={name: Kind(kind) for name, kind in split_assignments("kind", config.kind, table.names)},
        date_orders={
            name: DATE_ORDERS[order] for name, order in split_assignments("date_order", config.date_order, table.names)
        },
        missing_values=words("missing_values"),
        keep_words=words("keep_words"),
        infinite=config.infinite,
    )


def _labels(
    table: Table, config: TrainConfig, test_table: Table | None
) -> tuple[LabelRule | None, NDArray[np.bool_] | None]:
    if config.label is None:
        if test_table is None:
            return None, None
        what = " is for evaluation by labels: name the label column, "
        raise ConfigError(Set("test_data"), what, Set("label", like="COLUMN"), ".")
    if config.label in table.names:
        rule = label_rule(table, config.label, anomaly_values=config.anomaly_values, also=test_table)
        return rule, rule.anomalies(table)
    if test_table is None or config.label not in test_table.names or config.fit_on == "normal":
        raise ConfigError(Set("label"), f": {absent_columns([config.label], table.names)}")
    return label_rule(test_table, config.label, anomaly_values=config.anomaly_values), None


def _check_rows(split: Split, config: TrainConfig) -> None:
    held_out = max(1, config.least_rows // 5)
    for part, least in zip(SHARES, (config.least_rows, held_out, held_out, 1), strict=True):
        rows = int(getattr(split, part).sum())
        if rows < least:
            raise TableError(
                f"Too few rows: of {len(split.fitting):,} there are {rows} for {part}, at least {least} are needed. "
                f"That is {SHARES[part]:.0%} of the rows that may be learned from: give at least "
                f"{_rows_to_give(config.least_rows):,}, or accept fewer: ",
                Set("least_rows", like="N"),
                ".",
            )


def _rows_to_give(least_rows: int) -> int:
    """Return a number of rows that is enough for every part of a random split."""
    enough = math.ceil(max(least_rows / SHARES["fitting"], max(1, least_rows // 5) / SHARES["validation"]))
    return enough + 2 if enough + 2 < SMALL_TABLE else math.ceil(1.6 * enough)
