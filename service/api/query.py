"""The query parameters, checked by our own hand: one that is not known is refused, not passed over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.datastructures import QueryParams

from models.columns.from_records import brief_repr
from models.errors import RecordError
from service.web.problems import RequestError

MOST_EXPLAINED: Final = 10_000
_CHARACTERS: Final = {"tab": "\t", "space": " ", "none": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a request asks for beside its body.

    Args:
        explain: How many of the columns that add most are named.
        reading: How a CSV body is written, fields of `models.tables.ReadOptions`; what is left out is detected.
    """

    explain: int = 0
    reading: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A query parameter.

    Args:
        parse: Makes its value from the text that came; `ValueError` where it cannot.
        wanted: What may come, in words.
        description: What it means.
        schema: Its JSON schema.
        option: The field of `ReadOptions` that it gives, for what says how CSV is written.
    """

    parse: Callable[[str], Any]
    wanted: str
    description: str
    schema: Mapping[str, Any]
    option: str | None = None


def _columns(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and int(text) <= MOST_EXPLAINED):
        raise ValueError(text)
    return int(text)


def _lines(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):
        raise ValueError(text)
    return int(text)


def _character(text: str) -> str:
    found = _CHARACTERS.get(text, text)
    if len(found) > 1 or not found.isascii() or found in ("\r", "\n"):
        raise ValueError(text)
    return found


def _delimiter(text: str) -> str:
    found = _character(text)
    if found in ("", '"'):
        raise ValueError(text)
    return found


def _comment(text: str) -> str:
    return "" if text == "none" else text


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if "" in names or len(set(names)) < len(names):
        raise ValueError(text)
    return names


def _one_of(values: Mapping[str, Any]) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        if text not in values:
            raise ValueError(text)
        return values[text]

    return parse


def _choice(option: str, values: Mapping[str, Any], description: str) -> Parameter:
    return Parameter(
        parse=_one_of(values),
        wanted=f"one of {', '.join(values)}",
        description=f"{description}, where it cannot be detected.",
        schema={"type": "string", "enum": list(values)},
        option=option,
    )


_MARKS: Final = {",": ",", ".": ".", "space": " ", "'": "'", "none": ""}

PARAMETERS: Final[dict[str, Parameter]] = {
    "explain": Parameter(
        parse=_columns,
        wanted=f"a whole number from 0 to {MOST_EXPLAINED:,}",
        description="How many of the columns that add most are named.",
        schema={"type": "integer", "minimum": 0, "maximum": MOST_EXPLAINED, "default": 0},
    ),
    "delimiter": Parameter(
        parse=_delimiter,
        wanted="one ASCII character that is no quote and no line end, or tab, or space",
        description="What stands between the cells of a CSV body, where it cannot be detected.",
        schema={"type": "string"},
        option="delimiter",
    ),
    "decimal": _choice("decimal", {".": ".", ",": ","}, "The decimal mark of a CSV body"),
    "thousands": _choice("thousands", _MARKS, "The mark between thousands of a CSV body"),
    "quote": Parameter(
        parse=_character,
        wanted="one ASCII character that is no line end, or none",
        description="What stands around cells of a CSV body, where it cannot be detected.",
        schema={"type": "string"},
        option="quote",
    ),
    "comment": Parameter(
        parse=_comment,
        wanted="the start of a line, or none",
        description="What lines of a CSV body begin with that are no rows.",
        schema={"type": "string"},
        option="comment",
    ),
    "header": _choice(
        "has_header", {"present": True, "absent": False}, "Whether a CSV body's first line holds the names"
    ),
    "column-names": Parameter(
        parse=_names,
        wanted="names with commas between them, none of them twice",
        description="Names of the columns of a CSV body without a header line, in order, with commas between them.",
        schema={"type": "string"},
        option="header",
    ),
    "skip-lines": Parameter(
        parse=_lines,
        wanted="a whole number below 1,000,000",
        description="Lines above the table in a CSV body.",
        schema={"type": "integer", "minimum": 0, "maximum": 999_999},
        option="skip_lines",
    ),
    "ragged-rows": _choice(
        "ragged_rows", {"error": "error", "fill": "fill"}, "What becomes of rows that lack cells at their end"
    ),
}
"""The query parameters by name."""

READING: Final = tuple(name for name, parameter in PARAMETERS.items() if parameter.option)
"""Those that say how CSV is written; they are called like the flags of the programs that read files."""


def parse_query(given: QueryParams, *, allowed: tuple[str, ...]) -> Query:
    """Return the parameters of a request.

    Args:
        given: What came.
        allowed: Names that this address takes.

    Raises:
        RequestError: One is not known, comes twice or is outside its limits.
    """
    known = f"This address takes {', '.join(allowed)}." if allowed else "This address takes none."
    problems: list[RecordError] = []
    values: dict[str, Any] = {}
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
                problems.append(_problem(name, f"got {brief_repr(texts[0])}.", wanted))
    if problems:
        raise RequestError.of_problems(problems)
    reading = {option: values[name] for name in READING if name in values and (option := PARAMETERS[name].option)}
    return Query(explain=values.get("explain", 0), reading=reading)


def _problem(name: str, problem: str, remedy: str) -> RecordError:
    return RecordError(problem, record=None, field=name if len(name) <= 60 else f"{name[:57]}…", remedy=remedy)
