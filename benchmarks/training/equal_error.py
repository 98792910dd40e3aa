"""Measures the time until ours reaches the held-out error of a finished peer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from benchmarks.training.made_up import Rows
from benchmarks.training.peers import PEERS, Fitted, mean_squared
from models.encoders.preprocessor import Encoded
from models.network.architecture import AutoencoderConfig
from training.network.history import Epoch, EpochSettings
from training.settings.config import TrainConfig

_REST: Final = 0.5  # seconds before each fit: threads of the last one may still spin
_LONGER: Final = (1, 2, 4, 8)
_VALIDATION: Final = 0.15  # of the rows, as the program splits them


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A fit of ours against the errors of the peers.

    Args:
        seconds: Seconds until the error was as low as that of each peer, with building, tracing and validation; None
            where it never was.
        longer: Factor on the preset's epochs that it needed.
        fit_seconds: Seconds of the preset's own fit.
        error: Held-out error of the preset's own fit.
    """

    seconds: dict[str, float | None]
    longer: dict[str, int]
    fit_seconds: float
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One fit of each."""

    ours: Reached
    peers: dict[str, Fitted]


def one_round(rows: Rows, config: TrainConfig, *, names: tuple[str, ...]) -> Round:
    """Fit the peers, then ours until its error is as low as that of each."""
    single = _single(config, rows)
    peers = {}
    for name in names:
        time.sleep(_REST)
        peers[name] = PEERS[name](rows, single)
    return Round(ours=ours(rows, config, {name: peer.error for name, peer in peers.items()}), peers=peers)


def ours(rows: Rows, config: TrainConfig, levels: Mapping[str, float]) -> Reached:
    """Fit with the preset's settings; where a level is not reached, again with twice the epochs, and so on."""
    seconds: dict[str, float | None] = dict.fromkeys(levels)
    longer: dict[str, int] = {}
    first: tuple[float, float] | None = None
    for times in _LONGER:
        time.sleep(_REST)
        curve = _curve(rows, config, times=times)
        first = first or curve[-1]
        for name in [name for name in levels if seconds[name] is None]:
            reached = [at for at, error in curve if error <= levels[name]]
            if reached:
                seconds[name], longer[name] = reached[0], times
        if None not in seconds.values():
            break
    assert first is not None
    return Reached(seconds=seconds, longer=longer, fit_seconds=first[0], error=first[1])


def _single(config: TrainConfig, rows: Rows) -> AutoencoderConfig:
    """Return the network of the preset; of an ensemble one member, with the middle noise."""
    network = config.architecture(features=rows.fitting.shape[1])
    if network.members == 1:
        return network
    noises = [noise for family in config.families for noise in family.input_noise if not family.residual]
    return replace(network, members=1, skip_weight=(), input_noise=min(noises))


def _curve(rows: Rows, config: TrainConfig, *, times: int) -> list[tuple[float, float]]:
    """Return seconds and held-out error after each epoch; the seconds are without measuring the error."""
    from training.network.epochs import run_epochs
    from training.network.keras_network import DenseNetwork

    features = rows.fitting.shape[1]
    validating = max(1, int(_VALIDATION * len(rows.fitting)))
    validation, fitting = Encoded(Z=rows.fitting[:validating]), Encoded(Z=rows.fitting[validating:])
    settings, *_ = config.epoch_settings(rows=len(fitting), features=features)
    settings = replace(settings, epochs=times * settings.epochs)
    if settings.members > 1:
        validation = validation.rows(0, 500)  # as the program does
    measuring = 0.0
    curve: list[tuple[float, float]] = []
    started = time.perf_counter()
    network = DenseNetwork(_group(config, settings, features), seed=settings.seed)

    def on_epoch(epoch: Epoch) -> None:
        nonlocal measuring
        now = time.perf_counter()
        curve.append((now - started - measuring, _error(network, settings, rows)))
        measuring += time.perf_counter() - now

    run_epochs(
        network,
        fitting=fitting,
        validation=validation,
        weights=np.full(features, 1 / features, np.float32),
        features=tuple(f"x{i}" for i in range(features)),
        settings=settings,
        on_epoch=on_epoch,
    )
    return curve


def _group(config: TrainConfig, settings: EpochSettings, features: int) -> AutoencoderConfig:
    network = config.architecture(features=features)
    if network.members == 1:
        return network
    return replace(network, members=settings.members, skip_weight=settings.skip_weight)


def _error(network: Any, settings: EpochSettings, rows: Rows) -> float:
    """Return the error of a single network, or of the best member without skip weight."""
    given = network.reconstruct(rows.held_out)
    weights = settings.skip_weight or (0.0,) * settings.members
    return min(mean_squared(rows.held_out, of) for of, weight in zip(given, weights, strict=True) if weight == 0)
