"""How a network is fitted, and what happened in each epoch: plain data, apart from Keras."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochSettings:
    """How the weights are found.

    Args:
        epochs: At most so many passes over the fitting rows.
        batch_size: Rows of one step.
        learning_rate: Of AdamW (Loshchilov and Hutter, ICLR 2019).
        weight_decay: Of AdamW, on kernels only.
        patience: Epochs without a better validation loss before stopping.
        seed: Of the order of the rows.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    patience: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One pass over the fitting rows.

    Args:
        number: From 1.
        loss: Mean anomaly score of the fitting rows during the pass, with dropout and noise.
        validation_loss: Mean anomaly score of the validation rows after it.
    """

    number: int
    loss: float
    validation_loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All passes, and which one's weights were kept.

    Args:
        epochs: In order.
        best: Number of the epoch whose weights were kept.
        seconds: Wall time of all of them.
        interrupted: The user stopped before the last epoch.
    """

    epochs: tuple[Epoch, ...]
    best: int
    seconds: float
    interrupted: bool = False

    @property
    def best_epoch(self) -> Epoch:
        """The epoch whose weights were kept."""
        return self.epochs[self.best - 1]
