"""What the fitted networks say of each claim."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from scipy.stats import spearmanr, wilcoxon

from benchmarks.activations.plan import DEPTHS, RATES, RELU_OUTPUT, USUAL_RATE, Case
from training.comparison.trials import DEFAULT_ACTIVATIONS

Found = Mapping[Case, dict[str, Any]]
Chosen = Callable[[Case], bool]

_SIGNIFICANT: Final = 0.05
_OTHERS: Final = tuple(name for name in DEFAULT_ACTIVATIONS if name != "relu")


def page_of(found: Found) -> str:
    """Return all claims as Markdown: what is said, the verdict, the figures, and under which conditions."""
    claims = (
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
    return "\n".join(f"## {number}. {claim(found)}" for number, claim in enumerate(claims, start=1))


def _faster(found: Found) -> str:
    rows, ahead = [], []
    for depth in DEPTHS:
        cells = [str(depth)]
        for name in ("tanh", "sigmoid", "selu"):
            ratio, p, sets = _ratio(found, name, "relu", lambda case, depth=depth: _deep(case, depth), "error")
            reached = _reached(found, name, depth)
            cells += [f"{ratio:.2f}", _p(p), f"{reached:.0%}"]
            if name != "selu" and depth >= 4:
                ahead.append(ratio > 1)
        rows.append(cells)
    table = _table(
        [
            "layers",
            *(f"{name}: {what}" for name in ("tanh", "sigmoid", "selu") for what in ("error ÷ relu's", "p", "reached")),
        ],
        rows,
    )
    return (
        f"ReLU trains faster than sigmoid and tanh in deep networks: {_verdict(ahead)}\n\n"
        "After the same epochs: held-out error over that of relu, geometric mean over sets and seeds, p of Wilcoxon's test "
        f"over {sets} sets; and how often the lowest validation loss of relu with the same seed was reached at all.\n\n{table}"
    )


def _vanishing(found: Found) -> str:
    rows = []
    for name in DEFAULT_ACTIVATIONS:
        ratios = [
            _geometric(found, lambda case, d=depth, n=name: _deep(case, d) and case.activation == n, "gradient_ratio")
            for depth in DEPTHS
        ]
        rows.append([name, *(f"{ratio:.2g}" for ratio in ratios)])
    deepest = {row[0]: float(row[-1]) for row in rows}
    holds = [deepest["relu"] > 0.01, deepest["sigmoid"] < 0.01 * deepest["relu"]]
    return (
        f"ReLU avoids vanishing gradients: {_verdict(holds)}\n\n"
        "Norm of the gradient at the first layer over that at the output layer, at the first step, geometric mean over "
        f"sets and seeds, by number of hidden layers.\n\n{_table(['activation', *map(str, DEPTHS)], rows)}"
    )


def _dying(found: Found) -> str:
    shares = [
        _mean(found, lambda case, r=rate: _at(case, r) and case.activation == "relu", "dead_share") for rate in RATES
    ]
    rows = [["relu", *(f"{share:.1%}" for share in shares)]]
    rows += [
        [
            name,
            *(
                f"{_mean(found, lambda case, r=rate, n=name: _at(case, r) and case.activation == n, 'dead_share'):.1%}"
                for rate in RATES
            ),
        ]
        for name in _OTHERS
    ]
    holds = [shares[-1] > 0.1, all(np.diff(shares) > 0)]
    return (
        f"ReLU units die, more with higher learning rates: {_verdict(holds)}\n\n"
        "Share of hidden units that are zero on every validation row, mean over sets and seeds, by the largest step "
        f"size.\n\n{_table(['activation', *(f'{rate:g}' for rate in RATES)], rows)}"
    )


def _mended(found: Found) -> str:
    high = RATES[-1]
    dead = {
        name: _mean(found, lambda case, n=name: _at(case, high) and case.activation == n, "dead_share")
        for name in ("relu", "leaky_relu", "prelu")
    }
    rows = []
    for name in ("leaky_relu", "prelu"):
        for rate in RATES:
            ratio, p, _ = _ratio(found, name, "relu", lambda case, r=rate: _at(case, r), "error")
            rows.append([name, f"{rate:g}", f"{ratio:.2f}", _p(p)])
    return (
        f"Leaky ReLU and PReLU reduce dead units: {_verdict([dead['leaky_relu'] < 0.1 * dead['relu'], dead['prelu'] < 0.1 * dead['relu']])}\n\n"
        f"At the learning rate {high:g}, {dead['relu']:.1%} of the units of relu are dead, {dead['leaky_relu']:.1%} of "
        f"leaky_relu and {dead['prelu']:.1%} of prelu. What that does to the held-out error, over that of relu:\n\n"
        f"{_table(['activation', 'learning rate', 'error ÷ relu’s', 'p'], rows)}"
    )


def _slopes(found: Found) -> str:
    slopes = [
        slope
        for case, figures in found.items()
        if case.activation == "prelu"
        for slope in (figures.get("slopes") or {}).values()
    ]
    low, mean, high = (np.array(part) for part in zip(*slopes, strict=True))
    usual = [
        slope
        for case, figures in found.items()
        if case.activation == "prelu" and case.part == "usual"
        for slope in figures["slopes"].values()
    ]
    lowest, middle, highest = (np.array(part) for part in zip(*usual, strict=True))
    return (
        f"PReLU's slope may turn negative or positive: {_verdict([(low < 0).mean() > 0.5, (high > 0).mean() > 0.5])}\n\n"
        "It starts at 0. With the usual settings, over all sets, seeds and layers: the mean slope of a layer lies between "
        f"{middle.min():.2f} and {middle.max():.2f}; in {(lowest < 0).mean():.0%} of the layers some slope is negative, in "
        f"{(highest > 0).mean():.0%} some is positive; the extremes are {lowest.min():.2f} and {highest.max():.2f}.\n"
    )


def _smooth(found: Found) -> str:
    rows, better = [], []
    for label, chosen in (
        ("usual", lambda case: case.part == "usual"),
        *((f"{depth} layers", lambda case, d=depth: _deep(case, d)) for depth in DEPTHS),
        *(
            (f"noisy rows, {depth} layers", lambda case, d=depth: case.part == "noise" and case.depth == d)
            for depth in (1, 4)
        ),
    ):
        cells = [label]
        for name in ("elu", "selu"):
            ratio, p, _ = _ratio(found, name, "relu", chosen, "error")
            cost, _, _ = _ratio(found, name, "relu", chosen, "step_seconds")
            cells += [f"{ratio:.2f}", _p(p), f"{cost:.2f}"]
            better.append(ratio < 1 and p < _SIGNIFICANT)
        rows.append(cells)
    costs = [
        _ratio(found, name, "relu", lambda case: case.part == "usual", "step_seconds")[0] for name in ("elu", "selu")
    ]
    header = ["", *(f"{name}: {what}" for name in ("elu", "selu") for what in ("error ÷ relu's", "p", "step ÷ relu's"))]
    return (
        f"ELU and SELU cost more per step and can be better: {_verdict([min(costs) > 1.02, any(better)])}\n\n"
        f"Held-out error and time of a step over those of relu, geometric means.\n\n{_table(header, rows)}"
    )


def _selu(found: Found) -> str:
    he, p_he, sets = _ratio(found, "selu, He", "selu", lambda case: case.part == "selu" and not case.dropout, "error")
    usual, p_usual, _ = _ratio(
        found, "selu, usual dropout", "selu", lambda case: case.part == "selu" and case.dropout > 0, "error"
    )
    rows = [
        ["He's initialiser, not LeCun's", f"{he:.2f}", _p(p_he)],
        ["usual dropout (0.1), not alpha dropout", f"{usual:.2f}", _p(p_usual)],
    ]
    holds = [he > 1 and p_he < _SIGNIFICANT, usual > 1 and p_usual < _SIGNIFICANT]
    return (
        f"SELU needs its initialiser and alpha dropout: {_verdict(holds)}\n\n"
        f"Four hidden layers: held-out error over that of SELU as it should be, over {sets} sets.\n\n{_table(['SELU with', 'error ratio', 'p'], rows)}"
    )


def _output(found: Found) -> str:
    outputs = _by(found, lambda case: case.part == "output", "error")
    names = {
        place
        for _, *place in ((case.activation, case.set, case.seed) for case in found if case.part == "output")
        for place in [tuple(place)]
    }
    linear = _by(
        found,
        lambda case: case.part == "usual" and case.activation == "relu" and (case.set, case.seed) in names,
        "error",
    )
    ratios = [outputs[RELU_OUTPUT, place] / linear["relu", place] for _, place in outputs]
    return (
        f"ReLU does not belong in an output layer that predicts quantities: {_verdict([min(ratios) > 1])}\n\n"
        f"With a ReLU behind the output layer the held-out error is {np.exp(np.mean(np.log(ratios))):.1f} times as high "
        f"(geometric mean over {len(ratios)} fits, {min(ratios):.1f} to {max(ratios):.1f}): no value below a column's mean "
        "can be given back.\n"
    )


def _tuning(found: Found) -> str:
    sets = sorted({case.set for case in found if case.part == "rate"})
    changes, agreements, rows = [], [], []
    for name in sets:
        best = []
        errors = []
        for rate in RATES:
            means = {
                one: _mean(
                    found,
                    lambda case, s=name, r=rate, a=one: _at(case, r) and case.set == s and case.activation == a,
                    "error",
                )
                for one in DEFAULT_ACTIVATIONS
            }
            best.append(min(means, key=lambda one: means[one]))
            errors.append([means[one] for one in DEFAULT_ACTIVATIONS])
        rows.append([name, *best])
        changes.append(len(set(best)) > 1)
        usual = errors[RATES.index(USUAL_RATE)]
        agreements += [float(spearmanr(usual, other).statistic) for other in errors if other is not usual]
    return (
        f"Tuning the learning rate changes the ranking: {_verdict([np.mean(changes) > 0.5])}\n\n"
        f"The activation with the lowest held-out error, by learning rate. The rank correlation of the errors at "
        f"{USUAL_RATE:g} with those at another rate is {np.mean(agreements):.2f} on average.\n\n"
        f"{_table(['set', *(f'{rate:g}' for rate in RATES)], rows)}"
    )


def _anomalies(found: Found) -> str:
    usual: Chosen = lambda case: case.part == "usual"  # noqa: E731
    sets = sorted({case.set for case in found if usual(case)})
    rows = []
    for name in DEFAULT_ACTIVATIONS:
        one: Chosen = lambda case, n=name: usual(case) and case.activation == n  # noqa: E731
        ratio, p, _ = (1.0, 1.0, 0) if name == "relu" else _ratio(found, name, "relu", usual, "error")
        difference, p_auc = (0.0, 1.0) if name == "relu" else _difference(found, name, "roc_auc")
        rows.append(
            [
                name,
                f"{ratio:.2f}",
                _p(p) if name != "relu" else "–",
                f"{100 * _mean(found, one, 'roc_auc'):.1f}",
                f"{100 * difference:+.1f}",
                _p(p_auc) if name != "relu" else "–",
                f"{100 * _mean(found, one, 'average_precision'):.1f}",
                f"{_mean(found, one, 'zero_share'):.0%}",
            ]
        )
    agreements, gains = [], []
    for name in sets:
        errors, aucs = (
            [
                _mean(found, lambda case, s=name, a=one: usual(case) and case.set == s and case.activation == a, figure)
                for one in DEFAULT_ACTIVATIONS
            ]
            for figure in ("error", "roc_auc")
        )
        if np.ptp(aucs) > 0:
            agreements.append(float(spearmanr(errors, aucs).statistic))
        gains.append(aucs[int(np.argmin(errors))] - aucs[DEFAULT_ACTIVATIONS.index("relu")])
    header = ["activation", "error ÷ relu's", "p", "ROC AUC, %", "− relu's", "p", "average precision, %", "zeros"]
    return (
        "What this means for the anomalies that are found\n\n"
        f"{_table(header, rows)}\n"
        f"Over {len(sets)} sets, the rank correlation of held-out error and ROC AUC among the activations is "
        f"{np.mean(agreements):+.2f} on average (−1: a lower error always finds more). Taking on each set the activation with "
        f"the lowest error changes the mean ROC AUC by {100 * np.mean(gains):+.1f} points against relu everywhere "
        f"(p = {_p(_signed_rank(gains))}; better on {sum(gain > 0 for gain in gains)}, worse on {sum(gain < 0 for gain in gains)}).\n"
    )


def _deep(case: Case, depth: int) -> bool:
    return case.part == "depth" and case.depth == depth


def _at(case: Case, rate: float) -> bool:
    return case.part == "rate" and case.learning_rate == rate


def _by(found: Found, chosen: Chosen, figure: str) -> dict[tuple[str, tuple[str, int]], float]:
    """Return a figure by activation, and set and seed; fits that failed are left out."""
    return {
        (case.activation, (case.set, case.seed)): figures[figure]
        for case, figures in found.items()
        if chosen(case) and figures.get(figure) is not None
    }


def _ratio(found: Found, name: str, reference: str, chosen: Chosen, figure: str) -> tuple[float, float, int]:
    """Return the geometric mean of the ratio of two activations' figures, p over the sets, and the number of sets."""
    figures = _by(found, chosen, figure)
    logs: dict[str, list[float]] = {}
    for (activation, (where, seed)), value in figures.items():
        if activation == name and (reference, (where, seed)) in figures:
            logs.setdefault(where, []).append(float(np.log(value / figures[reference, (where, seed)])))
    means = [float(np.mean(values)) for values in logs.values()]
    return float(np.exp(np.mean(means))), _signed_rank(means), len(means)


