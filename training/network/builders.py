"""How each kind of network is built, exported and saved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from training.network.keras_network import DenseNetwork, save_network
from training.network.onnx_export import onnx_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """What training does with a kind of network.

    Args:
        build: Makes it from a configuration and a seed.
        export: Returns the graph of a configuration and its weights, for the engine.
        save: Writes the file for those who work on with it.
    """

    build: Callable[..., DenseNetwork]
    export: Callable[[Any, dict[str, Any]], bytes]
    save: Callable[[DenseNetwork, Path], None]


BUILDERS: Final[dict[str, Builder]] = {
    "dense": Builder(build=DenseNetwork, export=onnx_bytes, save=save_network),
}
"""The builders by the keys of `models.network.networks.NETWORKS`."""
