"""The repository of bundles: ``artifacts/NAME/VERSION``, with versions that count up from 1."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from models.errors import BundleError
from models.printable import first_unprintable

ARTIFACTS: Final = Path("models/artifacts")
"""The folder of all detectors, the one thing that is mounted into a container."""

MANIFEST: Final = "manifest.json"
"""The file that makes a folder a bundle."""

_MOST_CHARACTERS: Final = 255


def complaint_about_name(name: str) -> str | None:
    r"""Return why a text can be no name or version, which logs, terminals and headers show; None if it can.

    Example:
        >>> complaint_about_name("Bremsen, Süd"), complaint_about_name("a\nb")
        (None, "holds '\\n', which cannot be printed")
    """
    if not name.strip():
        return "is empty"
    if len(name) > _MOST_CHARACTERS:
        return f"has {len(name):,} characters, {_MOST_CHARACTERS} are allowed"
    odd = first_unprintable(name)
    return None if odd is None else f"holds {odd!r}, which cannot be printed"


def versions(folder: Path) -> list[int]:
    """Return the versions of the detector in `folder`, oldest first; 10 comes after 9."""
    if not folder.is_dir():
        return []
    return sorted(int(p.name) for p in folder.iterdir() if _is_version(p.name) and (p / MANIFEST).is_file())


def _is_version(name: str) -> bool:
    return name.isdecimal() and name == str(int(name))  # neither 02 nor digits of other scripts


def detectors_in(path: Path) -> list[Path]:
    """Return the folder of each detector in a path, by name: itself, or those in it that have versions."""
    if versions(path):
        return [path]
    inner = sorted(path.iterdir()) if path.is_dir() else []
    return [folder for folder in inner if not folder.name.startswith(".") and versions(folder)]


def next_version(folder: Path) -> Path:
    """Return the folder for the next version of the detector in `folder`."""
    return folder / str(max(versions(folder), default=0) + 1)


def version_of(path: Path) -> str:
    """Return the version of a bundle by the name of its folder; 1 if that is not a number."""
    return path.name if path.name.isdecimal() else "1"


def bundles_in(path: Path) -> list[Path]:
    """Return every bundle in a path: itself, all versions of one detector, or all versions of all detectors."""
    if (path / MANIFEST).exists():
        return [path]
    return [folder / str(version) for folder in detectors_in(path) for version in versions(folder)]


def resolve(path: str | Path) -> Path:
    """Return the bundle that a path means.

    Args:
        path: A bundle; a detector's folder, which means its latest version; or a folder with one detector.

    Raises:
        BundleError: It means no bundle, or more than one.
    """
    folder = Path(path)
    found = bundles_in(folder)
    detectors = list(dict.fromkeys(bundle.parent for bundle in found))
    if len(detectors) == 1:
        return found[-1]
    if detectors:
        raise BundleError(f"{folder}: holds {len(detectors)} detectors; name one: {', '.join(map(str, detectors))}.")
    raise no_bundle(folder)


def no_bundle(folder: Path) -> BundleError:
    """Return the error for a path in which there is no bundle."""
    why = "holds no bundle" if folder.is_dir() else "there is no such folder"
    return BundleError(f"{folder}: {why}. Train one: python -m training.train DATA --output {folder}")
