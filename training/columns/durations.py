"""Whether texts that parse as durations are meant as such, or may be something else."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from models.errors import Message, Set
from models.messages import joined, listed, phrase
from models.schema.durations import duration_parts

_SIGNS: Final = "+-−"
_UNIT_BEHIND: Final = re.compile(r"[A-Za-z]*\Z")
_CLOCK: Final = re.compile(r"(\d+):\d\d(:\d\d(?:\.\d+)?)?", re.ASCII)
_MOST_MINUTES: Final = 59
_DEBIT_AND_CREDIT_WORDS: Final = frozenset(["CR", "DR"])  # which of them is negative depends on the account
_DEBIT_AND_CREDIT_LETTERS: Final = (frozenset("SHD"), frozenset("DC"))  # Soll and Haben, debet and credit


def are_durations(texts: Sequence[str]) -> bool:
    """Return True if texts that parse as durations can be nothing else: ``5 m`` may be metres, ``1h 30m`` not."""
    parts = [duration_parts(text.strip().lstrip(_SIGNS)) for text in texts]
    if any(text.strip().lstrip(_SIGNS).startswith("P") for text in texts) or any(len(part) > 1 for part in parts):
        return True
    units = {unit for part in parts for _, unit in part}
    return len(units - {"m"}) > 1 and not _are_ledger_letters({_UNIT_BEHIND.findall(text.strip())[0] for text in texts})


def short_clock_reason(texts: Sequence[str]) -> str | None:
    """Return the reason to drop durations such as 58:10 beside 1:02:10, which may be minutes or hours."""
    clocks = [(text, _CLOCK.fullmatch(text.strip().lstrip(_SIGNS))) for text in texts]
    long = next((text for text, clock in clocks if clock and clock[2]), None)
    short = next((text for text, clock in clocks if clock and not clock[2] and int(clock[1]) <= _MOST_MINUTES), None)
    if long is None or short is None:
        return None
    return phrase(
        "durations of which {short!r} may be minutes or hours, beside {long!r}: write all of them as h:mm:ss",
        short=short,
        long=long,
    )


def debit_and_credit_reason(name: str, units: Collection[str], *, bare: bool) -> str | Message | None:
    """Return the reason to drop numbers whose units say debit or credit; `bare` where some have no unit."""
    shown = listed([*map(repr, units)])
    if units and {unit.upper() for unit in units} <= _DEBIT_AND_CREDIT_WORDS and (bare or len(units) > 1):
        return phrase("numbers with {units} behind them: write them with a sign", units=shown)
    if not _are_ledger_letters(units):
        return None
    what = phrase(
        "numbers with {units} behind them, which may be debit and credit: write them with a sign", units=shown
    )
    if bare or "C" in units:
        return what
    say = phrase("if they are durations, say {setting}", setting=Set("kind", f"{name}=numeric"))
    return joined([what, say], by="; ")


def _are_ledger_letters(units: Collection[str]) -> bool:
    """Return True for several single letters, one of them a capital: units of time are lower case."""
    letters = {unit.upper() for unit in units}
    known = any(letters <= known for known in _DEBIT_AND_CREDIT_LETTERS)
    return known and len(letters) > 1 and any(unit.isupper() for unit in units)
