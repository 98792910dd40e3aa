"""Columns that are encoded at once get what each one's own encoder gives, bit by bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.encoders import Block, BooleanEncoder, NumericEncoder, OneFeatureEncoder

SHARES = st.sampled_from([0.0, 0.2])
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


@given(
    encoders=st.lists(NUMBERS | TRUTHS, max_size=6),
    rows=st.integers(1, 9),
    seed=st.integers(0, 99),
    largest=st.sampled_from([1.0, 1e12, 1e300]),
)
def test_a_block_gives_what_each_encoder_gives(
    encoders: list[OneFeatureEncoder], rows: int, seed: int, largest: float
) -> None:
    draw = np.random.default_rng(seed)
    named = [replace(one, name=f"x{number}") for number, one in enumerate(encoders)]
    columns = {one.name: np.where(draw.random(rows) < 0.2, np.nan, largest * draw.normal(size=rows)) for one in named}
    ends = np.cumsum([0, *(len(one.features) for one in named)])
    wanted, found = (np.full((rows, ends[-1]), -7, np.float32) for _ in range(2))
    with np.errstate(over="ignore"):
        missing = Block.of(named, ends[:-1].tolist()).encode(columns, found)
        own = [
            one.encode(columns[one.name], wanted[:, start:end]).missing
            for one, start, end in zip(named, ends, ends[1:], strict=False)
        ]
    assert found.tobytes() == wanted.tobytes()
    if missing is None:
        assert all(mask is None for mask in own)
    else:
        for each, mask in zip(missing, own, strict=True):
            assert each.tolist() == (np.zeros(rows, bool) if mask is None else mask).tolist()
