"""Columns that are encoded together get the features that each gets alone, bit by bit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.encoders import (
    CYCLES,
    BooleanEncoding,
    CategoricalEncoding,
    Encoding,
    NumericEncoding,
    TimestampEncoding,
    encoders_of,
)
from models.schema import Kind

SHARES = st.sampled_from([0.0, 0.2])
WORDS = ("a", "b", "ç", "d")
NUMBERS = st.builds(
    NumericEncoding,
    name=st.just("x"),
    center=st.floats(-1e6, 1e6),
    scale=st.floats(1e-6, 1e6),
    origin=st.floats(-10, 10),
    unit=st.none() | st.floats(1e-3, 1e3),
    missing_share=SHARES,
)
TRUTHS = st.builds(BooleanEncoding, name=st.just("x"), share=st.floats(0, 1), missing_share=SHARES)
CATEGORIES = st.builds(
    lambda rare_share, **others: CategoricalEncoding(
        name="x", rare_share=rare_share, rare=("ç",) if rare_share else (), **others
    ),
    categories=st.just(("a", "b")),
    shares=st.tuples(st.floats(0.01, 0.5), st.floats(0.01, 0.3)),
    rare_share=SHARES,
    missing_share=SHARES,
)
TIMESTAMPS = st.builds(
    TimestampEncoding,
    name=st.just("x"),
    start=st.floats(-1e9, 2e9),
    scale=st.floats(1.0, 1e8),
    cycles=st.lists(st.sampled_from(sorted(CYCLES)), unique=True).map(tuple),
    hours=st.sampled_from([(), tuple(map(float, range(24)))]),
    weekdays=st.sampled_from([(), (0.0,) * 5 + (9.0, 12.0)]),
    missing_share=SHARES,
)
CLOCKS = st.builds(
    TimestampEncoding,
    name=st.just("x"),
    start=st.just(0.0),
    scale=st.just(1.0),
    cycles=st.just(("day",)),
    clock=st.just(True),
    missing_share=SHARES,
)


def cells(encoding: Encoding, draw: np.random.Generator, rows: int, largest: float) -> np.ndarray[Any, Any]:
    """Return values of a column, a fifth of them missing."""
    missing = draw.random(rows) < 0.2
    if encoding.kind is Kind.CATEGORICAL:
        return np.where(missing, None, draw.choice(WORDS, rows).astype(object))
    size = 1e9 if encoding.kind is Kind.DATETIME else largest
    return np.where(missing, np.nan, size * draw.normal(size=rows))


def encode(encodings: list[Any], columns: dict[str, Any]) -> tuple[np.ndarray[Any, Any], list[list[Any]]]:
    """Return the features of columns, and for each the rows that are missing and unseen."""
    rows = len(next(iter(columns.values())))
    ends = np.cumsum([0, *(len(encoding.features) for encoding in encodings)]).tolist()
    out = np.full((rows, ends[-1]), -7, np.float32)
    masks: dict[int, list[Any]] = {}
    with np.errstate(over="ignore"):
        for indices, encoder in encoders_of(encodings, ends[:-1]):
            found = [np.zeros((len(indices), rows), bool) if m is None else m for m in encoder.encode(columns, out)]
            masks |= {i: [mask[k].tolist() for mask in found] for k, i in enumerate(indices)}
    return out, [masks[i] for i in range(len(encodings))]


@given(
    encodings=st.lists(NUMBERS | TRUTHS | CATEGORIES | TIMESTAMPS | CLOCKS, min_size=1, max_size=8),
    rows=st.integers(1, 9),
    seed=st.integers(0, 99),
    largest=st.sampled_from([1.0, 1e12, 1e300]),
)
def test_columns_together_get_what_each_gets_alone(encodings: list[Any], rows: int, seed: int, largest: float) -> None:
    draw = np.random.default_rng(seed)
    named = [replace(encoding, name=f"x{i}") for i, encoding in enumerate(encodings)]
    columns = {encoding.name: cells(encoding, draw, rows, largest) for encoding in named}
    together, masks = encode(named, columns)
    alone = [encode([encoding], columns) for encoding in named]
    assert together.tobytes() == np.concatenate([features for features, _ in alone], axis=1).tobytes()
    assert masks == [own for _, [own] in alone]
