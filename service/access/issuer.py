"""The issuer of OIDC tokens: finds and fetches the keys that its tokens are signed by (extra `oidc`)."""

from __future__ import annotations

import json
import logging
import urllib.request
from http.client import HTTPException
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, final
from urllib.parse import urlsplit

from models.errors import ConfigError
from service.settings import spelt

if TYPE_CHECKING:
    from jwt import PyJWK

ALGORITHMS: Final = frozenset(
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
)
"""The algorithms of signatures that are accepted: with all of them, who can check a token cannot make one."""

_DISCOVERY: Final = "/.well-known/openid-configuration"
_SECONDS: Final = 5.0  # that a fetch may take
_MOST_BYTES: Final = 1 << 20  # of the issuer's description

log = logging.getLogger(__name__)


@final
class Issuer:
    """An issuer of tokens, known by its address.

    Args:
        address: As it stands in `iss` of its tokens.

    Raises:
        ConfigError: The packages are not installed, or the address is no https:// (http:// on this machine alone).
    """

    def __init__(self, address: str) -> None:
        try:
            import jwt  # noqa: F401 (and cryptography, which signatures need)
            from cryptography.hazmat.primitives import asymmetric  # noqa: F401
        except ImportError as error:
            needed = 'PyJWT. Install it: pip install "relu-anomaly-detector[oidc]"'
            raise ConfigError(f"{spelt('oidc_issuer')} needs {needed}") from error
        if not _is_safe(address):
            raise ConfigError(f"{spelt('oidc_issuer')}: got {address!r}, say an address that begins with https://.")
        self.address = address

    def keys(self) -> dict[str, PyJWK] | None:
        """Return the issuer's keys by their ids, None if they cannot be fetched now; it takes some seconds at most."""
        from jwt import PyJWKClient, PyJWTError

        try:
            described = self._description()
            address = described.get("jwks_uri")
            if described.get("issuer") != self.address:
                raise ValueError("its description names another issuer")
            if not isinstance(address, str) or not _is_safe(address):
                raise ValueError("its description has no https:// address of keys")
            found = PyJWKClient(address, timeout=_SECONDS).get_jwk_set(refresh=True)
        except (OSError, ValueError, HTTPException, PyJWTError) as error:
            log.warning("the keys of %s cannot be fetched: %s", self.address, error)
            return None
        return {
            key.key_id: key
            for key in found.keys
            if key.key_id and key.algorithm_name in ALGORITHMS and key.public_key_use in (None, "sig")
        }

    def _description(self) -> dict[str, object]:
        address = self.address.rstrip("/") + _DISCOVERY
        with urllib.request.urlopen(address, timeout=_SECONDS) as answer:  # noqa: S310 (the address is checked)
            plain = json.loads(answer.read(_MOST_BYTES))
        if not isinstance(plain, dict):
            raise ValueError("its description is no JSON object")
        return plain


def _is_safe(address: str) -> bool:
    """Return True for https://, and for http:// on this machine."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and _is_here(str(host))))


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
