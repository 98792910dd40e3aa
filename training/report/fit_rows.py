"""The rows of a fit's report: how scores are distributed, the strangest rows, what columns add, and where rows lie."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.calibration import Calibration
from models.detector import Detector
from models.schema.cells import Cell as Value
from training.report.judged import JudgedRows
from training.report.kit.heat_map import heat_map
from training.report.kit.marks import cloud_plot, pair_plot, score_histogram
from training.report.kit.parts import Grid, Plot, Plots, Section, Text
from training.report.kit.words import shortened

_WORST: Final = 10  # rows
_REASONS: Final = 3  # columns of each
_SHARED: Final = 12  # columns of the picture of the worst rows
_COLUMNS: Final = 20  # of the picture of columns
_POINTS: Final = 1500
_P_VALUES: Final = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001)


def scores_section(calibration: Calibration, rows: JudgedRows) -> Section:
    """Return how the scores of held-out rows are distributed, and where the threshold lies."""
    scores, threshold = calibration.scores, calibration.threshold
    above = int((scores > threshold).sum())
    plots = [
        Plot(
            title=f"{len(scores):,} calibration rows. The axis on top has the p-value of each score.",
            alt=(
                f"Histogram of the scores of {len(scores):,} calibration rows: median {np.median(scores):.3g}, highest "
                f"{scores[-1]:.3g}; {above:,} lie above the threshold of {threshold:.4g}."
            ),
            svg=score_histogram(
                [("calibration rows", scores)], threshold=threshold, p_values=_scores_of_p_values(scores)
            ),
        )
    ]
    if rows.is_anomaly is None:
        flagged = rows.verdicts.is_anomaly
        plots.append(
            Plot(
                title=f"{len(flagged):,} {rows.called}, flagged or not.",
                alt=f"Histogram of the scores of {len(flagged):,} {rows.called}: {int(flagged.sum()):,} are flagged; "
                f"the highest is {rows.scores.max():.3g}.",
                svg=score_histogram([(rows.called, rows.scores)], threshold=threshold),
            )
        )
    else:
        normal, anomalies = rows.scores[~rows.is_anomaly], rows.scores[rows.is_anomaly]
        plots.append(
            Plot(
                title=f"{len(rows.scores):,} {rows.called} by label.",
                alt=f"Histogram of the scores of {rows.called} by label: {_of_kind('normal rows', normal, threshold)}; "
                f"{_of_kind('anomalies', anomalies, threshold)}.",
                svg=score_histogram([("normal rows", normal), ("anomalies", anomalies)], threshold=threshold),
            )
        )
    note = "A row is flagged where its score lies to the right of the dashed line."
    if calibration.by_segment:
        note += " Thresholds go by segment; the one that is drawn is for rows without one."
    return Section(
        anchor="scores", title="Scores", parts=[Plots(title="How they are distributed", plots=plots, note=note)]
    )


def _of_kind(name: str, scores: NDArray[np.float64], threshold: float) -> str:
    if not len(scores):
        return f"no {name}"
    return f"{len(scores):,} {name}, median {np.median(scores):.3g}, {(scores > threshold).mean():.1%} of them flagged"


def _scores_of_p_values(scores: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Return the lowest score whose p-value is at most each of some, as far as the rows are enough for it."""
    n = len(scores)
    found = [(p, int(np.floor(p * (n + 1) + 1e-9))) for p in _P_VALUES]
    return [(float(scores[n - rank]), p) for p, rank in found if rank >= 1 and scores[n - rank] > 0]


def worst_rows_section(rows: JudgedRows) -> Section:
    """Return the rows with the highest scores, and why they have them."""
    worst = rows.worst(_WORST)
    names = [f"row\N{NO-BREAK SPACE}{rows.numbers[place]:,}" for place in worst]
    said = f"The {len(worst)} {rows.called} with the highest scores, numbered as in their table, from 1."
    labels = [] if rows.is_anomaly is None else ["label"]
    grid = Grid(
        title="Rows and reasons",
        header=("row", *rows.ids, "score", "p-value", "flagged", *labels, *_ORDINALS[:_REASONS]),
        rows=[
            (
                name,
                *(str(values[place]) for values in rows.ids.values()),
                f"{rows.scores[place]:.4g}",
                f"{rows.verdicts.p_value[place]:.2g}",
                "yes" if rows.verdicts.is_anomaly[place] else "no",
                *([] if rows.is_anomaly is None else ["anomaly" if rows.is_anomaly[place] else "normal"]),
                *_reasons(rows, place),
            )
            for name, place in zip(names, worst, strict=True)
        ],
        note="Behind each column: its share of the score, the row’s value, and what the network expected instead.",
        prose=True,
    )
    return Section(
        anchor="rows", title="The strangest rows", parts=[Text(text=said), grid, _shares_plot(rows, worst, names)]
    )


