"""Makes the pictures of README and of the pages: `python docs/make_pictures.py`; from real trainings, no drawing.

`python docs/make_pictures.py activations` makes only those of the activations, for which nothing is trained.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pyarrow as pa
from rich.console import Console

from models.bundle import load_detector
from models.network.activations import ACTIVATIONS
from models.tables.files import read_table
from models.tables.table import Table
from training.data.demo_data import LABEL, embedded_table
from training.data.prepare import Prepared, prepare
from training.fit import FitResult, fit
from training.programs.terminal import show_result
from training.report.learning import activation_values
from training.settings.config import TrainConfig

DOCS = Path(__file__).resolve().parent
IMAGES = DOCS / "images"
BUNDLE = Path("models/artifacts/breast-cancer/1")
BLUE, RED, GREY = "#1b6ca8", "#d1495b", "#9aa5ad"


def main() -> None:
    """Train twice, draw everything; or only the activations."""
    IMAGES.mkdir(exist_ok=True)
    mpl.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "savefig.dpi": 130})
    draw_activations(IMAGES / "activations.png")
    for name in ACTIVATIONS:
        drawactivation_values(name, IMAGES / f"activation-{name}.png")
    if sys.argv[1:] == ["activations"]:
        return
    draw_tutorial(IMAGES / "tutorial.png", IMAGES / "calibration.png")
    started = time.perf_counter()
    config = TrainConfig(label=LABEL, fit_on="normal")
    aside = np.random.default_rng(0).random(len(embedded_table())) < 0.2
    known, fresh = (replace(embedded_table(), data=embedded_table().data.filter(pa.array(m))) for m in (~aside, aside))
    prepared = prepare(known, config)
    result = fit(prepared, config, name="breast-cancer", version="1")
    seconds = time.perf_counter() - started
    screen = Console(record=True, width=112, highlight=False, file=io.StringIO())
    screen.print("[bold]$ python -m training.train[/bold]\n")
    show_result(screen, result, bundle=BUNDLE, seconds=seconds)
    (IMAGES / "training.svg").write_text(screen.export_svg(title="a detector, trained and calibrated"))
    draw_scores(prepared, result, fresh, IMAGES / "scores.png")


def draw_scores(prepared: Prepared, result: FitResult, fresh: Table, path: Path) -> None:
    """Draw the scores of fresh rows by label, with the threshold, and what makes the strangest of them strange."""
    verdicts = result.detector.score_table(fresh)
    assert prepared.rule is not None
    labels, scores = prepared.rule.anomalies(fresh), verdicts.anomaly_score
    threshold = result.detector.calibration.threshold
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4), layout="constrained", width_ratios=(3, 2))
    bins = np.geomspace(scores.min(), scores.max(), 40)
    left.hist(scores[~labels], bins, color=BLUE, alpha=0.85, label=f"benign ({(~labels).sum()} fresh rows)")
    left.hist(scores[labels], bins, color=RED, alpha=0.65, label=f"malignant ({labels.sum()})")
    promised = result.detector.calibration.promised_alert_rate
    left.axvline(threshold, color="black", linestyle="--", label=f"threshold, alert rate {promised:.0%} promised")
    left.set(xscale="log", xlabel="anomaly score", ylabel="rows")
    left.legend(frameon=False, loc="upper right")
    left.set_ylim(top=1.35 * left.get_ylim()[1])  # room for the legend
    row = int(np.argmax(scores))
    parts = verdicts.contributions(row, top=6)[::-1]
    bars = right.barh([part.feature for part in parts], [part.contribution for part in parts], color=RED)
    right.bar_label(bars, [f"{part.actual:,.4g}, expected {part.expected:,.4g}" for part in parts], padding=4)
    right.margins(x=1.0)
    right.set(title=f"the strangest row: score {scores[row]:.1f}", xlabel="part of the score")
    figure.savefig(path)


def draw_activations(path: Path) -> None:
    """Draw every activation and its slope, each computed by the graph that is exported for serving."""
    columns = 3
    rows = -(-len(ACTIVATIONS) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(10, 2.6 * rows), layout="constrained", sharex=True, sharey=True)
    for axis, name in zip(axes.flat, ACTIVATIONS, strict=False):
        _draw_values(axis, name)
        axis.set(title=name)
    for axis in axes.flat[len(ACTIVATIONS) :]:
        axis.set_visible(False)
    axes.flat[0].legend(frameon=False, loc="upper left")
    figure.savefig(path)


def drawactivation_values(name: str, path: Path) -> None:
    """Draw one activation and its slope, on the axes that all of them have."""
    figure, axis = plt.subplots(figsize=(4.4, 2.9), layout="constrained")
    _draw_values(axis, name)
    axis.legend(frameon=False, loc="upper left")
    figure.savefig(path)
    plt.close(figure)


def _draw_values(axis: Any, name: str) -> None:
    x = np.linspace(-4, 4, 801, dtype=np.float32)
    y = activation_values(name, x)
    axis.axhline(0, color=GREY, linewidth=0.6)
    axis.axvline(0, color=GREY, linewidth=0.6)
    axis.plot(x, y, color=BLUE, linewidth=2, label="f(x)")
    axis.plot(x, np.gradient(y, x), color=RED, linestyle="--", linewidth=1.2, label="slope")
    axis.set(ylim=(-2.2, 4))


def draw_tutorial(path: Path, calibration_path: Path) -> None:
    """Train as the tutorial does; draw its records, and the calibration scores behind its threshold."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _run(folder, str(DOCS / "examples" / "make_machines.py"))
        _run(folder, "-m", "training.train", "machines.csv", "--id", "reading", "--quiet", "--output", "bundle")
        detector = load_detector(folder / "bundle")
        history, new = read_table([folder / "machines.csv"]), read_table([folder / "new.csv"])
    verdicts = detector.score_table(new)
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for axis, column in zip(axes, ("flow", "temperature"), strict=True):
        axis.scatter(
            _numbers(history, "load"), _numbers(history, column), s=5, color=GREY, alpha=0.5, label="fitted on"
        )
        for flagged, color, label in ((False, BLUE, "new"), (True, RED, "new, flagged")):
            rows = verdicts.is_anomaly == flagged
            axis.scatter(_numbers(new, "load")[rows], _numbers(new, column)[rows], s=26, color=color, label=label)
        axis.set(xlabel="load", ylabel=column)
        for row in np.flatnonzero(verdicts.is_anomaly):
            [worst] = verdicts.contributions(int(row), top=1)
            if worst.feature == column:
                where = (_numbers(new, "load")[row], _numbers(new, column)[row])
                text = f"score {verdicts.anomaly_score[row]:.2f}\nexpected {worst.expected:.0f}"
                axis.annotate(text, where, (-64, -34), textcoords="offset points", fontsize=9)
    axes[0].legend(frameon=False, loc="upper left")
    figure.savefig(path)
    _draw_calibration(detector.calibration, verdicts.anomaly_score, calibration_path)


