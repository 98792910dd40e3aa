"""Inference for texts of numbers with a unit or currency: the unit, and how the numbers are written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

from models.errors import Set, quoted
from models.messages import phrase
from models.schema import DECIMALS, Column, Kind
from models.schema.cells import read_number
from models.schema.numbers import with_sign_in_front, without_unit
from training.columns.durations import debit_and_credit_reason

_MAX_UNIT: Final = 12  # characters
_CURRENCIES: Final = (
    *("$", "€", "£", "¥", "₹", "₽", "₩", "₺", "₪", "฿", "₫", "₴", "US$", "A$", "C$", "R$", "kr", "zł", "Fr."),
    *("USD", "EUR", "GBP", "CHF", "JPY", "CNY", "INR", "AUD", "CAD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK"),
    *("HUF", "BRL", "MXN", "ZAR", "KRW", "SGD", "HKD", "TRY", "RUB", "ILS", "THB"),
)
_PREFIX: Final = "|".join(re.escape(currency) for currency in sorted(_CURRENCIES, key=len, reverse=True))
_DIGITS: Final = r"\d[\d.,'’\u00a0\u202f ]*(?:[eE][+-]?\d+)?"
_AFFIXED: Final = re.compile(
    rf"[+−-]?\s*(?:(?P<before>{_PREFIX})\s*)?(?P<number>[+−-]?(?:{_DIGITS}|\.\d+))\s*(?P<after>[^\d\s+−-][^\d]*[23]?)?",
)
_NUMBER_FORMATS: Final = ((".", ","), (".", "'"), (".", " "), (",", "."), (",", " "))
_MIN_BARE_SHARE: Final = 0.1


def unit_column(
    name: str,
    texts: Sequence[str],
    *,
    decimal: str,
    plain_too: bool,
    said: tuple[str | None, str | None] | None = None,
) -> Column | str | None:
    """Return the column of numbers with one unit, the reason to drop it, or None where they are no such numbers.

    Args:
        name: The column's name.
        texts: The different texts of the column.
        decimal: The decimal mark of the file.
        plain_too: Numbers without a unit are in the same unit.
        said: The marks that the user named, as `Table.said` has them.
    """
    units: dict[str, None] = {}
    bare = ""
    for text in texts:
        found = _AFFIXED.fullmatch(with_sign_in_front(text.strip()))
        if found is None or (found["before"] and found["after"]):
            return None
        unit = found["before"] or (found["after"] or "").strip()
        if len(unit) > _MAX_UNIT:
            return None
        if unit:
            units[unit] = None
        else:
            bare = bare or text
    first = next(iter(units), "")
    if reason := debit_and_credit_reason(name, units, bare=bool(bare)):
        return reason
    if bare and units.keys() & _MAGNITUDES:
        return phrase(
            "numbers with and without {unit!r}, such as {number}: write all of them out",
            unit=first,
            number=quoted(bare),
        )
    if len(units) == 1 and (plain_too or not bare):
        numbers = [without_unit(text, first) for text in texts]
        return _with_number_format(name, numbers, first, decimal=decimal, said=said)
    if len(units) == 1 and first in _KNOWN_UNITS:
        return phrase(
            "numbers in {unit!r}, but {number} has no unit: write it behind every number, or say {setting} if it goes "
            "without saying",
            unit=first,
            number=quoted(bare),
            setting=Set("kind", f"{name}=numeric"),
        )
    if len(units) > 1 and all(map(_is_known, units)):
        return phrase("numbers in several units ({units}): bring them to one", units=", ".join(map(repr, units)))
    return None


def _is_known(unit: str) -> bool:
    """Return True for a unit, whose letters may be of another case where it has several: a house 12 a is no ampere."""
    return unit in _KNOWN_UNITS or (len(unit) > 1 and unit.casefold() in _IN_ANY_CASE)


def _with_number_format(
    name: str, numbers: Sequence[str], unit: str, *, decimal: str, said: tuple[str | None, str | None] | None
) -> Column | str | None:
    """Return the column with the one number format that fits all: its decimal mark and its thousands separator."""
    readings = _readings(numbers, _NUMBER_FORMATS, decimal)
    if said is not None and any(mark is not None for mark in said):
        formats = [*_NUMBER_FORMATS, *((mark, "") for mark in DECIMALS)]
        as_said = [format_ for format_ in formats if all(map(_agrees, format_, said))]
        readings = _readings(numbers, as_said, decimal) or readings
    if not readings:
        return None
    bare = sum(text.lstrip("+-−").isdigit() for text in numbers)
    if any(reading != next(iter(readings.values())) for reading in readings.values()):
        # 1,200 beside 950: three decimals or none would be odd, grouped digits are not
        if bare < _MIN_BARE_SHARE * len(numbers):
            return _two_readings(name, numbers, unit, of_file=said is not None)
        readings = {key: found for key, found in readings.items() if any(key[1] in text for text in numbers)}
    mark, group = next(iter(readings))
    grouped = bool(group) and any(group in text for text in numbers)
    return Column(name=name, kind=Kind.NUMERIC, unit=unit, decimal=mark, thousands=group if grouped else None)


def _readings(
    numbers: Sequence[str], formats: Iterable[tuple[str, str]], decimal: str
) -> dict[tuple[str, str], list[float | None]]:
    """Return what the numbers are in each format that all have, those with the file's decimal mark first."""
    readings = {}
    for mark, group in sorted(formats, key=lambda format_: format_[0] != decimal):
        with suppress(ValueError):
            readings[mark, group] = [read_number(text, decimal=mark, thousands=group) for text in numbers]
    return readings


