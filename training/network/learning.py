"""Fits a single network or an ensemble on some of the prepared rows, and makes a scorer of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.encoders.preprocessor import Encoded, Preprocessor
from models.network.architecture import NETWORKS, AutoencoderConfig, kind_of
from models.network.engine import ENGINES, Engine
from models.schema import Kind
from models.scoring import Scorer
from models.scoring.ensemble import Ensemble, Family, member_errors, scales_of
from models.scoring.extremes import Extremes
from models.scoring.histograms import Histograms
from training.columns.learn_columns import encode, learn_preprocessor
from training.data.prepare import Prepared
from training.network.diagnostics import LayerHealth, learned_slopes, together
from training.network.epochs import run_epochs
from training.network.history import Epoch, History
from training.network.keras_network import DenseNetwork, join_networks, save_network
from training.network.onnx_export import onnx_bytes
from training.settings.config import TrainConfig
from training.settings.presets import FamilyPlan

Mask = NDArray[np.bool_]

_ENSEMBLE_VALIDATION_ROWS: Final = 500
_CHUNK_ROWS: Final = 256
_LEAST_TYPICAL_ERROR: Final = 1e-3  # of the variance: below it, an error is the rounding of float32 as much as anything


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """What training does with a kind of network.

    Args:
        export: Returns the graph of a configuration and its weights, for the engine.
        save: Writes the file for those who work on with it.
    """

    build: Callable[..., DenseNetwork]
    export: Callable[[Any, dict[str, Any]], bytes]
    save: Callable[[DenseNetwork, Path], None]


BUILDERS: Final[dict[str, Builder]] = {
    "dense": Builder(build=DenseNetwork, export=onnx_bytes, save=save_network),
}
"""The builders by the keys of `models.network.architecture.NETWORKS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A fitted network, before anything is calibrated.

    Args:
        graph: The exported network, with which `scorer` scores.
        first_member: That of the first member of an ensemble, which says what is expected; None for a single network.
        history: The epochs, of the first members that were fitted.
        health: Dead and saturated units of all members on the validation rows, with the weights that were kept.
        slopes: Lowest, mean and highest learned slope of each hidden layer, for prelu.
    """

    network: DenseNetwork
    graph: bytes
    first_member: bytes | None
    scorer: Scorer
    history: History
    health: tuple[LayerHealth, ...]
    parameters: int
    slopes: dict[str, tuple[float, float, float]]

    @property
    def config(self) -> AutoencoderConfig:
        """What the network looks like."""
        return self.network.config


def learn(
    prepared: Prepared,
    config: TrainConfig,
    *,
    rows: Mask,
    watched: Mask,
    on_epoch: Callable[[Epoch], None],
    should_stop: Callable[[], bool],
) -> Learned:
    """Fit on `rows` `(n,)`; by the loss on the rows of `watched` `(n,)`, a single network stops.

    Raises:
        TrainingError: The loss is not a number.
    """
    preprocessor = prepared.preprocessor
    if (rows != prepared.split.fitting).any():
        preprocessor = learn_preprocessor(prepared.schema, prepared.columns, rows)
    network_config = config.architecture(features=len(preprocessor.features))
    if network_config.members > 1:  # it does not stop early: a few rows are enough, and save memory
        watched = watched & (np.cumsum(watched) <= _ENSEMBLE_VALIDATION_ROWS)
    fitting, validation = (encode(preprocessor, prepared.columns, mask) for mask in (rows, watched))
    validation = replace(validation, Z=preprocessor.within_limits(validation.Z))
    kind = kind_of(network_config)
    builder = BUILDERS[kind]
    parts, histories = [], []
    for settings in config.epoch_settings(rows=len(fitting), features=len(preprocessor.features)):
        part_config = replace(network_config, members=settings.members, skip_weight=settings.skip_weight)
        part = builder.build(part_config, seed=settings.seed)
        history = run_epochs(
            part,
            fitting=fitting,
            validation=validation,
            weights=preprocessor.weights,
            features=preprocessor.features,
            settings=settings,
            fitting_weights=prepared.weights_of(rows),
            validation_weights=prepared.weights_of(watched),
            on_epoch=on_epoch,
            should_stop=should_stop,
        )
        parts.append(part)
        histories.append(history)
    network = parts[0] if len(parts) == 1 else join_networks(network_config, parts)
    weights = network.arrays()
    graph, first_member = builder.export(network_config, weights), None
    new_engine = ENGINES[NETWORKS[kind].engine]
    scorer = _scorer(new_engine(graph, network_config), fitting, preprocessor, config)
    if network_config.members > 1:
        first = {name: array[:1] for name, array in weights.items()}
        first_member = builder.export(network_config.first_member, first)
        scorer = replace(scorer, first_member=new_engine(first_member, network_config.first_member))
    return Learned(
        network=network,
        graph=graph,
        first_member=first_member,
        scorer=scorer,
        history=replace(
            histories[0],
            seconds=sum(history.seconds for history in histories),
            interrupted=any(history.interrupted for history in histories),
        ),
        health=tuple(map(together, zip(*(history.best_epoch.units for history in histories), strict=True))),
        parameters=sum(array.size for array in weights.values()),
        slopes=learned_slopes(weights),
    )


def _scorer(engine: Engine, fitting: Encoded, preprocessor: Preprocessor, config: TrainConfig) -> Scorer:
    errors = _errors(engine, fitting, preprocessor)
    ensemble, scores = None, errors[0]
    if config.families:
        ensemble, scores = _ensemble_of(
            errors, fitting, preprocessor, families=config.families, histogram_weight=config.histogram_weight
        )
    extremes = Extremes.of(fitting, preprocessor, scores=scores)
    return Scorer(preprocessor=preprocessor, engine=engine, ensemble=ensemble, extremes=extremes)


def _ensemble_of(
    errors: NDArray[np.float64],
    encoded: Encoded,
    preprocessor: Preprocessor,
    *,
    families: Sequence[FamilyPlan],
    histogram_weight: float,
) -> tuple[Ensemble, NDArray[np.float64]]:
    """Return an ensemble and the scores that it gives the n fitting rows `(n,)`, by the errors of its members `(M, n)`.

    `families` are the plans of the members, in their order.
    """
    typical = np.maximum(np.median(errors, axis=1), _LEAST_TYPICAL_ERROR)
    histograms = Histograms.of(encoded.Z, limits=preprocessor.limits, weights=_histogram_weights(preprocessor))
    ends = list(accumulate(len(plan.input_noise) for plan in families))
    parts = [slice(end - len(plan.input_noise), end) for plan, end in zip(families, ends, strict=True)]
    unscaled = [
        Family(
            name=plan.name,
            typical_errors=tuple(typical[part].tolist()),
            scale=plan.weight,
            logarithmic=plan.logarithmic,
        )
        for plan, part in zip(families, parts, strict=True)
    ]
    terms = [
        family.score((errors[part] / typical[part, None]).max(axis=0))
        for family, part in zip(unscaled, parts, strict=True)
    ]
    rarity = np.concatenate(
        [histograms.column_rarity(chunk, preprocessor.starts).sum(axis=1) for chunk in _chunks(encoded)]
    )
    terms.append(rarity)
    scales = scales_of(terms, [*(family.scale for family in unscaled), histogram_weight])
    scores = np.sum([scale * term for scale, term in zip(scales, terms, strict=True)], axis=0)
    *scales, histogram_scale = scales
    ensemble = Ensemble(
        families=tuple(replace(family, scale=scale) for family, scale in zip(unscaled, scales, strict=True)),
        histograms=histograms,
        histogram_scale=histogram_scale,
    )
    return ensemble, scores


def _errors(engine: Engine, encoded: Encoded, preprocessor: Preprocessor) -> NDArray[np.float64]:
    """Return the errors of all members `(M, n)`."""
    errors = [
        member_errors(engine.reconstruct(preprocessor.within_limits(chunk.Z)), chunk, preprocessor)
        for chunk in _chunks(encoded)
    ]
    return np.concatenate(errors, axis=1).astype(np.float64)


def _chunks(encoded: Encoded) -> list[Encoded]:
    return [encoded.rows(start, start + _CHUNK_ROWS) for start in range(0, len(encoded), _CHUNK_ROWS)]


def _histogram_weights(preprocessor: Preprocessor) -> NDArray[np.float32]:
    """Return what the rarity of each feature counts `(d,)`: one for each column, in the mean over the columns.

    The levels of a category are one value between them, so their rarities add up; the cycles of a time are not.
    """
    encoders = preprocessor.encodings
    weights = [
        1.0 / (len(encoders) * (len(encoder.features) if encoder.kind is Kind.DATETIME else 1))
        for encoder in encoders
        for _ in encoder.features
    ]
    return np.array(weights, np.float32)
