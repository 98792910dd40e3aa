"""A release is one: version, changelog, citation and kept bundle are held against each other."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.append(str(REPOSITORY / "scripts"))

from check_release import problems, unreleased  # noqa: E402


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """The files that name the release, to be changed."""
    for name in ("pyproject.toml", "CHANGELOG.md", "CITATION.cff"):
        shutil.copy(REPOSITORY / name, tmp_path)
    shutil.copytree(REPOSITORY / "tests" / "bundles", tmp_path / "tests" / "bundles")
    return tmp_path


def test_the_files_of_this_version_agree() -> None:
    assert problems(REPOSITORY) == []


def test_a_raised_version_is_missed_in_each_other_file(release: Path) -> None:
    path = release / "pyproject.toml"
    path.write_text(path.read_text().replace('version = "0.1.0"', 'version = "0.2.0"'))
    found = " ".join(problems(release))
    assert all(name in found for name in ("CHANGELOG.md", "CITATION.cff", "tests/bundles/0.2.0", "SHA256SUMS"))


def test_lines_that_are_not_released_are_seen(release: Path) -> None:
    path = release / "CHANGELOG.md"
    text = path.read_text()
    head, mark, rest = text.partition("## [Unreleased]\n")
    path.write_text(head + mark + "\n" + rest[rest.index("## [") :])
    assert unreleased(release) == []
    path.write_text(head + mark + "\n- Something new.\n\n" + rest[rest.index("## [") :])
    assert len(unreleased(release)) == 1
