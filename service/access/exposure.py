"""Who can reach the service: without keys it listens on loopback alone, unless the settings say otherwise by name."""

from __future__ import annotations

import logging
import socket
from contextlib import suppress
from ipaddress import ip_address

from models.errors import ConfigError
from service.settings import Settings, flag_of, spelt

log = logging.getLogger(__name__)


def require_protection(settings: Settings) -> None:
    """Check that not everybody who reaches this machine may do everything.

    Raises:
        ConfigError: Other machines reach the address, and there are no keys.
    """
    if _is_protected(settings) or settings.insecure:
        return
    raise ConfigError(
        f"{settings.host} is reached from other machines, and there are no keys: name their file "
        f"({flag_of('keys')} FILE, made by python -m service.admin key NAME --role score), listen on 127.0.0.1, or "
        f"say {spelt('insecure')}."
    )


def log_exposure(settings: Settings) -> None:
    """Log that everybody may do everything, where the settings say so."""
    if not _is_protected(settings):
        log.info("no keys: whoever reaches %s may do everything, as %s says", settings.host or "*", spelt("insecure"))


def _is_protected(settings: Settings) -> bool:
    return settings.knows_callers() or _is_loopback(settings.host)


def _is_loopback(host: str) -> bool:
    """Return True if only this machine reaches an address; a name is looked up."""
    with suppress(OSError):
        found = socket.getaddrinfo(host or None, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        return all(ip_address(str(address[0]).partition("%")[0]).is_loopback for *_, address in found)
    return True  # nobody reaches an address that there is not
