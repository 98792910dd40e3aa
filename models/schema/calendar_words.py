"""Names of months, weekdays and time zones as people write them, in the languages of which many tables come."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from typing import Final

MONTHS: Final = {
    "English": "January February March April May June July August September October November December",
    "German": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "Austrian": "Jänner Feber März April Mai Juni Juli August September Oktober November Dezember",
    "French": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "Spanish": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "Italian": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "Portuguese": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "Dutch": "januari februari maart april mei juni juli augustus september oktober november december",
}
"""The months' names by language, January first; three letters or more of a name stand for it."""

_MOST_LETTERS: Final = 40  # no known word has more
_SHORT: Final = {"mrz": 3, "mrt": 3}  # that begin no name
_LEAST_LETTERS: Final = 3
_WEEKDAYS: Final = (
    *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "thur", "thurs", "tues"),
    *("montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonnabend", "sonntag"),
    *("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    *("lunes", "martes", "miercoles", "jueves", "viernes", "sabado", "domingo"),
    *("lunedi", "martedi", "mercoledi", "giovedi", "venerdi", "sabato", "domenica"),
    *("segunda-feira", "terca-feira", "quarta-feira", "quinta-feira", "sexta-feira", "segunda", "terca", "quarta"),
    *("quinta", "sexta", "maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"),
)
_SHORT_WEEKDAYS: Final = frozenset(
    [*(name[:3] for name in _WEEKDAYS), *("mo", "di", "mi", "do", "fr", "sa", "so")]  # the latter in German
)
_FIRST_WORD: Final = re.compile(r"(?P<word>[^\W\d_]+(?:-feira)?)\.?,?\s+")

ZONES: Final = {
    **dict.fromkeys(("Z", "UTC", "GMT", "WET"), 0.0),
    **dict.fromkeys(("CET", "MEZ", "WEST"), 1.0),
    **dict.fromkeys(("CEST", "MESZ", "EET"), 2.0),
    **dict.fromkeys(("EEST", "MSK"), 3.0),
    **{"EDT": -4.0, "EST": -5.0, "CDT": -5.0, "CST": -6.0, "MDT": -6.0, "MST": -7.0, "PDT": -7.0, "PST": -8.0},
}
"""Hours from UTC of the zones that are read by name; those of North America as e-mail has them (RFC 5322)."""


def month_number(word: str) -> int:
    """Return the number of a month by its name or the first letters of it; 0 for another word.

    Example:
        >>> month_number("Okt"), month_number("août"), month_number("mag"), month_number("jui")
        (10, 8, 5, 0)
    """
    return _MONTH_NUMBERS.get(_plain(word), 0)


def without_weekday(text: str) -> str:
    """Remove the name of a weekday in front of a text.

    Example:
        >>> without_weekday("Mon, 26 Feb 2024"), without_weekday("lun. 26 févr. 2024"), without_weekday("26 Feb 2024")
        ('26 Feb 2024', '26 févr. 2024', '26 Feb 2024')
    """
    found = _FIRST_WORD.match(text)
    if found is None:
        return text
    word = _plain(found["word"])
    return text[found.end() :] if word in _WEEKDAYS or word in _SHORT_WEEKDAYS else text


def _plain(word: str) -> str:
    """Return a word in small letters without accents, of its first letters."""
    letters = unicodedata.normalize("NFD", word[:_MOST_LETTERS].lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _month_numbers() -> dict[str, int]:
    meanings: dict[str, set[int]] = defaultdict(set)
    for names in MONTHS.values():
        for number, name in enumerate(map(_plain, names.split()), start=1):
            for length in range(_LEAST_LETTERS, len(name) + 1):
                meanings[name[:length]].add(number)
    return _SHORT | {start: numbers.pop() for start, numbers in meanings.items() if len(numbers) == 1}


_MONTH_NUMBERS: Final = _month_numbers()
