"""Roles: what the user says about columns, parsed from settings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from models.errors import ConfigError, Message, Set, absent_columns
from models.messages import phrase
from models.schema import Kind

DATE_ORDERS: Final = {"day-first": "day_first", "month-first": "month_first"}
"""What ``--date-order`` takes, and the layout that it stands for."""

ASSIGNMENTS: Final[dict[str, tuple[str, Callable[[str], bool]]]] = {
    "kind": (f"COLUMN=KIND with a KIND of {', '.join(Kind)}", tuple(map(str, Kind)).__contains__),
    "date_order": (f"one of {', '.join(DATE_ORDERS)}, or COLUMN=ORDER", DATE_ORDERS.__contains__),
    "missing_values": ("VALUE or COLUMN=VALUE", bool),
    "keep_words": ("WORD or COLUMN=WORD", bool),
}
"""The settings that say something of single columns: their form, and whether a value is one of theirs."""

INFINITE: Final = {
    "refuse": "an infinite number is an error that names its column and row",
    "missing": "it is a missing value, in training as in scoring",
}
"""How infinite numbers are treated, by the name that ``--infinite`` takes."""

EVERY_COLUMN: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """What the user says about columns.

    Args:
        group: Column whose equal values keep rows together; a feature only where it is included.
        include: If not empty, only these columns are features.
        kinds: The kind of columns whose values do not tell it.
        date_orders: The layout of dates that do not show which number is the day, by column or `EVERY_COLUMN`.
        missing_values: Values that stand for a missing one, by column or `EVERY_COLUMN`.
        keep_words: Categories that would else stand for a missing value, by column or `EVERY_COLUMN`.
        infinite: A key of `INFINITE`.
    """

    ids: tuple[str, ...] = ()
    label: str | None = None
    group: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    date_orders: Mapping[str, str] = field(default_factory=dict)
    missing_values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keep_words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    infinite: str = "refuse"

    def reason_to_drop(self, name: str) -> Message | None:
        """Return why the user's own word leaves a column out; None where it does not."""
        if name in self.exclude:
            return phrase("excluded ({setting})", setting=Set("exclude"))
        if name == self.group and name not in self.include:
            return phrase("says which rows belong together ({setting})", setting=Set("group"))
        if self.include and name not in self.include:
            return phrase("not included ({setting})", setting=Set("include"))
        return None

    def missing_of(self, name: str, kind: Kind) -> tuple[str, ...]:
        """Return the values that stand for a missing one in a column of a kind."""
        given = (*self.missing_values.get(name, ()), *self.missing_values.get(EVERY_COLUMN, ()))
        infinite = ("inf", "-inf") if kind is Kind.NUMERIC and self.infinite == "missing" else ()
        return tuple(dict.fromkeys((*given, *infinite)))

    def kept_of(self, name: str) -> tuple[str, ...]:
        """Return the words that are categories in a column, and stand for a missing value elsewhere."""
        return tuple(dict.fromkeys((*self.keep_words.get(name, ()), *self.keep_words.get(EVERY_COLUMN, ()))))


def split_assignments(setting: str, assignments: Sequence[str], names: Collection[str]) -> list[tuple[str, str]]:
    """Split each assignment at the ``=`` behind a column's name; a value alone is for `EVERY_COLUMN`.

    There may be more than one ``=``, in names and in values.

    Raises:
        ConfigError: An assignment has another form, or there is no such column.
    """
    form, is_valid = ASSIGNMENTS[setting]
    pairs = []
    for text in assignments:
        if "=" not in text and setting != "kind" and is_valid(text):
            pairs.append((EVERY_COLUMN, text))
            continue
        splits = [(text[:i], text[i + 1 :]) for i, character in enumerate(text) if character == "="]
        known = [(column, value) for column, value in splits if column in names or column == EVERY_COLUMN]
        valid = [(column, value) for column, value in known if is_valid(value)]
        if not valid and (known or not splits):
            raise ConfigError(f"{setting} must be {form}, got {text!r}.")
        if not valid:
            raise ConfigError(Set(setting, text), f": {absent_columns([splits[-1][0]], list(names))}")
        pairs.append(valid[-1])
    return pairs
