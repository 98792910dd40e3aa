"""The errors of this project, one class for each thing that a caller can change.

    DetectorError              anything that went wrong and that we understood
    ├── ConfigError            a flag, setting or argument is outside its limits: change the call
    │   ├── UnknownDetectorError   no detector, version or alias has that name: name another
    │   ├── ConflictError          it cannot be done with the detector as it is kept: change that first
    │   └── BusyError              too many detectors are being loaded: ask again later
    ├── DataError              the data cannot be used as it is: change the data
    │   ├── TableError         a file or a data frame
    │   │   ├── UnreadableError    its bytes are damaged, or of another format
    │   │   └── TooLargeError      it holds more than is allowed
    │   └── RecordError        one record of a request; knows its number and its field
    ├── BundleError            a detector on disk is missing, damaged or foreign: get another bundle
    │   └── NotServedError         a detector of the service cannot be loaded: name another version
    ├── TrainingError          fitting did not succeed: change how it is trained
    └── ServiceError           a service refused a request or does not answer; knows its status and every place

The message of each says what is wrong, shows what came and says what to do. A setting that has to be changed is a
`Set` in it, not a flag in a sentence: each face spells it in its own way.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final, Literal

from models.messages import Message, Set, joined, quoted

__all__ = [
    "BundleError",
    "BusyError",
    "ConfigError",
    "ConflictError",
    "DataError",
    "DetectorError",
    "Message",
    "NotServedError",
    "RecordError",
    "ServiceError",
    "Set",
    "TableError",
    "TooLargeError",
    "TrainingError",
    "UnknownDetectorError",
    "UnreadableError",
    "absent_columns",
    "did_you_mean",
    "joined",
    "mistyped",
    "quoted",
]

_LISTED_NAMES: Final = 20
_ASKED_NAMES: Final = 3
_COMPARED_NAMES: Final = 50
_COMPARED_CHARACTERS: Final = 80


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


def mistyped(absent: Sequence[str], others: Iterable[str]) -> str:
    """Return a question for each of the first absent columns that has another name near to its own.

    Args:
        absent: Names of columns that are wanted and not there.
        others: Names of those that are there and not wanted; only the first and short ones are compared.

    Example:
        >>> mistyped(["Amount", "city"], ["amount ", "note"]), mistyped(["city"], ["note"])
        (" Did you mean 'Amount' by 'amount '?", '')
    """
    left: dict[str, str] = {}
    for other in islice((other for other in others if len(other) <= _COMPARED_CHARACTERS), _COMPARED_NAMES):
        left.setdefault(_letters(other), other)
    meant = {name: left.pop(_letters(name)) for name in absent if _letters(name) in left} if left else {}
    for name in absent[:_COMPARED_NAMES]:
        near = (
            [] if name in meant or len(meant) >= _ASKED_NAMES else difflib.get_close_matches(_letters(name), left, n=1)
        )
        if near:
            meant[name] = left.pop(near[0])
    return "".join(
        f" Did you mean {quoted(name)} by {quoted(other)}?" for name, other in islice(meant.items(), _ASKED_NAMES)
    )


def _letters(name: str) -> str:
    """Return what of a name is compared: its letters and digits, whatever their case."""
    return "".join(filter(str.isalnum, name.casefold())) or name


def absent_columns(names: Sequence[str], columns: Sequence[str]) -> str:
    """Return the sentences about names that are no columns of a table: what was meant, and what there is.

    Example:
        >>> absent_columns(["lable"], ["temp", "label"])
        "there is no column 'lable'. Did you mean 'label'? The columns are: temp, label."
    """
    meant = "".join(did_you_mean(name, columns, spell=repr) for name in names[:1])
    more = len(columns) - _LISTED_NAMES
    listed = ", ".join(columns[:_LISTED_NAMES]) + (f" and {more:,} more" if more > 0 else "")
    return f"there is no column {', '.join(map(quoted, names))}.{meant} The columns are: {listed}."


class DetectorError(Exception):
    """An error that this project raises.

    Args:
        parts: What is wrong and what to do: the parts of a `Message`.

    Example:
        >>> str(ConfigError("anomaly_values need a label column: say ", Set("label", like="COLUMN"), "."))
        'anomaly_values need a label column: say --label COLUMN.'
    """

    message: Message

    def __init__(self, *parts: str | Set | DetectorError) -> None:
        self.message = Message(*[part.message if isinstance(part, DetectorError) else part for part in parts])
        super().__init__(self.message)


class ConfigError(DetectorError):
    """A flag, setting or argument is outside its limits."""


class UnknownDetectorError(ConfigError):
    """The service has no detector, version or alias of that name, or none is the default: name another."""


class ConflictError(ConfigError):
    """What is asked for cannot be done with the detector as it is kept: change that first."""


class BusyError(ConfigError):
    """Too many detectors are being loaded: ask again later."""


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


Counted = Literal[
    "rows",
    "columns",
    "cells",
    "bytes",
    "bytes in the head of an Arrow message",
    "entries in a dictionary",
    "bytes in dictionaries that grow",
]
"""What is counted of a table."""


class TooLargeError(TableError):
    """A table holds more rows, columns, cells, bytes or entries than are allowed.

    Args:
        message: What it is, and what to do.
        count: How many there are at least.
        of: Of what.
    """

    def __init__(self, message: str, *, count: int = 0, of: Counted = "bytes") -> None:
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
        places += [] if field is None else [f"field {quoted(field)}"]
        super().__init__(f"{', '.join(places) or 'request'}: {problem} ", remedy)


class BundleError(DetectorError):
    """A detector on disk is missing, damaged or foreign."""


class NotServedError(BundleError):
    """A detector of the service cannot be loaded: get another bundle, or name another version."""


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
