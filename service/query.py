"""The query parameters, checked by our own hand: one that is not known is refused, not passed over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import QueryParams

from models.errors import RecordError
from models.records import shown
from service.problems import RequestError

MOST_EXPLAINED: Final = 10_000
_NO_DELIMITERS: Final = '"\r\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a request asks for beside its body.

    Args:
        explain: How many of the columns that add most are named.
        delimiter: What stands between the cells of a CSV body; empty where it is detected.
        decimal: The decimal mark of a CSV body; empty where it is detected.
    """

    explain: int = 0
    delimiter: str = ""
    decimal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A query parameter.

    Args:
        parse: Makes its value from the text that came; `ValueError` where it cannot.
        wanted: What may come, in words.
        description: What it means.
        schema: Its JSON schema.
    """

    parse: Callable[[str], Any]
    wanted: str
    description: str
    schema: Mapping[str, Any]


def _columns(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and int(text) <= MOST_EXPLAINED):
        raise ValueError(text)
    return int(text)


def _delimiter(text: str) -> str:
    found = "\t" if text == "tab" else text
    if not (len(found) == 1 and found.isascii()) or found in _NO_DELIMITERS:
        raise ValueError(text)
    return found


def _decimal(text: str) -> str:
    if text not in (".", ","):
        raise ValueError(text)
    return text


PARAMETERS: Final[dict[str, Parameter]] = {
    "explain": Parameter(
        parse=_columns,
        wanted=f"a whole number from 0 to {MOST_EXPLAINED:,}",
        description="How many of the columns that add most are named.",
        schema={"type": "integer", "minimum": 0, "maximum": MOST_EXPLAINED, "default": 0},
    ),
    "delimiter": Parameter(
        parse=_delimiter,
        wanted="one ASCII character, no quote and no line end, or tab",
        description="What stands between the cells of a CSV body, where it cannot be detected; tab for a tab.",
        schema={"type": "string"},
    ),
    "decimal": Parameter(
        parse=_decimal,
        wanted="a point or a comma",
        description="The decimal mark of a CSV body, where it cannot be detected.",
        schema={"type": "string", "enum": [".", ","]},
    ),
}
"""The query parameters by name; each is a field of `Query`."""


def parse_query(given: QueryParams, *, allowed: tuple[str, ...]) -> Query:
    """Return the parameters of a request.

    Args:
        given: What came.
        allowed: Names that this address takes.

    Raises:
        RequestError: One is not known, comes twice or is outside its limits.
    """
    known = f"This address takes {', '.join(allowed)}." if allowed else "This address takes none."
    problems, values = [], {}
    for name in given:
        texts = given.getlist(name)
        if name not in allowed:
            problems.append(_problem(name, "is no query parameter.", known))
        elif len(texts) > 1:
            problems.append(_problem(name, "comes more than once.", "Send it once."))
        else:
            try:
                values[name] = PARAMETERS[name].parse(texts[0])
            except ValueError:
                wanted = f"Send {PARAMETERS[name].wanted}."
                problems.append(_problem(name, f"got {shown(texts[0])}.", wanted))
    if problems:
        raise RequestError.of_problems(problems)
    return Query(**values)


def _problem(name: str, problem: str, remedy: str) -> RecordError:
    return RecordError(problem, record=None, field=name if len(name) <= 60 else f"{name[:57]}…", remedy=remedy)
