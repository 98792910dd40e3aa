"""The folder is followed: what is new is loaded beside what is served, what is damaged leaves that serving."""

from __future__ import annotations

import asyncio
import logging
import shutil
from pathlib import Path

import pytest
from forging import make_bundle

from service.registry import Registry
from service.registry.aliases import ALIASES_FILE
from service.registry.changes import set_alias
from service.registry.following import Follower


@pytest.fixture
def registry(many: Path) -> Registry:
    return Registry.open(many, default="pumps")


@pytest.fixture
def follower(registry: Registry) -> Follower:
    follower = Follower(registry)
    follower.look()
    return follower


def test_a_look_at_what_has_not_changed_changes_nothing(registry: Registry, follower: Follower) -> None:
    before = registry.table
    follower.look()
    assert registry.table is before


def test_a_new_version_answers_when_it_is_loaded_unless_there_is_a_champion(
    registry: Registry, follower: Follower, many: Path
) -> None:
    make_bundle(many / "pumps" / "11", seed=11)
    follower.look()
    assert registry.active().version == "11"
    set_alias(registry, "pumps", "champion", "9")
    make_bundle(many / "pumps" / "12", seed=12)
    follower.look()
    assert registry.active().version == "9"
    assert registry.table.entries["pumps"].versions == ("2", "9", "10", "11", "12")


def test_new_detectors_are_served_and_those_that_are_gone_are_served_as_long_as_they_are_in_memory(
    registry: Registry, follower: Follower, many: Path
) -> None:
    make_bundle(many / "fans" / "1")
    follower.look()
    assert list(registry.table.entries) == ["fans", "pumps", "valves"]
    assert registry.active("fans").name == "fans"
    shutil.rmtree(many / "fans")
    shutil.rmtree(many / "valves")
    follower.look()
    assert list(registry.table.entries) == ["fans", "pumps"]
    assert "folder is gone" in str(registry.table.entries["fans"].problem)
    assert registry.active("fans").name == "fans"
    make_bundle(many / "fans" / "1")
    follower.look()
    assert registry.table.entries["fans"].problem is None


def test_a_damaged_new_version_leaves_the_old_one_serving_until_it_is_mended(
    registry: Registry, follower: Follower, many: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = make_bundle(many / "elsewhere" / "x")
    new = many / "pumps" / "11"
    new.mkdir()
    follower.look()
    for name in ("manifest.json", "schema.json"):  # as a copy that goes on for some seconds
        shutil.copy(whole / name, new)
    with caplog.at_level(logging.WARNING):
        follower.look()
        follower.look()
        follower.look()
    assert registry.active().version == "10"
    assert "Version 11 of the detector 'pumps' cannot be loaded" in str(registry.table.entries["pumps"].problem)
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"], "it is said once"
    for file in whole.iterdir():
        shutil.copy(file, new)
    follower.look()
    assert registry.active().version == "11"
    assert registry.table.entries["pumps"].problem is None


def test_aliases_that_another_process_has_moved_are_followed(
    registry: Registry, follower: Follower, many: Path
) -> None:
    other = Registry.open(many)
    set_alias(other, "pumps", "champion", "2")
    follower.look()
    assert registry.active().version == "2"
    (many / "pumps" / ALIASES_FILE).write_text("{")
    follower.look()
    assert registry.active().version == "2"
    assert "aliases.json is not as" in str(registry.table.entries["pumps"].problem)
    (many / "pumps" / ALIASES_FILE).unlink()
    follower.look()
    assert registry.active().version == "10"
    assert registry.table.entries["pumps"].problem is None


def test_a_champion_that_cannot_be_loaded_leaves_the_old_one_serving(
    registry: Registry, follower: Follower, many: Path
) -> None:
    (many / "pumps" / ALIASES_FILE).write_text('{"aliases": {"champion": "7"}, "before": []}')
    follower.look()
    assert registry.active().version == "10"
    assert "Version 7" in str(registry.table.entries["pumps"].problem)


def test_what_is_not_loaded_is_followed_without_being_loaded(
    registry: Registry, follower: Follower, many: Path
) -> None:
    make_bundle(many / "valves" / "2")
    follower.look()
    assert registry.table.entries["valves"].active == "2"
    assert set(registry.table.loaded) == {("pumps", "10")}


def test_one_detectors_folder_is_followed_too(many: Path) -> None:
    registry = Registry.open(many / "pumps")
    follower = Follower(registry)
    follower.look()
    make_bundle(many / "pumps" / "11")
    follower.look()
    assert (registry.active().name, registry.active().version) == ("sample", "11")


def test_a_bundle_alone_and_detectors_in_memory_have_nothing_to_follow(many: Path) -> None:
    for registry in (Registry.open(many / "pumps" / "2"), Registry(Registry.open(many).active("pumps"))):
        before = registry.table
        Follower(registry).look()
        assert registry.table is before


def test_a_follower_looks_when_it_is_woken_and_at_the_start(registry: Registry, many: Path) -> None:
    follower = Follower(registry, watch=False)
    make_bundle(many / "pumps" / "11")

    async def follow() -> list[str]:
        follower.wake()  # too early: nothing follows yet
        found = []
        async with follower.following(None):
            found.append(registry.active().version)
            await asyncio.to_thread(make_bundle, many / "pumps" / "12")
            follower.wake()
            while registry.active().version != "12":
                await asyncio.sleep(0.01)
            found.append(registry.active().version)
        return found

    assert asyncio.run(asyncio.wait_for(follow(), 30)) == ["11", "12"]
