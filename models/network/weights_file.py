"""Judges an HDF5 file of weights before Keras reads it: plain arrays of the expected shapes, all in the file itself."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any, Final

import h5py

_DEEPEST: Final = 12  # Keras nests six deep; a group that holds itself would have no end
_MOST: Final = 100_000


def judge_weights(content: bytes, shapes: Sequence[tuple[int, ...]]) -> None:
    """Compare the arrays that an HDF5 file holds for a network's layers with those that the network has.

    Args:
        content: The file.
        shapes: Shapes of all weights of the network, in any order; one too many is as wrong as one too few.

    Raises:
        ValueError: It is no such file, an array lies outside it, is virtual or compressed, or others are needed.
    """
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            found = sorted(
                shape for path, shape in _arrays(file) if path[0] == "layers" and "seed_generator" not in path
            )
    except (OSError, RuntimeError, KeyError, TypeError) as error:  # what h5py makes of a damaged file
        raise ValueError(f"the weights are no readable HDF5 file ({error})") from error
    if found != sorted(shapes):
        only, lacking = _without(found, shapes), _without(shapes, found)
        raise ValueError(
            f"the weights have {len(found)} arrays, the network {len(shapes)}; only the file has {only[:3]}, only the "
            f"network {lacking[:3]}"
        )


def _arrays(file: Any) -> Iterator[tuple[tuple[str, ...], tuple[int, ...]]]:
    """Yield the path and shape of every array."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), file)]
    seen = 0
    while waiting:
        path, group = waiting.pop()
        for name in group:
            seen += 1
            place = (*path, name)
            if seen > _MOST or len(place) > _DEEPEST:
                raise ValueError("the weights are nested without end")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ValueError(f"the weights name another place for {'/'.join(place)[:80]!r}")
            item = group[name]
            if isinstance(item, h5py.Group):
                waiting.append((place, item))
                continue
            if not isinstance(item, h5py.Dataset) or item.external or item.is_virtual or item.dtype.hasobject:
                raise ValueError(f"{'/'.join(place)[:80]!r} is no plain array of the file itself")
            if item.shape is None or item.chunks is not None or item.id.get_storage_size() != item.nbytes:
                raise ValueError(f"{'/'.join(place)[:80]!r} is not as large as it says")
            yield place, item.shape


def _without(some: Sequence[tuple[int, ...]], others: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    rest = list(others)
    return [shape for shape in some if shape not in rest or rest.remove(shape)]  # type: ignore[func-returns-value]
