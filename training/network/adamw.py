"""AdamW, in plain TensorFlow.

It computes what Keras's does. Keras's own asks TensorFlow's distribution layer to sum the gradients
of all devices, and that registers a function for ever, with the whole graph it was traced in: each fit would
leave some 7 MB behind (https://github.com/tensorflow/tensorflow/issues/62854), and would be traced for longer.

`Any` stands for what Keras and TensorFlow give: they have no types of their own.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import tensorflow as tf

_MEAN_DECAY: Final = 0.9
_SQUARE_DECAY: Final = 0.999
_EPSILON: Final = 1e-7
_WARM_UP: Final = 0.05  # share of the steps


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019).

    Args:
        weight_decay: What share of a weight a step takes off, times the step size.
        decayed: Names of the weights that decay.
        steps: Number of all steps: the step size rises over the first twentieth of them and falls like a cosine to
            zero (Loshchilov and Hutter, ICLR 2017). None for a constant step size.
    """

    def __init__(
        self,
        weights: Mapping[str, Any],
        *,
        learning_rate: float,
        weight_decay: float,
        decayed: Collection[str],
        steps: int | None = None,
    ) -> None:
        self._variables = list(weights.values())
        self._decays = [name in decayed for name in weights]
        self._means = {name: tf.Variable(tf.zeros_like(variable)) for name, variable in weights.items()}
        self._squares = [tf.Variable(tf.zeros_like(variable)) for variable in self._variables]
        self._steps = tf.Variable(0, dtype=tf.int64)
        self._total = steps
        self._learning_rate = tf.constant(learning_rate, tf.float32)
        self._weight_decay = tf.constant(weight_decay, tf.float32)

    def apply(self, gradients: Sequence[Any]) -> None:
        """Take one step; the gradients are in the order of the weights."""
        step = tf.cast(self._steps + 1, tf.float32)
        learning_rate = self._learning_rate * self._share_of_rate(step)
        kept = 1 - self._weight_decay * learning_rate
        mean_decay, square_decay = tf.constant(_MEAN_DECAY), tf.constant(_SQUARE_DECAY)
        for variable, decays, mean, square, gradient in zip(
            self._variables, self._decays, self._means.values(), self._squares, gradients, strict=True
        ):
            if decays:
                variable.assign(variable * kept)
            tf.raw_ops.ResourceApplyAdam(  # one pass over the weights: written out, it would be a dozen
                var=variable.handle,
                m=mean.handle,
                v=square.handle,
                beta1_power=tf.pow(mean_decay, step),
                beta2_power=tf.pow(square_decay, step),
                lr=learning_rate,
                beta1=mean_decay,
                beta2=square_decay,
                epsilon=tf.constant(_EPSILON),
                grad=gradient,
            )
        self._steps.assign_add(1)

    def mean_gradients(self, names: Sequence[str]) -> list[Any]:
        """Return the running means of the gradients of some weights, corrected for their start at zero."""
        begun = 1 - tf.pow(_MEAN_DECAY, tf.cast(self._steps, tf.float32))
        return [self._means[name] / begun for name in names]

    def _share_of_rate(self, step: Any) -> Any:
        """Return which share of the largest step size a step takes, counted from 1."""
        if self._total is None:
            return tf.constant(1.0)
        warm_up = max(1.0, math.floor(_WARM_UP * self._total))
        falling = tf.maximum(step - warm_up, 0.0) / max(1.0, self._total - warm_up)
        return tf.minimum(step / warm_up, 1.0) * (0.5 + 0.5 * tf.cos(math.pi * tf.minimum(falling, 1.0)))