def _agrees(mark: str, said: str | None) -> bool:
    return said is None or mark == said


def _two_readings(name: str, numbers: Sequence[str], unit: str, *, of_file: bool) -> str:
    """Return the reason to drop numbers whose marks may stand before decimals or between thousands."""
    odd = next(text for text in numbers if "," in text or "." in text)
    mark = "." if "." in odd else ","
    if of_file:
        return phrase(
            "numbers in {unit!r}, but {number} may have a decimal mark or grouped digits: say which: {decimal} or "
            "{thousands}",
            unit=unit,
            number=quoted(odd),
            decimal=Set("decimal", mark),
            thousands=Set("thousands", mark),
        )
    return phrase(
        "numbers in {unit!r}, but {number} may have a decimal mark or grouped digits: give numbers without unit and "
        "grouping, such as {code}",
        unit=unit,
        number=quoted(odd),
        code=f"X[{name!r}].str.replace({unit!r}, '').astype(float)",
    )


_MAGNITUDES: Final = frozenset(["k", "K", "M", "B", "bn", "mio"])  # 900 beside 1.2k is not 900k
_KNOWN_UNITS: Final = frozenset(
    [
        *_CURRENCIES,
        *_MAGNITUDES,
        *("%", "‰", "ppm", "ppb"),
        *("nm", "µm", "mm", "cm", "dm", "m", "km", "in", "ft", "yd", "mi", "m²", "m2", "m³", "m3", "ha"),
        *("µg", "mg", "g", "kg", "t", "oz", "lb", "lbs", "ml", "mL", "cl", "dl", "l", "L", "gal"),
        *("ns", "µs", "us", "ms", "s", "sec", "min", "h", "hr", "hrs", "d", "day", "days", "week", "weeks"),
        *("°C", "°F", "C", "F", "°", "deg", "rad", "Pa", "hPa", "kPa", "MPa", "bar", "mbar", "psi", "atm"),
        *("V", "mV", "kV", "A", "mA", "W", "kW", "MW", "Wh", "kWh", "MWh", "J", "kJ", "MJ", "Ω", "N", "kN", "Nm"),
        *("Hz", "kHz", "MHz", "GHz", "rpm", "m/s", "km/h", "mph", "kn", "lx", "lux", "dB", "bpm"),
        *("bit", "kbit", "Mbit", "b", "kB", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB", "kbps", "Mbps"),
    ]
)
"""Units of which several in one column are a mistake, not categories; a single one may be any word."""
_IN_ANY_CASE: Final = frozenset(unit.casefold() for unit in _KNOWN_UNITS)