def _draw_calibration(calibration: Any, scores: np.ndarray[Any, Any], path: Path) -> None:
    held_out = calibration.pooled.scores
    figure, axis = plt.subplots(figsize=(9, 3.6), layout="constrained")
    bins = np.geomspace(held_out.min(), 1.1 * scores.max(), 60)
    axis.hist(held_out, bins, color=BLUE, alpha=0.85, label=f"{len(held_out)} calibration rows")
    label = f"threshold: at most {calibration.spec.value:.0%} of fresh usual rows lie beyond"
    axis.axvline(calibration.threshold, color="black", linestyle="--", label=label)
    strange = scores[scores > calibration.threshold]
    axis.plot(strange, np.full(len(strange), 1.5), "v", color=RED, markersize=9, label="flagged records of new.csv")
    axis.set(xscale="log", xlabel="anomaly score", ylabel="rows")
    axis.legend(frameon=False, loc="upper left")
    axis.set_ylim(top=1.35 * axis.get_ylim()[1])  # room for the legend
    figure.savefig(path)


def _numbers(table: Table, name: str) -> np.ndarray[Any, Any]:
    return np.array([float(cell) if cell else np.nan for cell in table.data.column(name).to_pylist()])


def _run(folder: Path, *arguments: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(DOCS.parent)}
    subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, check=True)


if __name__ == "__main__":
    main()