_ORDINALS: Final = ("first reason", "second reason", "third reason")


def _reasons(rows: JudgedRows, place: int) -> list[str]:
    parts = rows.verdicts.contributions(place, top=_REASONS)
    score = rows.scores[place]
    told = [
        f"{shortened(part.feature)} ({part.contribution / score if score else 0:.0%}): {_value(part.actual)}, expected "
        f"{_value(part.expected)}"
        for part in parts
    ]
    return told + [""] * (_REASONS - len(told))


def _value(value: Value) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.4g}" if isinstance(value, float) else shortened(str(value))


def _shares_plot(rows: JudgedRows, worst: list[int], names: list[str]) -> Plot:
    errors = np.maximum(rows.verdicts.scores.column_errors[worst], 0.0)
    shares = errors / np.maximum(errors.sum(axis=1, keepdims=True), 1e-300)
    order = np.argsort(-shares.sum(axis=0), kind="stable")[:_SHARED]
    features = [encoder.name for encoder in rows.verdicts.preprocessor.encodings]
    told = [
        f"{name} {shares[number].max():.0%} from {features[int(shares[number].argmax())]}"
        for number, name in enumerate(names)
    ]
    most = features[int(order[0])]
    return Plot(
        title="Share of each row’s score that a column adds"
        + (f"; the {_SHARED} columns that add most." if len(features) > _SHARED else "."),
        alt=f"Heat map of what columns add to the scores of the strangest rows; {most} adds most. Largest shares: "
        f"{', '.join(told)}.",
        svg=heat_map(
            shares[:, order], names, xlabel="", columns=[shortened(features[place]) for place in order.tolist()]
        ),
    )


def columns_section(rows: JudgedRows) -> Section:
    """Return what each column adds to the scores, of rows that are flagged and of the others."""
    errors, flagged = rows.verdicts.scores.column_errors, rows.verdicts.is_anomaly
    features = [encoder.name for encoder in rows.verdicts.preprocessor.encodings]
    usual = errors[~flagged].mean(axis=0) if not flagged.all() else np.zeros(len(features))
    strange = errors[flagged].mean(axis=0) if flagged.any() else None
    rank = usual if strange is None else np.maximum(usual / max(usual.sum(), 1e-300), strange / strange.sum())
    order = np.argsort(-rank, kind="stable").tolist()
    shown = order[:_COLUMNS]
    hardest = features[int(usual.argmax())]
    said = f"of rows that are not flagged, {hardest} adds most, {usual.max():.2g}"
    if strange is not None:
        said += f"; of flagged rows, {features[int(strange.argmax())]} does, {strange.max():.2g}"
    spread = np.quantile(errors, [0.5, 0.99], axis=0)
    return Section(
        anchor="columns",
        title="Error by column",
        parts=[
            Text(
                text="The score is a sum over the columns. What a column adds is how far its value is from the one "
                "that the network expected: of a single network the squared distance in standard deviations, divided "
                "by the number of columns; of several networks what they say of it together, and how rare the value is "
                "by itself."
            ),
            Plot(
                title=f"Mean part of each column in the score of {rows.called}"
                + (f"; {len(shown)} of {len(features)} columns." if len(features) > len(shown) else "."),
                alt=f"Mean error by column: {said}.",
                svg=pair_plot(
                    [shortened(features[place]) for place in shown],
                    usual[shown].tolist(),
                    None if strange is None else strange[shown].tolist(),
                    labels=("not flagged", "flagged"),
                    xlabel="part of the score (logarithmic)",
                ),
            ),
            Grid(
                title="Every column",
                header=("column", "mean, not flagged", "mean, flagged", "median of all", "99th percentile of all"),
                rows=[
                    (
                        features[place],
                        f"{usual[place]:.3g}",
                        "–" if strange is None else f"{strange[place]:.3g}",
                        f"{spread[0, place]:.3g}",
                        f"{spread[1, place]:.3g}",
                    )
                    for place in order
                ],
                folded=True,
            ),
        ],
    )


