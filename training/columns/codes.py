"""Codes and identifiers that look like numbers: told by how they are written, not by their float64."""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import suppress
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.columns.arrow_cells import plain_cells
from models.errors import Message, Set, quoted
from models.messages import phrase
from models.schema import DECIMALS, THOUSANDS, Kind
from models.schema.cells import MISSING_TEXTS
from models.schema.number_parsing import parse_number_text
from models.schema.numbers import code_reason

_EXACT: Final = 2.0**53  # above, float64 does not tell whole numbers apart
_DIGITS_AND_MARKS: Final = re.compile(r"(?=.*\d)[\d.,'’ \u00a0\u202f+()/:;%$€£¥₹#*_−-]+")
_GROUPS: Final = re.compile(r"\d[.' ]\d{3}[.' ]\d{3}")
_MARKS: Final = tuple((decimal, thousands) for decimal in DECIMALS for thousands in THOUSANDS if decimal != thousands)
_MIN_SHARE: Final = 0.8  # of the different texts that are made of digits and marks


def differ_as_written(cells: pa.ChunkedArray, values: NDArray[Any]) -> int | None:
    """Return how many different whole numbers are written in cells whose float64 values `(n,)` do not tell them apart.

    Returns:
        None where float64 tells them apart, or where they are not written as whole numbers.
    """
    distinct = np.unique(values[np.isfinite(values)])
    if not len(distinct) or np.abs(distinct[[0, -1]]).max() < _EXACT:
        return None
    cells = plain_cells(cells)
    kind = cells.type.value_type if pa.types.is_dictionary(cells.type) else cells.type
    if pa.types.is_string(kind):
        texts = pc.unique(pc.utf8_trim_whitespace(cells.cast(pa.string()))).drop_null()
        texts = texts.filter(pc.invert(pc.is_in(texts, value_set=pa.array(sorted(MISSING_TEXTS), pa.string()))))
        if not pc.all(pc.match_substring_regex(texts, r"^[+-]?[0-9]+$"), min_count=0).as_py():
            return None
        count = len(texts)
    elif pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0):
        count = len(pc.unique(cells).drop_null())
    else:
        return None
    return count if count > len(distinct) or count == len(values) else None


def with_what_was_met(name: str, reason: str, texts: Collection[str]) -> str:
    """Return the reason to drop a column of texts, and what these look like where they may be meant as numbers."""
    if code := code_reason(texts):
        setting = Set("kind", f"{name}={Kind.NUMERIC}")
        return phrase("{reason}: {code}; if they are numbers: {setting}", reason=reason, code=code, setting=setting)
    if marks := other_marks(texts):
        return phrase("{reason}: they would be numbers with {settings}", reason=reason, settings=marks)
    alike = [text for text in texts if _DIGITS_AND_MARKS.fullmatch(text)]
    if len(alike) < _MIN_SHARE * len(texts):
        return reason
    odd = next((text for text in alike if not text.isdigit()), alike[0])
    return phrase(
        "{reason}: texts of digits and marks, such as {text}; if they are numbers, say {decimal} and {thousands}",
        reason=reason,
        text=quoted(odd),
        decimal=Set("decimal"),
        thousands=Set("thousands"),
    )


def other_marks(texts: Collection[str]) -> str | None:
    """Return the flags by which all texts are numbers, of which some have marks between thousands or decimal commas."""
    if not any("," in text or _GROUPS.search(text) for text in texts):
        return None
    for decimal, thousands in _MARKS:
        with suppress(ValueError):
            for text in texts:
                parse_number_text(text.strip(), decimal=decimal, thousands=thousands)
            word = {" ": "space"}.get(thousands, thousands)
            return Message(Set("decimal", decimal), " ", Set("thousands", word))
    return None
