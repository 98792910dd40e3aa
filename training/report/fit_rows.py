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
from models.messages import Message, joined, phrase
from models.reasons.reasons import MOST_REASONS, Reason
from models.tables.table import Table
from training.data.prepare import Prepared
from training.fit import FitResult
from training.report.kit.formatting import shortened
from training.report.kit.page import Grid, Plot, Plots, Section, Text
from training.report.kit.shapes import cloud_plot, in_two_widths, pair_plot, score_histogram
from training.training_scores import STRANGEST, row_numbers, score_training_rows, verdicts_on_training_rows

_PLOTTED_COLUMNS: Final = 20
_POINTS: Final = 1500
_NORMAL: Final[str] = phrase("normal rows")
_ANOMALIES: Final[str] = phrase("anomalies")
_P_VALUES: Final = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRows:
    """n rows of a table, and their scores.

    Args:
        is_anomaly: Their labels `(n,)`; None without labels.
        numbers: Their row numbers in the table, from 1 `(n,)`; those of one file count the rows that were skipped.
        ids: Values of the id columns.
        flagged: Number of flagged rows among the `total` rows that these are chosen from.
    """

    name: str
    verdicts: Verdicts
    is_anomaly: NDArray[np.bool_] | None
    numbers: NDArray[np.intp]
    ids: Mapping[str, list[Any]]
    flagged: int
    total: int

    @property
    def scores(self) -> NDArray[np.float64]:
        """The anomaly scores `(n,)`."""
        return self.verdicts.anomaly_score

    def reasons(self, i: int) -> list[Reason]:
        """Return the reasons of a row in words."""
        contributions = self.verdicts.contributions(i, top=MOST_REASONS)
        return self.verdicts.writer.reasons(contributions, float(self.scores[i]))


def strangest_scored(result: FitResult, prepared: Prepared, test_table: Table | None) -> ScoredRows:
    """Return the strangest rows of the table, or of a test table, as the saved detector scores them everywhere.

    Raises:
        TableError: The test table has another shape.
    """
    is_anomaly: NDArray[np.bool_] | None
    detector = replace(result.detector, language=spoken())
    if test_table is not None and prepared.rule is not None:
        name, table = phrase("rows of --test-data"), test_table
        verdicts, is_anomaly = detector.score_table(table), prepared.rule.anomalies(table)
        strangest = np.argsort(-verdicts.anomaly_score, kind="stable")[:STRANGEST]
        flagged, verdicts = int(verdicts.is_anomaly.sum()), verdicts.take(strangest)
    else:
        name, table, is_anomaly = phrase("rows"), prepared.table, prepared.is_anomaly
        scores = score_training_rows(result, prepared, with_reasons=False)
        strangest, flagged = np.array(scores.strangest, np.intp), int(scores.is_anomaly.sum())
        verdicts = replace(verdicts_on_training_rows(result, prepared, scores.strangest), writer=detector.writer)
    return ScoredRows(
        name=name,
        verdicts=verdicts,
        is_anomaly=None if is_anomaly is None else is_anomaly[strangest],
        numbers=np.array(row_numbers(table, strangest.tolist()), np.intp),
        ids=_ids_of(result, table, strangest),
        flagged=flagged,
        total=len(table),
    )


def held_out_rows(result: FitResult, prepared: Prepared, test_table: Table | None) -> ScoredRows:
    """Return the test rows, or those of a test table, as the networks score them that had not seen them.

    Raises:
        TableError: The test table has another shape.
    """
    is_anomaly: NDArray[np.bool_] | None
    evaluated = replace(result.evaluated, language=spoken())
    if test_table is not None and prepared.rule is not None:
        name, table, indices = phrase("rows of --test-data"), test_table, np.arange(len(test_table))
        verdicts, is_anomaly = evaluated.score_table(table), prepared.rule.anomalies(table)
    else:
        test = prepared.split.test
        name, table, indices = phrase("test rows"), prepared.table, np.flatnonzero(test)
        verdicts = evaluated.score(prepared.part(test))
        is_anomaly = None if prepared.is_anomaly is None else prepared.is_anomaly[test]
    return ScoredRows(
        name=name,
        verdicts=verdicts,
        is_anomaly=is_anomaly,
        numbers=np.array(row_numbers(table, indices.tolist()), np.intp),
        ids=_ids_of(result, table, indices),
        flagged=int(verdicts.is_anomaly.sum()),
        total=len(verdicts),
    )


