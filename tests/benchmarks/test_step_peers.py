"""What ours is measured beside does what it is said to do: it learns."""

from __future__ import annotations

import importlib

import numpy as np
import pytest


@pytest.mark.parametrize("peer", ["keras", "torch"])
@pytest.mark.parametrize("name", ["relu", "prelu"])
def test_an_epoch_of_a_peer_is_one_pass_with_a_lower_loss_at_its_end(peer: str, name: str) -> None:
    pytest.importorskip(peer)
    rows = np.random.default_rng(0).normal(size=(320, 3)).astype(np.float32) @ np.ones((3, 30), np.float32)
    epoch = getattr(importlib.import_module("benchmarks.step_peers"), f"epoch_of_{peer}")(name, rows)
    losses = [epoch() for _ in range(5)]
    assert losses[-1] < 0.9 * losses[0]
