"""The claims: whether each holds by a fixed rule, the figures, and the conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from benchmarks.activations.figures import Frame, gap, geometric, p_text, ratio, table
from benchmarks.activations.plan import DEPTHS, RATES, RELU_OUTPUT, USUAL_RATE
from training.comparison.trials import DEFAULT_ACTIVATIONS

_SIGNIFICANT: Final = 0.05


_INTRODUCTION: Final = """\
# What is said of activations

Each claim put to the test over labelled sets; `python -m benchmarks.activations --data DIR --seeds {seeds}` makes this
page. A network is that of `--preset fast --fit-on normal`, which learns from all its rows; it is tested on the rows
that were held out and all anomalies, so its figures are not those of [the page on
quality](../../docs/reference/quality.md), where `fast` is told nothing. The rows "usual" and the last claim are
over all {sets} sets, everything else is over {some}. Geometric means, p of Wilcoxon's test over the sets; over six sets
it cannot be below 0.03. Times are of fits side by side, so they are rough: [what activations
cost](../../docs/activations/index.md) is measured apart.
"""


def page_of(found: Frame) -> str:
    """Return all claims as Markdown.

    Args:
        found: A row for each network: the fields of its case, and its figures.
    """
    claims = (f"## {number}. {claim(found)}" for number, claim in enumerate(CLAIMS, start=1))
    numbers = {
        "seeds": found.seed.nunique(),
        "sets": found["set"].nunique(),
        "some": found[found.part == "rate"]["set"].nunique(),
    }
    return "\n".join([_INTRODUCTION.format(**numbers), *claims])


def _faster(found: Frame) -> str:
    rows, ahead = [], []
    names = ("tanh", "sigmoid", "selu")
    for depth in DEPTHS:
        part = found[(found.part == "depth") & (found.depth == depth)]
        cells = [str(depth)]
        for name in names:
            against = ratio(part, name, "relu", "error")
            reached = ratio(part, name, "relu", "best_loss").pairs <= 0
            cells += [f"{against.mean:.2f}", p_text(against.p), f"{reached.mean():.0%}"]
            if name != "selu" and depth >= 4:
                ahead.append(against.mean > 1)
        rows.append(cells)
    header = ["layers", *(f"{name}: {what}" for name in names for what in ("error ÷ relu's", "p", "reached"))]
    return _claim(
        "ReLU trains faster than sigmoid and tanh in deep networks",
        ahead,
        "After the same epochs: held-out error over that of relu, and how often the lowest validation loss of relu "
        "with the same seed was reached at all.",
        table(header, rows),
    )


def _vanishing(found: Frame) -> str:
    part = found[found.part == "depth"]
    ratios = {
        (name, depth): geometric(part[(part.activation == name) & (part.depth == depth)].gradient_ratio)
        for name in DEFAULT_ACTIVATIONS
        for depth in DEPTHS
    }
    deepest = DEPTHS[-1]
    holds = [ratios["relu", deepest] > 0.01, ratios["sigmoid", deepest] < 0.01 * ratios["relu", deepest]]
    rows = [[name, *(f"{ratios[name, depth]:.2g}" for depth in DEPTHS)] for name in DEFAULT_ACTIVATIONS]
    return _claim(
        "ReLU avoids vanishing gradients",
        holds,
        "Norm of the gradient at the first layer over that at the output layer, at the first step, by number of hidden "
        "layers.",
        table(["activation", *map(str, DEPTHS)], rows),
    )


def _dying(found: Frame) -> str:
    shares = found[found.part == "rate"].pivot_table("dead_share", "activation", "learning_rate")
    of_relu = shares.loc["relu"].to_numpy()
    rows = [[name, *(f"{shares[rate][name]:.1%}" for rate in RATES)] for name in DEFAULT_ACTIVATIONS]
    return _claim(
        "ReLU units die, more with higher learning rates",
        [of_relu[-1] > 0.1, bool((np.diff(of_relu) > 0).all())],
        "Share of hidden units that are zero on every validation row, by the largest step size.",
        table(["activation", *(f"{rate:g}" for rate in RATES)], rows),
    )


def _mended(found: Frame) -> str:
    part = found[found.part == "rate"]
    dead = part[part.learning_rate == RATES[-1]].groupby("activation").dead_share.mean()
    rows = []
    for name in ("leaky_relu", "prelu"):
        for rate in RATES:
            against = ratio(part[part.learning_rate == rate], name, "relu", "error")
            rows.append([name, f"{rate:g}", f"{against.mean:.2f}", p_text(against.p)])
    return _claim(
        "Leaky ReLU and PReLU reduce dead units",
        [dead[name] < 0.1 * dead["relu"] for name in ("leaky_relu", "prelu")],
        f"At the learning rate {RATES[-1]:g}, {dead['relu']:.1%} of the units of relu are dead, "
        f"{dead['leaky_relu']:.1%} of leaky_relu and {dead['prelu']:.1%} of prelu. What that does to the "
        "held-out error:",
        table(["activation", "learning rate", "error ÷ relu's", "p"], rows),
    )


def _slopes(found: Frame) -> str:
    usual = found[(found.part == "usual") & (found.activation == "prelu")]
    low, mean, high = np.array([slope for slopes in usual.slopes for slope in slopes.values()]).T
    return _claim(
        "PReLU's slope may turn negative or positive",
        [(low < 0).mean() > 0.5, (high > 0).mean() > 0.5],
        f"It starts at 0 and is learned for each unit. Over all sets, seeds and layers the mean slope of a layer lies "
        f"between {mean.min():.2f} and {mean.max():.2f}; in {(low < 0).mean():.0%} of the layers some slope is "
        f"negative, in {(high > 0).mean():.0%} some is positive; the extremes are {low.min():.2f} and "
        f"{high.max():.2f}.",
    )


def _smooth(found: Frame) -> str:
    parts = {
        "usual": found[found.part == "usual"],
        **{_layers(depth): found[(found.part == "depth") & (found.depth == depth)] for depth in DEPTHS},
        **{
            f"noisy rows, {_layers(depth)}": found[(found.part == "noise") & (found.depth == depth)] for depth in (1, 4)
        },
    }
    rows, better, dearer = [], [], []
    for label, part in parts.items():
        cells = [label]
        for name in ("elu", "selu"):
            error, step = (ratio(part, name, "relu", figure) for figure in ("error", "step_seconds"))
            cells += [f"{error.mean:.2f}", p_text(error.p), f"{step.mean:.2f}"]
            better.append(error.mean < 1 and error.p < _SIGNIFICANT)
            dearer.append(step.mean)
        rows.append(cells)
    header = ["", *(f"{name}: {what}" for name in ("elu", "selu") for what in ("error ÷ relu's", "p", "step ÷ relu's"))]
    return _claim(
        "ELU and SELU cost more per step and can be better, in deep networks or with noisy data",
        [float(np.mean(dearer)) > 1.02, any(better)],
        "Held-out error and time of a step over those of relu.",
        table(header, rows),
    )


def _selu(found: Frame) -> str:
    part = found[found.part == "selu"]
    he = ratio(part[part.dropout == 0], "selu, He", "selu", "error")
    usual = ratio(part[part.dropout > 0], "selu, usual dropout", "selu", "error")
    rows = [
        ["He's initialiser, not LeCun's", f"{he.mean:.2f}", p_text(he.p)],
        ["usual dropout (0.1), not alpha dropout", f"{usual.mean:.2f}", p_text(usual.p)],
    ]
    return _claim(
        "SELU needs its initialiser and alpha dropout",
        [item.mean > 1 and item.p < _SIGNIFICANT for item in (he, usual)],
        "Four hidden layers: held-out error over that of SELU with what belongs to it.",
        table(["SELU with", "error ratio", "p"], rows),
    )


def _output(found: Frame) -> str:
    part = found[(found.part == "output") | ((found.part == "usual") & (found.activation == "relu"))]
    ratios = np.exp(ratio(part, RELU_OUTPUT, "relu", "error").pairs)
    return _claim(
        "ReLU does not belong in an output layer that predicts quantities",
        [ratios.min() > 1],
        f"With a ReLU behind the output layer the held-out error is {geometric(ratios):.1f} times as high (over "
        f"{len(ratios)} fits, {ratios.min():.1f} to {ratios.max():.1f} times): no value below a column's mean can be "
        "given back.",
    )


def _tuning(found: Frame) -> str:
    part = found[found.part == "rate"]
    errors = part.pivot_table("error", ["set", "learning_rate"], "activation")[list(DEFAULT_ACTIVATIONS)]
    best = errors.idxmin(axis=1).unstack()[list(RATES)]
    agreements = [
        spearmanr(errors.loc[name, USUAL_RATE], errors.loc[name, rate]).statistic
        for name in best.index
        for rate in RATES
        if rate != USUAL_RATE
    ]
    return _claim(
        "Tuning the learning rate changes the ranking",
        [float((best.nunique(axis=1) > 1).mean()) > 0.5],
        f"The activation with the lowest held-out error, by learning rate. The rank correlation of the errors at "
        f"{USUAL_RATE:g} with those at another rate is {np.mean(agreements):.2f} on average.",
        table(["set", *(f"{rate:g}" for rate in RATES)], [[name, *best.loc[name]] for name in best.index]),
    )


def _anomalies(found: Frame) -> str:
    part = found[found.part == "usual"]
    means = part.groupby("activation")[["roc_auc", "average_precision", "zero_share"]].mean()
    rows = []
    for name in DEFAULT_ACTIVATIONS:
        against = ["1.00", "–", "–", "–"]
        if name != "relu":
            error, apart = ratio(part, name, "relu", "error"), gap(part, name, "relu", "roc_auc")
            against = [f"{error.mean:.2f}", p_text(error.p), f"{100 * apart.mean:+.1f}", p_text(apart.p)]
        roc_auc, precision, zeros = (float(means[figure][name]) for figure in means.columns)
        rows.append(
            [name, *against[:2], f"{100 * roc_auc:.1f}", *against[2:], f"{100 * precision:.1f}", f"{zeros:.0%}"]
        )
    header = ["activation", "error ÷ relu's", "p", "ROC AUC, %", "− relu's", "p", "average precision, %", "zeros"]
    errors, aucs = (
        part.pivot_table(figure, "set", "activation")[list(DEFAULT_ACTIVATIONS)] for figure in ("error", "roc_auc")
    )
    agreements = [spearmanr(errors.loc[name], aucs.loc[name]).statistic for name in errors.index]
    taken = pd.Series({name: aucs.loc[name, errors.loc[name].idxmin()] for name in errors.index})
    gains = taken - aucs["relu"]
    return (
        "What that means for the anomalies that are found\n\n"
        f"{table(header, rows)}\n"
        f"Over {len(errors)} sets, the rank correlation of held-out error and ROC AUC among the activations is "
        f"{np.nanmean(agreements):+.2f} on average (−1: a lower error always finds more). To take on each set the "
        f"activation with the lowest error changes the mean ROC AUC by {100 * gains.mean():+.1f} points against relu "
        f"everywhere: better on {(gains > 0).sum()} sets, worse on {(gains < 0).sum()}.\n"
    )


CLAIMS: Final[tuple[Callable[[Frame], str], ...]] = (
    _faster,
    _vanishing,
    _dying,
    _mended,
    _slopes,
    _smooth,
    _selu,
    _output,
    _tuning,
    _anomalies,
)


def _layers(depth: int) -> str:
    return f"{depth} layer{'s' * (depth > 1)}"


def _claim(said: str, holds: Iterable[object], how: str, shown: str = "") -> str:
    """Return a claim with its result: whether all, some or none of its parts hold."""
    parts = [bool(part) for part in holds]
    verdict = "true here" if all(parts) else "true in part" if any(parts) else "not true here"
    return f"{said}: {verdict}\n\n{how}\n\n{shown}"