def _ids_of(result: FitResult, table: Table, indices: NDArray[np.intp]) -> dict[str, list[Any]]:
    ids = [name for name in result.detector.schema.ids if name in table.names]
    return table.data.select(ids).take(indices).to_pydict() if ids else {}


def scores_section(calibration: Calibration, rows: ScoredRows) -> Section:
    """Return the distribution of the scores of held-out rows, with the threshold."""
    scores, threshold = calibration.pooled.scores, calibration.threshold
    above, n = int((scores > threshold).sum()), len(rows.scores)
    calibration_plot = Plot(
        title=phrase(
            "{rows:,} calibration rows. The axis on top has the p-value of each score.",
            rows=len(scores),
        ),
        alt=phrase(
            "Histogram of the scores of {rows:,} calibration rows: median {median:.3g}, highest {highest:.3g}; "
            "{above:,} lie above the threshold of {threshold:.4g}.",
            rows=len(scores),
            median=np.median(scores),
            highest=scores[-1],
            above=above,
            threshold=threshold,
        ),
        svg=score_histogram(
            {phrase("calibration rows"): scores}, threshold=threshold, p_values=_scores_of_p_values(scores)
        ),
    )
    if rows.is_anomaly is None:
        groups = {rows.name: rows.scores}
        title = phrase("{count:,} {rows}, flagged or not.", count=n, rows=rows.name)
        alt = phrase(
            "Histogram of the scores of {count:,} {rows}: {flagged:,} are flagged; the highest is {highest:.3g}.",
            count=n,
            rows=rows.name,
            flagged=int(rows.verdicts.is_anomaly.sum()),
            highest=rows.scores.max(),
        )
    else:
        groups = {_NORMAL: rows.scores[~rows.is_anomaly], _ANOMALIES: rows.scores[rows.is_anomaly]}
        title = phrase("{count:,} {rows} by label.", count=n, rows=rows.name)
        finding = joined([_summary_of(*group, threshold) for group in groups.items()], by="; ")
        alt = phrase("Histogram of the scores of {rows} by label: {finding}.", rows=rows.name, finding=finding)
    plots = [calibration_plot, Plot(title=title, alt=alt, svg=score_histogram(groups, threshold=threshold))]
    note = phrase("A row is flagged if its score lies to the right of the dashed line.")
    if calibration.by_segment:
        own = phrase("Each segment has its own threshold; the line is that of rows without a segment.")
        note = joined([note, own])
    parts = [Plots(title=phrase("Distribution"), plots=plots, note=note)]
    return Section(anchor="scores", title=phrase("Scores"), parts=parts)


def _summary_of(name: str, scores: NDArray[np.float64], threshold: float) -> Message:
    if not len(scores):
        return phrase("no {rows}", rows=name)
    return phrase(
        "{count:,} {rows}, median {median:.3g}, {share:.1%} of them flagged",
        count=len(scores),
        rows=name,
        median=np.median(scores),
        share=(scores > threshold).mean(),
    )


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
        title=phrase("Every column"),
        header=(
            phrase("column"),
            phrase("mean, not flagged"),
            phrase("mean, flagged"),
            phrase("median of all"),
            phrase("99th percentile of all"),
        ),
        rows=[(names[i], *("–" if each is None else _brief(each[i]) for each in figures)) for i in order],
        folded=True,
    )
    explanation = Text(
        text=phrase(
            "The score is a sum over the columns. A column adds more the further its value is from the expected one: "
            "with a single network the squared distance in standard deviations, divided by the number of columns; with "
            "several networks a combination of their scores, and of how rare the value is by itself."
        )
    )
    drawn = order[:_PLOTTED_COLUMNS]
    means: dict[str, NDArray[np.float64]] = {phrase("other rows"): usual[drawn]}
    most = {"name": names[int(usual.argmax())], "error": usual.max()}
    if unusual is None:
        alt = phrase("Mean error by column: of rows that are not flagged, {name} adds most, {error:.2g}.", **most)
    else:
        means[phrase("flagged rows")] = unusual[drawn]
        alt = phrase(
            "Mean error by column: of rows that are not flagged, {name} adds most, {error:.2g}; of flagged rows, "
            "{other} does, {flagged:.2g}.",
            **most,
            other=names[int(unusual.argmax())],
            flagged=unusual.max(),
        )
    names_drawn = [shortened(names[i]) for i in drawn]
    svg, wide = in_two_widths(pair_plot, names_drawn, means, xlabel=phrase("contribution to the score (logarithmic)"))
    if len(names) > len(drawn):
        title = phrase(
            "Mean contribution of each column to the score of {rows}; {drawn} of {all} columns.",
            rows=rows.name,
            drawn=len(drawn),
            all=len(names),
        )
    else:
        title = phrase("Mean contribution of each column to the score of {rows}.", rows=rows.name)
    plot = Plot(title=title, alt=alt, svg=svg, wide=wide)
    return Section(anchor="columns", title=phrase("Error by column"), parts=[explanation, plot, grid])


