from __future__ import annotations

from dataclasses import replace

import pytest
from samples import sample_detector

from models.errors import ConfigError
from service.registry import Registry


def test_a_registry_holds_detectors_by_name_and_the_first_is_the_default() -> None:
    first, second = (replace(sample_detector(), name=name) for name in ("pumps", "valves"))
    registry = Registry(first, second)
    assert registry.active() is registry.active("pumps") is first
    assert registry.active("valves") is second
    with pytest.raises(ConfigError, match=r"There is no detector 'fans'\. There is pumps, valves"):
        registry.active("fans")
