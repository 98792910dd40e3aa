"""Recalibration: another threshold for a bundle, from its own calibration rows or new ones, as a new version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table as Grid

from models.bundle import load_detector, new_bundle, write_recalibrated
from models.calibration import THRESHOLD_METHODS, Calibration, CalibrationRows, prepared_spec
from models.calibration.rows import check_segments, segments_of
from models.columns.from_tables import columns_of_table
from models.detector import Detector
from models.early_rows import early_rows, notes_of_early_rows
from models.errors import ConfigError
from models.messages import phrase
from models.pointed_dates import notes_of_pointed_dates, pointed_dates
from models.programs.rich_text import escaped
from models.repository import next_version, resolve, version_of
from models.schema import FeatureSchema
from models.tables.files import expand, read_table
from models.tables.read_options import ReadOptions, options_as_learned
from models.unlike_training import notes_of_fractions, ranges_of
from training.columns.learn_columns import quantiles
from training.data.labels import label_rule
from training.settings.config import TrainConfig
from training.thresholds.report import threshold_report, threshold_rows

TARGETS: Final = tuple(dict.fromkeys(target for method in THRESHOLD_METHODS.values() for target in method.settings))
"""The settings that give the target of a threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrateCommand:
    """The command of one recalibration. A field that is None keeps the value of the bundle.

    Args:
        targets: Value of each setting that says what is wanted of the threshold; those that are not given are absent.
        threshold_by: Column whose values have thresholds of their own.
        population: The calibration population: which rows rates and p-values are about, a key of `POPULATIONS`.
        files: Rows to calibrate on; none for the calibration rows that the bundle keeps.

    Raises:
        ConfigError: Two of them do not go together.
    """

    bundle: str
    output: Path | None = None
    overwrite: bool = False
    threshold_method: str | None = None
    targets: Mapping[str, float] = field(default_factory=dict)
    threshold_by: str | None = None
    one_threshold: bool = False
    population: str | None = None
    files: tuple[str, ...] = ()
    options: ReadOptions
    label: str | None = None
    anomaly_values: tuple[str, ...] = ()
    quiet: bool = False

    def __post_init__(self) -> None:
        if self.label is not None and not self.files:
            raise ConfigError("--label is read from new rows: give them, --data FILE.")
        if self.one_threshold and self.threshold_by is not None:
            raise ConfigError("--threshold-by and --no-threshold-by exclude one another: give one.")


def calibrate(command: CalibrateCommand) -> dict[str, Any]:
    """Recalibrate, write the new version and print what changed; return the report for programs."""
    console = Console(quiet=command.quiet, highlight=False)
    source = resolve(command.bundle)
    old = load_detector(source)
    threshold_by = None if command.one_threshold else command.threshold_by or old.schema.threshold_by
    schema = replace(old.schema, threshold_by=threshold_by)
    check_segments(schema)
    config = _config(command, old, schema)
    rows, origin = _kept_rows(source, old, schema) if not command.files else _new_rows(command, old, schema, console)
    rows = _resting_on(command, rows, source)
    spec = prepared_spec(rows, config.threshold_spec(calibration_rows=len(rows.reference)))
    calibration = Calibration.on(rows, spec)
    path = command.output or _next_to(source)
    with new_bundle(path, overwrite=command.overwrite) as folder:
        report = threshold_report(calibration)
        new = replace(
            old,
            version=version_of(path),
            schema=schema,
            calibration=calibration,
            reference={**old.reference, "anomaly_score": quantiles(calibration.pooled.scores)},
            card=_card(old, calibration, report, config, origin),
        )
        write_recalibrated(folder, source, new, created=datetime.now(UTC).isoformat(timespec="seconds"))
    _show(console, old, new, report, path)
    return _report(old, new, report, path)


