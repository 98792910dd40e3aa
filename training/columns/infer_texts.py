"""Inference for texts: numbers, truth values, timestamps, durations, numbers with units, or categories."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Final

import numpy as np

from models.errors import Message, Set, TableError, joined, quoted
from models.messages import brief, phrase
from models.schema import DURATION, Column, Kind
from models.schema.cells import BOOLEAN_WORDS, parse_number, parse_timestamp, read_number
from models.schema.durations import parse_duration
from models.schema.numbers import code_reason
from models.schema.timestamps import has_two_digit_year, parse_timestamp_text
from training.columns.codes import other_marks
from training.columns.date_forms import TEXT_LAYOUTS, date_reason
from training.columns.durations import are_durations, short_clock_reason
from training.columns.infer_units import unit_column
from training.columns.roles import DATE_ORDERS, EVERY_COLUMN, Roles

MAX_CATEGORIES: Final = 100
"""Categories of a column that get a level of their own, the most frequent first."""

_MIN_CATEGORY_ROWS: Final = 5
_MIN_CATEGORY_SHARE: Final = 0.0005
_MIN_COMMON_SHARE: Final = 0.1  # of the rows that must lie in common categories, where most values come again
_MIN_ROWS_A_VALUE: Final = 2.0  # on average, or a column names its rows, unless half of them are in common categories
_FREE_TEXT_WORDS: Final = 3.0
_SEASON: Final = re.compile(r"([0-9]{4})[-/]([0-9]{2})")
_CLEAR_WORDS: Final = frozenset(["true", "false", "yes", "no"])  # the others count only beside their opposite
_DURATION_NAME: Final = re.compile(r"duration|elapsed|length|took|uptime|runtime|lasted", re.IGNORECASE)
_NUMBERS: Final = phrase("numbers")
_SHOWN: Final = 3  # texts that are no numbers
_SAMPLE: Final = 1000  # texts
_MIN_TEXTS: Final = 20  # different ones, before a few that are no numbers look like strays
_MAX_STRAY_SHARE: Final = 0.1  # of the different texts


def text_column(
    name: str,
    texts: Sequence[str],
    roles: Roles,
    *,
    decimal: str,
    thousands: str = "",
    said: tuple[str | None, str | None] | None = None,
    where: Callable[[str], str] | None = None,
) -> Column | str:
    """Return the column that distinct texts make, at least one and none missing, or why it cannot be used.

    Decimal mark and thousands separator are those of the file, `said` those of `unit_column`;
    `where` says in which row a text is first.

    Raises:
        TableError: Only the user can tell; the error names the setting.
    """
    given = roles.kinds.get(name)
    if given is Kind.CATEGORICAL or given is Kind.BOOLEAN:
        return Column(name=name, kind=given)
    if given is None and code_reason(texts):
        return Column(name=name, kind=Kind.CATEGORICAL)
    number_format = {"decimal": decimal, "thousands": thousands}
    if given is not Kind.DATETIME and all_parse(texts, partial(read_number, **number_format)):
        return Column(name=name, kind=Kind.NUMERIC)
    if given is None and _are_truth_values(texts):
        return Column(name=name, kind=Kind.BOOLEAN)
    if given is not Kind.NUMERIC and (layout := _layout(name, texts, roles)) is not None:
        if given is None and layout == "time" and _DURATION_NAME.search(name):
            problem = f"Column {name!r}: {quoted(texts[0])} may be a time of day or a duration. Say "
            clock, duration = Set("kind", f"{name}=datetime"), Set("kind", f"{name}=numeric")
            raise TableError(problem, clock, " for times of day, or ", duration, " for durations.")
        return Column(name=name, kind=Kind.DATETIME, layout=layout, zone=_zone(texts, layout))
    if given is Kind.DATETIME:
        return Column(name=name, kind=Kind.DATETIME, layout="iso")  # reading it names the cell that is none
    if all(has_two_digit_year(text) for text in texts):
        return phrase(
            "dates with two-digit years, such as {date}: write the year with four digits", date=quoted(texts[0])
        )
    if all_parse(texts, parse_duration) and (given is Kind.NUMERIC or are_durations(texts)):
        return short_clock_reason(texts) or Column(name=name, kind=Kind.NUMERIC, layout=DURATION)
    if with_unit := unit_column(name, texts, decimal=decimal, plain_too=given is Kind.NUMERIC, said=said):
        return with_unit
    if given is None and (reason := _strays(name, texts, partial(parse_number, **number_format), where)):
        return reason
    return Column(name=name, kind=given or Kind.CATEGORICAL)


def all_parse(texts: Collection[str], parse: Callable[[str], object]) -> bool:
    """Return True if every text can be parsed."""
    try:
        for text in texts:
            parse(text)
    except ValueError:
        return False
    return True


def _strays(
    name: str, texts: Sequence[str], number: Callable[[str], object], where: Callable[[str], str] | None
) -> str | None:
    """Return the reason to drop many texts of which all but a few are numbers or timestamps."""
    if len(texts) < _MIN_TEXTS:
        return None
    parsers: dict[str, Callable[[str], object]] = {
        _NUMBERS: number,
        **{
            phrase("dates or times ({layout})", layout=layout): partial(parse_timestamp, layout=layout)
            for layout in TEXT_LAYOUTS
        },
    }
    sample = texts[:: max(1, len(texts) // _SAMPLE)]
    for what, parse in parsers.items():
        if sum(not all_parse([text], parse) for text in sample) <= _MAX_STRAY_SHARE * len(sample):
            strays = [text for text in texts if not all_parse([text], parse)]
            if (reason := date_reason([*sample, *strays])) is not None:
                return reason
            some: list[str] = [
                quoted(text) if where is None else phrase("{text} ({place})", text=quoted(text), place=where(text))
                for text in strays[:_SHOWN]
            ]
            shown = joined([*some, *(["…"] if len(strays) > _SHOWN else [])], by=", ")
            few = len(strays) <= _SHOWN and all(text == brief(text) for text in strays)
            missing = Set("missing_values", tuple(f"{name}={stray}" for stray in strays) if few else None)
            category = Set("kind", f"{name}={Kind.CATEGORICAL}")
            if what is _NUMBERS and (marks := other_marks(texts)):
                return phrase("numbers, but for {texts}; all are numbers with {settings}", texts=shown, settings=marks)
            return phrase(
                "{what}, but for {texts}: fix these, or say {missing}; if they are categories: {category}",
                what=what,
                texts=shown,
                missing=missing,
                category=category,
            )
    return None


def common_categories(values: Collection[str]) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Return the categories that get a level of their own and the rare ones, each with its count."""
    ranked = sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0]))
    least = _least_rows(len(values))
    common = [pair for pair in ranked[:MAX_CATEGORIES] if pair[1] >= least]
    return common, ranked[len(common) :]


