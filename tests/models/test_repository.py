from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.bundle import MANIFEST
from models.errors import BundleError
from models.repository import next_version, resolve, versions


def bundle(path):
    path.mkdir(parents=True)
    (path / MANIFEST).write_text("{}")
    return path


def test_version_10_comes_after_version_9(tmp_path):
    for version in (9, 10, 2):
        bundle(tmp_path / "d" / str(version))
    assert versions(tmp_path / "d") == [2, 9, 10]
    assert resolve(tmp_path / "d") == tmp_path / "d" / "10"
    assert next_version(tmp_path / "d") == tmp_path / "d" / "11"


@given(st.sets(st.integers(1, 10**6), min_size=1, max_size=8))
def test_versions_are_numbers_and_the_next_one_is_new(tmp_path_factory, numbers):
    folder = tmp_path_factory.mktemp("d")
    for number in numbers:
        bundle(folder / str(number))
    assert versions(folder) == sorted(numbers)
    assert next_version(folder).name == str(max(numbers) + 1)


def test_the_first_version_is_1(tmp_path):
    assert next_version(tmp_path / "new") == tmp_path / "new" / "1"


def test_a_folder_that_holds_no_bundle_or_is_no_number_is_no_version(tmp_path):
    bundle(tmp_path / "d" / "1")
    bundle(tmp_path / "d" / ".2.abc")
    bundle(tmp_path / "d" / "v3")
    (tmp_path / "d" / "4").mkdir()
    assert versions(tmp_path / "d") == [1]


def test_a_path_may_name_a_bundle_or_the_only_detector_of_a_folder(tmp_path):
    path = bundle(tmp_path / "d" / "1")
    assert resolve(path) == resolve(tmp_path / "d") == resolve(tmp_path) == path


def test_a_folder_of_several_detectors_asks_for_one_and_names_them(tmp_path):
    bundle(tmp_path / "a" / "1")
    bundle(tmp_path / "b" / "1")
    with pytest.raises(BundleError, match=r"holds 2 detectors; name one: .*a, .*b"):
        resolve(tmp_path)


@pytest.mark.parametrize(("name", "why"), [("", "holds no bundle"), ("none", "there is no such folder")])
def test_a_path_without_a_bundle_says_how_to_make_one(name, why, tmp_path):
    with pytest.raises(BundleError, match=rf"{why}. Train one: python -m training\.train"):
        resolve(tmp_path / name)
