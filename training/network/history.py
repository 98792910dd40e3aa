"""Settings and history of the epochs: plain data, without Keras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from training.network.diagnostics import LayerHealth


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochSettings:
    """How a network is fitted.

    Args:
        learning_rate: Of AdamW (Loshchilov and Hutter, ICLR 2019), at its largest.
        weight_decay: Of AdamW, on kernels only.
        patience: Epochs without a better validation loss before a single network stops.
        seed: Of the order of the rows and of the noise.
        input_noise: Deviation of the noise on the input of each member of an ensemble; empty for a single network,
            whose own first layer adds it.
        skip_weight: Weight of its input in each member's output; empty where no member has one.
        trim: Share of each batch, the rows with the largest errors, that the loss leaves out (trimmed loss).
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    patience: int
    seed: int
    input_noise: tuple[float, ...] = ()
    skip_weight: tuple[float, ...] = ()
    trim: float = 0.0

    @property
    def members(self) -> int:
        """Number of networks that are fitted at once."""
        return max(1, len(self.input_noise))

    @property
    def stops_early(self) -> bool:
        """Whether the best epoch's weights are kept; the members of an ensemble have no best epoch in common."""
        return not self.input_noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One pass over the fitting rows.

    Args:
        loss: Mean anomaly score of the fitting rows during the pass, with dropout and noise, trimmed.
        validation_loss: Mean anomaly score of the validation rows after it; of a single network likewise.
        units: What the units of each hidden layer do on the validation rows after it.
        gradients: Norm of the gradient of each layer's kernel, by the layer's name: of the first pass that of its first
            step, of later ones that of the running mean over the last steps, as the optimiser keeps it. Of several
            networks their root mean square.
        seconds: Wall time from the start of the first pass to the end of this one.
    """

    number: int
    loss: float
    validation_loss: float
    units: tuple[LayerHealth, ...] = ()
    gradients: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All epochs, and the one whose weights were kept: the best of a single network, the last of an ensemble.

    Args:
        best: Number of the epoch whose weights were kept.
    """

    epochs: tuple[Epoch, ...]
    best: int
    seconds: float
    interrupted: bool = False

    @property
    def best_epoch(self) -> Epoch:
        """The epoch whose weights were kept."""
        return self.epochs[self.best - 1]
