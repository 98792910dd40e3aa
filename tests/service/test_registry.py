from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from samples import sample_detector, sample_record

from models.errors import ConfigError
from service.app import open_registry
from service.registry import Registry
from service.settings import load_settings


def test_a_registry_holds_detectors_by_name_and_the_first_is_the_default() -> None:
    first, second = (replace(sample_detector(), name=name) for name in ("pumps", "valves"))
    registry = Registry(first, second)
    assert registry.active() is registry.active("pumps") is first
    assert registry.active("valves") is second
    with pytest.raises(ConfigError, match=r"There is no detector 'fans'\. There is pumps, valves"):
        registry.active("fans")


def test_reasons_are_said_in_the_language_of_the_settings(made: Path) -> None:
    records = [sample_record(mode=None)]
    english, portuguese = (
        open_registry(load_settings(path=made, lang=lang)).active().score_records(records).reason(0)
        for lang in ("en", "pt")
    )
    assert "mode: missing (" in english
    assert "mode: ausente (" in portuguese
