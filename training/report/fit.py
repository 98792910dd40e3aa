"""The report of a training: results, the rows with the highest scores, error by column, learning curves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from models.network.activations import ACTIVATIONS
from models.tables.table import Table
from training.data.prepare import Prepared
from training.fit import FitResult
from training.report.fit_rows import (
    columns_section,
    embedding_section,
    scored_rows,
    scores_section,
)
from training.report.highest_rows import highest_rows_section, verdict_on
from training.report.kit.file import write_report
from training.report.kit.page import Grid, Part, Plots, Section, Text, page_of
from training.report.learning import activation_plot, gradient_plots, loss_plots, slopes_plot, units_plot
from training.report.subject import subject_tables
from training.settings.config import TrainConfig
from training.thresholds.report import threshold_rows


def write_fit_report(
    path: Path, result: FitResult, prepared: Prepared, config: TrainConfig, *, test_table: Table | None = None
) -> None:
    """Write the report of a training; `test_table` has the rows of `--test-data`, where the table has no test rows.

    Raises:
        ConfigError: The file cannot be written, or exists and is no report.
    """
    rows = scored_rows(result, prepared, test_table)
    sections = [
        highest_rows_section(rows),
        Section(anchor="result", title="Results", parts=list(_result(result))),
        scores_section(result.evaluated.calibration, rows),
        columns_section(rows),
        embedding_section(result.evaluated, rows),
        Section(anchor="learning", title="How it learned", parts=list(_learning(result))),
        Section(anchor="subject", title="Rows, columns and settings", parts=list(subject_tables(prepared, config))),
    ]
    detector = result.detector
    introduction = (
        f"A detector that learned from {len(prepared.table):,} rows of {len(detector.schema.columns)} columns. This "
        "page holds values of some of these rows: treat it as you treat the data."
    )
    title = f"{detector.name}, version {detector.version}"
    write_report(path, page_of(sections, title=title, verdict=verdict_on(rows), introduction=introduction))


def _result(result: FitResult) -> Iterator[Part]:
    calibration = result.detector.calibration
    yield Text(text=f"Rows that score above {calibration.threshold:.4g} are flagged. {calibration.promise}")
    if calibration.rows.refitted:
        yield Text(
            text="Scores, rows and columns on this page are of the networks that had not seen those rows; the saved "
            "networks were then fitted again, with these rows."
        )
    for warning in result.warnings:
        yield Text(text=f"Warning: {warning}")
    yield Grid(title="Figures", header=("figure", "value"), rows=list(_figures(result)), prose=True)


def _figures(result: FitResult) -> Iterator[tuple[str, str]]:
    detector, history = result.detector, result.learned.history
    previous = ""
    for name, text in threshold_rows(result.threshold):
        previous = name or previous
        yield (previous, text)
    promised = detector.calibration.promised_alert_rate
    yield ("alert rate, promised", "–" if promised is None else f"{promised:.2%}")
    yield ("alert rate, realised on test rows", f"{result.realised_alert_rate:.2%}")
    if result.metrics is not None:
        metrics = result.metrics
        yield from metrics.figures.items()
        yield ("measured on", f"{metrics.rows:,} rows, {metrics.anomalies:,} of them anomalies")
    yield ("loss", f"{history.best_epoch.loss:.4g}, on the validation rows {history.best_epoch.validation_loss:.4g}")
    yield ("epochs", f"{len(history.epochs)}, weights of epoch {history.best}, {history.seconds:.1f} s")


def _learning(result: FitResult) -> Iterator[Part]:
    learned = result.learned
    history, config = learned.history, learned.config
    name = config.activation
    widths = "–".join(map(str, (config.features, *config.layer_units, config.features)))
    networks = "One network" if config.members == 1 else f"{config.members} networks"
    refitted = (
        " They were fitted twice: without the held-out rows, then with them. The plots show the second time, in which "
        "the rows of the validation loss are among those learned from."
    )
    yield Text(
        text=f"{networks} of {widths} units, {name}, {learned.parameters:,} weights; {len(history.epochs)} epochs in "
        f"{history.seconds:.1f} s.{refitted if result.detector.calibration.rows.refitted else ''}"
    )
    fitting = np.array([[epoch.loss for epoch in history.epochs]])
    validation = np.array([[epoch.validation_loss for epoch in history.epochs]])
    first, last = history.epochs[0].gradients, history.epochs[-1].gradients
    yield Plots(
        title="Losses, gradients, activation",
        plots=[
            *loss_plots({name: (fitting, validation)}, best=[history.best]),
            *(gradient_plots({name: (first, last)}) if first else []),
            activation_plot(name, config.activation_parameter),
        ],
        small=True,
        note="Losses: coloured on the validation rows, dotted on the fitting rows. Gradients of each layer’s weights: "
        "line at the first step, dashed the mean of the last ones; e: encoder, b: bottleneck, d: decoder. "
        "Activation: line the value, dashed its slope.",
    )
    yield from _units(result)
    if learned.slopes:
        yield slopes_plot(name, learned.slopes)


def _units(result: FitResult) -> Iterator[Part]:
    epochs = result.learned.history.epochs
    name = result.learned.config.activation
    plots = []
    for state, expected in {"dead": ACTIVATIONS[name].can_die, "saturated": ACTIVATIONS[name].ends is not None}.items():
        layers = zip(*(epoch.units for epoch in epochs), strict=True)
        shares = {layer[0].layer: [getattr(after, state) / after.units for after in layer] for layer in layers}
        if shares and (expected or any(map(any, shares.values()))):
            plots.append(units_plot(name, shares, state=state))
    if plots:
        yield Plots(
            title="Dead and saturated units, by layer and epoch",
            plots=plots,
            note="Counted on the validation rows; white where they are less than half a percent.",
        )
    counts = ("units", "dead", "nearly_dead", "saturated")
    yield Grid(
        title="Units of each layer, at the end",
        header=("layer", *(count.replace("_", " ") for count in counts), "outputs that are zero"),
        rows=[
            (layer.layer, *(f"{getattr(layer, count):,}" for count in counts), f"{layer.zeros:.1%}")
            for layer in result.learned.health
        ],
        note="Dead: zero on every validation row. Nearly dead: zero on 99 % of them. Saturated: at an end of the "
        "activation on all of them.",
    )
