"""The errors of this project, one base class for each question that a caller asks.

    DetectorError              anything that went wrong and that we understood
    ├── ConfigError            a flag, setting or argument is outside its limits: change the call
    ├── DataError              the data cannot be used as it is: change the data
    │   ├── TableError         a file or a data frame
    │   │   ├── UnreadableError    its bytes are damaged, or of another format
    │   │   └── TooLargeError      it holds more rows or bytes than are allowed
    │   └── RecordError        one record of a request; knows its number and its field
    ├── BundleError            a detector on disk is missing, damaged or foreign: get another bundle
    ├── TrainingError          fitting did not succeed: change how it is trained
    └── ServiceError           a service refused a request or does not answer; knows its status and every place

The message of each says what is wrong, shows what came and says what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "BundleError",
    "ConfigError",
    "DataError",
    "DetectorError",
    "RecordError",
    "ServiceError",
    "TableError",
    "TooLargeError",
    "TrainingError",
    "UnreadableError",
]


class DetectorError(Exception):
    """Anything that went wrong and that we understood."""


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
    """A table holds more rows or bytes than are allowed.

    Args:
        message: What it holds, and what to do.
        rows: How many rows it has at least, where these are too many; None where the bytes are.
    """

    def __init__(self, message: str, *, rows: int | None = None) -> None:
        self.rows = rows
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
        super().__init__(f"{', '.join(places) or 'request'}: {problem} {remedy}")


class BundleError(DetectorError):
    """A detector on disk is missing, damaged or foreign."""


class TrainingError(DetectorError):
    """Fitting did not succeed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPlace:
    """A place that a service found to be wrong.

    Args:
        record: Number of the record, from 0, or None where all of them are meant.
        field: Name of the field, or None where the record as a whole is wrong.
        problem: What is wrong.
        remedy: What to send instead.
    """

    record: int | None
    field: str | None
    problem: str
    remedy: str


class ServiceError(DetectorError):
    """A service refused a request, or does not answer.

    Args:
        message: What happened and what to do.
        status: What HTTP calls it; None where there was no answer.
        places: Where the records are wrong.
    """

    def __init__(self, message: str, *, status: int | None = None, places: Sequence[RecordPlace] = ()) -> None:
        self.status = status
        self.places = tuple(places)
        super().__init__(message)
