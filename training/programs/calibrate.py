"""A new threshold for a bundle: from the rows that it keeps or from new ones, written as a new version."""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from models.bundle import load_detector, new_bundle, write_recalibrated
from models.calibration import THRESHOLD_METHODS, Calibration, CalibrationRows
from models.calibration.segments import check_segments, segments_of
from models.columns.from_tables import columns_of_table
from models.detector import Detector
from models.errors import ConfigError
from models.programs.reading_flags import read_options_of
from models.repository import next_version, resolve
from models.schema import FeatureSchema
from models.tables.files import expand, read_table
from training.columns.reference import quantiles
from training.data.labels import label_rule
from training.settings.config import TrainConfig
from training.thresholds.report import threshold_report, with_best_tail
from training.thresholds.rows import threshold_rows

_GOALS: Final = tuple(dict.fromkeys(goal for method in THRESHOLD_METHODS.values() for goal in method.flags))


def calibrate(arguments: argparse.Namespace) -> dict[str, Any]:
    """Calibrate anew, write the new version and say what changed; return the report for programs."""
    console = Console(stderr=arguments.json, quiet=arguments.quiet, highlight=False)
    if arguments.label is not None and not arguments.data:
        raise ConfigError("--label is read from new rows: give them, --data FILE.")
    source = resolve(arguments.bundle)
    old = load_detector(source)
    schema = replace(old.schema, threshold_by=_threshold_by(arguments, old))
    check_segments(schema)
    config = _config(arguments, old, schema)
    rows, origin = _kept_rows(source, old, schema) if not arguments.data else _new_rows(arguments, old, schema, console)
    rows = _resting_on(arguments, rows, source)
    rule = with_best_tail(rows, config.threshold_rule(calibration_rows=len(rows.reference)))
    calibration = Calibration.on(rows, rule)
    path = arguments.output or _next_to(source)
    with new_bundle(path, overwrite=arguments.overwrite) as folder:
        report = threshold_report(calibration)
        new = replace(
            old,
            version=path.name if path.name.isdecimal() else "1",
            schema=schema,
            calibration=calibration,
            reference={**old.reference, "anomaly_score": quantiles(calibration.scores)},
            card=_card(old, calibration, report, config, origin),
        )
        write_recalibrated(folder, source, new, created=datetime.now(UTC).isoformat(timespec="seconds"))
    _show(console, old, new, report, path)
    return _report(old, new, report, path)


def _threshold_by(arguments: argparse.Namespace, old: Detector) -> str | None:
    if arguments.no_threshold_by:
        if arguments.threshold_by is not None:
            raise ConfigError("--threshold-by and --no-threshold-by exclude one another: give one.")
        return None
    given: str | None = arguments.threshold_by
    return old.schema.threshold_by if given is None else given


def _config(arguments: argparse.Namespace, old: Detector, schema: FeatureSchema) -> TrainConfig:
    """Return the settings of the threshold: those that are given, else those of the bundle."""
    rule = old.calibration.rule
    given = {goal: value for goal in _GOALS if (value := getattr(arguments, goal)) is not None}
    if not given and arguments.threshold_method in (None, rule.method):
        given = {rule.goal: rule.value}
    return TrainConfig(
        label=arguments.label or schema.label,
        anomaly_values=tuple(arguments.anomaly_values or ()),
        threshold_method=arguments.threshold_method or rule.method,
        threshold_by=schema.threshold_by,
        **given,
    )


def _kept_rows(source: Path, old: Detector, schema: FeatureSchema) -> tuple[CalibrationRows, str]:
    """Return the bundle's own calibration rows."""
    rows, kept = old.calibration.rows, old.schema.threshold_by
    if schema.threshold_by is None:
        rows = rows.without_segments()
    elif schema.threshold_by != kept:
        what = "no column" if kept is None else f"{kept!r} alone"
        raise ConfigError(
            f"--threshold-by {schema.threshold_by!r}: {source} keeps {what} of its calibration rows. Give rows that "
            "have the column: --data FILE."
        )
    return rows, f"the {len(rows):,} calibration rows of version {old.version}"


