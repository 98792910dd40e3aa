"""METHODS: the methods that can be measured, one adapter each."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.ablations import WITHOUT, fit_without
from benchmarks.quality.ours import OURS, complaint_about, fit_ours, settings_of
from benchmarks.quality.peers import PEERS, PYOD_MODULES, TORCH_MODULES, fit_peer
from models.errors import ConfigError

Score = Callable[[Any], NDArray[np.floating]]
Fit = Callable[[Any, int], Score]

_OURS_MODULES: Final = ("training.fit", "training.data.prepare", "training.estimator")


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A method of anomaly detection.

    Args:
        name: Its name on the command line and in the CSV.
        says: Its description in a few words.
        fit: Takes rows and a seed; returns a function from rows to scores, higher for anomalies.
        modules: Modules to import before the time is measured.
        standardised: Whether it gets standardised rows in float32, as its users would give it; else raw rows.
        protocols: The protocols in which it makes sense.
        extra: The extra of this project that installs its libraries.
        warms_up: Runs before the time is measured, so that loading and compiling are not part of it.
        complains: Returns why it cannot run here although its libraries are installed; None if it can.
    """

    name: str
    says: str
    fit: Fit
    modules: tuple[str, ...]
    standardised: bool = True
    protocols: tuple[str, ...] = ("S", "U")
    extra: str = "bench"
    warms_up: Callable[[], object] = lambda: None
    complains: Callable[[], str | None] = lambda: None

    @property
    def refusal(self) -> str | None:
        """Return why it cannot run here, in one line; None if it can."""
        missing = sorted({name.partition(".")[0] for name in self.modules if not _is_there(name.partition(".")[0])})
        if missing:
            return f"{self.name} needs {' and '.join(missing)}: pip install '.[{self.extra}]'"
        return self.complains()


def _peer(name: str) -> Method:
    peer = PEERS[name]
    return Method(
        name=name,
        says=peer.says,
        fit=lambda X, seed: fit_peer(name, X, seed),
        modules=TORCH_MODULES if peer.torch else PYOD_MODULES,
        warms_up=lambda: fit_peer(name, _few_rows(), 0, brief=True)(_few_rows()),
    )


def _ours(name: str, says: str, settings: dict[str, Any], protocols: tuple[str, ...] = ("S", "U")) -> Method:
    return Method(
        name=name,
        says=says,
        fit=lambda X, seed: fit_ours(settings, X, seed),
        modules=_OURS_MODULES,
        standardised=False,
        protocols=protocols,
        extra="train",
        warms_up=lambda: fit_ours({"epochs": 1}, _few_rows(), 0)(_few_rows()),
        complains=lambda: complaint_about(name, settings),
    )


METHODS: Final = {
    method.name: method
    for method in (
        *(_ours(variant.name, variant.says, variant.settings, variant.protocols) for variant in OURS),
        *(_peer(name) for name in PEERS),
    )
}
"""Methods by the name that ``--methods`` takes."""


def method_of(name: str) -> Method:
    """Return a method by its name.

    Args:
        name: A key of `METHODS`, ``ours:KEY=VALUE,…`` for settings of our estimator, ``without:PART`` for ours without
            one of its parts, or ``PACKAGE.MODULE:FUNCTION`` for any function that fits as `Method.fit` does.

    Raises:
        ConfigError: There is no such method.
    """
    if name in METHODS:
        return METHODS[name]
    base, colon, rest = name.partition(":")
    if base == "ours" and colon:
        return _ours(name, f"ours with {rest}", settings_of(name))
    if base == "without" and rest in WITHOUT:
        what = f"ours, {WITHOUT[rest][0]}"
        return replace(_ours(name, what, {}), fit=lambda X, seed: fit_without(rest, X, seed))
    if colon and base != "without" and "=" not in name:
        return _own(name, module=base, function=rest)
    raise ConfigError(
        f"--methods: there is no {name!r}; there are {', '.join(METHODS)}, ours:KEY=VALUE,…, "
        f"{', '.join(f'without:{part}' for part in WITHOUT)} and MODULE:FUNCTION."
    )


def chosen_methods(names: Sequence[str]) -> tuple[list[Method], list[str]]:
    """Return the methods of these names; without names all that can run, and why others cannot.

    Raises:
        ConfigError: A named method does not exist or cannot run here.
    """
    if not names:
        refusals = [method.refusal for method in METHODS.values()]
        return (
            [method for method, refusal in zip(METHODS.values(), refusals, strict=True) if refusal is None],
            [refusal for refusal in refusals if refusal is not None],
        )
    methods = [method_of(name) for name in dict.fromkeys(names)]
    for method in methods:
        if method.refusal is not None:
            raise ConfigError(f"--methods: {method.refusal}.")
    return methods, []


def names_of(texts: Sequence[str]) -> list[str]:
    """Return the names in a value of ``--methods``: separated by commas, as are the settings within a name.

    Example:
        >>> names_of(["HBOS,ours:depth=1,dropout=0.1", "KNN"])
        ['HBOS', 'ours:depth=1,dropout=0.1', 'KNN']
    """
    names: list[str] = []
    for text in texts:
        for part in filter(None, text.split(",")):
            key = part.partition("=")[0]
            if "=" in part and ":" not in key and names and ":" in names[-1]:
                names[-1] += f",{part}"
            else:
                names.append(part)
    return names


def _own(name: str, *, module: str, function: str) -> Method:
    def fit(X: Any, seed: int) -> Score:
        score: Score = getattr(importlib.import_module(module), function)(X, seed)
        return score

    def complaint() -> str | None:
        try:
            there = find_spec(module) is not None
        except ModuleNotFoundError:
            there = False
        return None if there else f"{name}: there is no module {module!r}; it must be importable from here"

    return Method(name=name, says="a function of your own", fit=fit, modules=(), complains=complaint)


def _is_there(module: str) -> bool:
    return find_spec(module) is not None


def _few_rows() -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
