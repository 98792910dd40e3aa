"""Texts of numbers: their marks, units and signs, and codes that only look like numbers."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from models.messages import brief, phrase

PERCENT: Final = "%"
"""The unit of percentages."""

SEPARATOR_VARIANTS: Final = {0xA0: " ", 0x2009: " ", 0x202F: " ", 0x2019: "'"}
"""Characters that are written instead of one of `models.schema.THOUSANDS`: narrow and unbreakable spaces, ’."""

AMBIGUOUS_POINT: Final = re.compile(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}")
"""Numbers that are a thousand or a thousandth where decimals have a comma: 1.234."""

NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
"""Numbers with a decimal point and without other marks."""

_BLANKS: Final = re.compile(r"[\s\u00a0\u202f]+")
_IN_PARENTHESES: Final = re.compile(r"([^\d()+-]*)\(([^\d()+-]*\d[^()]*)\)([^\d()+-]*)")
_CODE: Final = re.compile(r"[0-9]+([eE][0-9]+)?")
_ADDRESS: Final = re.compile(r"(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}")
_THREES: Final = re.compile(r"[0-9]{3}(?P<mark>[., '])[0-9]{3}((?P=mark)[0-9]{3})+")
_ZERO_FRACTIONS: Final = {mark: re.compile(rf"(-?(?:0|[1-9][0-9]*))[{mark}]0+") for mark in ".,"}
_MIN_CODE: Final = 4  # characters, before one e among digits looks like a code
_MIN_CODES: Final = 3  # whole numbers, before those of one length are no accident
_POWER: Final = re.compile(r"[0-9]+[eE][0-9]+")  # without sign and point, as few programs write numbers
_VERSION: Final = re.compile(r"[0-9]{1,3}(?:\.(0|[1-9][0-9]{0,2}))?")


def code_reason(texts: Collection[str]) -> str | None:
    """Return why texts that can be read as numbers are codes; None where they are numbers or something else.

    Example:
        >>> code_reason(["0316", "02e0"])
        "codes such as '0316', with zeros before whole numbers"
        >>> code_reason(["316", "2.5"]) is None
        True
    """
    stripped = [text.strip() for text in texts]
    if not stripped:
        return None
    if all(map(_CODE.fullmatch, stripped)):
        padded = next((text for text in stripped if text[0] == "0" and len(text) > 1), None)
        if padded is not None:
            return phrase("codes such as {code!r}, with zeros before whole numbers", code=brief(padded))
        return _reason_of_power(stripped)
    if all(map(_ADDRESS.fullmatch, stripped)):
        return phrase("addresses such as {address!r}", address=brief(stripped[0]))
    if all(map(_THREES.fullmatch, stripped)) and len(set(map(len, stripped))) == 1:
        return phrase(
            "codes such as {code!r}, in groups of three digits and all of one length", code=brief(stripped[0])
        )
    return None


def _reason_of_power(texts: Collection[str]) -> str | None:
    """Return why whole numbers and texts with one e among digits are codes; None where they may be numbers."""
    whole = [text for text in texts if text.isdigit()]
    power = next((text for text in texts if not text.isdigit()), None)
    if power is None or len(set(map(len, whole))) != 1 or len(whole[0]) < _MIN_CODE:
        return None
    if len(set(map(len, texts))) == 1:
        return phrase("codes such as {code!r}, all of one length", code=brief(power))
    if len(whole) >= _MIN_CODES and any(text[-1] != "0" for text in whole):  # 1000, 2000 and 1e4 are numbers
        return phrase("codes such as {code!r}, beside whole numbers that are all of one length", code=brief(power))
    return None


def power_of_ten(texts: Collection[str]) -> str | None:
    """Return the first text with an e among whole numbers that may all be codes; None where some are other numbers.

    Example:
        >>> power_of_ten(["100", "1e3"]), power_of_ten(["100", "1e+03"])
        ('1e3', None)
    """
    if not all(map(_CODE.fullmatch, texts)):
        return None
    return next((text for text in texts if _POWER.fullmatch(text)), None)


def same_but_for_zeros(texts: Collection[str]) -> tuple[str, str] | None:
    """Return two texts that are one number and two versions, such as 2.1 and 2.10; None where they look like numbers.

    Example:
        >>> same_but_for_zeros(["2.0", "2.1", "2.9", "2.10"]), same_but_for_zeros(["2.05", "2.1", "2.10"])
        (('2.1', '2.10'), None)
    """
    if not all(map(_VERSION.fullmatch, texts)):
        return None
    different = frozenset(texts)
    for text in texts:
        short = text.rstrip("0")
        if short != text and short in different and "." in short:
            return short, text
    return None


def same_but_for_leading_zeros(texts: Collection[str]) -> tuple[str, str] | None:
    """Return two texts of digits that differ by zeros before them alone; None without any.

    Example:
        >>> same_but_for_leading_zeros(["01067", "99084", "1067"]), same_but_for_leading_zeros(["01067", "99084"])
        (('1067', '01067'), None)
    """
    different = frozenset(texts)
    for text in texts:
        short = text.lstrip("0") or "0"
        if short != text and short in different and text.isdigit():
            return short, text
    return None


def without_zero_fraction(text: str, *, decimal: str = ".") -> str:
    """Return the text of a whole number without a fraction of zeros, with which floats are written; others as they are.

    Example:
        >>> without_zero_fraction("3.0"), without_zero_fraction("3.05"), without_zero_fraction("03.0")
        ('3', '3.05', '03.0')
    """
    if not text.endswith("0") or decimal not in text:  # as nearly always
        return text
    found = _ZERO_FRACTIONS[decimal].fullmatch(text)
    return found[1] if found else text


def is_address(text: str) -> bool:
    """Return True for four groups of at most 255 with points between them."""
    return _ADDRESS.fullmatch(text) is not None


def with_sign_in_front(text: str) -> str:
    """Return the text of a number with its sign in front of it: parentheses, and a minus behind it, are negative.

    Example:
        >>> with_sign_in_front("(1,234.50)"), with_sign_in_front("$(3)"), with_sign_in_front("3-")
        ('-1,234.50', '-$3', '-3')
    """
    if text[-1:].isdigit():  # as nearly always
        return text
    if found := _IN_PARENTHESES.fullmatch(text):
        return "-" + "".join(found.groups()).strip()
    if text[-1:] in ("-", "−") and text[:1] not in ("+", "-", "−"):
        return "-" + text[:-1].strip()
    return text


def grouped_number(decimal: str, thousands: str) -> str:
    """Return the pattern of a number with thousands separators, such as ``1,234.5``, or ``12,34,567.5`` as in India.

    A zero alone stands before no separator: ``0,123`` is no such number. The pattern is for RE2 as well.
    """
    groups = rf"([1-9]\d{{0,2}}|0\d{{1,2}})([{thousands}]\d{{3}})+"
    if thousands == ",":
        groups += r"|[1-9]\d?(,\d{2})+,\d{3}"
    return rf"[+-]?({groups})([{decimal}]\d*)?"


def without_unit(text: str, unit: str) -> str:
    """Remove a unit or currency from a number's text, before or behind it; a text without it stays as it is.

    Example:
        >>> without_unit("-12.5 °C", "°C"), without_unit("($3)", "$"), without_unit("7", "km")
        ('-12.5', '-3', '7')
    """
    text = with_sign_in_front(_BLANKS.sub(" ", text).strip())
    if text.endswith(unit):
        return text[: -len(unit)].rstrip()
    sign = text[:1] if text[:1] in ("+", "-", "−") else ""
    body = text[len(sign) :].lstrip()
    return sign + body[len(unit) :].lstrip() if body.startswith(unit) else text
