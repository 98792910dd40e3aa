"""The rows with the highest scores: the verdict in a sentence, cards, their reasons as a picture and a table."""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np

from models.reasons.reasons import MOST_REASONS
from training.report.fit_rows import ScoredRows
from training.report.kit.formatting import shortened
from training.report.kit.page import Card, Cards, Grid, Plot, Reason, Section
from training.report.kit.shapes import heat_map, in_two_widths

_ROWS: Final = 10  # in picture and table
_CARDS: Final = 6
_ORDINALS: Final = ("first reason", "second reason", "third reason")[:MOST_REASONS]
_HEAT_MAP_COLUMNS: Final = 12


def verdict_on(rows: ScoredRows) -> str:
    """Return how many rows are flagged, and which is the strangest, in a sentence or two."""
    flagged, n = int(rows.verdicts.is_anomaly.sum()), len(rows.scores)
    counted = f"{flagged:,} of {n:,} {rows.name} {'is' if flagged == 1 else 'are'} flagged, {flagged / n:.2%}."
    highest = int(rows.scores.argmax())
    if not rows.scores[highest]:
        return counted
    [name] = _names(rows, [highest])
    return f"{counted} The strangest is {name}: {rows.verdicts.reason(highest)}."


def highest_rows_section(rows: ScoredRows) -> Section:
    """Return the rows with the highest scores, and the columns that contribute most."""
    highest = np.argsort(-rows.scores, kind="stable")[:_ROWS].tolist()
    names = _names(rows, highest)
    cards = Cards(
        cards=[_card(rows, i, name) for i, name in zip(highest[:_CARDS], names, strict=False)],
        note="Each column with its value, what is unusual about it, and its share of the score; shares below 5 % are "
        "left out.",
    )
    return Section(
        anchor="rows",
        title="Rows with the highest scores",
        parts=[cards, _shares_plot(rows, highest, names), _grid(rows, highest, names)],
    )


def _names(rows: ScoredRows, chosen: list[int]) -> list[str]:
    """Return the id of each row, or its number where there is no id; both where several have the same one."""
    columns = rows.ids.values()
    ids = [" · ".join(shortened(str(ids[i])) for ids in columns if ids[i] is not None) for i in chosen]
    several = Counter(ids)
    numbers = [f"row\N{NO-BREAK SPACE}{rows.numbers[i]:,}" for i in chosen]
    return [
        number if not name else name if several[name] == 1 else f"{name} ({number})"
        for name, number in zip(ids, numbers, strict=True)
    ]


def _card(rows: ScoredRows, i: int, name: str) -> Card:
    flagged = bool(rows.verdicts.is_anomaly[i])
    facts = [f"score {rows.scores[i]:.4g}", f"p-value {rows.verdicts.p_value[i]:.2g}"]
    if rows.is_anomaly is not None:
        facts.append(f"labelled {_label(rows, i)}")
    if rows.ids:
        facts.append(f"row {rows.numbers[i]:,}")
    return Card(
        name=name,
        verdict="flagged" if flagged else "not flagged",
        facts=" · ".join(facts),
        reasons=[Reason(column=shortened(each.column), share=each.share, text=each.text) for each in rows.reasons(i)],
        marked=flagged,
    )


def _grid(rows: ScoredRows, highest: list[int], names: list[str]) -> Grid:
    labels = [] if rows.is_anomaly is None else ["label"]
    return Grid(
        title=f"The {len(highest)} {rows.name} with the highest scores as a table",
        header=(" · ".join(rows.ids) or "row", "score", "p-value", "flagged", *labels, *_ORDINALS),
        rows=[
            (
                name,
                f"{rows.scores[i]:.4g}",
                f"{rows.verdicts.p_value[i]:.2g}",
                "yes" if rows.verdicts.is_anomaly[i] else "no",
                *([] if rows.is_anomaly is None else [_label(rows, i)]),
                *_cells(rows, i),
            )
            for name, i in zip(names, highest, strict=True)
        ],
        note="After each column: its share of the score, the row’s value, and what is unusual about it. "
        "Rows are numbered as in their table, from 1.",
        prose=True,
        folded=True,
    )


def _label(rows: ScoredRows, i: int) -> str:
    return "anomaly" if rows.is_anomaly is not None and rows.is_anomaly[i] else "normal"


def _cells(rows: ScoredRows, i: int) -> list[str]:
    cells = [f"{shortened(each.column)} ({each.share:.0%}): {each.text}" for each in rows.reasons(i)]
    return cells + [""] * (len(_ORDINALS) - len(cells))


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
    columns = [shortened(features[i]) for i in order.tolist()]
    title = f"Share of each column in the score of the {len(highest)} {rows.name} with the highest scores"
    svg, wide = in_two_widths(heat_map, shares[:, order], [shortened(name) for name in names], columns=columns)
    return Plot(
        title=title
        + (f"; the {_HEAT_MAP_COLUMNS} columns with the largest shares." if len(features) > _HEAT_MAP_COLUMNS else "."),
        alt=f"Heat map of the shares of columns in the highest scores; {most} adds most. Largest shares: "
        f"{', '.join(largest)}.",
        svg=svg,
        wide=wide,
    )
