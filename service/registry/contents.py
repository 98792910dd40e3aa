"""What lies in a folder that is served: a bundle, the versions of a detector, or many detectors."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models.bundle import MANIFEST, read_manifest
from models.printable import printable
from models.repository import complaint_about_name, detectors_in, no_bundle, versions
from service.registry.table import Entry

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Contents:
    """A path that is served.

    A bundle has the name and the version that its manifest says, and a detector's folder has the name that the manifest
    of its latest version says. In a folder of detectors, each has the name of its folder.

    Args:
        path: A bundle, a detector's folder, or a folder of detectors.
    """

    path: Path

    def entries(self) -> dict[str, Entry]:
        """Return each detector by name; the latest version is the active one.

        Raises:
            BundleError: There is no bundle, or the one that the path is has no readable manifest.
        """
        path = self.path
        if (path / MANIFEST).exists() or not (folders := detectors_in(path)):
            if not path.exists() or (path.is_dir() and not (path / MANIFEST).exists()):
                raise no_bundle(path)
            manifest = read_manifest(path)
            name, version = manifest["name"], manifest["version"]
            return {name: Entry(name=name, bundles={version: path}, active=version)}
        if folders == [path]:
            bundles = _bundles(path)
            *_, latest = bundles.values()
            name = read_manifest(latest)["name"]
            return {name: _entry(name, path, bundles)}
        found = {}
        for folder in folders:
            if complaint := complaint_about_name(folder.name):
                log.warning("left out: the folder %s: its name %s", printable(str(folder)), complaint)
                continue
            found[folder.name] = _entry(folder.name, folder, _bundles(folder))
        return found


def _entry(name: str, folder: Path, bundles: Mapping[str, Path]) -> Entry:
    return Entry(name=name, bundles=bundles, active=[*bundles][-1], folder=folder)


def _bundles(folder: Path) -> dict[str, Path]:
    return {str(version): folder / str(version) for version in versions(folder)}
