"""A picture of why a row has its score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.detector import Verdicts
from training.estimator.errors import MissingPackageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_contributions(verdicts: Verdicts, *, top: int, ax: Axes | None) -> Axes:
    """Draw a bar for each of the `top` columns that add most to the score of one row.

    Raises:
        MissingPackageError: Matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise MissingPackageError(
            "plot_explanation draws with Matplotlib, which is not installed: pip install matplotlib. explain gives the "
            "same as a table."
        ) from error
    contributions = verdicts.contributions(0, top=top)[::-1]
    axes = plt.subplots(figsize=(7, 1 + 0.4 * len(contributions)), layout="constrained")[1] if ax is None else ax
    labels = [f"{c.feature}\n{verdicts.writer.text(c)}" for c in contributions]
    axes.barh(range(len(labels)), [c.contribution for c in contributions])
    axes.set_yticks(range(len(labels)), labels, parse_math=False)
    axes.set_xlabel("contribution to the anomaly score")
    score, threshold = float(verdicts.anomaly_score[0]), float(verdicts.threshold[0])
    side = "anomaly: above" if verdicts.is_anomaly[0] else "no anomaly: not above"
    axes.set_title(f"score {score:.4g}, {side} the threshold of {threshold:.4g}")
    return axes
