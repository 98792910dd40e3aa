"""Our errors as scikit-learn's users expect them: `ValueError`s that speak of parameters, not of flags.

Everything behind the estimator raises what the commands raise, whose remedies name flags. Here is the one door
at which these become errors of both families, in Python's words.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, get_origin, get_type_hints

from models.errors import BundleError, ConfigError, DetectorError, RecordError, TableError, TrainingError
from training.settings.config import TrainConfig


class ParameterError(ConfigError, ValueError):
    """A parameter of the estimator is outside its limits."""


class InputError(TableError, ValueError):
    """What `fit` or `predict` was given cannot be used as it is."""


class InputTypeError(InputError, TypeError):
    """What `fit` or `predict` was given is of a type that cannot be used."""


class FitError(TrainingError, ValueError):
    """Fitting did not succeed."""


class SavedDetectorError(BundleError, ValueError):
    """A detector on disk is missing, damaged or foreign."""


class DetectorWarning(UserWarning):
    """Something about a fitted detector that should be looked at, with the remedy."""


_AS_VALUE_ERROR: Final[dict[type[DetectorError], type[DetectorError]]] = {
    ConfigError: ParameterError,
    TableError: InputError,
    TrainingError: FitError,
    BundleError: SavedDetectorError,
}

_OTHER_NAMES: Final = {"seed": "random_state", "output": "path", "overwrite": "overwrite=True"}
_CHOICES: Final = {
    name: setting.metadata["choices"]
    for name, setting in TrainConfig.__dataclass_fields__.items()
    if "choices" in setting.metadata
}
_MANY: Final = frozenset(name for name, hint in get_type_hints(TrainConfig).items() if get_origin(hint) is tuple)
_TEXTS: Final = frozenset(
    name
    for name, hint in get_type_hints(TrainConfig).items()
    if name not in (*_CHOICES, "kind", "date_order") and hint in (str | None, tuple[str, ...])
)
_LAST_FLAG: Final = re.compile(
    r"(?<![\w-])--(?P<flag>[a-z]+(?:-[a-z]+)*) (?P<values>(?:'[^']*'|[^\s',:;])+(?: (?:'[^']*'|[^\s',:;])+)*)$"
)
_NUMBER: Final = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_FLAG: Final = re.compile(
    r"(?<![\w-])--(?P<flag>[a-z]+(?:-[a-z]+)*)(?: (?:"
    rf"(?P<number>{_NUMBER})(?![\w=])"
    r"|(?P<quoted>'[^']*')"
    r"|(?P<pair>[^\s,;:()']+=[^\s,;:()']+?)(?=[\s,;:()]|\.?$|\.\s)"
    r"|(?P<name>[A-Z]+\b)(?: …)?"
    r"|(?P<word>[a-z_]+)\b))?"
)


@contextmanager
def as_value_errors() -> Iterator[None]:
    """Raise what goes wrong inside as an error that is a `ValueError` too."""
    try:
        yield
    except DetectorError as error:
        if isinstance(error, (ValueError, RecordError)):
            raise
        raise _AS_VALUE_ERROR[type(error)](in_python(str(error))) from error


def in_python(sentence: str) -> str:
    """Return a sentence with the parameters of the estimator in the place of the flags of the commands.

    Example:
        >>> in_python("Say --fit-on normal, or leave it out: --exclude COLUMN. Try --learning-rate 0.001.")
        "Say fit_on='normal', or leave it out: exclude=[COLUMN]. Try learning_rate=0.001."
    """
    sentence, command, rest = sentence.partition(": python -m ")  # a command stays as it is typed
    return _FLAG.sub(_parameter, _LAST_FLAG.sub(_last_parameter, sentence)) + command + rest


def _last_parameter(found: re.Match[str]) -> str:
    """Return a flag with names of columns or their values behind it, as `findings.flag` writes them."""
    name = found["flag"].replace("-", "_")
    values = shlex.split(found["values"])
    if name not in _TEXTS or values[-1].endswith(".") or (len(values) > 1 and name not in _MANY):
        return found[0]
    return f"{name}={values!r}" if name in _MANY else f"{name}={values[0]!r}"


def _parameter(found: re.Match[str]) -> str:
    flag = found["flag"].replace("-", "_")
    name = _OTHER_NAMES.get(flag, flag)
    value = found["number"] or found["quoted"] or found["name"] or (found["pair"] and repr(found["pair"]))
    if value is None and found["word"] in _CHOICES.get(flag, ()):
        value = repr(found["word"])
    if value is None:
        return name + (f" {found['word']}" if found["word"] else "")
    return f"{name}=[{value}]" if flag in _MANY else f"{name}={value}"