def _config(command: CalibrateCommand, old: Detector, schema: FeatureSchema) -> TrainConfig:
    """Return the settings of the threshold: the given ones, else those of the bundle."""
    spec = old.calibration.spec
    given: dict[str, Any] = dict(command.targets)
    if not given and command.threshold_method in (None, spec.method):
        given = {spec.target: spec.value}
    return TrainConfig(
        label=command.label or schema.label,
        anomaly_values=command.anomaly_values,
        threshold_method=command.threshold_method or spec.method,
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
    origin = phrase("the {rows:,} calibration rows of version {version}", rows=len(rows), version=old.version)
    return rows, origin


def _new_rows(
    command: CalibrateCommand, old: Detector, schema: FeatureSchema, console: Console
) -> tuple[CalibrationRows, str]:
    """Score new rows, and return them with a description."""
    table = read_table(command.files, options_as_learned(schema, command.options))
    for repair in table.repairs:
        console.print(f"[dim]{escaped(phrase('read: {note}', note=repair))}[/dim]")
    is_anomaly = None
    if command.label is not None:
        if command.label in schema.names:
            raise ConfigError(f"--label {command.label!r} is a feature of the detector: name another column.")
        settings = old.card.get("settings") or {}
        known = settings.get("anomaly_values", ()) if settings.get("label") == command.label else ()
        values = tuple(command.anomaly_values or known)
        labels = label_rule(table, command.label, anomaly_values=values)
        rule = phrase("label {column}: {reason}", column=command.label, reason=labels.reason)
        console.print(f"[dim]{escaped(rule)}[/dim]")
        is_anomaly = labels.anomalies(table)
    columns = columns_of_table(schema, table)
    for note in notes_of_pointed_dates(pointed_dates(schema, table)):
        console.print(f"[dim]{escaped(phrase('read: {note}', note=note))}[/dim]")
    encoded, extremes = old.preprocessor.transform(columns), old.scorer.extremes
    scores = old.scorer.score(encoded).anomaly_score
    gross = extremes.gross(encoded) if extremes is not None and is_anomaly is None else None
    population = old.calibration.rows.population if is_anomaly is not None else "all"
    known = old.known_categories.get(schema.threshold_by or "")
    segment = segments_of(schema, columns, known=known)
    older = notes_of_early_rows(old.preprocessor, early_rows(old.preprocessor, columns), rows=len(scores))
    fractions = notes_of_fractions(old, ranges_of(old.preprocessor, columns), rows=len(scores))
    for note in (*older, *old.notes(old.sightings(lambda name: columns.get(name, ()))), *fractions):
        console.print(f"[dim]{escaped(phrase('noted: {finding}', finding=note))}[/dim]")
    rows = CalibrationRows.of(scores, is_anomaly=is_anomaly, segment=segment, population=population, left_out=gross)
    names = [path.name for path in expand(command.files)]
    found = {"rows": len(rows), "file": names[0], "more": len(names) - 1}
    if names[1:]:
        return rows, phrase("{rows:,} rows of {file} and {more} more files", **found)
    return rows, phrase("{rows:,} rows of {file}", **found)


def _resting_on(command: CalibrateCommand, rows: CalibrationRows, source: Path) -> CalibrationRows:
    """Return the rows with the wanted calibration population."""
    rows = replace(rows, population=command.population or rows.population)
    labelled = f"give rows with labels, --data FILE --label COLUMN; {source} keeps none."
    if rows.population == "normal" and not len(rows.normal):
        raise ConfigError(f"No calibration row is known to be normal: {labelled}")
    method = THRESHOLD_METHODS.get(command.threshold_method or "")
    if method is not None and method.needs_labels and not len(rows.anomalies):
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
    """Return the old card with the new threshold, without the figures that depended on the old one."""
    card = {name: value for name, value in old.card.items() if name not in ("created", "versions")}
    metrics = card.get("metrics")
    outdated = (card.get("threshold") or {}).get("warnings", [])
    spec = calibration.spec
    settings = dict.fromkeys(TARGETS) | {
        "threshold_method": spec.method,
        spec.target: spec.value,
        "threshold_by": config.threshold_by,
    }
    return card | {
        "settings": (card.get("settings") or {}) | settings,
        "calibrated_from": {"version": old.version, "created": old.card.get("created", ""), "rows": origin},
        "promise": calibration.promise,
        "threshold": report,
        "realised_alert_rate": None,
        "metrics": metrics and metrics | dict.fromkeys(("precision", "recall", "false_positive_rate")),
        "warnings": [w for w in (card.get("warnings") or []) if w not in outdated] + report["warnings"],
    }


def _show(console: Console, old: Detector, new: Detector, report: dict[str, Any], path: Path) -> None:
    grid = Grid.grid(padding=(0, 2))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    before = phrase(
        "{threshold:.6g} ({method}) until now",
        threshold=old.calibration.threshold,
        method=old.calibration.spec.method,
    )
    written = phrase(
        "{path} (version {version}, the network of version {old})", path=path, version=new.version, old=old.version
    )
    promise = f"[dim]{escaped(new.calibration.promise)}[/dim]"
    grid.add_row(escaped(phrase("rows")), escaped(new.card["calibrated_from"]["rows"]))
    for name, text in ((phrase("threshold"), before), *threshold_rows(report)):
        grid.add_row(escaped(name), escaped(text))
    grid.add_row("", promise)
    grid.add_row(escaped(phrase("bundle")), escaped(written))
    console.print(grid)
    for warning in report["warnings"]:
        console.print(f"[yellow]{escaped(phrase('warning:'))} [/yellow]{escaped(warning)}")


def _report(old: Detector, new: Detector, report: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the report that ``--json`` prints; its keys are an interface."""
    return {
        "bundle": str(path),
        "name": new.name,
        "version": new.version,
        "calibrated_from": new.card["calibrated_from"],
        "threshold_before": old.calibration.threshold,
        "threshold": new.calibration.threshold,
        "threshold_method": new.calibration.spec.method,
        "threshold_report": report,
        "promised_alert_rate": new.calibration.promised_alert_rate,
        "promise": new.calibration.promise,
        "warnings": report["warnings"],
    }
