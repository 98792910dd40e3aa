"""The detectors that are served, by name and version: which there are, which are loaded, and which is active."""

from service.registry.aliases import CHAMPION
from service.registry.registry import Registry
from service.registry.table import Entry, Loaded, Table

__all__ = [
    "CHAMPION",
    "Entry",
    "Loaded",
    "Registry",
    "Table",
]
