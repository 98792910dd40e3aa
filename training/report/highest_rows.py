"""The rows with the highest scores: the verdict in a sentence, cards, their reasons as a picture and a table."""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np

from models.languages import shown
from models.messages import Message, joined, phrase, plural
from models.reasons.reasons import MOST_REASONS
from training.report.fit_rows import ScoredRows
from training.report.kit.formatting import shortened
from training.report.kit.page import Card, Cards, Grid, Plot, Reason, Section
from training.report.kit.shapes import heat_map, in_two_widths

_ROWS: Final = 10  # in picture and table
_CARDS: Final = 6
_ORDINALS: Final = (phrase("first reason"), phrase("second reason"), phrase("third reason"))[:MOST_REASONS]
_HEAT_MAP_COLUMNS: Final = 12


def verdict_on(rows: ScoredRows) -> str:
    """Return how many rows are flagged, and which is the strangest, in a sentence or two."""
    counted = plural(
        "{count:,} of {all:,} {rows} is flagged, {share:.2%}.",
        "{count:,} of {all:,} {rows} are flagged, {share:.2%}.",
        count=rows.flagged,
        all=rows.total,
        rows=rows.name,
        share=rows.flagged / rows.total,
    )
    highest = int(rows.scores.argmax())
    if not rows.scores[highest]:
        return counted
    [name] = _names(rows, [highest])
    strangest = phrase("The strangest is {row}: {reason}.", row=name, reason=rows.verdicts.reason(highest))
    return joined([counted, strangest])


def highest_rows_section(rows: ScoredRows) -> Section:
    """Return the rows with the highest scores, and the columns that contribute most."""
    highest = np.argsort(-rows.scores, kind="stable")[:_ROWS].tolist()
    names = _names(rows, highest)
    cards = Cards(
        cards=[_card(rows, i, name) for i, name in zip(highest[:_CARDS], names, strict=False)],
        note=phrase(
            "Each column with its value, what is unusual about it, and its share of the score; shares below 5 % are "
            "left out."
        ),
    )
    return Section(
        anchor="rows",
        title=phrase("Rows with the highest scores"),
        parts=[cards, _shares_plot(rows, highest, names), _grid(rows, highest, names)],
    )


def _names(rows: ScoredRows, chosen: list[int]) -> list[str]:
    """Return the id of each row, or its number where there is no id; both where several have the same one."""
    columns = rows.ids.values()
    ids = [" · ".join(shortened(str(ids[i])) for ids in columns if ids[i] is not None) for i in chosen]
    several = Counter(ids)
    numbers = [phrase("row\N{NO-BREAK SPACE}{number:,}", number=rows.numbers[i]) for i in chosen]
    return [
        number if not name else name if several[name] == 1 else phrase("{name} ({number})", name=name, number=number)
        for name, number in zip(ids, numbers, strict=True)
    ]


def _card(rows: ScoredRows, i: int, name: str) -> Card:
    flagged = bool(rows.verdicts.is_anomaly[i])
    facts = [
        phrase("score {score:.4g}", score=rows.scores[i]),
        phrase("p-value {p:.2g}", p=rows.verdicts.p_value[i]),
    ]
    if rows.is_anomaly is not None:
        facts.append(phrase("labelled {label}", label=_label(rows, i)))
    if rows.ids:
        facts.append(phrase("row {number:,}", number=rows.numbers[i]))
    return Card(
        name=name,
        verdict=phrase("flagged") if flagged else phrase("not flagged"),
        facts=joined(facts, by=" · "),
        reasons=[Reason(column=shortened(each.column), share=each.share, text=each.text) for each in rows.reasons(i)],
        marked=flagged,
    )


def _grid(rows: ScoredRows, highest: list[int], names: list[str]) -> Grid:
    labels = [] if rows.is_anomaly is None else [phrase("label")]
    return Grid(
        title=phrase("The {count} {rows} with the highest scores as a table", count=len(highest), rows=rows.name),
        header=(
            " · ".join(rows.ids) or phrase("row"),
            phrase("score"),
            phrase("p-value"),
            phrase("flagged"),
            *labels,
            *_ORDINALS,
        ),
        rows=[
            (
                name,
                phrase("{score:.4g}", score=rows.scores[i]),
                phrase("{p:.2g}", p=rows.verdicts.p_value[i]),
                phrase("yes") if rows.verdicts.is_anomaly[i] else phrase("no"),
                *([] if rows.is_anomaly is None else [_label(rows, i)]),
                *_cells(rows, i),
            )
            for name, i in zip(names, highest, strict=True)
        ],
        note=phrase(
            "After each column: its share of the score, the row’s value, and what is unusual about it. Rows are "
            "numbered as in their table, from 1."
        ),
        prose=True,
        folded=True,
    )


def _label(rows: ScoredRows, i: int) -> Message:
    return phrase("anomaly") if rows.is_anomaly is not None and rows.is_anomaly[i] else phrase("normal")


def _cells(rows: ScoredRows, i: int) -> list[str]:
    cells: list[str] = [
        phrase("{column} ({share:.0%}): {reason}", column=shortened(each.column), share=each.share, reason=each.text)
        for each in rows.reasons(i)
    ]
    return cells + [""] * (len(_ORDINALS) - len(cells))


def _shares_plot(rows: ScoredRows, highest: list[int], names: list[str]) -> Plot:
    errors = np.maximum(rows.verdicts.scores.column_errors[highest], 0.0)
    shares = errors / np.maximum(errors.sum(axis=1, keepdims=True), 1e-300)
    order = np.argsort(-shares.sum(axis=0), kind="stable")[:_HEAT_MAP_COLUMNS]
    features = [encoder.name for encoder in rows.verdicts.preprocessor.encodings]
    largest = [
        phrase("{row} {share:.0%} from {column}", row=name, share=share.max(), column=features[int(share.argmax())])
        for name, share in zip(names, shares, strict=True)
    ]
    most = features[int(order[0])]
    columns = [shortened(features[i]) for i in order.tolist()]
    if len(features) > _HEAT_MAP_COLUMNS:
        title = phrase(
            "Share of each column in the score of the {count} {rows} with the highest scores; the {columns} columns "
            "with the largest shares.",
            count=len(highest),
            rows=rows.name,
            columns=_HEAT_MAP_COLUMNS,
        )
    else:
        title = phrase(
            "Share of each column in the score of the {count} {rows} with the highest scores.",
            count=len(highest),
            rows=rows.name,
        )
    svg, wide = in_two_widths(heat_map, shares[:, order], [shortened(shown(name)) for name in names], columns=columns)
    return Plot(
        title=title,
        alt=phrase(
            "Heat map of the shares of columns in the highest scores; {column} adds most. Largest shares: {shares}.",
            column=most,
            shares=joined(largest, by=", "),
        ),
        svg=svg,
        wide=wide,
    )
