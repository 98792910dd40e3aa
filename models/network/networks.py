"""The kinds of networks: what each is configured by, and which engine runs it. Building and exporting is training's.

`training.network.learning.BUILDERS` has the same keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from models.errors import BundleError
from models.network.architecture import AutoencoderConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSpec:
    """What serving needs to know of a kind of network.

    Args:
        config: Its configuration, with `to_json` and `from_json`.
        engine: A key of `models.network.engine.ENGINES`.
    """

    config: type[AutoencoderConfig]
    engine: str


NETWORKS: Final[dict[str, NetworkSpec]] = {
    "dense": NetworkSpec(config=AutoencoderConfig, engine="onnx"),
}
"""The kinds of networks by the name that a bundle's manifest has."""


def kind_of(config: AutoencoderConfig) -> str:
    """Return the kind of network that a configuration is of."""
    return next(name for name, spec in NETWORKS.items() if spec.config is type(config))


def network_to_plain(config: AutoencoderConfig) -> dict[str, Any]:
    """Return a configuration with its kind, as plain data."""
    return {"kind": kind_of(config), **config.to_json()}


def network_from_plain(plain: Mapping[str, Any]) -> AutoencoderConfig:
    """Return the configuration that `network_to_plain` gave.

    Raises:
        BundleError: The kind is unknown, or `plain` is no configuration of it.
    """
    kind = plain.get("kind")
    if not isinstance(kind, str) or kind not in NETWORKS:
        raise BundleError(f"the network's kind {kind!r} is none of {', '.join(NETWORKS)}. Train the detector anew.")
    return NETWORKS[kind].config.from_json({name: value for name, value in plain.items() if name != "kind"})
