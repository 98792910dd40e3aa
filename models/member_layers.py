"""Keras layers of many networks at once: each member has weights of its own, and one product runs all of them.

A value has the members in front: `(M, n, units)`. Only `models/network.py` uses them.
`Any` stands for what Keras gives: it has no types of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras


class MemberDense(keras.layers.Layer):  # type: ignore[misc]
    """M dense layers side by side: `(n, inputs)` or `(M, n, inputs)` → `(M, n, units)`.

    Args:
        units: Width of each.
        initializer: Name of the kernels' initialiser.
        seeds: One a member.
    """

    def __init__(self, units: int, *, initializer: str, seeds: Sequence[int], **settings: Any) -> None:
        super().__init__(**settings)
        self.units, self.initializer, self.seeds = units, initializer, list(seeds)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the weights of all members."""
        shape = (len(self.seeds), input_shape[-1], self.units)
        self.kernel = self.add_weight(shape=shape, initializer=self._kernels, name="kernel")
        self.bias = self.add_weight(shape=(shape[0], 1, self.units), initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        """Return what every member gives."""
        return keras.ops.matmul(inputs, self.kernel) + self.bias

    def get_config(self) -> dict[str, Any]:
        """Return what the layer was made with."""
        own = {"units": self.units, "initializer": self.initializer, "seeds": self.seeds}
        return {**super().get_config(), **own}

    def _kernels(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """Start each member as a network of its own: an initialiser would take the members for more inputs."""
        name = "".join(word.capitalize() for word in self.initializer.split("_"))
        starts = [keras.initializers.get({"class_name": name, "config": {"seed": seed}}) for seed in self.seeds]
        return keras.ops.stack([start(tuple(shape[1:]), dtype=dtype) for start in starts])


class MemberPReLU(keras.layers.Layer):  # type: ignore[misc]
    """PReLU with one learned slope for each unit of each member."""

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the slopes of all members."""
        self.alpha = self.add_weight(shape=(input_shape[0], 1, input_shape[-1]), initializer="zeros", name="alpha")

    def call(self, inputs: Any) -> Any:
        """Return what every member gives."""
        return keras.ops.relu(inputs) - self.alpha * keras.ops.relu(-inputs)
