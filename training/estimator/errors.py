"""Our errors for scikit-learn's users: they are `ValueError`s, too, and name parameters in the place of flags."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, get_origin, get_type_hints

from models.errors import BundleError, ConfigError, DetectorError, Message, RecordError, Set, TableError, TrainingError
from models.tables.read_options import HEADER_AGAIN
from training.settings.config import TrainConfig


class ParameterError(ConfigError, ValueError):
    """A parameter of the estimator is outside its limits."""


class InputError(TableError, ValueError):
    """An argument of `fit` or `predict` cannot be used as it is."""


class InputTypeError(InputError, TypeError):
    """An argument of `fit` or `predict` is of a type that cannot be used."""


class FitError(TrainingError, ValueError):
    """Fitting did not succeed."""


class SavedDetectorError(BundleError, ValueError):
    """A detector on disk is missing, damaged or foreign."""


class MissingPackageError(ConfigError, ImportError):
    """A method needs a package that is not installed."""


class DetectorWarning(UserWarning):
    """What should be looked at after a fit, such as columns that were left out unasked, with the remedy."""


_AS_VALUE_ERROR: Final[dict[type[DetectorError], type[DetectorError]]] = {
    ConfigError: ParameterError,
    TableError: InputError,
    TrainingError: FitError,
    BundleError: SavedDetectorError,
}

_OTHER_NAMES: Final = {"seed": "random_state", "output": "path"}
_IN_PANDAS: Final = {  # data frames come with numbers, or with texts that pandas did not read as such
    "decimal": "pandas.read_csv(…, decimal={})",
    "thousands": "pandas.read_csv(…, thousands={})",
    "delimiter": "pandas.read_csv(…, sep={})",
    "encoding": "pandas.read_csv(…, encoding={})",
    "quote": "pandas.read_csv(…, quotechar={})",
    "comment": "pandas.read_csv(…, comment={})",
    "header": "pandas.read_csv(…, header={})",
    "column_names": "pandas.read_csv(…, names={})",
    "skip_lines": "pandas.read_csv(…, skiprows={})",
    "ragged_rows": "pandas.read_csv(…), which fills such rows",
    "sheet": "pandas.read_excel(…, sheet_name={})",
}
_CHARACTERS: Final = {"space": " ", "tab": "\t", "none": None}
_READ_CSV_AGAIN: Final = re.compile(r"(pandas\.read_csv\(…, [^()]*)\) pandas\.read_csv\(…")
_OF_COMMANDS: Final = frozenset(
    ["config", "debug", "dry_run", "json", "lang", "name", "quiet", "report", "schema_in", "schema_out", "tensorboard"]
) | {"test_data", "version"}
_LISTS: Final = frozenset(name for name, hint in get_type_hints(TrainConfig).items() if get_origin(hint) is tuple)


@contextmanager
def as_value_errors() -> Iterator[None]:
    """Raise our errors as errors that are `ValueError`s, too."""
    try:
        yield
    except DetectorError as error:
        if isinstance(error, (ValueError, ImportError, RecordError)):
            raise
        kind = next(ours for kind, ours in _AS_VALUE_ERROR.items() if isinstance(error, kind))
        raise kind(in_python(error.message)) from error


def in_python(message: str) -> str:
    """Return a message with the parameters of the estimator in the place of the flags of the commands.

    Example:
        >>> in_python(Message("Say ", Set("fit_on", "normal"), ", or leave it out: ", Set("exclude", like="COLUMN")))
        "Say fit_on='normal', or leave it out: exclude=[COLUMN]"
    """
    if not isinstance(message, Message):
        return message
    return _READ_CSV_AGAIN.sub(r"\1", message.spelt(_parameter))


def _parameter(setting: Set) -> str:
    if setting.name in _IN_PANDAS:
        return _IN_PANDAS[setting.name].format(_of_reader(setting))
    if setting.name == "skip_rows":
        return " and ".join(_without_rows(setting.texts)) or "X.drop(index=…)"
    if setting.name in _OF_COMMANDS:
        return f"python -m training.train … {setting}"
    name = _OTHER_NAMES.get(setting.name, setting.name)
    if isinstance(setting.value, bool):
        return f"{name}={setting.value}"
    values = [repr(text) if isinstance(setting.value, (str, tuple)) else text for text in setting.texts]
    values += setting.like.split()
    if not values:
        return name
    return f"{name}=[{', '.join(values)}]" if setting.name in _LISTS else f"{name}={' '.join(values)}"


def _of_reader(setting: Set) -> str:
    """Return the value of an argument of pandas' readers, such as ``','`` or ``None``."""
    if isinstance(setting.value, bool):  # a header line or none
        return "0" if setting.value else "None"
    if isinstance(setting.value, (int, float)):
        return str(setting.value)
    values = ", ".join(repr(_CHARACTERS.get(text, text)) for text in setting.texts) or "…"
    return f"[{values}]" if isinstance(setting.value, tuple) else values


def _without_rows(words: Sequence[str]) -> Iterator[str]:
    """Yield how rows, counted from 1, are taken out of a data frame of pandas, whose positions count from 0."""
    positions: list[str] = []
    for word in words:
        if word == HEADER_AGAIN:
            yield "X[(X != X.columns).any(axis=1)]"
            continue
        first, _, last = word.partition("-")
        positions += [f"*range({int(first) - 1}, {last})" if last else str(int(first) - 1)]
    if positions:
        yield f"X.drop(index=X.index[[{', '.join(positions)}]])"
