"""The report of a training: results, the rows with the highest scores, error by column, learning curves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from models.network.activations import ACTIVATIONS
from models.tables.table import Table
from training.data.prepare import Prepared
from training.fit import FitResult
from training.report.fit_rows import columns_section, embedding_section, highest_rows_section, scores_section
from training.report.kit.file import write_report
from training.report.kit.page import Grid, Part, Plots, Section, Text, page_of
from training.report.learning import (
    Losses,
    activation_plot,
    gradient_limits,
    gradient_plot,
    loss_limits,
    loss_plot,
    slopes_plot,
    units_plot,
)
from training.report.scored_rows import ScoredRows, scored_rows
from training.report.subject import columns_grid, rows_grid, settings_grid
from training.settings.config import TrainConfig
from training.thresholds.rows import threshold_rows


def write_fit_report(
    path: Path, result: FitResult, prepared: Prepared, config: TrainConfig, *, test_table: Table | None = None
) -> None:
    """Write the report of a training.

    Args:
        path: The file.
        result: The trained detector.
        prepared: The table that it learned from.
        config: The settings.
        test_table: The rows of `--test-data`; None where the test rows are part of the table.

    Raises:
        ConfigError: The file cannot be written, or exists and is no report.
    """
    rows = scored_rows(result, prepared, test_table)
    sections = [
        Section(anchor="result", title="Results", parts=list(_result(result, rows))),
        scores_section(result.evaluated.calibration, rows),
        highest_rows_section(rows),
        columns_section(rows),
        embedding_section(result.evaluated, rows),
        Section(anchor="learning", title="How it learned", parts=list(_learning(result))),
        Section(
            anchor="subject",
            title="Rows, columns and settings",
            parts=[rows_grid(prepared, config), *columns_grid(prepared), settings_grid(config)],
        ),
    ]
    detector = result.detector
    introduction = (
        f"A detector that learned from {len(prepared.table):,} rows of {len(detector.schema.columns)} columns. This "
        "page holds values of some of these rows: treat it as you treat the data."
    )
    write_report(
        path, page_of(sections, title=f"{detector.name}, version {detector.version}", introduction=introduction)
    )


def _result(result: FitResult, rows: ScoredRows) -> Iterator[Part]:
    calibration = result.detector.calibration
    flagged = rows.verdicts.is_anomaly
    yield Text(
        text=f"Rows that score above {calibration.threshold:.4g} are flagged: {int(flagged.sum()):,} of "
        f"{len(flagged):,} {rows.name}, {flagged.mean():.2%}.",
        loud=True,
    )
    yield Text(text=calibration.promise)
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
    losses = Losses(
        name=name,
        fitting=np.array([[epoch.loss for epoch in history.epochs]]),
        validation=np.array([[epoch.validation_loss for epoch in history.epochs]]),
    )
    first, last = history.epochs[0].gradients, history.epochs[-1].gradients
    yield Plots(
        title="Losses, gradients, activation",
        plots=[
            loss_plot(losses, limits=loss_limits([losses]), best=history.best),
            *([gradient_plot(name, first, last, limits=gradient_limits([first, last]))] if first else []),
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
    layers = [layer.layer for layer in epochs[0].units]
    shares = {
        state: {
            layer: [getattr(epoch.units[i], state) / epoch.units[i].units for epoch in epochs]
            for i, layer in enumerate(layers)
        }
        for state in ("dead", "saturated")
    }
    spec = ACTIVATIONS[name]
    expected = {"dead": spec.can_die, "saturated": spec.ends is not None}
    drawn = [
        state
        for state, lines in shares.items()
        if lines and (expected[state] or any(max(line) > 0 for line in lines.values()))
    ]
    if drawn:
        yield Plots(
            title="Dead and saturated units, by layer and epoch",
            plots=[units_plot(name, shares[state], state=state) for state in drawn],
            note="Counted on the validation rows; blank where there are none.",
        )
    yield Grid(
        title="Units of each layer, at the end",
        header=("layer", "units", "dead", "nearly dead", "saturated", "outputs that are zero"),
        rows=[
            (
                layer.layer,
                f"{layer.units:,}",
                f"{layer.dead:,}",
                f"{layer.nearly_dead:,}",
                f"{layer.saturated:,}",
                f"{layer.zeros:.1%}",
            )
            for layer in result.learned.health
        ],
        note="Dead: zero on every validation row. Nearly dead: zero on 99 % of them. Saturated: at an end of the "
        "activation on all of them.",
    )
