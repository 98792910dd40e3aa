"""The report of a training: results, the rows with the highest scores, error by column, learning curves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from models.messages import joined, phrase, plural
from models.network.activations import ACTIVATIONS
from models.tables.table import Table
from training.data.prepare import Prepared
from training.fit import FitResult
from training.report.fit_rows import (
    columns_section,
    embedding_section,
    held_out_rows,
    scores_section,
    strangest_scored,
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
    strangest = strangest_scored(result, prepared, test_table)
    rows = held_out_rows(result, prepared, test_table)
    sections = [
        highest_rows_section(strangest),
        Section(anchor="result", title=phrase("Results"), parts=list(_result(result))),
        scores_section(result.evaluated.calibration, rows),
        columns_section(rows),
        embedding_section(result.evaluated, rows),
        Section(anchor="learning", title=phrase("How it learned"), parts=list(_learning(result))),
        Section(
            anchor="subject", title=phrase("Rows, columns and settings"), parts=list(subject_tables(prepared, config))
        ),
    ]
    detector = result.detector
    introduction = phrase(
        "A detector that learned from {rows:,} rows of {columns} columns. This page holds values of some of these "
        "rows: treat it as you treat the data.",
        rows=len(prepared.table),
        columns=len(detector.schema.columns),
    )
    title = phrase("{name}, version {version}", name=detector.name, version=detector.version)
    write_report(path, page_of(sections, title=title, verdict=verdict_on(strangest), introduction=introduction))


def _result(result: FitResult) -> Iterator[Part]:
    calibration = result.detector.calibration
    yield Text(
        text=phrase(
            "Rows that score above {threshold:.4g} are flagged. {promise}",
            threshold=calibration.threshold,
            promise=calibration.promise,
        )
    )
    if calibration.rows.refitted:
        yield Text(
            text=phrase(
                "The figures, distributions and columns below are of networks that had not seen the rows; the saved "
                "networks were then fitted again, with all rows. The rows above have the scores of the saved ones, as "
                "everywhere else."
            )
        )
    for warning in result.warnings:
        yield Text(text=phrase("Warning: {warning}", warning=warning))
    yield Grid(
        title=phrase("Figures"), header=(phrase("figure"), phrase("value")), rows=list(_figures(result)), prose=True
    )


def _figures(result: FitResult) -> Iterator[tuple[str, str]]:
    detector, history = result.detector, result.learned.history
    previous = ""
    for name, text in threshold_rows(result.threshold):
        previous = name or previous
        yield (previous, text)
    promised = detector.calibration.promised_alert_rate
    yield phrase("alert rate, promised"), "–" if promised is None else phrase("{rate:.2%}", rate=promised)
    yield phrase("alert rate, realised on test rows"), phrase("{rate:.2%}", rate=result.realised_alert_rate)
    if result.metrics is not None:
        metrics = result.metrics
        yield from metrics.figures.items()
        measured = phrase(
            "{rows:,} rows, {anomalies:,} of them anomalies", rows=metrics.rows, anomalies=metrics.anomalies
        )
        yield phrase("measured on"), measured
    best = history.best_epoch
    yield (
        phrase("loss"),
        phrase("{loss:.4g}, on the validation rows {validation:.4g}", loss=best.loss, validation=best.validation_loss),
    )
    yield (
        phrase("epochs"),
        phrase(
            "{epochs}, weights of epoch {best}, {seconds:.1f} s",
            epochs=len(history.epochs),
            best=history.best,
            seconds=history.seconds,
        ),
    )


def _learning(result: FitResult) -> Iterator[Part]:
    learned = result.learned
    history, config = learned.history, learned.config
    name = config.activation
    widths = "–".join(map(str, (config.features, *config.layer_units, config.features)))
    networks = plural(
        "One network of {widths} units, {activation}, {weights:,} weights; {epochs} epochs in {seconds:.1f} s.",
        "{count} networks of {widths} units, {activation}, {weights:,} weights; {epochs} epochs in {seconds:.1f} s.",
        count=config.members,
        widths=widths,
        activation=name,
        weights=learned.parameters,
        epochs=len(history.epochs),
        seconds=history.seconds,
    )
    refitted = phrase(
        "They were fitted twice: without the held-out rows, then with them. The plots show the second time, in which "
        "the rows of the validation loss are among those learned from."
    )
    yield Text(text=joined([networks, refitted]) if result.detector.calibration.rows.refitted else networks)
    fitting = np.array([[epoch.loss for epoch in history.epochs]])
    validation = np.array([[epoch.validation_loss for epoch in history.epochs]])
    first, last = history.epochs[0].gradients, history.epochs[-1].gradients
    yield Plots(
        title=phrase("Losses, gradients, activation"),
        plots=[
            *loss_plots({name: (fitting, validation)}, best=[history.best]),
            *(gradient_plots({name: (first, last)}) if first else []),
            activation_plot(name, config.activation_parameter),
        ],
        small=True,
        note=phrase(
            "Losses: coloured on the validation rows, dotted on the fitting rows. Gradients of each layer’s weights: "
            "line at the first step, dashed the mean of the last ones; e: encoder, b: bottleneck, d: decoder. "
            "Activation: line the value, dashed its slope."
        ),
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
            title=phrase("Dead and saturated units, by layer and epoch"),
            plots=plots,
            note=phrase("Counted on the validation rows; white where they are less than half a percent."),
        )
    counts = {
        "units": phrase("units"),
        "dead": phrase("dead"),
        "nearly_dead": phrase("nearly dead"),
        "saturated": phrase("saturated"),
    }
    yield Grid(
        title=phrase("Units of each layer, at the end"),
        header=(phrase("layer"), *counts.values(), phrase("outputs that are zero")),
        rows=[
            (
                layer.layer,
                *(phrase("{units:,}", units=getattr(layer, count)) for count in counts),
                phrase("{share:.1%}", share=layer.zeros),
            )
            for layer in result.learned.health
        ],
        note=phrase(
            "Dead: zero on every validation row. Nearly dead: zero on 99 % of them. Saturated: at an end of the "
            "activation on all of them."
        ),
    )
