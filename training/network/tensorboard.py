"""Writes the epochs as TensorBoard summaries: losses, units and gradients of each layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import tensorflow as tf

from training.network.history import Epoch

# What `tf.summary.scalar` would write; that needs the package tensorboard, which only a reader has to have.
_SCALAR: Final = tf.compat.v1.SummaryMetadata(plugin_data={"plugin_name": "scalars"}, data_class="DATA_CLASS_SCALAR")


@contextmanager
def tensorboard_log(folder: Path) -> Iterator[Callable[[Epoch], None]]:
    """Yield a function for after each epoch; each fit becomes a run in the folder, ``fit_1``, ``fit_2``, …."""
    writers: list[Any] = []

    def write(epoch: Epoch) -> None:
        if epoch.number == 1:
            writers.append(tf.summary.create_file_writer(str(folder / f"fit_{len(writers) + 1}")))
        with writers[-1].as_default():
            for name, value in _figures(epoch).items():
                tf.summary.write(name, tf.constant(value, tf.float32), step=epoch.number, metadata=_SCALAR)

    try:
        yield write
    finally:
        for writer in writers:
            writer.close()


def _figures(epoch: Epoch) -> dict[str, float]:
    figures = {"loss/fitting": epoch.loss, "loss/validation": epoch.validation_loss}
    for layer in epoch.units:
        for count in ("dead", "nearly_dead", "saturated"):
            figures[f"{count}_share/{layer.layer}"] = getattr(layer, count) / layer.units
        figures[f"zeros/{layer.layer}"] = layer.zeros
    return figures | {f"gradient_norm/{name}": norm for name, norm in epoch.gradients.items()}
