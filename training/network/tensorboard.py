"""Writes the epochs as TensorBoard summaries: losses, units and gradients of each layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import tensorflow as tf

from training.network.history import Epoch

# What `tf.summary.scalar` would write; that needs the package tensorboard, which only a reader has to have.
_SCALAR: Final = tf.compat.v1.SummaryMetadata(plugin_data={"plugin_name": "scalars"}, data_class="DATA_CLASS_SCALAR")


class TensorBoardLog:
    """Is called after each epoch; each fit of a training becomes a run of its own, ``fit_1``, ``fit_2``, ….

    Args:
        folder: Where the runs are written; `tensorboard --logdir` takes it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._fits = 0
        self._writer: Any = None

    def __enter__(self) -> TensorBoardLog:
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    def __call__(self, epoch: Epoch) -> None:
        """Write one epoch."""
        if epoch.number == 1:
            self._close()
            self._fits += 1
            self._writer = tf.summary.create_file_writer(str(self._folder / f"fit_{self._fits}"))
        with self._writer.as_default():
            for name, value in _figures(epoch).items():
                tf.summary.write(name, tf.constant(value, tf.float32), step=epoch.number, metadata=_SCALAR)

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def _figures(epoch: Epoch) -> dict[str, float]:
    figures = {"loss/fitting": epoch.loss, "loss/validation": epoch.validation_loss}
    for layer in epoch.units:
        figures |= {
            f"dead_share/{layer.layer}": layer.dead / layer.units,
            f"nearly_dead_share/{layer.layer}": layer.nearly_dead / layer.units,
            f"saturated_share/{layer.layer}": layer.saturated / layer.units,
            f"zeros/{layer.layer}": layer.zeros,
        }
    return figures | {f"gradient_norm/{name}": norm for name, norm in epoch.gradients.items()}
