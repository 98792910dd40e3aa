"""The schema: which columns a detector reads, their kinds and order, and which it drops and why."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from models.errors import BundleError
from models.messages import joined, phrase, plural, quoted
from models.schema.names import in_one_form, one_form
from models.schema.nesting import outer_names
from models.schema.numbers import PERCENT
from models.schema.timestamps import TIME_LAYOUTS
from models.strict_json import from_plain

SCHEMA_VERSION: Final = 1
"""Version of a schema's plain form; raised when an old program would misread a new one."""

DURATION: Final = "duration"
"""Layout of numbers that are durations, of a type or in texts such as ``1h 30m``; the number is in seconds."""

DECIMALS: Final = (".", ",")
"""Decimal marks of numbers that are written as text."""

THOUSANDS: Final = (",", ".", " ", "'")
"""Thousands separators of numbers that are written as text."""

_SHOWN_NAMES: Final = 10
_OPTIONAL: Final = ("layout", "unit", "decimal", "thousands", "zone")
_WORDS: Final = ("missing", "keep_words")
_REQUIRED: Final = frozenset(["columns", "ids", "label", "dropped", "header"])


class Kind(StrEnum):
    """The kind of a column's values."""

    NUMERIC = "numeric"
    BOOLEAN = "boolean"
    CATEGORICAL = "categorical"
    DATETIME = "datetime"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of the user's that is a feature.

    Args:
        name: As the user calls it.
        kind: What its values are.
        layout: How its texts are written: of datetimes a key of `models.schema.timestamps.TIME_LAYOUTS`, of numbers
            `DURATION` or None for digits.
        unit: Of numbers: the unit or currency that may stand beside them in texts, such as ``°C``.
        decimal: Of numbers with a unit: the decimal mark of its texts; None for that of the file.
        thousands: Of numbers with a unit: the thousands separator of its texts; None for that of the file.
        zone: Of datetimes: whether all that were learned from had a zone (True) or none had one (False); a text that
            differs is refused, but for UTC where none had one. None where some had one, or nobody knows.
        missing: Values that stand for a missing one: sentinels such as ``-200``, or words. They are compared as
            the column's values are, so that ``-200.0`` is one of them, too.
        keep_words: Of categories: words that are values here and stand for a missing one elsewhere, such as ``NA`` for
            Namibia.
        optional: Some of the records that were learned from lacked the field: where it is absent, it is missing.
    """

    name: str
    kind: Kind
    layout: str | None = None
    unit: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    zone: bool | None = None
    missing: tuple[str, ...] = ()
    keep_words: tuple[str, ...] = ()
    optional: bool = False

    def __post_init__(self) -> None:
        layouts = {Kind.DATETIME: tuple(TIME_LAYOUTS), Kind.NUMERIC: (DURATION,)}.get(self.kind, ())
        if self.layout is not None and self.layout not in layouts:
            raise ValueError(f"layout of a {self.kind} column must be one of {', '.join(layouts)}, got {self.layout!r}")
        if self.kind is not Kind.NUMERIC and (self.unit or self.decimal or self.thousands):
            raise ValueError(f"unit, decimal and thousands are for numeric columns, this one is {self.kind}")
        if self.kind is not Kind.DATETIME and self.zone is not None:
            raise ValueError(f"zone is for datetime columns, this one is {self.kind}")
        if self.kind is not Kind.CATEGORICAL and self.keep_words:
            raise ValueError(f"keep_words are for categorical columns, this one is {self.kind}")

    def to_json(self) -> dict[str, Any]:
        """Return plain data, without what is the default."""
        plain: dict[str, Any] = {"name": self.name, "kind": str(self.kind)}
        for name in _OPTIONAL:
            if (value := getattr(self, name)) is not None:
                plain[name] = value
        words = {name: list(value) for name in _WORDS if (value := getattr(self, name))}
        return plain | words | ({"optional": True} if self.optional else {})

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Column:
        """Make a column from what `to_json` gave, with defaults for what is absent; a `ValueError` if it is none."""
        return from_plain(dict(plain), cls)


@dataclass(frozen=True, kw_only=True)
class FeatureSchema:
    """The columns of a detector, by name and in order.

    Args:
        columns: The features, in the order in which they are encoded.
        ids: Columns that name a record; copied to every output, never a feature.
        label: Column that says which rows are anomalies; never a feature.
        dropped: Columns of the training data that are not used, with the reason.
        header: The names of the columns of a file without a header line, in order.
        threshold_by: Column whose values have thresholds of their own; a feature or not.
        decimal: The decimal mark of the texts that numbers were learned from.
        thousands: The thousands separator of these texts, empty for none. A text that could be read in two ways is read
            by these two.
        whole: Numeric columns that held whole numbers alone: 734.221 in a later text file may be a thousand in these.
    """

    columns: tuple[Column, ...]
    ids: tuple[str, ...] = ()
    label: str | None = None
    dropped: Mapping[str, str] = field(default_factory=dict, hash=False)
    header: tuple[str, ...] | None = None
    threshold_by: str | None = None
    decimal: str = "."
    thousands: str = ""
    whole: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if self.decimal not in DECIMALS or self.thousands not in ("", *THOUSANDS) or self.decimal == self.thousands:
            raise ValueError(f"numbers cannot be written with {self.decimal!r} and {self.thousands!r}")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def read(self) -> tuple[Column, ...]:
        """The columns that every table and record must have: the features and the column of the segments."""
        if self.threshold_by is None or self.threshold_by in self.names:
            return self.columns
        return (*self.columns, Column(name=self.threshold_by, kind=Kind.CATEGORICAL))

    @cached_property
    def read_names(self) -> tuple[str, ...]:
        """Names of the columns that every table and record must have."""
        return tuple(column.name for column in self.read)

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that must be there in every table and record; the others are missing where absent."""
        return tuple(column.name for column in self.read if not column.optional)

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """Names of the columns of plain numbers, which have no sentinels."""
        return tuple(column.name for column in self.read if column.kind is Kind.NUMERIC and not column.missing)

    @cached_property
    def in_percent(self) -> tuple[Column, ...]:
        """The features that were learned in percent."""
        return tuple(column for column in self.columns if column.unit == PERCENT)

    @cached_property
    def digest(self) -> str:
        """Names, kinds and units of the columns that are read, and their order, as 16 hexadecimal digits.

        A client that sends values without names sends it, so that columns are never mixed up.
        """
        meant = [[column.name, str(column.kind), column.layout, column.unit] for column in self.read]
        return hashlib.sha256(json.dumps(meant).encode()).hexdigest()[:16]

    @cached_property
    def known(self) -> frozenset[str]:
        """All names of the training data."""
        others = (name for name in (self.label, self.threshold_by) if name is not None)
        return frozenset((*self.names, *self.ids, *others, *self.dropped))

    @cached_property
    def objects(self) -> frozenset[str]:
        """Names of the objects that names of the training data lie in: where one is null, so are these."""
        return outer_names(tuple(self.known)) - {*self.read_names, *self.ids}

    def note_of_ignored(self, names: Iterable[str], *, counts: Mapping[str, int] | None = None) -> str | None:
        """Return the line about names of a table or of records that the detector does not know, None without any.

        Args:
            names: All names that came.
            counts: In how many records each of them came, where they are not in all.
        """
        unknown = [name for name in (names if names is counts else dict.fromkeys(names)) if name not in self.known]
        if not unknown:
            return None
        shown = []
        for name in unknown[:_SHOWN_NAMES]:
            count = None if counts is None else counts[name]
            if count is None:
                shown.append(quoted(name))
            else:
                shown.append(
                    plural("{field} ({count:,} record)", "{field} ({count:,} records)", field=quoted(name), count=count)
                )
        more = len(unknown) - len(shown)
        some: str = joined(shown, by=", ")
        if more:
            some = phrase("{listed} and {more:,} more", listed=some, more=more)
        return phrase("ignored: {fields}, which the detector does not know", fields=some)

    def to_json(self) -> dict[str, Any]:
        """Return plain data from which `from_json` makes an equal schema."""
        return {
            "schema_version": SCHEMA_VERSION,
            "columns": [column.to_json() for column in self.columns],
            "ids": list(self.ids),
            "label": self.label,
            "dropped": dict(self.dropped),
            "header": None if self.header is None else list(self.header),
            **({} if self.threshold_by is None else {"threshold_by": self.threshold_by}),
            **({} if self.decimal == "." else {"decimal": self.decimal}),
            **({"thousands": self.thousands} if self.thousands else {}),
            **({"whole": list(self.whole)} if self.whole else {}),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> FeatureSchema:
        """Make a schema from what `to_json` gave.

        Raises:
            BundleError: `plain` is not the plain form of a schema.
        """
        version = plain.get("schema_version", 1)  # the first ones did not say
        if version != SCHEMA_VERSION or isinstance(version, bool):
            raise BundleError(
                f"The schema has version {version!r}, this program reads {SCHEMA_VERSION}. Use the program that wrote "
                "it, or train the detector anew."
            )
        try:
            parts = {name: part for name, part in plain.items() if name != "schema_version"}
            if absent := sorted(_REQUIRED - parts.keys()):
                raise ValueError(f"{absent[0]!r} is missing")
            schema = _in_one_form(from_plain(parts, cls))
            if not schema.columns or len(set(schema.names)) < len(schema.names):
                raise ValueError("there is no column, or two have one name")
        except ValueError as error:
            raise BundleError(
                f"The schema is not readable ({error!r}); the bundle was edited: train it anew."
            ) from error
        return schema


def _in_one_form(schema: FeatureSchema) -> FeatureSchema:
    """Return a schema with its names in one form; the first programs kept them as the file had them."""
    return replace(
        schema,
        columns=tuple(replace(column, name=one_form(column.name)) for column in schema.columns),
        ids=in_one_form(schema.ids),
        label=None if schema.label is None else one_form(schema.label),
        dropped={one_form(name): reason for name, reason in schema.dropped.items()},
        header=None if schema.header is None else in_one_form(schema.header),
        threshold_by=None if schema.threshold_by is None else one_form(schema.threshold_by),
    )
