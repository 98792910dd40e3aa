"""The detectors that are served, by name and version: which there are, which are loaded, and which is active."""

from service.registry.aliases import CHAMPION
from service.registry.errors import BusyError, ConflictError, NotServedError, UnknownDetectorError
from service.registry.registry import Registry
from service.registry.table import Entry, Loaded, Table

__all__ = [
    "CHAMPION",
    "BusyError",
    "ConflictError",
    "Entry",
    "Loaded",
    "NotServedError",
    "Registry",
    "Table",
    "UnknownDetectorError",
]
