"""A step of fitting beside the matrix products that it contains, and what tracing takes before the first one.

`Any` stands for what TensorFlow gives: it has no types of its own.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from benchmarks.training.made_up import standardised
from models.encoders.preprocessor import Encoded
from training.settings.config import TrainConfig

_ROWS: Final = 8_192
_LOOPS: Final = 20  # products are timed in a loop inside one compiled function, as the steps are


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The first group of networks of a preset.

    Args:
        members: How many networks a step moves.
        batch: Rows of a step.
        step: Seconds of one step, in each round.
        products: Seconds of the products that it contains, in each round.
        tracing: Seconds until the function is there.
        first_call: Seconds of its first call, of one step.
    """

    members: int
    batch: int
    step: tuple[float, ...]
    products: tuple[float, ...]
    tracing: float
    first_call: float

    @property
    def ratios(self) -> tuple[float, ...]:
        """What a step takes over what its products take, in each round."""
        return tuple(step / products for step, products in zip(self.step, self.products, strict=True))


def steps_of(config: TrainConfig, *, columns: int, rounds: int) -> Steps:
    """Measure steps and products in turn."""
    from tensorflow import constant, ones

    from training.network.adamw import AdamW
    from training.network.epochs import steps_function
    from training.network.keras_network import DenseNetwork

    settings, *_ = config.epoch_settings(rows=_ROWS, features=columns)
    network = config.architecture(features=columns)
    if network.members > 1:
        network = replace(network, members=settings.members, skip_weight=settings.skip_weight)
    built = DenseNetwork(network, seed=0)
    optimizer = AdamW(
        built.weights,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        decayed=built.kernels,
        steps=1000,
    )
    order = constant(np.random.default_rng(0).permutation(_ROWS).reshape(-1, settings.batch_size))
    started = time.perf_counter()
    run = steps_function(built, optimizer, Encoded(Z=standardised(_ROWS, columns).fitting), ones(columns), settings)
    traced = time.perf_counter()
    float(run(order, 1, 0, 1)[0])
    called = time.perf_counter()
    products = products_function([columns, *network.layer_units, columns], settings.members, settings.batch_size)
    step_seconds, product_seconds = [], []
    for _ in range(rounds):
        begun = time.perf_counter()
        float(run(order, settings.epochs, 0, len(order))[0])
        middle = time.perf_counter()
        float(products())
        step_seconds.append((middle - begun) / len(order))
        product_seconds.append((time.perf_counter() - middle) / _LOOPS)
    return Steps(
        members=settings.members,
        batch=settings.batch_size,
        step=tuple(step_seconds),
        products=tuple(product_seconds),
        tracing=traced - started,
        first_call=called - traced,
    )


def products_function(widths: list[int], members: int, batch: int) -> Any:
    """Return a compiled function of the products of a step: forward, weights' and inputs' gradients of each layer.

    The gradient of the network's own input is not among them: a step does not need it.
    """
    import tensorflow as tf

    draw = np.random.default_rng(0)

    def made(*shape: int) -> Any:
        return tf.constant(draw.normal(size=shape if members == 1 else (members, *shape)).astype(np.float32))

    layers = [(made(batch, i), made(i, o), made(batch, o)) for i, o in itertools.pairwise(widths)]

    def products() -> Any:
        def once(number: Any, total: Any) -> tuple[Any, Any]:
            found = []
            with tf.control_dependencies([total]):  # none can be taken out of the loop
                for i, (given, kernel, gradient) in enumerate(layers):
                    found += [tf.matmul(given, kernel), tf.matmul(given, gradient, transpose_a=True)]
                    if i:
                        found.append(tf.matmul(gradient, kernel, transpose_b=True))
            # Each is asked for one cell: none can be left out.
            return number + 1, total + tf.add_n([tf.reshape(item, [-1])[0] for item in found])

        return tf.while_loop(lambda number, _: number < _LOOPS, once, (tf.constant(0), tf.constant(0.0)))[1]

    compiled = tf.function(products, autograph=False).get_concrete_function()
    float(compiled())
    return compiled