def embedding_section(detector: Detector, rows: JudgedRows) -> Section:
    """Return where rows lie in the two directions of the bottleneck in which they differ most.

    Args:
        detector: As it was judged.
        rows: The rows.
    """
    chosen = _some(rows)
    embedding = detector.embed({name: values[chosen] for name, values in rows.verdicts.columns.items()})
    points, shares = _principal(embedding.astype(np.float64))
    p, flagged = rows.verdicts.p_value[chosen], rows.verdicts.is_anomaly[chosen]
    groups = [
        ("p above 0.5", ~flagged & (p > 0.5)),
        ("p above 0.1", ~flagged & (p > 0.1) & (p <= 0.5)),
        ("p at most 0.1", ~flagged & (p <= 0.1)),
        ("flagged", flagged),
    ]
    axes = [f"direction {number} ({share:.0%} of the variance)" for number, share in enumerate(shares, 1)]
    said = f"The two directions hold {sum(shares):.0%} of the variance of {embedding.shape[1]} units"
    plots = [
        Plot(
            title="By score: the larger the point and the stronger its colour, the stranger the row.",
            alt=f"Plane of the bottleneck by score. {said}. {_apart(points, flagged, 'flagged rows')}",
            svg=cloud_plot(points, groups, xlabel=axes[0], ylabel=axes[1]),
        )
    ]
    if rows.is_anomaly is not None:
        labels = rows.is_anomaly[chosen]
        plots.append(
            Plot(
                title="By label.",
                alt=f"Plane of the bottleneck by label. {said}. {_apart(points, labels, 'anomalies')}",
                svg=cloud_plot(
                    points, [("normal rows", ~labels), ("anomalies", labels)], xlabel=axes[0], ylabel=axes[1]
                ),
            )
        )
    some = "" if len(chosen) == len(rows.scores) else f" {len(chosen):,} of {len(rows.scores):,} rows are drawn."
    return Section(
        anchor="embedding",
        title="The bottleneck in two dimensions",
        parts=[
            Plots(
                title="Principal components of the embedding",
                plots=plots,
                note="Each point is a row as the bottleneck sees it; of several networks, as the first one does. The "
                f"axes are the two directions in which the rows differ most.{some}",
            )
        ],
    )


def _some(rows: JudgedRows) -> NDArray[np.intp]:
    """Return the places of so many rows as can be drawn: the strangest third, and others at even distances."""
    if len(rows.scores) <= _POINTS:
        return np.arange(len(rows.scores))
    strange = np.argsort(-rows.scores, kind="stable")[: _POINTS // 3]
    others = np.setdiff1d(np.arange(len(rows.scores)), strange)
    even = others[np.linspace(0, len(others) - 1, _POINTS - len(strange)).round().astype(np.intp)]
    return np.sort(np.concatenate([strange, even]))


def _principal(embedding: NDArray[np.float64]) -> tuple[NDArray[np.float64], list[float]]:
    """Return the first two principal components `(n, 2)`, and the share of the variance of each."""
    centred = embedding - embedding.mean(axis=0)
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    points = np.zeros((len(embedding), 2))
    kept = min(2, len(directions))
    points[:, :kept] = centred @ directions[:kept].T
    variance = lengths**2
    shares = [float(one / max(variance.sum(), 1e-300)) for one in variance[:2]]
    return points, shares + [0.0] * (2 - len(shares))


def _apart(points: NDArray[np.float64], rows: NDArray[np.bool_], called: str) -> str:
    """Say how far some rows lie from the middle, compared with the others."""
    if not rows.any() or rows.all():
        return f"{'All rows are' if rows.any() else 'There are no'} {called}."
    far = np.linalg.norm(points - np.median(points[~rows], axis=0), axis=1)
    ratio = float(np.median(far[rows]) / max(np.median(far[~rows]), 1e-300))
    return f"The {int(rows.sum()):,} {called} lie {ratio:.1f} times as far from the middle as the others (medians)."