def _brief(value: float) -> Message:
    return phrase("{value:.3g}", value=value)


def embedding_section(detector: Detector, rows: ScoredRows) -> Section:
    """Return the rows in the plane of the first two principal components of the bottleneck."""
    chosen = _drawn_rows(rows)
    embedding = detector.embed({name: values[chosen] for name, values in rows.verdicts.columns.items()})
    points, shares = _principal(embedding.astype(np.float64))
    p, flagged = rows.verdicts.p_value[chosen], rows.verdicts.is_anomaly[chosen]
    groups: dict[str, NDArray[np.bool_]] = {
        phrase("p above {p}", p=0.5): ~flagged & (p > 0.5),
        phrase("p above {p}", p=0.1): ~flagged & (p > 0.1) & (p <= 0.5),
        phrase("p at most {p}", p=0.1): ~flagged & (p <= 0.1),
        phrase("flagged rows"): flagged,
    }
    xlabel, ylabel = (
        phrase("component {number} ({share:.0%} of the variance)", number=number, share=share)
        for number, share in enumerate(shares, 1)
    )
    variance = phrase(
        "The two components hold {share:.0%} of the variance of {units} units.",
        share=sum(shares),
        units=embedding.shape[1],
    )

    def plot(groups: Mapping[str, NDArray[np.bool_]], name: str, *, title: Message, alt: Message) -> Plot:
        *_, last = groups.values()
        svg, wide = in_two_widths(cloud_plot, points, groups, xlabel=xlabel, ylabel=ylabel)
        return Plot(
            title=title,
            alt=joined([alt, variance, _distance(points, last, name)]),
            svg=svg,
            wide=wide if rows.is_anomaly is None else "",  # beside it is the one by label
        )

    plots = [
        plot(
            groups,
            phrase("flagged rows"),
            title=phrase("By score: the larger and darker the point, the lower the p-value."),
            alt=phrase("Plane of the bottleneck by score."),
        )
    ]
    if rows.is_anomaly is not None:
        labels = rows.is_anomaly[chosen]
        plots.append(
            plot(
                {_NORMAL: ~labels, _ANOMALIES: labels},
                _ANOMALIES,
                title=phrase("By label."),
                alt=phrase("Plane of the bottleneck by label."),
            )
        )
    note = phrase(
        "Each point is a row in the bottleneck, of several networks that of the first one. The axes are the two "
        "directions in which the rows differ most."
    )
    if len(chosen) < len(rows.scores):
        drawn = phrase("{drawn:,} of {all:,} rows are drawn.", drawn=len(chosen), all=len(rows.scores))
        note = joined([note, drawn])
    return Section(
        anchor="embedding",
        title=phrase("The bottleneck in two dimensions"),
        parts=[Plots(title=phrase("Principal components of the embedding"), plots=plots, note=note)],
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


def _distance(points: NDArray[np.float64], rows: NDArray[np.bool_], name: str) -> Message:
    """Return a sentence on how far some rows lie from the middle, compared with the others."""
    if not rows.any():
        return phrase("There are no {rows}.", rows=name)
    if rows.all():
        return phrase("All rows are {rows}.", rows=name)
    far = np.linalg.norm(points - np.median(points[~rows], axis=0), axis=1)
    ratio = float(np.median(far[rows]) / max(np.median(far[~rows]), 1e-300))
    return phrase(
        "The {count:,} {rows} lie {ratio:.1f} times as far from the middle as the others (medians).",
        count=int(rows.sum()),
        rows=name,
        ratio=ratio,
    )
