"""The errors of the registry; each stands for one status over HTTP."""

from __future__ import annotations

from models.errors import BundleError, ConfigError


class UnknownDetectorError(ConfigError):
    """There is no detector, version or alias of that name, or none is the default: name another."""


class ConflictError(ConfigError):
    """What is asked for cannot be done with the detector as it is kept: change that first."""


class NotServedError(BundleError):
    """A detector that is there cannot be loaded: get another bundle, or name another version."""


class BusyError(ConfigError):
    """Too many detectors are being loaded: ask again later."""
