"""Sections on scored rows: distribution of scores, error by column, embedding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.calibration import Calibration
from models.detector import Detector, Verdicts
from models.languages import spoken
from models.reasons.reasons import MOST_REASONS, Reason
from models.tables.table import Table
from training.data.prepare import Prepared
from training.fit import FitResult
from training.report.kit.formatting import shortened
from training.report.kit.page import Grid, Plot, Plots, Section, Text
from training.report.kit.shapes import cloud_plot, in_two_widths, pair_plot, score_histogram

_PLOTTED_COLUMNS: Final = 20
_POINTS: Final = 1500
_P_VALUES: Final = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRows:
    """n rows that the networks had not seen when they scored them.

    Args:
        is_anomaly: Their labels `(n,)`; None without labels.
        numbers: Their row numbers in the table, from 1 `(n,)`; those of one file count the rows that were skipped.
        ids: Values of the id columns.
    """

    name: str
    verdicts: Verdicts
    is_anomaly: NDArray[np.bool_] | None
    numbers: NDArray[np.intp]
    ids: Mapping[str, list[Any]]

    @property
    def scores(self) -> NDArray[np.float64]:
        """The anomaly scores `(n,)`."""
        return self.verdicts.anomaly_score

    def reasons(self, i: int) -> list[Reason]:
        """Return the reasons of a row in words."""
        contributions = self.verdicts.contributions(i, top=MOST_REASONS)
        return self.verdicts.writer.reasons(contributions, float(self.scores[i]))


def scored_rows(result: FitResult, prepared: Prepared, test_table: Table | None) -> ScoredRows:
    """Score the test rows, or those of a test table, with the networks that had not seen them.

    Raises:
        TableError: The test table has another shape.
    """
    is_anomaly: NDArray[np.bool_] | None
    evaluated = replace(result.evaluated, language=spoken())
    if test_table is not None and prepared.rule is not None:
        name, table, indices = "rows of --test-data", test_table, np.arange(len(test_table))
        verdicts, is_anomaly = evaluated.score_table(table), prepared.rule.anomalies(table)
    else:
        test = prepared.split.test
        name, table, indices = "test rows", prepared.table, np.flatnonzero(test)
        verdicts = evaluated.score(prepared.part(test))
        is_anomaly = None if prepared.is_anomaly is None else prepared.is_anomaly[test]
    skipped = table.numbers is not None and len(table.files) <= 1
    numbers = np.array([table.row_number(i) for i in indices.tolist()], np.intp) if skipped else indices + 1
    ids = table.data.select([name for name in result.detector.schema.ids if name in table.names]).take(indices)
    return ScoredRows(name=name, verdicts=verdicts, is_anomaly=is_anomaly, numbers=numbers, ids=ids.to_pydict())


def scores_section(calibration: Calibration, rows: ScoredRows) -> Section:
    """Return the distribution of the scores of held-out rows, with the threshold."""
    scores, threshold = calibration.pooled.scores, calibration.threshold
    above, n = int((scores > threshold).sum()), len(rows.scores)
    calibration_plot = Plot(
        title=f"{len(scores):,} calibration rows. The axis on top has the p-value of each score.",
        alt=f"Histogram of the scores of {len(scores):,} calibration rows: median {np.median(scores):.3g}, highest "
        f"{scores[-1]:.3g}; {above:,} lie above the threshold of {threshold:.4g}.",
        svg=score_histogram({"calibration rows": scores}, threshold=threshold, p_values=_scores_of_p_values(scores)),
    )
    if rows.is_anomaly is None:
        groups, title = {rows.name: rows.scores}, f"{n:,} {rows.name}, flagged or not."
        finding = f"{n:,} {rows.name}: {int(rows.verdicts.is_anomaly.sum()):,} are flagged; the highest is "
        finding += f"{rows.scores.max():.3g}"
    else:
        groups = {"normal rows": rows.scores[~rows.is_anomaly], "anomalies": rows.scores[rows.is_anomaly]}
        title = f"{n:,} {rows.name} by label."
        finding = f"{rows.name} by label: " + "; ".join(_summary_of(*group, threshold) for group in groups.items())
    alt = f"Histogram of the scores of {finding}."
    plots = [calibration_plot, Plot(title=title, alt=alt, svg=score_histogram(groups, threshold=threshold))]
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
    drawn = order[:_PLOTTED_COLUMNS]
    means, finding = {"not flagged": usual[drawn]}, f"{names[int(usual.argmax())]} adds most, {usual.max():.2g}"
    if unusual is not None:
        means["flagged"] = unusual[drawn]
        finding += f"; of flagged rows, {names[int(unusual.argmax())]} does, {unusual.max():.2g}"
    names_drawn = [shortened(names[i]) for i in drawn]
    svg, wide = in_two_widths(pair_plot, names_drawn, means, xlabel="contribution to the score (logarithmic)")
    plot = Plot(
        title=f"Mean contribution of each column to the score of {rows.name}"
        + (f"; {len(drawn)} of {len(names)} columns." if len(names) > len(drawn) else "."),
        alt=f"Mean error by column: of rows that are not flagged, {finding}.",
        svg=svg,
        wide=wide,
    )
    return Section(anchor="columns", title="Error by column", parts=[explanation, plot, grid])


def embedding_section(detector: Detector, rows: ScoredRows) -> Section:
    """Return the rows in the plane of the first two principal components of the bottleneck."""
    chosen = _drawn_rows(rows)
    embedding = detector.embed({name: values[chosen] for name, values in rows.verdicts.columns.items()})
    points, shares = _principal(embedding.astype(np.float64))
    p, flagged = rows.verdicts.p_value[chosen], rows.verdicts.is_anomaly[chosen]
    groups = {
        "p above 0.5": ~flagged & (p > 0.5),
        "p above 0.1": ~flagged & (p > 0.1) & (p <= 0.5),
        "p at most 0.1": ~flagged & (p <= 0.1),
        "flagged": flagged,
    }
    xlabel, ylabel = (f"component {number} ({share:.0%} of the variance)" for number, share in enumerate(shares, 1))
    variance = f"The two components hold {sum(shares):.0%} of the variance of {embedding.shape[1]} units"

    def plot(by: str, groups: Mapping[str, NDArray[np.bool_]], name: str, *, legend: str = "") -> Plot:
        *_, last = groups.values()
        svg, wide = in_two_widths(cloud_plot, points, groups, xlabel=xlabel, ylabel=ylabel)
        return Plot(
            title=f"By {by}{legend}.",
            alt=f"Plane of the bottleneck by {by}. {variance}. {_distance(points, last, name)}",
            svg=svg,
            wide=wide if rows.is_anomaly is None else "",  # beside it is the one by label
        )

    plots = [plot("score", groups, "flagged rows", legend=": the larger and darker the point, the lower the p-value")]
    if rows.is_anomaly is not None:
        labels = rows.is_anomaly[chosen]
        plots.append(plot("label", {"normal rows": ~labels, "anomalies": labels}, "anomalies"))
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
    centred = np.pad(embedding - embedding.mean(axis=0), ((0, 1), (0, 1)))  # two of them even of one row or unit
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    shares = lengths[:2] ** 2 / max((lengths**2).sum(), 1e-300)
    return (centred @ directions[:2].T)[:-1], shares.tolist()


def _distance(points: NDArray[np.float64], rows: NDArray[np.bool_], name: str) -> str:
    """Return a sentence on how far some rows lie from the middle, compared with the others."""
    if not rows.any() or rows.all():
        return f"{'All rows are' if rows.any() else 'There are no'} {name}."
    far = np.linalg.norm(points - np.median(points[~rows], axis=0), axis=1)
    ratio = float(np.median(far[rows]) / max(np.median(far[~rows]), 1e-300))
    return f"The {int(rows.sum()):,} {name} lie {ratio:.1f} times as far from the middle as the others (medians)."
