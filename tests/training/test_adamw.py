from __future__ import annotations

import numpy as np
import pytest

from models.network.architecture import AutoencoderConfig
from training.network.adamw import AdamW
from training.network.keras_network import build_network


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_it_moves_every_weight_as_the_one_of_keras_does(weight_decay):
    import keras
    import tensorflow as tf

    config = AutoencoderConfig(features=3, hidden_units=(5,), latent_units=2, activation="prelu")
    ours, theirs = build_network(config, seed=1), build_network(config, seed=1)
    optimizer = AdamW(
        ours.trainable_variables, learning_rate=0.01, weight_decay=weight_decay, undecayed=("bias", "alpha")
    )
    peer = keras.optimizers.AdamW(learning_rate=0.01, weight_decay=weight_decay)
    peer.exclude_from_weight_decay(var_names=["bias", "alpha"])
    rng = np.random.default_rng(0)
    for _ in range(5):
        gradients = [tf.constant(rng.normal(size=v.shape), tf.float32) for v in ours.trainable_variables]
        optimizer.apply(gradients)
        peer.apply(gradients, theirs.trainable_variables)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)
