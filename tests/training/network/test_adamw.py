from __future__ import annotations

import numpy as np
import pytest

from models.network.architecture import AutoencoderConfig
from training.network.adamw import AdamW
from training.network.keras_network import DenseNetwork


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_it_moves_every_weight_as_the_one_of_keras_does(weight_decay):
    import keras
    import tensorflow as tf

    config = AutoencoderConfig(features=3, hidden_units=(5,), latent_units=2, activation="prelu")
    ours, theirs = DenseNetwork(config, seed=1), DenseNetwork(config, seed=1)
    optimizer = AdamW(ours.weights, learning_rate=0.01, weight_decay=weight_decay, decayed=ours.kernels)
    variables = [keras.Variable(variable.numpy(), name=name) for name, variable in theirs.weights.items()]
    peer = keras.optimizers.AdamW(learning_rate=0.01, weight_decay=weight_decay)
    peer.exclude_from_weight_decay(var_names=["bias", "slope"])
    rng = np.random.default_rng(0)
    for _ in range(5):
        gradients = [tf.constant(rng.normal(size=v.shape), tf.float32) for v in ours.weights.values()]
        optimizer.apply(gradients)
        peer.apply(gradients, variables)
    for mine, other in zip(ours.arrays().values(), variables, strict=True):
        np.testing.assert_allclose(mine, other.numpy(), rtol=1e-5, atol=1e-6)
