from __future__ import annotations

import pytest

from models.errors import ConfigError
from training.network.keras_start import require_avx


def test_case_24_a_processor_without_avx_is_refused(cases):
    with pytest.raises(ConfigError, match="no AVX"):
        require_avx(cpuinfo=cases / "24_cpuinfo_no_avx.txt")


@pytest.mark.parametrize("name", ["24_cpuinfo_avx2.txt", "24_cpuinfo_arm.txt", "not_there.txt"])
def test_case_24_other_processors_are_accepted(cases, name):
    require_avx(cpuinfo=cases / name)


def test_what_an_x86_processor_lists_is_looked_at(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor : 0\nflags : fpu sse sse2\n")
    with pytest.raises(ConfigError, match="no AVX"):
        require_avx(cpuinfo=tmp_path / "cpuinfo")