def _least_rows(rows: int) -> float:
    """Return the number of rows that a category needs to be common."""
    return 1 if rows < 10 * _MIN_CATEGORY_ROWS else max(_MIN_CATEGORY_ROWS, _MIN_CATEGORY_SHARE * rows)


def too_many_categories(values: Sequence[str]) -> str | None:
    """Return the reason to drop texts of which too few are repeated: identifiers, or free text."""
    counts = Counter(values)
    least = _least_rows(len(values))
    common = sum(count for count in counts.values() if count >= least) / len(values)
    repeated = len(values) / len(counts) >= _MIN_ROWS_A_VALUE
    if common >= (_MIN_COMMON_SHARE if repeated else 0.5):
        return None
    if (reason := date_reason(counts)) is not None:
        return reason
    found = {"different": len(counts), "rows": len(values)}
    prose = np.mean([len(value.split()) for value in values]) >= _FREE_TEXT_WORDS
    if not prose and repeated:
        return phrase(
            "too many categories ({different:,} different values in {rows:,} rows, none in more than {share:.2%} of "
            "them)",
            **found,
            share=counts.most_common(1)[0][1] / len(values),
        )
    if prose:
        return phrase("free text ({different:,} different values in {rows:,} rows)", **found)
    return phrase("identifier ({different:,} different values in {rows:,} rows)", **found)


def _are_truth_values(texts: Collection[str]) -> bool:
    """Return True if texts are words for true and false; 0 and 1 alone are numbers, like 2."""
    words = {text.strip().lower() for text in texts}
    if not words <= BOOLEAN_WORDS.keys() or words <= {"0", "1"}:
        return False
    return bool(words & _CLEAR_WORDS) or len({BOOLEAN_WORDS[word] for word in words}) == 2


def _layout(name: str, texts: Sequence[str], roles: Roles) -> str | None:
    """Return the layout that all texts have; raise an error where day and month cannot be told apart."""
    given = roles.date_orders.get(name)
    layouts = [layout for layout in TEXT_LAYOUTS if all_parse(texts, partial(parse_timestamp, layout=layout))]
    if "period" in layouts and _are_seasons(texts):
        layouts.remove("period")
    if "iso" in layouts:  # read beside every other one
        return "iso"
    possible = {*DATE_ORDERS.values()}.intersection(layouts)
    if possible and given:
        return given  # where it is not possible, reading it names the cell that contradicts
    if len(possible) < len(DATE_ORDERS):
        return layouts[0] if layouts else None
    if EVERY_COLUMN in roles.date_orders:
        return roles.date_orders[EVERY_COLUMN]
    orders = joined([Message(Set("date_order", f"{name}={choice}")) for choice in DATE_ORDERS], by=" or ")
    example = next(text for text in texts if not all_parse([text], partial(parse_timestamp, layout="iso")))
    what = f"Column {name!r}: day and month cannot be told apart (such as {quoted(example)})"
    raise TableError(what, ". Say ", orders, ".")


def _are_seasons(texts: Sequence[str]) -> bool:
    """Return True if all texts are two years in a row, such as 2008/09, which could be a month."""
    found = [_SEASON.fullmatch(text.strip()) for text in texts]
    return len(texts) > 1 and all(two is not None and (int(two[1]) + 1 - int(two[2])) % 100 == 0 for two in found)


def _zone(texts: Sequence[str], layout: str) -> bool | None:
    """Return whether texts of a layout all have a zone (True) or none has one (False); None where some have one."""
    found = {parse_timestamp_text(text.strip(), layout=layout).tzinfo is not None for text in texts}
    return found.pop() if len(found) == 1 else None
