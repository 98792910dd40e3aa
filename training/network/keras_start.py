"""Starts Keras on TensorFlow: quiet, deterministic, and with no more threads and memory than it needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.errors import ConfigError
from models.threads import allowed_threads

__all__ = ["keras", "prepare_backend", "tf", "versions"]

_CPUINFO = Path("/proc/cpuinfo")


def require_avx(*, cpuinfo: Path = _CPUINFO) -> None:
    """Check that an x86 processor has AVX: without it, importing TensorFlow ends the process without a message.

    Where the system has no description of the processor, the check passes.

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


@contextmanager
def _silenced() -> Iterator[None]:
    """Drop what is written to the process's standard error, by code that is not Python's, too."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


# Before TensorFlow is imported. Some of its messages come before it reads how many of them are wanted.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
require_avx()

with _silenced():
    import keras
    import tensorflow as tf


def prepare_backend() -> None:
    """Make TensorFlow deterministic and exact, and limit its threads and its memory."""
    keras.config.set_floatx("float32")
    tf.config.experimental.enable_op_determinism()
    # GPUs would multiply with 10 bits of mantissa: the exported network would score differently.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)
        tf.config.threading.set_intra_op_parallelism_threads(allowed_threads())
        tf.config.threading.set_inter_op_parallelism_threads(min(2, allowed_threads()))
    except RuntimeError:  # it runs already, with what it was told before
        return


def versions() -> dict[str, str]:
    """Return the versions of Keras and of TensorFlow."""
    return {"keras": keras.__version__, "tensorflow": tf.__version__}
