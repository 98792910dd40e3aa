"""Our errors for scikit-learn's users: they are `ValueError`s, too, and name parameters in the place of flags."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, get_origin, get_type_hints

from models.errors import BundleError, ConfigError, DetectorError, Message, RecordError, Set, TableError, TrainingError
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
_OF_PANDAS: Final = ("decimal", "thousands")  # data frames come with numbers, or with texts that were not read as such
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
    return message.spelt(_parameter) if isinstance(message, Message) else message


def _parameter(setting: Set) -> str:
    if setting.name in _OF_PANDAS:
        return f"pandas.read_csv(…, {setting.name}={', '.join(map(repr, setting.texts)) or '…'})"
    name = _OTHER_NAMES.get(setting.name, setting.name)
    if isinstance(setting.value, bool):
        return f"{name}={setting.value}"
    values = [repr(text) if isinstance(setting.value, (str, tuple)) else text for text in setting.texts]
    values += setting.like.split()
    if not values:
        return name
    return f"{name}=[{', '.join(values)}]" if setting.name in _LISTS else f"{name}={' '.join(values)}"
