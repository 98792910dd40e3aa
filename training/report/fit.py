"""The report of a fit: what came out, the strangest rows and their reasons, and how it learned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from models.tables.table import Table
from training.data.prepare import Prepared
from training.fit import FitResult
from training.report.fit_learning import learning_section
from training.report.fit_rows import columns_section, embedding_section, scores_section, worst_rows_section
from training.report.judged import JudgedRows, judged_rows
from training.report.kit.file import write_report
from training.report.kit.page import page_of
from training.report.kit.parts import Grid, Part, Section, Text
from training.report.subject import columns_grid, rows_grid, settings_grid
from training.settings.config import TrainConfig
from training.thresholds.rows import threshold_rows


def write_fit_report(
    path: Path, result: FitResult, prepared: Prepared, config: TrainConfig, *, test_table: Table | None = None
) -> None:
    """Write the report of a fit.

    Args:
        path: The file.
        result: The fit.
        prepared: The table that it learned from.
        config: The settings.
        test_table: The labelled rows that it was judged on, where these are not among the rows of the table.

    Raises:
        ConfigError: The file cannot be written, or is something else.
    """
    rows = judged_rows(result, prepared, test_table)
    sections = [
        Section(anchor="result", title="What came out", parts=list(_result(result, rows))),
        scores_section(result.judged.calibration, rows),
        worst_rows_section(rows),
        columns_section(rows),
        embedding_section(result.judged, rows),
        learning_section(result),
        Section(
            anchor="subject",
            title="Rows, columns and settings",
            parts=[rows_grid(prepared, config), *columns_grid(prepared), settings_grid(config)],
        ),
    ]
    detector = result.detector
    says = (
        f"A detector that learned from {len(prepared.table):,} rows of {len(detector.schema.columns)} columns. This "
        "page holds values of some of these rows: treat it as you treat the data."
    )
    write_report(path, page_of(sections, title=f"{detector.name}, version {detector.version}", says=says))


def _result(result: FitResult, rows: JudgedRows) -> Iterator[Part]:
    calibration = result.detector.calibration
    flagged = rows.verdicts.is_anomaly
    yield Text(
        text=f"Rows that score above {calibration.threshold:.4g} are flagged: {int(flagged.sum()):,} of "
        f"{len(flagged):,} {rows.called}, {flagged.mean():.2%}.",
        loud=True,
    )
    yield Text(text=calibration.promise)
    if calibration.rows.refitted:
        yield Text(
            text="What this page says of scores, rows and columns is of the networks that had not seen those rows; the "
            "ones that are kept were fitted once more, with them."
        )
    for warning in result.warnings:
        yield Text(text=f"Warning: {warning}")
    yield Grid(title="Figures", header=("figure", "value"), rows=list(_figures(result)), prose=True)


def _figures(result: FitResult) -> Iterator[tuple[str, str]]:
    detector, history = result.detector, result.history
    previous = ""
    for name, text in threshold_rows(result.threshold):
        previous = name or previous
        yield (previous, text)
    promised = detector.calibration.promised_alert_rate
    yield ("alert rate, promised", "–" if promised is None else f"{promised:.2%}")
    yield ("alert rate, realised on test rows", f"{result.realised_alert_rate:.2%}")
    if result.metrics is not None:
        metrics = result.metrics
        for name, value in {
            "ROC AUC": metrics.roc_auc,
            "average precision": metrics.average_precision,
            "precision": metrics.precision,
            "recall": metrics.recall,
            "false-positive rate": metrics.false_positive_rate,
        }.items():
            yield (name, "–" if value is None else f"{value:.3f}")
        yield ("measured on", f"{metrics.rows:,} rows, {metrics.anomalies:,} of them anomalies")
    yield ("loss", f"{history.best_epoch.loss:.4g}, on the validation rows {history.best_epoch.validation_loss:.4g}")
    yield ("epochs", f"{len(history.epochs)}, weights of epoch {history.best}, {history.seconds:.1f} s")
