"""Fits a single network or an ensemble on some of the prepared rows, and makes a scorer of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.encoders.preprocessor import Encoded, Preprocessor
from models.network.architecture import AutoencoderConfig
from models.network.engine import ENGINES, Engine
from models.network.networks import NETWORKS, kind_of
from models.scoring import Scorer
from training.columns.learn_columns import encode, learn_preprocessor
from training.data.prepare import Prepared
from training.network.builders import BUILDERS
from training.network.ensembles import ensemble_of
from training.network.epochs import run_epochs
from training.network.history import Epoch, History
from training.network.keras_network import DenseNetwork, Weights, join_networks
from training.settings.config import TrainConfig

Mask = NDArray[np.bool_]

_ENSEMBLE_VALIDATION_ROWS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A fitted network, before anything is calibrated.

    Args:
        config: What it looks like.
        network: Its variables and its forward pass.
        weights: Its arrays by name.
        graph: The exported network.
        scorer: Scores with the exported network.
        history: The epochs, of the first members that were fitted.
        watched: The validation rows of the history.
    """

    config: AutoencoderConfig
    network: DenseNetwork
    weights: Weights
    graph: bytes
    scorer: Scorer
    history: History
    watched: Encoded


def learn(
    prepared: Prepared,
    config: TrainConfig,
    *,
    rows: Mask,
    watched: Mask,
    on_epoch: Callable[[Epoch], None],
    should_stop: Callable[[], bool],
) -> Learned:
    """Fit on the rows of a mask.

    Args:
        prepared: The table.
        config: The settings.
        rows: What is learned from `(n,)`.
        watched: Rows of the validation loss, by which a single network stops `(n,)`.
        on_epoch: Called after each epoch.
        should_stop: Called after each epoch; True ends the training.

    Raises:
        TrainingError: The loss is not a number.
    """
    preprocessor = prepared.preprocessor
    if (rows != prepared.split.fitting).any():
        preprocessor = learn_preprocessor(prepared.schema, prepared.columns, rows)
    fitting, validation = (encode(preprocessor, prepared.columns, mask) for mask in (rows, watched))
    validation = replace(validation, Z=preprocessor.within_limits(validation.Z))
    validation_weights = prepared.weights_of(watched)
    network_config = config.architecture(features=fitting.Z.shape[1])
    if network_config.members > 1:  # it does not stop early: a few rows are enough, and save memory
        validation, validation_weights = (
            validation.rows(0, _ENSEMBLE_VALIDATION_ROWS),
            None if validation_weights is None else validation_weights[:_ENSEMBLE_VALIDATION_ROWS],
        )
    kind = kind_of(network_config)
    builder = BUILDERS[kind]
    parts, histories = [], []
    for settings in config.epoch_settings(rows=len(fitting), features=fitting.Z.shape[1]):
        part_config = replace(network_config, members=settings.members, skip_weight=settings.skip_weight)
        part = builder.build(part_config, seed=settings.seed)
        history = run_epochs(
            part,
            fitting=fitting,
            validation=validation,
            weights=preprocessor.weights,
            features=preprocessor.features,
            activation=config.activation,
            settings=settings,
            fitting_weights=prepared.weights_of(rows),
            validation_weights=validation_weights,
            on_epoch=on_epoch,
            should_stop=should_stop,
        )
        parts.append(part)
        histories.append(history)
    network = parts[0] if len(parts) == 1 else join_networks(network_config, parts)
    weights = network.arrays()
    graph = builder.export(network_config, weights)
    return Learned(
        config=network_config,
        network=network,
        weights=weights,
        graph=graph,
        scorer=_scorer(ENGINES[NETWORKS[kind].engine](graph, network_config), fitting, preprocessor, config),
        history=replace(
            histories[0],
            seconds=sum(history.seconds for history in histories),
            interrupted=any(history.interrupted for history in histories),
        ),
        watched=validation,
    )


def _scorer(engine: Engine, fitting: Encoded, preprocessor: Preprocessor, config: TrainConfig) -> Scorer:
    if not config.families:
        return Scorer(preprocessor=preprocessor, engine=engine)
    ensemble = ensemble_of(
        engine, fitting, preprocessor, families=config.families, histogram_weight=config.histogram_weight
    )
    return Scorer(preprocessor=preprocessor, engine=engine, ensemble=ensemble)
