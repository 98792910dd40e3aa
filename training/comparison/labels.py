"""What labels say of a recommendation that was made without them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.comparison.summary import Summary

_SIGNIFICANT = 0.05


def labels_said(summaries: Sequence[Summary], activation: str) -> str:
    """Say whether another activation finds more anomalies than the recommended one, by ROC AUC on untouched rows.

    Args:
        summaries: One for each activation.
        activation: The recommended one.

    Returns:
        A sentence; empty without labels.
    """
    found = {
        summary.activation: {one.trial.seed: one.roc_auc for one in summary.outcomes if one.roc_auc is not None}
        for summary in summaries
    }
    own = found[activation]
    if not own:
        return ""
    from scipy.stats import ttest_1samp  # half a second, and the program may only be asked for its help

    best = max(found, key=lambda name: float(np.mean(list(found[name].values()))) if found[name] else -1.0)
    gains = np.array([found[best][seed] - own[seed] for seed in own if seed in found[best]])
    p = 1.0 if len(gains) < 2 or not gains.any() else float(ttest_1samp(gains, 0.0).pvalue)
    if best == activation or not p < _SIGNIFICANT:
        return f"By the labels, too, no other is surely better: ROC AUC {np.mean(list(own.values())):.3f}."
    return (
        f"By the labels {best} finds more: ROC AUC {np.mean(list(found[best].values())):.3f}, with {activation} "
        f"{np.mean(list(own.values())):.3f} (p = {p:.2g}). "
        f"Labels do not change the recommendation, which is by the error; to follow them: --activation {best}."
    )
