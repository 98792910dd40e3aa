"""The errors of this project, one base class for each question that a caller asks.

    DetectorError              anything that went wrong and that we understood
    ├── ConfigError            a flag, setting or argument is outside its limits: change the call
    ├── DataError              the data cannot be used as it is: change the data
    │   ├── TableError         a file or a data frame
    │   └── RecordError        one record of a request; knows its number and its field
    ├── BundleError            a detector on disk is missing, damaged or foreign: get another bundle
    └── TrainingError          fitting did not succeed: change how it is trained

The message of each says what is wrong, shows what came and says what to do.
"""

from __future__ import annotations


class DetectorError(Exception):
    """Anything that went wrong and that we understood."""


class ConfigError(DetectorError):
    """A flag, setting or argument is outside its limits."""


class DataError(DetectorError):
    """The data cannot be used as it is."""


class TableError(DataError):
    """A file or a data frame cannot be used as it is."""


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
