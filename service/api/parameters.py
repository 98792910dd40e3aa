"""The query parameters of the operations; a parameter that is not known is refused, not passed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from models.tables.read_options import rows_to_skip

MOST_EXPLAINED: Final = 10_000
_CHARACTERS: Final = {"tab": "\t", "space": " ", "none": ""}
_DETECTED: Final[Any] = None  # the default of what is detected
_OPTIONS: Final = {"header": "has_header", "column_names": "header"}  # fields of `ReadOptions` of another name


def _whole_number(most: int) -> Callable[[Any], int]:
    def parse(text: Any) -> int:
        text = str(text)
        if not (text.isascii() and text.isdecimal() and len(text) <= len(str(most)) and int(text) <= most):
            raise ValueError(f"a whole number from 0 to {most:,}")
        return int(text)

    return parse


def _named(text: str) -> str:
    """Return the character that a word stands for; others stand for themselves."""
    return _CHARACTERS.get(text, text)


def _quote(text: str) -> str:
    found = _named(text)
    if len(found) > 1 or not found.isascii() or found in ("\r", "\n"):
        raise ValueError("one ASCII character that is no line end, or none")
    return found


def _delimiter(text: str) -> str:
    found = _named(text)
    if len(found) != 1 or not found.isascii() or found in ("\r", "\n", '"'):
        raise ValueError("one ASCII character that is no quote and no line end, or tab, or space")
    return found


def _prefix(text: str) -> str:
    return "" if text == "none" else text


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if "" in names or len(set(names)) < len(names):
        raise ValueError("names with commas between them, none of them twice")
    return names


def _rows(text: str) -> str:
    try:
        rows_to_skip(text.split(","))
    except ValueError as error:
        raise ValueError(f"{error}; several have a comma between them, such as 1,200-205") from error
    return text


def _is_present(text: str) -> bool:
    return text == "present"


class NoQuery(BaseModel):
    """No parameter."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StreamQuery(NoQuery):
    """How a stream is answered."""

    explain: Annotated[int, BeforeValidator(_whole_number(MOST_EXPLAINED))] = Field(
        0, ge=0, le=MOST_EXPLAINED, description="How many of the columns that add most are named."
    )


class ReadingQuery(NoQuery):
    """How a CSV body is written, where it cannot be detected; the names are those of the programs' flags."""

    delimiter: Annotated[str, AfterValidator(_delimiter)] = Field(
        _DETECTED, description="What stands between the cells of a CSV body, where it cannot be detected."
    )
    decimal: Literal[".", ","] = Field(
        _DETECTED, description="The decimal mark of a CSV body, where it cannot be detected."
    )
    thousands: Annotated[Literal[",", ".", "space", "'", "none"], AfterValidator(_named)] = Field(
        _DETECTED, description="The mark between thousands of a CSV body, where it cannot be detected."
    )
    quote: Annotated[str, AfterValidator(_quote)] = Field(
        _DETECTED, description="What stands around cells of a CSV body, where it cannot be detected."
    )
    comment: Annotated[str, AfterValidator(_prefix)] = Field(
        _DETECTED, description="What lines of a CSV body begin with that are no rows."
    )
    header: Annotated[Literal["present", "absent"], AfterValidator(_is_present)] = Field(
        _DETECTED, description="Whether a CSV body's first line holds the names, where it cannot be detected."
    )
    column_names: Annotated[str, AfterValidator(_names)] = Field(
        _DETECTED,
        alias="column-names",
        description="Names of the columns of a CSV body without a header line, in order, with commas between them.",
    )
    skip_lines: Annotated[int, BeforeValidator(_whole_number(999_999))] = Field(
        0, alias="skip-lines", ge=0, le=999_999, description="Lines above the table in a CSV body."
    )
    skip_rows: Annotated[str, AfterValidator(_rows)] = Field(
        "",
        alias="skip-rows",
        description="Rows of a CSV body that are no records, from 1 below the header line, such as 1,200-205; header "
        "for those that repeat it.",
    )
    ragged_rows: Literal["error", "fill"] = Field(
        _DETECTED,
        alias="ragged-rows",
        description="What becomes of rows that lack cells at their end, where it cannot be detected.",
    )

    def options(self) -> dict[str, Any]:
        """Return the parameters that were sent, as fields of `models.tables.read_options.ReadOptions`."""
        sent = self.model_fields_set & ReadingQuery.model_fields.keys()
        options = {_OPTIONS.get(name, name): getattr(self, name) for name in sent}
        return options | (rows_to_skip(self.skip_rows.split(",")) if "skip_rows" in sent else {})


class ScoreQuery(ReadingQuery, StreamQuery):
    """What is said of a score, and how a CSV body is written."""
