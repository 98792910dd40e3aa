"""Roles: what the user says about columns, parsed from settings and checked against the table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from models.errors import ConfigError, Set
from models.schema import Kind

DATE_ORDERS: Final = {"day-first": "day_first", "month-first": "month_first"}
"""What ``--date-order`` takes, and the layout that it stands for."""

INFINITE: Final = {
    "refuse": "an infinite number is an error that names its column and row",
    "missing": "it is a missing value, in training as in scoring",
}
"""How infinite numbers are treated, by the name that ``--infinite`` takes."""

EVERY_COLUMN: Final = "*"
T = TypeVar("T")
_INFINITE_VALUES: Final = ("inf", "-inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """What the user says about columns.

    Args:
        ids: Columns that name a record; copied to the output.
        label: Column that says which rows are anomalies.
        group: Column whose equal values keep rows together; a feature only where it is included.
        include: If not empty, only these columns are features.
        exclude: Columns that are no features.
        kinds: The kind of columns whose values do not tell it.
        date_orders: The layout of dates that do not show which number is the day, by column or `EVERY_COLUMN`.
        missing_values: Values that stand for a missing one, by column or `EVERY_COLUMN`.
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
    infinite: str = "refuse"

    def missing_of(self, name: str, kind: Kind) -> tuple[str, ...]:
        """Return the values that stand for a missing one in a column of a kind."""
        given = (*self.missing_values.get(name, ()), *self.missing_values.get(EVERY_COLUMN, ()))
        infinite = _INFINITE_VALUES if kind is Kind.NUMERIC and self.infinite == "missing" else ()
        return tuple(dict.fromkeys((*given, *infinite)))

    def of(self, name: str) -> Roles:
        """Return the roles of one column, which is then a feature."""
        return Roles(
            include=(name,),
            kinds=_about(name, self.kinds),
            date_orders=_about(name, self.date_orders),
            missing_values=_about(name, self.missing_values),
            infinite=self.infinite,
        )

    def check(self, names: Collection[str]) -> None:
        """Check that every named column is in the table.

        Raises:
            ConfigError: One is not.
        """
        named = (*self.ids, *self.include, *self.exclude, *self.kinds, *self.date_orders, *self.missing_values)
        unknown = [name for name in dict.fromkeys(named) if name not in names and name != EVERY_COLUMN]
        if unknown:
            listed = ", ".join(map(repr, unknown))
            raise ConfigError(f"There is no column {listed}. The columns are: {', '.join(names)}.")


def parse_kinds(assignments: Sequence[str], names: Collection[str]) -> dict[str, Kind]:
    """Parse the values of ``--kind``: ``COLUMN=KIND``.

    Raises:
        ConfigError: It is not of that form, or there is no such column.
    """
    return {column: Kind(kind) for column, kind in _split_assignments("kind", assignments, names, _is_kind)}


def parse_date_orders(assignments: Sequence[str], names: Collection[str]) -> dict[str, str]:
    """Parse the values of ``--date-order``: ``ORDER`` for every column, or ``COLUMN=ORDER``.

    Raises:
        ConfigError: It is not of that form, or there is no such column.
    """
    general = [(EVERY_COLUMN, order) for order in assignments if order in DATE_ORDERS]
    single = [assignment for assignment in assignments if assignment not in DATE_ORDERS]
    pairs = _split_assignments("date_order", single, names, DATE_ORDERS.__contains__)
    return {column: DATE_ORDERS[order] for column, order in (*general, *pairs)}


def parse_missing_values(assignments: Sequence[str], names: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Parse the values of ``--missing-values``: ``VALUE`` for every column, or ``COLUMN=VALUE``.

    Raises:
        ConfigError: There is no such column.
    """
    found: dict[str, tuple[str, ...]] = {}
    for assignment in assignments:
        if "=" in assignment:
            [(column, value)] = _split_assignments("missing_values", [assignment], names, bool)
        else:
            column, value = EVERY_COLUMN, assignment
        found[column] = (*found.get(column, ()), value.strip())
    return found


def assignment_complaint(setting: str, assignments: Sequence[str]) -> str | None:
    """Return what is wrong with the form of a setting's values, as far as it shows without a table."""
    checks: dict[str, Callable[[str], bool]] = {
        "kind": _is_kind,
        "date_order": DATE_ORDERS.__contains__,
        "missing_values": bool,
    }
    for assignment in assignments:
        value = assignment.rpartition("=")[2]
        if (setting == "kind" and "=" not in assignment) or not checks[setting](value):
            return f"{setting} must be {_FORMS[setting]}, got {assignment!r}."
    return None


def _about(name: str, given: Mapping[str, T]) -> dict[str, T]:
    return {column: value for column, value in given.items() if column in (name, EVERY_COLUMN)}


_FORMS: Final = {
    "kind": f"COLUMN=KIND with a KIND of {', '.join(Kind)}",
    "date_order": f"one of {', '.join(DATE_ORDERS)}, or COLUMN=ORDER",
    "missing_values": "VALUE or COLUMN=VALUE",
}


def _split_assignments(
    setting: str, assignments: Sequence[str], names: Collection[str], is_valid: Callable[[str], bool]
) -> list[tuple[str, str]]:
    """Split each assignment at the ``=`` behind a column's name: both sides may hold others."""
    pairs = []
    for text in assignments:
        splits = [(text[:i], text[i + 1 :]) for i, character in enumerate(text) if character == "="]
        known = [(column, value) for column, value in splits if column in names or column == EVERY_COLUMN]
        valid = [(column, value) for column, value in known if is_valid(value)]
        if not valid:
            if known or not splits:
                raise ConfigError(f"{setting} must be {_FORMS[setting]}, got {text!r}.")
            raise ConfigError(
                Set(setting, text),
                f": there is no column {splits[-1][0]!r}. The columns are: {', '.join(names)}.",
            )
        pairs.append(valid[-1])
    return pairs


def _is_kind(text: str) -> bool:
    return text in tuple(Kind)
