"""The errors of this project, one class for each thing that a caller can change.

    DetectorError              anything that went wrong and that we understood
    ├── ConfigError            a flag, setting or argument is outside its limits: change the call
    ├── DataError              the data cannot be used as it is: change the data
    │   ├── TableError         a file or a data frame
    │   │   ├── UnreadableError    its bytes are damaged, or of another format
    │   │   └── TooLargeError      it holds more than is allowed
    │   └── RecordError        one record of a request; knows its number and its field
    ├── BundleError            a detector on disk is missing, damaged or foreign: get another bundle
    ├── TrainingError          fitting did not succeed: change how it is trained
    └── ServiceError           a service refused a request or does not answer; knows its status and every place

The message of each says what is wrong, shows what came and says what to do. A setting that has to be changed is a
`Set` in it, not a flag in a sentence: each face spells it in its own way.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

__all__ = [
    "BundleError",
    "ConfigError",
    "DataError",
    "DetectorError",
    "Message",
    "RecordError",
    "ServiceError",
    "Set",
    "TableError",
    "TooLargeError",
    "TrainingError",
    "UnreadableError",
    "absent_columns",
    "did_you_mean",
    "joined",
]

_LISTED_NAMES: Final = 20


@dataclass(frozen=True, slots=True)
class Set:
    """A setting that a message names, with the value to give it. As text, it is the flag of the command line.

    The estimator spells it as a parameter (`training.estimator.errors`), the service as a query parameter where it
    has one (`service.web.problems`).

    Args:
        name: The flag's name with underscores.
        value: What to give it: text, a number, several texts; True and False for a switch; None for the name alone.
        like: Placeholders in capital letters for what the reader knows better, behind the value.

    Example:
        >>> print(Set("fit_on", "normal"), Set("label", like="COLUMN"), Set("exclude", ("a", "b c")))
        --fit-on normal --label COLUMN --exclude a 'b c'
        >>> print(Set("learning_rate", 1e-4), Set("overwrite", True), Set("header", False), Set("depth"))
        --learning-rate 0.0001 --overwrite --no-header --depth
    """

    name: str
    value: str | float | bool | tuple[str, ...] | None = None
    like: str = ""

    def __str__(self) -> str:
        """Return the flag, as a shell reads it."""
        dashed = self.name.replace("_", "-")
        if isinstance(self.value, bool):
            return f"--{dashed}" if self.value else f"--no-{dashed}"
        return " ".join([f"--{dashed}", *map(shlex.quote, self.texts), *self.like.split()])

    @property
    def texts(self) -> tuple[str, ...]:
        """The values as text, unquoted."""
        if self.value is None or isinstance(self.value, bool):
            return ()
        if isinstance(self.value, tuple):
            return self.value
        return (f"{self.value:g}" if isinstance(self.value, float) else str(self.value),)


class Message(str):
    """A message with settings among its words. As text, it is what the command line prints.

    Args:
        parts: Words, settings, and other messages or errors; they are joined without spaces.

    Example:
        >>> message = Message("Give more data, or ask for ", Set("alert_rate", 0.05), " or more.")
        >>> print(message)
        Give more data, or ask for --alert-rate 0.05 or more.
        >>> print(message.spelt(lambda setting: f"{setting.name}={setting.value}"))
        Give more data, or ask for alert_rate=0.05 or more.
    """

    parts: tuple[str | Set, ...]

    def __new__(cls, *parts: str | Set | DetectorError) -> Message:
        """Join the parts."""
        flat = tuple(inner for part in parts for inner in _flat(part))
        message = super().__new__(cls, "".join(map(str, flat)))
        message.parts = flat
        return message

    def spelt(self, spell: Callable[[Set], str]) -> str:
        """Return the words with each setting as a face spells it."""
        return "".join(spell(part) if isinstance(part, Set) else part for part in self.parts)


def joined(messages: Sequence[str], *, by: str = " ") -> Message:
    """Return one message made of several."""
    return Message(*[part for message in messages for part in (by, message)][1:])


def did_you_mean(name: str, names: Iterable[str], *, spell: Callable[[str], str] = str) -> str:
    """Return a question with the name that a mistyped one is nearest to; nothing where none is near.

    Args:
        name: What was given; case does not count.
        names: What there is.
        spell: How the answer is written.

    Example:
        >>> did_you_mean("--lable", ["--label", "--seed"])
        ' Did you mean --label?'
        >>> did_you_mean("Temp", ["temperature", "temp"], spell=repr), did_you_mean("x", ["label"])
        (" Did you mean 'temp'?", '')
    """
    known: dict[str, str] = {}
    for other in names:
        known.setdefault(other.casefold(), other)
    near = difflib.get_close_matches(name.casefold(), known, n=1)
    return f" Did you mean {spell(known[near[0]])}?" if near else ""


def absent_columns(names: Sequence[str], columns: Sequence[str]) -> str:
    """Return the sentences about names that are no columns of a table: what was meant, and what there is.

    Example:
        >>> absent_columns(["lable"], ["temp", "label"])
        "there is no column 'lable'. Did you mean 'label'? The columns are: temp, label."
    """
    meant = "".join(did_you_mean(name, columns, spell=repr) for name in names[:1])
    more = len(columns) - _LISTED_NAMES
    listed = ", ".join(columns[:_LISTED_NAMES]) + (f" and {more:,} more" if more > 0 else "")
    return f"there is no column {', '.join(map(repr, names))}.{meant} The columns are: {listed}."


def _flat(part: str | Set | DetectorError) -> Sequence[str | Set]:
    if isinstance(part, DetectorError):
        part = part.message
    return part.parts if isinstance(part, Message) else (part,)


class DetectorError(Exception):
    """An error that this project raises.

    Args:
        parts: What is wrong and what to do: the parts of a `Message`.

    Example:
        >>> str(ConfigError("anomaly_values need a label column: say ", Set("label", like="COLUMN"), "."))
        'anomaly_values need a label column: say --label COLUMN.'
    """

    def __init__(self, *parts: str | Set | DetectorError) -> None:
        self.message = Message(*parts)
        super().__init__(self.message)


class ConfigError(DetectorError):
    """A flag, setting or argument is outside its limits."""


class DataError(DetectorError):
    """The data cannot be used as it is."""


class TableError(DataError):
    """A file or a data frame cannot be used as it is."""


class UnreadableError(TableError):
    """The bytes of a table are damaged, or of another format than they should be.

    Args:
        source: What the table is called: a path, or "request body".
        reason: What is wrong, without a full stop.
    """

    def __init__(self, source: str, reason: str) -> None:
        self.reason = reason
        super().__init__(f"{source}: {reason}.")


class TooLargeError(TableError):
    """A table holds more rows, columns, cells or bytes than are allowed.

    Args:
        message: What it is, and what to do.
        count: How many there are at least.
        of: Of what.
    """

    def __init__(
        self, message: str, *, count: int = 0, of: Literal["rows", "columns", "cells", "bytes"] = "bytes"
    ) -> None:
        self.count = count
        self.of = of
        super().__init__(message)


class RecordError(DataError):
    """One record of a request cannot be scored.

    Args:
        problem: What is wrong, with the value that came.
        record: Number of the record in its request, from 0, or None where all of them are meant.
        field: Name of the field, or None where the record as a whole is wrong.
        remedy: What the caller should send instead.
    """

    def __init__(self, problem: str, *, record: int | None, field: str | None, remedy: str) -> None:
        self.problem = problem
        self.record = record
        self.field = field
        self.remedy = remedy
        places = [] if record is None else [f"record {record}"]
        places += [] if field is None else [f"field {field!r}"]
        super().__init__(f"{', '.join(places) or 'request'}: {problem} ", remedy)


class BundleError(DetectorError):
    """A detector on disk is missing, damaged or foreign."""


class TrainingError(DetectorError):
    """Fitting did not succeed."""


class ServiceError(DetectorError):
    """A service refused a request, or does not answer.

    Args:
        status: What HTTP calls it; None where there was no answer.
        places: What is wrong with the records, one error a place.
    """

    def __init__(self, message: str, *, status: int | None = None, places: Sequence[RecordError] = ()) -> None:
        self.status = status
        self.places = tuple(places)
        super().__init__(message)
