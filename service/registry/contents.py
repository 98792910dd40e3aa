"""What lies in a folder that is served: a bundle, the versions of a detector, or many detectors."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from models.bundle import MANIFEST, read_manifest
from models.errors import BundleError
from models.printable import printable
from models.repository import complaint_about_name, detectors_in, no_bundle, versions
from service.registry.aliases import read_aliases
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
            found = [entry_of(read_manifest(path / str(versions(path)[-1]))["name"], path)]
        else:
            found = [entry_of(folder.name, folder) for folder in folders if _is_name(folder)]
        return {entry.name: entry for entry in found if entry is not None}


def _is_name(folder: Path) -> bool:
    if complaint := complaint_about_name(folder.name):
        log.warning("left out: the folder %s: its name %s", printable(str(folder)), complaint)
    return not complaint


def entry_of(name: str, folder: Path) -> Entry | None:
    """Return what lies in the folder of a detector, None if it has no version; the wanted version is the active one."""
    bundles = {str(version): folder / str(version) for version in versions(folder)}
    if not bundles:
        return None
    entry = Entry(name=name, bundles=bundles, active=[*bundles][-1], folder=folder)
    try:
        entry = replace(entry, kept=read_aliases(folder))
    except BundleError as error:
        return replace(entry, blocked=f"{error}", problem=f"{error}")
    return replace(entry, active=entry.wanted[0])
