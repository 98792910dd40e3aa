"""Judges a ``.keras`` file without Keras, and takes only its weights: nothing that it describes is ever built."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from typing import Any, Final

from models.strict_json import parse_json

_WEIGHTS: Final = "model.weights.h5"
_MEMBERS: Final = {"config.json": 16 * 1024**2, "metadata.json": 1024**2, _WEIGHTS: 1024**3}
"""What Keras writes, and the bytes above which each member is refused."""

_LAYERS: Final = (
    *("InputLayer", "GaussianNoise", "Dense", "EinsumDense", "Dropout", "AlphaDropout", "Add"),
    *("Activation", "LeakyReLU", "PReLU", "ELU"),
)
_PLACES: Final = {
    "Functional": ("keras.src.models.functional", "keras"),
    **dict.fromkeys(_LAYERS, ("keras.layers",)),
}
"""The classes that our networks are made of, and the modules that they may come from."""

_VALUES: Final = ("keras", "keras.initializers", "keras.optimizers", "keras.losses", "keras.metrics")
"""Modules of classes that hold settings, not code: types of numbers, initialisers, optimisers."""


def weights_in(content: bytes) -> bytes:
    """Return the HDF5 file of weights in a ``.keras`` file.

    Raises:
        ValueError: It is no such file, holds another file than Keras writes, or describes anything but the layers
            that our networks are made of.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if sorted(member.filename for member in members) != sorted(_MEMBERS):
                other = next((member.filename for member in members if member.filename not in _MEMBERS), None)
                what = "lacks a member, or holds one twice" if other is None else f"holds {other[:60]!r}"
                raise ValueError(f"it {what}; Keras writes {', '.join(_MEMBERS)}")
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):  # a bomb would have to be
                raise ValueError("it is compressed, which Keras never does")
            files = {name: _member(archive, name) for name in _MEMBERS}
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        EOFError,
        OSError,
        struct.error,
    ) as error:
        raise ValueError(f"it is no readable .keras file ({error})") from error
    for item in _described(parse_json(files["config.json"])):
        _judge(item)
    return files[_WEIGHTS]


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        content = file.read(_MEMBERS[name] + 1)
    if len(content) > _MEMBERS[name]:
        raise ValueError(f"its {name} is larger than any that is written")
    return content


def _described(plain: Any) -> Iterator[dict[str, Any]]:
    """Yield every object that names a class, at any depth."""
    waiting = [plain]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if "class_name" in item or "module" in item or "registered_name" in item:
                yield item
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item


def _judge(item: dict[str, Any]) -> None:
    name, module, registered = item.get("class_name"), item.get("module"), item.get("registered_name")
    if name == "__keras_tensor__" and module is None and registered is None:  # which layer feeds which
        return
    ours = isinstance(name, str) and isinstance(module, str)
    known = ours and (module in _PLACES[name] if name in _PLACES else module in _VALUES)
    if not known or registered not in (None, name):
        raise ValueError(f"it describes {str(name)[:40]!r} of {str(module)[:40]!r}, which is no part of our networks")
