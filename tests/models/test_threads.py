from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import threads
from models.threads import allowed_threads, share_threads


def granted(tmp_path, quota, *, cpus):
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    return allowed_threads(cpu_max=file, cpus=cpus)


def test_a_quota_of_one_cpu_on_a_host_of_64_grants_one_thread(tmp_path):
    """Case 23."""
    assert granted(tmp_path, "100000 100000\n", cpus=64) == 1


def test_no_quota_grants_the_allowed_cpus(tmp_path):
    """Case 23."""
    assert granted(tmp_path, "max 100000\n", cpus=64) == 64


@pytest.mark.parametrize(("quota", "threads"), [("150000 100000", 2), ("10000 100000", 1), ("900000 100000", 4)])
def test_a_part_of_a_cpu_is_a_thread_and_a_quota_beyond_the_cpus_grants_these(quota, threads, tmp_path):
    assert granted(tmp_path, quota, cpus=4) == threads


@pytest.mark.parametrize("content", ["", "junk", "1 2 3"])
def test_a_quota_that_cannot_be_read_is_none(content, tmp_path):
    assert granted(tmp_path, content, cpus=3) == 3


def test_a_file_that_is_not_there_is_no_quota(tmp_path):
    assert allowed_threads(cpu_max=tmp_path / "none", cpus=3) == 3


def test_this_process_may_use_at_least_one_thread():
    assert allowed_threads() >= 1


@given(st.integers(1, 10**7), st.integers(1, 10**6), st.integers(1, 256))
def test_never_more_threads_than_cpus_and_never_less_than_one(tmp_path_factory, quota, period, cpus):
    threads = granted(tmp_path_factory.getbasetemp(), f"{quota} {period}", cpus=cpus)
    assert 1 <= threads <= cpus
    assert threads == cpus or threads * period >= quota


def test_processes_side_by_side_share_the_cpus(tmp_path, monkeypatch):
    monkeypatch.setattr(threads, "_processes", 1)  # as it is afterwards
    share_threads(3)
    assert granted(tmp_path, "max 100000\n", cpus=8) == 2
    assert granted(tmp_path, "100000 100000\n", cpus=8) == 1
