"""The reasons of a row in words: the one function behind report, terminal, files and answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, final

from models.encoders.preprocessor import Preprocessor
from models.reasons.columns import ColumnFacts, words_of
from models.reasons.contribution import Contribution
from models.reasons.texts import ENGLISH, Texts
from models.reasons.values import NumberForm, brief
from models.schema import FeatureSchema
from models.scoring.ensemble import Ensemble

LEAST_SHARE: Final = 0.05
"""Share of the score below which a column is no reason."""

MOST_REASONS: Final = 3
"""Reasons of a row that are said in words."""


class Reason(NamedTuple):
    """One reason of a row, in words.

    Args:
        column: Name of the column, on one line.
        share: The column's share of the score, in (0, 1].
        text: Value and what is unusual about it, such as ``90 (expected 12)``.
    """

    column: str
    share: float
    text: str


@final
class ReasonWriter:
    """Says the reasons of rows in words, with what a detector knows of its columns, in one language."""

    def __init__(
        self,
        schema: FeatureSchema,
        preprocessor: Preprocessor,
        reference: Mapping[str, Any],
        ensemble: Ensemble | None = None,
        texts: Texts = ENGLISH,
    ) -> None:
        self._texts = texts
        summaries = reference.get("columns", {})
        rarity = None if ensemble is None else ensemble.histograms.rarity
        columns = {column.name: column for column in schema.columns}
        self._columns = {
            encoding.name: (
                brief(encoding.name),
                words_of(
                    ColumnFacts(
                        encoding=encoding,
                        form=NumberForm.of(columns[encoding.name], schema),
                        summary=summaries.get(encoding.name, {}),
                        rarity=None if rarity is None else rarity[start],
                        zoned=columns[encoding.name].zone is not False,
                        texts=texts,
                    )
                ),
            )
            for encoding, start in zip(preprocessor.encodings, preprocessor.starts.tolist(), strict=True)
        }

    def text(self, contribution: Contribution) -> str:
        """Return the value of a column and what is unusual about it, such as ``90 (expected 12)``."""
        words = self._columns[contribution.feature][1]
        value, notes = words.phrase(contribution.actual, contribution.expected, contribution.gaps)
        return self._with_notes(value, notes)

    def reasons(self, contributions: Iterable[Contribution], score: float) -> list[Reason]:
        """Return the reasons that have a share of the score worth naming, in their order.

        A date is no reason of its own where only the days since another one are odd, which is named before it. A value
        that is only unusual beside the others is one where it comes first, with the value of the next column.

        Args:
            contributions: Of one row, the largest first.
            score: The row's anomaly score.
        """
        least, blamed = LEAST_SHARE * score, set[str]()
        found: list[tuple[Contribution, str, tuple[str, ...]]] = []
        for each in contributions:
            if each.contribution <= 0 or each.contribution < least:
                continue
            words = self._columns[each.feature][1]
            if each.gaps:
                if words.is_echo(each.actual, each.gaps, blamed):
                    continue
                if words.blames(each.gaps):
                    blamed.add(each.feature)
            found.append((each, *words.phrase(each.actual, each.expected, each.gaps)))
        together = (self._texts.together,)
        if len(found) > 1 and found[0][2] == together:
            (first, value, _), (beside, other, _) = found[:2]
            name = self._columns[beside.feature][0]
            found[0] = (first, value, (self._texts.together_with.format(column=name, value=other),))
        return [
            Reason(self._columns[each.feature][0], each.contribution / score, self._with_notes(value, notes))
            for each, value, notes in found
            if notes != together or len(found) == 1
        ]

    def sentence(self, contributions: Sequence[Contribution], score: float) -> str:
        """Return the reasons of a row in one line: ``quantity: 90 (expected 12); status: call back (2 % of rows)``."""
        reasons = self.reasons(contributions[:MOST_REASONS], score)
        return "; ".join([f"{column}: {text}" for column, _, text in reasons]) or self._texts.spread

    def _with_notes(self, value: str, notes: tuple[str, ...]) -> str:
        return self._texts.because.format(value=value, notes=", ".join(notes)) if notes else value
