"""The detector: what a bundle holds, and what training, the service and the batch program score with."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from models.calibration import Calibration
from models.calibration.rows import segments_of
from models.columns.from_records import Columns, columns_of_records
from models.encoders import Encoding, gap_between
from models.encoders.preprocessor import Encoded, Preprocessor
from models.languages import LANGUAGES, Language
from models.reasons.contribution import Contribution
from models.reasons.reasons import MOST_REASONS, ReasonWriter
from models.reasons.texts import Texts
from models.schema import FeatureSchema
from models.schema.cells import Cell
from models.schema.codes import KnownCategories, Sighting
from models.scoring import Scorer, Scores

__all__ = ["Contribution", "Detector", "Verdicts"]

if TYPE_CHECKING:
    from models.tables.table import Table

_CELLS_AT_ONCE: Final = 1 << 16  # of rows that are explained: each is looked at once for each column that is named


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """Scores of n records, and the decisions about them.

    Args:
        p_value: `(n,)`, in (0, 1].
        threshold: The score above which each is an anomaly `(n,)`.
        is_anomaly: `(n,)`.
        segments: The segment of each, or None `(n,)`, where thresholds go by segment.
        writer: Says in words why.
    """

    scores: Scores
    p_value: NDArray[np.float64]
    threshold: NDArray[np.float64]
    is_anomaly: NDArray[np.bool_]
    columns: Columns = field(repr=False)
    scorer: Scorer = field(repr=False)
    writer: ReasonWriter = field(repr=False)
    segments: NDArray[Any] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.p_value)

    @property
    def anomaly_score(self) -> NDArray[np.float64]:
        """The anomaly scores `(n,)`."""
        return self.scores.anomaly_score

    def take(self, rows: NDArray[np.intp]) -> Verdicts:
        """Return the verdicts on some of the rows, in this order."""
        return replace(
            self,
            scores=Scores(
                anomaly_score=self.scores.anomaly_score[rows],
                column_errors=self.scores.column_errors[rows],
                Z=self.scores.Z[rows],
                reconstruction=self.scores.reconstruction[rows],
            ),
            p_value=self.p_value[rows],
            threshold=self.threshold[rows],
            is_anomaly=self.is_anomaly[rows],
            columns={name: values[rows] for name, values in self.columns.items()},
            segments=None if self.segments is None else self.segments[rows],
        )

    @property
    def preprocessor(self) -> Preprocessor:
        """The preprocessor of the scorer."""
        return self.scorer.preprocessor

    def contributions(self, row: int, *, top: int) -> list[Contribution]:
        """Return the `top` largest contributions to the score of a row, largest first."""
        return next(self.explained(slice(row, row + 1), top=top))

    def explained(
        self, rows: slice = slice(None), *, top: int, check: Callable[[], None] = lambda: None
    ) -> Iterator[list[Contribution]]:
        """Yield the `top` largest contributions to the score of every row, or of some.

        Args:
            rows: Which rows.
            top: How many columns are named.
            check: Called before each piece of the work; it raises to end it.
        """
        start, stop, _ = rows.indices(len(self))
        step = max(1, _CELLS_AT_ONCE // (self.scores.Z.shape[1] * max(top, 1)))
        for first in range(start, stop, step):
            yield from self._explained(slice(first, min(first + step, stop)), top, check)

    def _explained(self, rows: slice, top: int, check: Callable[[], None]) -> Iterator[list[Contribution]]:
        errors = self.scores.column_errors[rows]
        largest = np.argsort(-errors, axis=1, kind="stable")[:, :top]
        parts = np.take_along_axis(errors, largest, axis=1)
        expectations = self._expectations(rows, largest, check)
        columns = [
            (
                encoding.name,
                encoding.actual,
                self.columns[encoding.name][rows],
                encoding.expected_beside,
                width,
                self._gaps(encoding, rows),
            )
            for encoding, width in zip(self.preprocessor.encodings, self.preprocessor.widths, strict=True)
        ]
        for row, (indices, of_row) in enumerate(zip(largest.tolist(), parts.tolist(), strict=True)):
            contributions = []
            for i, part in zip(indices, of_row, strict=True):
                features = next(expectations)
                name, actual_of, values, expected_beside, width, gaps = columns[i]
                actual = actual_of(values[row])
                expected, probability = expected_beside(actual, features[:width])
                contributions.append(
                    Contribution(
                        feature=name,
                        contribution=part,
                        actual=actual,
                        expected=expected,
                        probability=probability,
                        gaps=gaps[row] or None if gaps else None,
                    )
                )
            yield contributions

    def _gaps(self, encoding: Encoding, rows: slice) -> list[dict[str, float]]:
        """Return the days since the other dates that a column is learned with, by name, of each row; none for no such.

        Gaps that lack one of their dates are left out.
        """
        if not encoding.others:
            return []
        dates = self.columns[encoding.name][rows]
        days = [gap_between(dates, self.columns[other][rows]).tolist() for other in encoding.others]
        return [
            {other: gap for other, gap in zip(encoding.others, of_row, strict=True) if not math.isnan(gap)}
            for of_row in zip(*days, strict=True)
        ]

    def _expectations(self, rows: slice, columns: NDArray[np.intp], check: Callable[[], None]) -> Iterator[list[float]]:
        """Yield the features that are expected of each row in each of its columns `(n, top)`, and perhaps more."""
        Z, widest = self.scores.Z[rows], np.arange(max(self.preprocessor.widths))
        top, step = columns.shape[1], max(1, _CELLS_AT_ONCE // self.scores.Z.shape[1])
        of_columns = columns.reshape(-1)
        for first in range(0, len(of_columns), step):  # one row may have more than a piece
            check()
            some = of_columns[first : first + step]
            expected = self.scorer.expected(Z[np.arange(first, first + len(some)) // top], some)
            positions = self.preprocessor.starts[some][:, None] + widest
            np.minimum(positions, expected.shape[1] - 1, out=positions)
            # Lists, as an array a value would take longer.
            yield from np.take_along_axis(expected, positions, axis=1).tolist()

    def reason(self, row: int) -> str:
        """Return the reasons of a row in words, in one line."""
        [(_, reason)] = self.reasoned(slice(row, row + 1))
        return reason

    def reasoned(
        self, rows: slice = slice(None), *, top: int = 0, check: Callable[[], None] = lambda: None
    ) -> Iterator[tuple[list[Contribution], str]]:
        """Yield what `explained` does for each row, and its reasons in words."""
        explained = self.explained(rows, top=max(top, MOST_REASONS), check=check)
        for score, contributions in zip(self.scores.anomaly_score[rows].tolist(), explained, strict=True):
            yield contributions[:top], self.writer.sentence(contributions, score)

    def expected(self, row: int) -> dict[str, Cell]:
        """Return the value that the network expected in each column of a row."""
        expected = self.scores.reconstruction[row]
        return {
            encoding.name: encoding.decode(expected[features])
            for encoding, features in zip(self.preprocessor.encodings, self.preprocessor.slices, strict=True)
        }


@dataclass(frozen=True, kw_only=True)
class Detector:
    """Schema, preprocessor, network and calibration.

    Args:
        reference: A summary of the fitting rows, by column and for the score.
        card: How it was trained, on what and with which results, as plain data.
        language: In which reasons are said.
        watch: Called with the encoded rows of each `score` and their verdicts, and with those of each `embed` and None;
            on the thread that scores.
    """

    name: str
    version: str
    schema: FeatureSchema
    scorer: Scorer
    calibration: Calibration
    reference: Mapping[str, Any] = field(default_factory=dict, repr=False)
    card: Mapping[str, Any] = field(default_factory=dict, repr=False)
    language: Language = field(default=LANGUAGES["en"], repr=False)
    watch: Callable[[Encoded, Verdicts | None], None] | None = field(default=None, repr=False, compare=False)

    @property
    def preprocessor(self) -> Preprocessor:
        """The preprocessor, which turns columns into features."""
        return self.scorer.preprocessor

    @cached_property
    def writer(self) -> ReasonWriter:
        """Says in words why a row has its score."""
        texts = Texts.of(self.language)
        return ReasonWriter(self.schema, self.preprocessor, self.reference, self.scorer.ensemble, texts)

    def score(self, columns: Columns) -> Verdicts:
        """Score n rows of columns and decide which are anomalies."""
        encoded = self.preprocessor.transform(columns)
        verdicts = self.decide(self.scorer.score(encoded), columns)
        if self.watch is not None:
            self.watch(encoded, verdicts)
        return verdicts

    def decide(self, scores: Scores, columns: Columns) -> Verdicts:
        """Decide which of n rows of columns, with the scores of the detector's scorer, are anomalies."""
        segments = segments_of(self.schema, columns, known=self._known_segments)
        decisions = self.calibration.decide(scores.anomaly_score, segments)
        return Verdicts(
            scores=scores,
            p_value=decisions.p_value,
            threshold=decisions.threshold,
            is_anomaly=decisions.is_anomaly,
            columns=columns,
            scorer=self.scorer,
            writer=self.writer,
            segments=segments,
        )

    def score_records(self, records: Sequence[Mapping[str, Any]]) -> Verdicts:
        """Score n records, objects by name.

        Raises:
            RecordError: A field is absent or of the wrong kind.
        """
        return self.score(columns_of_records(self.schema, records))

    def score_table(self, table: Table, *, first_row: int = 0) -> Verdicts:
        """Score the n rows of a table, by column name.

        Raises:
            TableError: A column is missing or a cell is of the wrong kind.
        """
        from models.columns.from_tables import columns_of_table  # Arrow's 30 MB: the service saves them

        return self.score(columns_of_table(self.schema, table, first_row=first_row))

    @cached_property
    def _known_segments(self) -> KnownCategories:
        return self.calibration.rows.known_segments

    @cached_property
    def known_categories(self) -> Mapping[str, KnownCategories]:
        """What training had in each column of categories that is read."""
        known, by = self.preprocessor.known_categories, self.schema.threshold_by
        return known if by is None or by in self.schema.names else known | {by: self._known_segments}

    def sightings(self, values: Callable[[str], Iterable[Cell]], *, rows: int | None = None) -> dict[str, Sighting]:
        """Return what the values of rows are to what training had, by column of categories.

        Args:
            values: Returns those of a column, by its name.
            rows: How many rows there are in all, None for enough: columns that nothing could be noted of are left out.
        """
        known = self.known_categories.items()
        return {name: of.look(values(name)) for name, of in known if rows is None or of.is_looked_at(rows)}

    def notes(self, sightings: Mapping[str, Sighting]) -> list[str]:
        """Return one line for each column of categories whose values are not written as training had them."""
        known = self.known_categories
        lines = (known[name].note(name, found) for name, found in sightings.items())
        return [line for line in lines if line is not None]

    def embed(self, columns: Columns) -> NDArray[np.float32]:
        """Return the bottleneck's output `(n, k)` for n rows of columns."""
        encoded = self.preprocessor.transform(columns)
        embeddings = self.scorer.embed(encoded)
        if self.watch is not None:
            self.watch(encoded, None)
        return embeddings
