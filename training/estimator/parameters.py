"""The parameters of the estimator as settings of a training, and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from inspect import Parameter, Signature, signature
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
from sklearn.utils import check_random_state

from models.errors import ConfigError
from models.network.activations import ACTIVATION_PARAMETERS
from training.settings.config import TrainConfig


def config_of_parameters(parameters: Mapping[str, Any]) -> TrainConfig:
    """Return the settings for parameters of the same names; `random_state` gives the seed.

    Raises:
        ConfigError: A parameter is of another type than its setting, or outside its limits.
    """
    hints = get_type_hints(TrainConfig)
    given = {name: _plain(value) for name, value in parameters.items() if name != "random_state"}
    settings = {name: _checked(name, value, hints[name]) for name, value in given.items()}
    return TrainConfig(**settings, seed=seed_of(parameters["random_state"]))


def parameters_of_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters for the settings in a bundle; settings that are unknown today are ignored."""
    known = {setting.name for setting in fields(TrainConfig)} - {"seed"}
    return {name: _plain(value) for name, value in settings.items() if name in known} | {
        "random_state": settings["seed"]
    }


def with_activation_parameters(init: Callable[..., None]) -> Signature:
    """Return the signature of an estimator's `__init__` with the parameters of the activations by their names."""
    named = [given for given in signature(init).parameters.values() if given.kind != Parameter.VAR_KEYWORD]
    activations = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=parameter.default, annotation=float)
        for name, parameter in ACTIVATION_PARAMETERS.items()
    ]
    return Signature([*named, *activations], return_annotation=None)


def with_activation_docs(text: str | None) -> str | None:
    """Return a docstring with a line for each parameter of an activation in the place of the one line for all."""
    lines = [
        f"{name}: {parameter.help} (default {parameter.default})." for name, parameter in ACTIVATION_PARAMETERS.items()
    ]
    found = re.search(r"^( +)activation_parameters: .*\n", text or "", re.MULTILINE)
    if text is None or found is None:
        return text
    return text.replace(found[0], "".join(f"{found[1]}{line}\n" for line in lines))


def seed_of(random_state: Any) -> int:
    """Return a seed: a whole number is one; None, a RandomState or a Generator draws a new one.

    Raises:
        ConfigError: It is none of these.
    """
    state = _plain(random_state)
    if isinstance(state, int) and not isinstance(state, bool):
        if state < 0:
            raise ConfigError(f"random_state must be at least 0, got {state}.")
        return state
    if isinstance(state, np.random.Generator):
        return int(state.integers(2**31))
    if state is None or isinstance(state, np.random.RandomState):
        return int(check_random_state(state).randint(2**31 - 1))
    raise ConfigError(f"random_state must be a whole number, None, a RandomState or a Generator, got {random_state!r}.")


def _checked(name: str, value: Any, hint: Any) -> Any:
    """Return a value after checking that it has the type of its setting."""
    options = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    for option in options:
        if get_origin(option) is tuple:
            inner = get_args(option)[0]
            values = (value,) if isinstance(value, str) else () if value is None and len(options) == 1 else value
            if isinstance(values, tuple) and all(_is_a(item, inner) for item in values):
                return values
        elif _is_a(value, option):
            return value
    raise ConfigError(f"{name} must be {' or '.join(map(_words, options))}, got {value!r}.")


def _is_a(value: Any, kind: Any) -> bool:
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def _words(option: Any) -> str:
    if get_origin(option) is tuple:
        return f"a list of {_words(get_args(option)[0])}s".replace("list of a ", "list of ")
    return {int: "a whole number", float: "a number", str: "a text", bool: "True or False"}.get(option, "None")


def _plain(value: Any) -> Any:
    """Return a parameter with NumPy's types replaced by Python's, and lists by tuples."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return tuple(_plain(item) for item in value)
    return value.item() if isinstance(value, np.generic) else value
