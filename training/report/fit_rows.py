"""Sections on rows: distribution of scores, rows with the highest scores, error by column, embedding."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.calibration import Calibration
from models.detector import Detector
from models.schema.cells import Cell as Value
from training.report.kit.formatting import shortened
from training.report.kit.page import Grid, Plot, Plots, Section, Text
from training.report.kit.shapes import cloud_plot, heat_map, pair_plot, score_histogram
from training.report.scored_rows import ScoredRows

_ROWS: Final = 10  # with the highest scores
_ORDINALS: Final = ("first reason", "second reason", "third reason")
_HEAT_MAP_COLUMNS: Final = 12
_PLOTTED_COLUMNS: Final = 20
_POINTS: Final = 1500
_P_VALUES: Final = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001)


def scores_section(calibration: Calibration, rows: ScoredRows) -> Section:
    """Return the distribution of the scores of held-out rows, with the threshold."""
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
                title=f"{len(flagged):,} {rows.name}, flagged or not.",
                alt=f"Histogram of the scores of {len(flagged):,} {rows.name}: {int(flagged.sum()):,} are flagged; "
                f"the highest is {rows.scores.max():.3g}.",
                svg=score_histogram([(rows.name, rows.scores)], threshold=threshold),
            )
        )
    else:
        normal, anomalies = rows.scores[~rows.is_anomaly], rows.scores[rows.is_anomaly]
        plots.append(
            Plot(
                title=f"{len(rows.scores):,} {rows.name} by label.",
                alt=f"Histogram of the scores of {rows.name} by label: "
                f"{_summary_of('normal rows', normal, threshold)}; {_summary_of('anomalies', anomalies, threshold)}.",
                svg=score_histogram([("normal rows", normal), ("anomalies", anomalies)], threshold=threshold),
            )
        )
    note = "A row is flagged if its score lies to the right of the dashed line."
    if calibration.by_segment:
        note += " Each segment has its own threshold; the line is that of rows without a segment."
    return Section(anchor="scores", title="Scores", parts=[Plots(title="Distribution", plots=plots, note=note)])


def _summary_of(name: str, scores: NDArray[np.float64], threshold: float) -> str:
    if not len(scores):
        return f"no {name}"
    return f"{len(scores):,} {name}, median {np.median(scores):.3g}, {(scores > threshold).mean():.1%} of them flagged"


def _scores_of_p_values(scores: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Return the lowest scores with p-values of at most each of `_P_VALUES`, as far as there are enough rows."""
    n = len(scores)
    ranks = [(p, int(np.floor(p * (n + 1) + 1e-9))) for p in _P_VALUES]
    return [(float(scores[n - rank]), p) for p, rank in ranks if rank >= 1 and scores[n - rank] > 0]


def highest_rows_section(rows: ScoredRows) -> Section:
    """Return the rows with the highest scores, and the columns that contribute most."""
    highest = rows.highest(_ROWS)
    names = [f"row\N{NO-BREAK SPACE}{rows.numbers[i]:,}" for i in highest]
    explanation = f"The {len(highest)} {rows.name} with the highest scores, numbered as in their table, from 1."
    labels = [] if rows.is_anomaly is None else ["label"]
    grid = Grid(
        title="Rows and reasons",
        header=("row", *rows.ids, "score", "p-value", "flagged", *labels, *_ORDINALS),
        rows=[
            (
                name,
                *(str(values[i]) for values in rows.ids.values()),
                f"{rows.scores[i]:.4g}",
                f"{rows.verdicts.p_value[i]:.2g}",
                "yes" if rows.verdicts.is_anomaly[i] else "no",
                *([] if rows.is_anomaly is None else ["anomaly" if rows.is_anomaly[i] else "normal"]),
                *_reasons(rows, i),
            )
            for name, i in zip(names, highest, strict=True)
        ],
        note="After each column: its share of the score, the row’s value, and the value that the network expected.",
        prose=True,
    )
    return Section(
        anchor="rows",
        title="Rows with the highest scores",
        parts=[Text(text=explanation), grid, _shares_plot(rows, highest, names)],
    )


