from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from samples import sample_detector, sample_record

from models.detector import Detector
from models.errors import BundleError, ConfigError, NotServedError, UnknownDetectorError
from service.app import open_registry
from service.registry import Registry
from service.settings import load_settings


def test_a_registry_holds_detectors_by_name_and_the_first_is_the_default() -> None:
    first, second = (replace(sample_detector(), name=name) for name in ("pumps", "valves"))
    registry = Registry(first, second)
    assert registry.active() is registry.active("pumps") is first
    assert registry.active("valves") is second
    with pytest.raises(ConfigError, match=r"There is no detector 'fans'\. Name one of: pumps, valves"):
        registry.active("fans")


def test_reasons_are_said_in_the_language_of_the_settings(made: Path) -> None:
    records = [sample_record(mode=None)]
    english, portuguese = (
        open_registry(load_settings(path=made, lang=lang)).active().score_records(records).reason(0)
        for lang in ("en", "pt")
    )
    assert "mode: missing (" in english
    assert "mode: ausente (" in portuguese


def test_a_folder_of_detectors_is_served_by_the_names_of_its_folders_and_the_latest_version_is_active(
    many: Path,
) -> None:
    registry = Registry.open(many)
    table = registry.table
    assert {name: (entry.versions, entry.active) for name, entry in table.entries.items()} == {
        "pumps": (("2", "9", "10"), "10"),
        "valves": (("1",), "1"),
    }
    assert (table.default, dict(table.loaded)) == (None, {})
    detector = registry.active("pumps")
    assert (detector.name, detector.version) == ("pumps", "10")
    assert registry.table is not table
    assert table.loaded == {}, "a table is replaced, never changed"


def test_the_detector_of_the_setting_is_the_default_and_is_loaded_at_the_start(many: Path) -> None:
    registry = open_registry(load_settings(path=many, default="valves"))
    assert set(registry.table.loaded) == {("valves", "1")}
    with pytest.raises(UnknownDetectorError, match=r"no detector 'valve'\. Did you mean 'valves'\? Name one of: pum"):
        open_registry(load_settings(path=many, default="valve"))


def test_without_a_default_the_detectors_are_named(many: Path) -> None:
    with pytest.raises(UnknownDetectorError, match=r"Name one: /detectors/NAME/score; there is pumps, valves\. Or"):
        Registry.open(many).active()


def test_a_bundle_and_a_detectors_folder_have_the_name_that_the_manifest_says(made: Path, many: Path) -> None:
    one = Registry.open(made).table
    assert {name: entry.versions for name, entry in one.entries.items()} == {"sample": ("1",)}
    several = Registry.open(many / "pumps").table
    assert {name: entry.versions for name, entry in several.entries.items()} == {"sample": ("2", "9", "10")}
    assert several.default == "sample"
    assert several.default_detector is not None
    assert several.default_detector.version == "10"


def test_a_latest_version_that_is_damaged_leaves_the_one_before_active_and_says_why(many: Path) -> None:
    (many / "pumps" / "10" / "network.onnx").write_bytes(b"damaged")
    registry = Registry.open(many, default="pumps")
    entry = registry.table.entries["pumps"]
    assert (entry.active, registry.active().version) == ("9", "9")
    assert entry.problem is not None
    assert "Version 10 of the detector 'pumps' cannot be loaded: network.onnx is not the file" in entry.problem
    assert str(many) not in entry.problem, "it is shown to callers"


def test_a_detector_without_a_version_that_can_be_loaded_is_an_error(many: Path) -> None:
    (many / "valves" / "1" / "network.onnx").write_bytes(b"damaged")
    with pytest.raises(BundleError, match=r"valves.1: network\.onnx is not the file"):
        Registry.open(many, default="valves")
    registry = Registry.open(many)
    with pytest.raises(NotServedError, match=r"^Version 1 of the detector 'valves' cannot be loaded: network\.onnx"):
        registry.active("valves")
    assert registry.table.state("valves") == "failed"


def test_of_too_many_detectors_those_that_were_used_longest_ago_are_unloaded_but_never_the_default(many: Path) -> None:
    registry = Registry.open(many, default="valves", most=2)

    async def ask() -> list[set[tuple[str, str]]]:
        found = []
        for version in ("2", "9", "2", "10"):
            assert (await registry.get("pumps", version)).version == version
            found.append(set(registry.table.loaded))
        return found

    kept = {("valves", "1")}
    assert asyncio.run(ask()) == [kept | {("pumps", version)} for version in ("2", "9", "2", "10")]


def test_a_detector_that_many_ask_for_at_once_is_loaded_once(many: Path) -> None:
    registry = Registry.open(many)

    async def ask() -> list[Detector]:
        return await asyncio.gather(*(registry.get("pumps") for _ in range(40)))

    found = asyncio.run(ask())
    assert {id(detector) for detector in found} == {id(registry.active("pumps"))}


def test_detectors_that_many_threads_load_are_all_kept(many: Path) -> None:
    registry = Registry.open(many)
    with ThreadPoolExecutor(8) as threads:
        wanted = [("pumps", "2"), ("pumps", "9"), ("pumps", "10"), ("valves", "1")]
        found = list(threads.map(lambda key: registry.load(*key), wanted * 4))
    assert set(registry.table.loaded) == set(wanted)
    assert len({id(detector) for detector in found}) == len(wanted)
