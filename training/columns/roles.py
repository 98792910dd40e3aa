"""What the user says about columns, checked against the columns that there are."""

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
"""What becomes of infinite numbers, by the name that ``--infinite`` takes."""

EVERY_COLUMN: Final = "*"
_Said = TypeVar("_Said")
_INFINITE_VALUES: Final = ("inf", "-inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """What the user says about columns.

    Args:
        ids: Name a record; carried through.
        label: Says what is an anomaly.
        group: Says which rows belong together; a feature only where it is included.
        include: If not empty, only these are features.
        exclude: Are no features.
        kinds: The kind of a column, where it is not to be told from its values.
        date_orders: The layout of dates that leave open which number is the day, by column or `EVERY_COLUMN`.
        missing_values: Values that say that there is none, by column or `EVERY_COLUMN`.
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
        """Return the values that say that a column of a kind has none."""
        said = (*self.missing_values.get(name, ()), *self.missing_values.get(EVERY_COLUMN, ()))
        infinite = _INFINITE_VALUES if kind is Kind.NUMERIC and self.infinite == "missing" else ()
        return tuple(dict.fromkeys((*said, *infinite)))

    def of(self, name: str) -> Roles:
        """Return what is said about one column, which is a feature then."""
        return Roles(
            include=(name,),
            kinds=_about(name, self.kinds),
            date_orders=_about(name, self.date_orders),
            missing_values=_about(name, self.missing_values),
            infinite=self.infinite,
        )

    def check(self, names: Collection[str]) -> None:
        """Check that every column that is spoken of is there.

        Raises:
            ConfigError: One is not.
        """
        spoken_of = (*self.ids, *self.include, *self.exclude, *self.kinds, *self.date_orders, *self.missing_values)
        unknown = [name for name in dict.fromkeys(spoken_of) if name not in names and name != EVERY_COLUMN]
        if unknown:
            listed = ", ".join(map(repr, unknown))
            raise ConfigError(f"There is no column {listed}. The columns are: {', '.join(names)}.")


def kinds_said(said: Sequence[str], names: Collection[str]) -> dict[str, Kind]:
    """Read what ``--kind`` was given: ``COLUMN=KIND``.

    Raises:
        ConfigError: It is not of that form, or there is no such column.
    """
    return {column: Kind(kind) for column, kind in _assignments("kind", said, names, _is_kind)}


def date_orders_said(said: Sequence[str], names: Collection[str]) -> dict[str, str]:
    """Read what ``--date-order`` was given: ``ORDER`` for every column, or ``COLUMN=ORDER``.

    Raises:
        ConfigError: It is not of that form, or there is no such column.
    """
    whole = [(EVERY_COLUMN, order) for order in said if order in DATE_ORDERS]
    single = [order for order in said if order not in DATE_ORDERS]
    pairs = _assignments("date_order", single, names, DATE_ORDERS.__contains__)
    return {column: DATE_ORDERS[order] for column, order in (*whole, *pairs)}


def missing_values_said(said: Sequence[str], names: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Read what ``--missing-values`` was given: ``VALUE`` for every column, or ``COLUMN=VALUE``.

    Raises:
        ConfigError: There is no such column.
    """
    found: dict[str, tuple[str, ...]] = {}
    for one in said:
        if "=" in one:
            [(column, value)] = _assignments("missing_values", [one], names, bool)
        else:
            column, value = EVERY_COLUMN, one
        found[column] = (*found.get(column, ()), value.strip())
    return found


def assignment_complaint(setting: str, said: Sequence[str]) -> str | None:
    """Say what is wrong with the form of a setting's values, as far as it can be said without a table."""
    checks: dict[str, Callable[[str], bool]] = {
        "kind": _is_kind,
        "date_order": DATE_ORDERS.__contains__,
        "missing_values": bool,
    }
    for one in said:
        value = one.rpartition("=")[2]
        if (setting == "kind" and "=" not in one) or not checks[setting](value):
            return f"{setting} must be {_FORMS[setting]}, got {one!r}."
    return None


def _about(name: str, said: Mapping[str, _Said]) -> dict[str, _Said]:
    return {column: value for column, value in said.items() if column in (name, EVERY_COLUMN)}


_FORMS: Final = {
    "kind": f"COLUMN=KIND with a KIND of {', '.join(Kind)}",
    "date_order": f"one of {', '.join(DATE_ORDERS)}, or COLUMN=ORDER",
    "missing_values": "VALUE or COLUMN=VALUE",
}


def _assignments(
    setting: str, said: Sequence[str], names: Collection[str], fits: Callable[[str], bool]
) -> list[tuple[str, str]]:
    """Split at the ``=`` behind a column's name: both sides may have others."""
    pairs = []
    for one in said:
        places = [place for place, mark in enumerate(one) if mark == "="]
        splits = [(one[:place], one[place + 1 :]) for place in places]
        known = [(column, value) for column, value in splits if column in names or column == EVERY_COLUMN]
        right = [(column, value) for column, value in known if fits(value)]
        if not right:
            if known or not splits:
                raise ConfigError(f"{setting} must be {_FORMS[setting]}, got {one!r}.")
            raise ConfigError(
                Set(setting, one),
                f": there is no column {splits[-1][0]!r}. The columns are: {', '.join(names)}.",
            )
        pairs.append(right[-1])
    return pairs


def _is_kind(text: str) -> bool:
    return text in tuple(Kind)