def _new_rows(
    arguments: argparse.Namespace, old: Detector, schema: FeatureSchema, console: Console
) -> tuple[CalibrationRows, str]:
    """Score the rows that were given."""
    options = read_options_of(arguments)
    if options.header is None:
        options = replace(options, header=schema.header)
    table = read_table(arguments.data, options)
    for repair in table.repairs:
        console.print(f"[dim]read: {escape(repair)}[/dim]")
    is_anomaly = None
    if arguments.label is not None:
        if arguments.label in schema.names:
            raise ConfigError(f"--label {arguments.label!r} is a feature of the detector: name another column.")
        settings = old.card.get("settings", {})
        known = settings.get("anomaly_values", ()) if settings.get("label") == arguments.label else ()
        values = tuple(arguments.anomaly_values or known)
        labels = label_rule(table, arguments.label, anomaly_values=values)
        console.print(f"[dim]label {escape(arguments.label)}: {escape(labels.reason)}[/dim]")
        is_anomaly = labels.anomalies(table)
    columns = columns_of_table(schema, table)
    scores = old.scorer.score(old.preprocessor.transform(columns)).anomaly_score
    rests_on = old.calibration.rows.rests_on if is_anomaly is not None else "all"
    rows = CalibrationRows.of(scores, is_anomaly=is_anomaly, segment=segments_of(schema, columns), rests_on=rests_on)
    names = [path.name for path in expand(arguments.data)]
    return rows, f"{len(rows):,} rows of {names[0]}" + (f" and {len(names) - 1} more files" if names[1:] else "")


def _resting_on(arguments: argparse.Namespace, rows: CalibrationRows, source: Path) -> CalibrationRows:
    """Let rates and p-values be about the rows that were asked for."""
    rows = replace(rows, rests_on=arguments.rests_on or rows.rests_on)
    labelled = f"give rows with labels, --data FILE --label COLUMN; {source} keeps none."
    if rows.rests_on == "normal" and not len(rows.normal):
        raise ConfigError(f"No calibration row is known to be normal: {labelled}")
    if arguments.threshold_method == "labels" and not len(rows.anomalies):
        raise ConfigError(f"No calibration row is labelled an anomaly: {labelled}")
    if not len(rows):
        raise ConfigError("There are no rows to calibrate on: give a file with some.")
    return rows


def _next_to(source: Path) -> Path:
    if not source.name.isdecimal():
        raise ConfigError(
            f"{source} is no version of a detector (NAME/1, NAME/2, …): say where to write, --output DIR."
        )
    return next_version(source.parent)


def _card(
    old: Detector, calibration: Calibration, report: dict[str, Any], config: TrainConfig, origin: str
) -> dict[str, Any]:
    """Return the old card with what is said of the threshold replaced; figures that rested on it are gone."""
    card = {name: value for name, value in old.card.items() if name not in ("created", "versions")}
    metrics = card.get("metrics")
    outdated = card.get("threshold", {}).get("warnings", [])
    rule = calibration.rule
    settings = dict.fromkeys(_GOALS) | {
        "threshold_method": rule.method,
        rule.goal: rule.value,
        "threshold_by": config.threshold_by,
    }
    return card | {
        "settings": card.get("settings", {}) | settings,
        "calibrated_from": {"version": old.version, "created": old.card.get("created", ""), "rows": origin},
        "promise": calibration.promise,
        "threshold": report,
        "realised_alert_rate": None,
        "metrics": metrics and metrics | dict.fromkeys(("precision", "recall", "false_positive_rate")),
        "warnings": [w for w in card.get("warnings", []) if w not in outdated] + report["warnings"],
    }


def _show(console: Console, old: Detector, new: Detector, report: dict[str, Any], path: Path) -> None:
    grid = Grid.grid(padding=(0, 2))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    grid.add_row("rows", escape(new.card["calibrated_from"]["rows"]))
    grid.add_row("threshold", f"{old.calibration.threshold:.6g} ({old.calibration.method}) until now")
    for name, text in threshold_rows(report):
        grid.add_row(name, escape(text))
    grid.add_row("", f"[dim]{escape(new.calibration.promise)}[/dim]")
    grid.add_row("bundle", f"{escape(str(path))} (version {new.version}, the network of version {old.version})")
    console.print(grid)
    for warning in report["warnings"]:
        console.print(f"[yellow]warning: [/yellow]{escape(warning)}")


def _report(old: Detector, new: Detector, report: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the report that ``--json`` prints; other programs rely on its names."""
    return {
        "bundle": str(path),
        "name": new.name,
        "version": new.version,
        "calibrated_from": new.card["calibrated_from"],
        "threshold_before": old.calibration.threshold,
        "threshold": new.calibration.threshold,
        "threshold_method": new.calibration.method,
        "threshold_report": report,
        "promised_alert_rate": new.calibration.promised_alert_rate,
        "promise": new.calibration.promise,
        "warnings": report["warnings"],
    }