def _reasons(rows: ScoredRows, i: int) -> list[str]:
    score = rows.scores[i]
    reasons = [
        f"{shortened(reason.feature)} ({reason.contribution / score if score else 0:.0%}): {_value(reason.actual)}, "
        f"expected {_value(reason.expected)}"
        for reason in rows.verdicts.contributions(i, top=len(_ORDINALS))
    ]
    return reasons + [""] * (len(_ORDINALS) - len(reasons))


def _value(value: Value) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.4g}" if isinstance(value, float) else shortened(str(value))


def _shares_plot(rows: ScoredRows, highest: list[int], names: list[str]) -> Plot:
    errors = np.maximum(rows.verdicts.scores.column_errors[highest], 0.0)
    shares = errors / np.maximum(errors.sum(axis=1, keepdims=True), 1e-300)
    order = np.argsort(-shares.sum(axis=0), kind="stable")[:_HEAT_MAP_COLUMNS]
    features = [encoder.name for encoder in rows.verdicts.preprocessor.encodings]
    largest = [
        f"{name} {share.max():.0%} from {features[int(share.argmax())]}"
        for name, share in zip(names, shares, strict=True)
    ]
    most = features[int(order[0])]
    return Plot(
        title="Share of each column in the score of a row"
        + (f"; the {_HEAT_MAP_COLUMNS} columns with the largest shares." if len(features) > _HEAT_MAP_COLUMNS else "."),
        alt=f"Heat map of the shares of columns in the highest scores; {most} adds most. Largest shares: "
        f"{', '.join(largest)}.",
        svg=heat_map(shares[:, order], names, xlabel="", columns=[shortened(features[i]) for i in order.tolist()]),
    )


def columns_section(rows: ScoredRows) -> Section:
    """Return the error of each column, of flagged rows and of the others."""
    errors, flagged = rows.verdicts.scores.column_errors, rows.verdicts.is_anomaly
    names = [encoder.name for encoder in rows.verdicts.preprocessor.encodings]
    usual = errors[~flagged].mean(axis=0) if not flagged.all() else np.zeros(len(names))
    unusual = errors[flagged].mean(axis=0) if flagged.any() else None
    rank = usual if unusual is None else np.maximum(usual / max(usual.sum(), 1e-300), unusual / unusual.sum())
    order = np.argsort(-rank, kind="stable").tolist()
    median, high = np.quantile(errors, [0.5, 0.99], axis=0)
    figures = [usual, unusual, median, high]
    grid = Grid(
        title="Every column",
        header=("column", "mean, not flagged", "mean, flagged", "median of all", "99th percentile of all"),
        rows=[(names[i], *("–" if each is None else f"{each[i]:.3g}" for each in figures)) for i in order],
        folded=True,
    )
    explanation = Text(
        text="The score is a sum over the columns. A column adds more the further its value is from the expected one: "
        "with a single network the squared distance in standard deviations, divided by the number of columns; with "
        "several networks a combination of their scores, and of how rare the value is by itself."
    )
    plot = _columns_plot(names, usual, unusual, drawn=order[:_PLOTTED_COLUMNS], name=rows.name)
    return Section(anchor="columns", title="Error by column", parts=[explanation, plot, grid])


def _columns_plot(
    names: list[str],
    usual: NDArray[np.float64],
    unusual: NDArray[np.float64] | None,
    *,
    drawn: list[int],
    name: str,
) -> Plot:
    finding = f"of rows that are not flagged, {names[int(usual.argmax())]} adds most, {usual.max():.2g}"
    if unusual is not None:
        finding += f"; of flagged rows, {names[int(unusual.argmax())]} does, {unusual.max():.2g}"
    return Plot(
        title=f"Mean contribution of each column to the score of {name}"
        + (f"; {len(drawn)} of {len(names)} columns." if len(names) > len(drawn) else "."),
        alt=f"Mean error by column: {finding}.",
        svg=pair_plot(
            [shortened(names[i]) for i in drawn],
            usual[drawn].tolist(),
            None if unusual is None else unusual[drawn].tolist(),
            labels=("not flagged", "flagged"),
            xlabel="contribution to the score (logarithmic)",
        ),
    )


