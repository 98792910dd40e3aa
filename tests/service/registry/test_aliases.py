"""Aliases: a champion answers, what is active outlives the process, what cannot be done changes nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from models.errors import ConfigError, ConflictError, NotServedError, UnknownDetectorError
from service.registry import Registry
from service.registry.aliases import ALIASES_FILE, changing_aliases, read_aliases
from service.registry.changes import remove_alias, roll_back, set_alias, version_of


@pytest.fixture
def registry(many: Path) -> Registry:
    return Registry.open(many, default="pumps")


def active(registry: Registry) -> str:
    """Return the version that answers, which has to be the one that the table names."""
    version = registry.active("pumps").version
    assert registry.table.entries["pumps"].active == version
    return version


def test_the_champion_answers_now_and_after_a_restart(registry: Registry, many: Path) -> None:
    assert active(registry) == "10"
    set_alias(registry, "pumps", "champion", "2")
    assert active(registry) == "2"
    assert active(Registry.open(many, default="pumps")) == "2"
    remove_alias(registry, "pumps", "champion")
    assert active(registry) == "10"
    assert active(Registry.open(many, default="pumps")) == "10"


def test_the_scores_are_those_of_the_champion(registry: Registry) -> None:
    from samples import sample_record

    def score() -> float:
        return float(registry.active("pumps").score_records([sample_record()]).anomaly_score[0])

    latest = score()
    set_alias(registry, "pumps", "champion", "2")
    assert score() != latest
    roll_back(registry, "pumps")
    assert score() == latest


def test_another_alias_changes_nothing_that_answers(registry: Registry) -> None:
    set_alias(registry, "pumps", "challenger", "9")
    set_alias(registry, "pumps", "night-shift", "2")
    assert active(registry) == "10"
    entry = registry.table.entries["pumps"]
    assert dict(entry.aliases) == {"challenger": "9", "night-shift": "2"}
    assert (version_of(entry, "challenger"), entry.require("challenger")) == ("9", "9")


def test_rolling_back_returns_to_what_was_active_before_then_to_what_is_older(registry: Registry, many: Path) -> None:
    for version in ("2", "10", "10", "9"):
        set_alias(registry, "pumps", "champion", version)
    found = []
    for _ in range(3):
        roll_back(registry, "pumps")
        found.append(active(registry))
        registry = Registry.open(many, default="pumps")
    assert found == ["10", "2", "10"]
    roll_back(registry, "pumps")
    assert active(registry) == "9", "nothing is remembered any more: the next older one"


def test_without_a_version_before_there_is_no_way_back(registry: Registry) -> None:
    with pytest.raises(ConflictError, match=r"'valves' has no version before 1\. It has 1\."):
        roll_back(registry, "valves")


def test_a_version_that_was_removed_is_not_rolled_back_to(registry: Registry, many: Path) -> None:
    set_alias(registry, "pumps", "champion", "9")
    set_alias(registry, "pumps", "champion", "2")
    (many / "pumps" / "9").rename(many / "elsewhere")
    roll_back(registry, "pumps")
    assert active(registry) == "10"


@pytest.mark.parametrize("change", [roll_back, lambda registry, name: set_alias(registry, name, "champion", "9")])
def test_a_damaged_version_leaves_the_old_one_serving_and_nothing_is_kept(
    change: Callable[[Registry, str], None], registry: Registry, many: Path
) -> None:
    (many / "pumps" / "9" / "network.onnx").write_bytes(b"damaged")
    before = registry.table
    with pytest.raises(NotServedError, match=r"^Version 9 of the detector 'pumps' cannot be loaded: network\.onnx is"):
        change(registry, "pumps")
    assert registry.table is before
    assert not (many / "pumps" / ALIASES_FILE).exists()
    assert active(registry) == "10"


def test_a_damaged_version_is_tried_again_at_once_when_it_is_mended(registry: Registry, many: Path) -> None:
    file = many / "pumps" / "9" / "network.onnx"
    whole = file.read_bytes()
    file.write_bytes(b"damaged")
    with pytest.raises(NotServedError):
        set_alias(registry, "pumps", "champion", "9")
    file.write_bytes(whole)
    set_alias(registry, "pumps", "champion", "9")
    assert active(registry) == "9"


def test_a_version_that_came_since_the_last_look_can_be_promoted(registry: Registry, many: Path) -> None:
    (many / "pumps" / "2").rename(many / "pumps" / "11")
    set_alias(registry, "pumps", "champion", "11")
    assert active(registry) == "11"
    assert registry.table.entries["pumps"].versions == ("9", "10", "11")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_in_a_folder_that_is_read_only_nothing_is_half_changed(registry: Registry, many: Path) -> None:
    (many / "pumps").chmod(0o555)
    try:
        _refused(registry, many)
    finally:
        (many / "pumps").chmod(0o755)


def test_on_a_full_disk_nothing_is_half_changed(registry: Registry, many: Path) -> None:
    resource = pytest.importorskip("resource", reason="Windows limits no files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))  # no file may grow
    try:
        _refused(registry, many)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in (many / "pumps").iterdir() if not path.name.isdecimal()] == []


def _refused(registry: Registry, many: Path) -> None:
    for change in (
        lambda: set_alias(registry, "pumps", "champion", "2"),
        lambda: set_alias(registry, "pumps", "challenger", "9"),
        lambda: roll_back(registry, "pumps"),
    ):
        with pytest.raises(ConflictError, match=r"aliases cannot be kept \(.+\), so nothing was changed\. Make the"):
            change()
        assert active(registry) == "10"
        assert registry.table.entries["pumps"].aliases == {}
    assert active(Registry.open(many, default="pumps")) == "10"


def test_what_there_is_not_is_named(registry: Registry, made: Path) -> None:
    with pytest.raises(UnknownDetectorError, match=r"no version '3'\. Name one of: 2, 9, 10\."):
        set_alias(registry, "pumps", "champion", "3")
    with pytest.raises(UnknownDetectorError, match=r"no detector 'fans'"):
        set_alias(registry, "fans", "champion", "3")
    with pytest.raises(UnknownDetectorError, match=r"no such alias\. It has none\."):
        remove_alias(registry, "pumps", "champion")
    with pytest.raises(ConflictError, match=r"'sample' is served from a bundle alone, so it has no aliases\."):
        set_alias(Registry.open(made), "sample", "champion", "1")


@pytest.mark.parametrize("alias", ["", "2", "a/b", "..", "ä", "a" * 65, "a b", "-a", "a\n"])
def test_what_can_be_no_alias_is_refused(alias: str, registry: Registry, many: Path) -> None:
    with pytest.raises(ConfigError, match="can be no alias"):
        set_alias(registry, "pumps", alias, "2")
    assert not (many / "pumps" / ALIASES_FILE).exists()


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"aliases": {"champion": 2}, "before": []}', '{"aliases": {"3": "2"}, "before": []}'],
)
def test_a_file_of_aliases_that_is_damaged_is_named_and_not_passed_over(
    content: str, registry: Registry, many: Path
) -> None:
    file = many / "pumps" / ALIASES_FILE
    file.write_text(content)
    with pytest.raises(NotServedError, match=r"which version of .* is active: aliases\.json is not as"):
        Registry.open(many).active("pumps")
    assert Registry.open(many).active("valves").version == "1"


def test_a_champion_that_is_gone_is_not_replaced_by_another_version(many: Path) -> None:
    (many / "pumps" / ALIASES_FILE).write_text(json.dumps({"aliases": {"champion": "7"}, "before": []}))
    with pytest.raises(NotServedError, match=r"Version 7 of the detector 'pumps' cannot be loaded: there is no such"):
        Registry.open(many).active("pumps")


def test_the_version_that_was_active_leaves_the_memory_unless_an_alias_means_it(registry: Registry) -> None:
    set_alias(registry, "pumps", "champion", "9")
    assert set(registry.table.loaded) == {("pumps", "9")}
    set_alias(registry, "pumps", "challenger", "9")
    set_alias(registry, "pumps", "champion", "2")
    assert set(registry.table.loaded) == {("pumps", "2"), ("pumps", "9")}


def test_what_is_kept_is_read_back(registry: Registry, many: Path) -> None:
    set_alias(registry, "pumps", "champion", "2")
    set_alias(registry, "pumps", "challenger", "10")
    with changing_aliases(many / "pumps") as kept:
        assert kept == read_aliases(many / "pumps") == registry.table.entries["pumps"].kept
    assert (dict(kept.aliases), kept.before) == ({"champion": "2", "challenger": "10"}, ("10",))
    assert [path.name for path in (many / "pumps").iterdir() if path.name.startswith(".")] == []
