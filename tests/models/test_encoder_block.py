"""Columns that are encoded at once get what each one's own encoder gives, bit by bit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.encoders import (
    CYCLES,
    BooleanEncoder,
    CategoricalEncoder,
    DatetimeEncoder,
    Encoder,
    NumericEncoder,
    blocks_of,
)
from models.schema import Kind

SHARES = st.sampled_from([0.0, 0.2])
WORDS = ("a", "b", "ç", "d")
NUMBERS = st.builds(
    NumericEncoder,
    name=st.just("x"),
    center=st.floats(-1e6, 1e6),
    scale=st.floats(1e-6, 1e6),
    origin=st.floats(-10, 10),
    unit=st.none() | st.floats(1e-3, 1e3),
    missing_share=SHARES,
)
TRUTHS = st.builds(BooleanEncoder, name=st.just("x"), share=st.floats(0, 1), missing_share=SHARES)
CATEGORIES = st.builds(
    lambda rare_share, **others: CategoricalEncoder(
        name="x", rare_share=rare_share, rare=("ç",) if rare_share else (), **others
    ),
    categories=st.just(("a", "b")),
    shares=st.tuples(st.floats(0.01, 0.5), st.floats(0.01, 0.3)),
    rare_share=SHARES,
    missing_share=SHARES,
)
INSTANTS = st.builds(
    DatetimeEncoder,
    name=st.just("x"),
    start=st.floats(-1e9, 2e9),
    scale=st.floats(1.0, 1e8),
    cycles=st.lists(st.sampled_from(sorted(CYCLES)), unique=True).map(tuple),
    missing_share=SHARES,
)
CLOCKS = st.builds(
    DatetimeEncoder,
    name=st.just("x"),
    start=st.just(0.0),
    scale=st.just(1.0),
    cycles=st.just(("day",)),
    clock=st.just(True),
    missing_share=SHARES,
)


def cells(encoder: Encoder, draw: np.random.Generator, rows: int, largest: float) -> np.ndarray[Any, Any]:
    """Return values of a column, a fifth of them missing."""
    missing = draw.random(rows) < 0.2
    if encoder.kind is Kind.CATEGORICAL:
        return np.where(missing, None, draw.choice(WORDS, rows).astype(object))
    size = 1e9 if encoder.kind is Kind.DATETIME else largest
    return np.where(missing, np.nan, size * draw.normal(size=rows))


@given(
    encoders=st.lists(NUMBERS | TRUTHS | CATEGORIES | INSTANTS | CLOCKS, max_size=8),
    rows=st.integers(1, 9),
    seed=st.integers(0, 99),
    largest=st.sampled_from([1.0, 1e12, 1e300]),
)
def test_blocks_give_what_each_encoder_gives(encoders: list[Any], rows: int, seed: int, largest: float) -> None:
    draw = np.random.default_rng(seed)
    named = [replace(one, name=f"x{number}") for number, one in enumerate(encoders)]
    columns = {one.name: cells(one, draw, rows, largest) for one in named}
    ends = np.cumsum([0, *(len(one.features) for one in named)]).tolist()
    wanted, found = (np.full((rows, ends[-1]), -7, np.float32) for _ in range(2))
    none = np.zeros(rows, bool)
    told = {}
    with np.errstate(over="ignore"):
        for numbers, block in blocks_of(named, ends[:-1]):
            masks = [
                np.zeros((len(numbers), rows), bool) if mask is None else mask for mask in block.encode(columns, found)
            ]
            told |= {number: [mask[place].tolist() for mask in masks] for place, number in enumerate(numbers)}
        own = [
            one.encode(columns[one.name], wanted[:, start:end])
            for one, start, end in zip(named, ends, ends[1:], strict=False)
        ]
    assert found.tobytes() == wanted.tobytes()
    assert sorted(told) == list(range(len(named)))
    for number, novelty in enumerate(own):
        assert told[number] == [(none if mask is None else mask).tolist() for mask in novelty]


class Length:
    """An encoder of a kind of its own: the number of characters of a text."""

    name = "note"
    features = ("characters",)

    def encode(self, values: np.ndarray[Any, Any], out: np.ndarray[Any, Any]) -> tuple[None, None]:
        out[:, 0] = [len(value) for value in values]
        return None, None


def test_an_encoder_without_a_block_encodes_its_column_by_itself() -> None:
    number = NumericEncoder(name="x", center=0.0, scale=1.0)
    out = np.zeros((2, 2), np.float32)
    columns = {"x": np.array([5.0, 6.0]), "note": np.array(["abc", "d"], object)}
    masks = [block.encode(columns, out) for _, block in blocks_of([Length(), number], [0, 1])]  # type: ignore[list-item]
    assert out.tolist() == [[3.0, 5.0], [1.0, 6.0]]
    assert masks == [(None, None), (None, None)]