def embedding_section(detector: Detector, rows: ScoredRows) -> Section:
    """Return the rows in the plane of the first two principal components of the bottleneck.

    Args:
        detector: The detector that scored the rows.
        rows: The rows.
    """
    chosen = _drawn_rows(rows)
    embedding = detector.embed({name: values[chosen] for name, values in rows.verdicts.columns.items()})
    points, shares = _principal(embedding.astype(np.float64))
    p, flagged = rows.verdicts.p_value[chosen], rows.verdicts.is_anomaly[chosen]
    groups = [
        ("p above 0.5", ~flagged & (p > 0.5)),
        ("p above 0.1", ~flagged & (p > 0.1) & (p <= 0.5)),
        ("p at most 0.1", ~flagged & (p <= 0.1)),
        ("flagged", flagged),
    ]
    axes = [f"component {number} ({share:.0%} of the variance)" for number, share in enumerate(shares, 1)]
    variance = f"The two components hold {sum(shares):.0%} of the variance of {embedding.shape[1]} units"
    plots = [
        Plot(
            title="By score: the larger and darker the point, the lower the p-value.",
            alt=f"Plane of the bottleneck by score. {variance}. {_distance(points, flagged, 'flagged rows')}",
            svg=cloud_plot(points, groups, xlabel=axes[0], ylabel=axes[1]),
        )
    ]
    if rows.is_anomaly is not None:
        labels = rows.is_anomaly[chosen]
        plots.append(
            Plot(
                title="By label.",
                alt=f"Plane of the bottleneck by label. {variance}. {_distance(points, labels, 'anomalies')}",
                svg=cloud_plot(
                    points, [("normal rows", ~labels), ("anomalies", labels)], xlabel=axes[0], ylabel=axes[1]
                ),
            )
        )
    drawn = "" if len(chosen) == len(rows.scores) else f" {len(chosen):,} of {len(rows.scores):,} rows are drawn."
    return Section(
        anchor="embedding",
        title="The bottleneck in two dimensions",
        parts=[
            Plots(
                title="Principal components of the embedding",
                plots=plots,
                note="Each point is a row in the bottleneck, of several networks that of the first one. The axes are "
                f"the two directions in which the rows differ most.{drawn}",
            )
        ],
    )


def _drawn_rows(rows: ScoredRows) -> NDArray[np.intp]:
    """Return the indices of at most `_POINTS` rows: a third with the highest scores, the others evenly spaced."""
    if len(rows.scores) <= _POINTS:
        return np.arange(len(rows.scores))
    highest = np.argsort(-rows.scores, kind="stable")[: _POINTS // 3]
    others = np.setdiff1d(np.arange(len(rows.scores)), highest)
    even = others[np.linspace(0, len(others) - 1, _POINTS - len(highest)).round().astype(np.intp)]
    return np.sort(np.concatenate([highest, even]))


def _principal(embedding: NDArray[np.float64]) -> tuple[NDArray[np.float64], list[float]]:
    """Return the first two principal components `(n, 2)`, and the share of the variance of each."""
    centred = embedding - embedding.mean(axis=0)
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    points = np.zeros((len(embedding), 2))
    kept = min(2, len(directions))
    points[:, :kept] = centred @ directions[:kept].T
    variance = lengths**2
    shares = [float(value / max(variance.sum(), 1e-300)) for value in variance[:2]]
    return points, shares + [0.0] * (2 - len(shares))


def _distance(points: NDArray[np.float64], rows: NDArray[np.bool_], name: str) -> str:
    """Return a sentence on how far some rows lie from the middle, compared with the others."""
    if not rows.any() or rows.all():
        return f"{'All rows are' if rows.any() else 'There are no'} {name}."
    far = np.linalg.norm(points - np.median(points[~rows], axis=0), axis=1)
    ratio = float(np.median(far[rows]) / max(np.median(far[~rows]), 1e-300))
    return f"The {int(rows.sum()):,} {name} lie {ratio:.1f} times as far from the middle as the others (medians)."
