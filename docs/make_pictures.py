"""Makes the pictures of README from a real training on the embedded set: `python docs/make_pictures.py`."""

from __future__ import annotations

import io
import time
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from rich.console import Console

from training.config import TrainConfig
from training.embedded import LABEL, embedded_table
from training.fit import FitResult, fit
from training.prepare import Prepared, prepare
from training.terminal import show_result

IMAGES = Path(__file__).parent / "images"
BUNDLE = Path("models/artifacts/breast-cancer/1")


def main() -> None:
    """Train once, draw twice."""
    started = time.perf_counter()
    config = TrainConfig(label=LABEL, fit_on="normal")
    prepared = prepare(embedded_table(), config)
    result = fit(prepared, config, name="breast-cancer", version="1")
    seconds = time.perf_counter() - started
    IMAGES.mkdir(exist_ok=True)
    screen = Console(record=True, width=112, highlight=False, file=io.StringIO())
    screen.print("[bold]$ python -m training.train[/bold]\n")
    show_result(screen, result, bundle=BUNDLE, seconds=seconds)
    (IMAGES / "training.svg").write_text(screen.export_svg(title="a detector, trained and calibrated"))
    draw_scores(prepared, result, IMAGES / "scores.png")


def draw_scores(prepared: Prepared, result: FitResult, path: Path) -> None:
    """Draw the scores of the test rows by label, with the threshold, and what makes the strangest of them strange."""
    test = prepared.split.test
    verdicts = result.detector.judge(prepared.part(test))
    assert prepared.is_anomaly is not None
    labels, scores = prepared.is_anomaly[test], verdicts.anomaly_score
    threshold = result.detector.calibration.threshold
    mpl.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False})
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4), layout="constrained", width_ratios=(3, 2))
    bins = np.geomspace(scores.min(), scores.max(), 40)
    left.hist(scores[~labels], bins, color="#1b6ca8", alpha=0.85, label=f"benign ({(~labels).sum()} test rows)")
    left.hist(scores[labels], bins, color="#d1495b", alpha=0.65, label=f"malignant ({labels.sum()}), never fitted")
    promised = result.detector.calibration.promised_alert_rate
    left.axvline(threshold, color="black", linestyle="--", label=f"threshold, alert rate {promised:.0%} promised")
    left.set(xscale="log", xlabel="anomaly score (standard deviations²)", ylabel="rows")
    left.legend(frameon=False, loc="upper left")
    left.set_ylim(top=1.35 * left.get_ylim()[1])  # room for the legend
    row = int(np.argmax(scores))
    parts = verdicts.contributions(row, top=6)[::-1]
    bars = right.barh([part.feature for part in parts], [part.contribution for part in parts], color="#d1495b")
    right.bar_label(bars, [f"{part.actual:,.4g}, expected {part.expected:,.4g}" for part in parts], padding=4)
    right.margins(x=1.0)
    right.set(title=f"the strangest row: score {scores[row]:.1f}", xlabel="part of the score")
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    main()