def _difference(found: Found, name: str, figure: str) -> tuple[float, float]:
    """Return how far an activation's figure is above that of relu, the mean over the sets, and p."""
    figures = _by(found, lambda case: case.part == "usual", figure)
    apart: dict[str, list[float]] = {}
    for (activation, place), value in figures.items():
        if activation == name:
            apart.setdefault(place[0], []).append(value - figures["relu", place])
    means = [float(np.mean(values)) for values in apart.values()]
    return float(np.mean(means)), _signed_rank(means)


def _signed_rank(differences: Sequence[float]) -> float:
    return float(wilcoxon(differences).pvalue) if np.any(differences) else 1.0


def _mean(found: Found, chosen: Chosen, figure: str) -> float:
    return float(np.mean(_values(found, chosen, figure)))


def _geometric(found: Found, chosen: Chosen, figure: str) -> float:
    return float(np.exp(np.mean(np.log(np.maximum(_values(found, chosen, figure), 1e-30)))))


def _values(found: Found, chosen: Chosen, figure: str) -> list[float]:
    return list(_by(found, chosen, figure).values()) or [np.nan]


def _reached(found: Found, name: str, depth: int) -> float:
    """Return how often an activation had a validation loss as low as the lowest of relu with the same seed."""
    losses = _by(found, lambda case: _deep(case, depth), "best_loss")
    pairs = [(value, losses["relu", place]) for (activation, place), value in losses.items() if activation == name]
    return float(np.mean([value <= level for value, level in pairs]))


def _verdict(holds: Iterable[Any]) -> str:
    """Return one word for what holds of a claim's parts."""
    parts = [bool(part) for part in holds]
    return "**true here**" if all(parts) else "**true in part**" if any(parts) else "**not true here**"


def _p(p: float) -> str:
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
