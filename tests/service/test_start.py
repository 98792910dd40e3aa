"""The start of the service: the garbage collector ignores the objects that live as long as the process."""

from __future__ import annotations

import gc

import pytest

from service.serving import _frozen


def test_the_collector_is_on_again_and_ignores_frozen_objects() -> None:
    with _frozen():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    gc.unfreeze()


def test_the_collector_is_on_again_after_a_failed_start() -> None:
    with pytest.raises(OSError, match="in use"), _frozen():
        raise OSError("in use")
    assert gc.isenabled()
    gc.unfreeze()
