"""Checks that this processor can run TensorFlow: without AVX the import ends the process without a message."""

from __future__ import annotations

from pathlib import Path

from models.errors import ConfigError

_CPUINFO = Path("/proc/cpuinfo")


def require_avx(*, cpuinfo: Path = _CPUINFO) -> None:
    """Check that an x86 processor has the instructions that TensorFlow's builds are made of.

    Args:
        cpuinfo: The system's description of the processor; where there is none, the check passes.

    Raises:
        ConfigError: The processor is an x86 one without AVX.
    """
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return
    flags = {flag for line in lines if line.startswith("flags") for flag in line.partition(":")[2].split()}
    if flags and "avx" not in flags:
        raise ConfigError(
            "This processor has no AVX instructions, TensorFlow cannot run on it: train on another machine. A trained "
            "detector can be served here."
        )
