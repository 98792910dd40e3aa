"""Signatures of bundles, in the form of minisign: of the manifest, which holds the digests of all other files.

Source: https://jedisct1.github.io/minisign/ (Ed25519, BLAKE2b).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, final

from models.errors import ConfigError

if TYPE_CHECKING:
    from minisign import PublicKey

_COMMENT = "untrusted comment:"


@final
class TrustedKeys:
    """The public keys of those whose bundles are loaded.

    Args:
        keys: At least one.
    """

    def __init__(self, keys: Sequence[PublicKey]) -> None:
        self._keys = tuple(keys)

    @classmethod
    def from_file(cls, path: Path) -> TrustedKeys:
        """Return the keys in a file: what minisign writes as ``minisign.pub``, or several of these one after another.

        Raises:
            ConfigError: The file is not readable or holds no key, or the package that verifies is not installed.
        """
        try:
            from minisign import Error, PublicKey
        except ImportError as error:
            raise ConfigError(
                'Signatures are verified by py-minisign. Install it: pip install "relu-anomaly-detector[signatures]"'
            ) from error
        try:
            lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "no text"
            raise ConfigError(f"{path}: cannot be read ({reason}). Name a file of public keys.") from error
        written = [line for line in lines if line and not line.startswith(_COMMENT)]
        try:
            keys = [PublicKey.from_base64(line) for line in written]
        except Error as error:
            raise ConfigError(f"{path}: holds what is no public key of minisign. Name its minisign.pub.") from error
        if not keys:
            raise ConfigError(f"{path}: holds no key. Name minisign.pub, which minisign -G has written.")
        return cls(keys)

    def complaint(self, content: bytes, signature: bytes) -> str | None:
        """Return what is wrong with the signature of a content; None if one of the keys has signed it."""
        from minisign import Error, Signature, VerifyError

        try:
            signed = Signature.from_bytes(signature)
        except Error:
            return "is no signature of minisign"
        for key in self._keys:
            try:
                key.verify(content, signed)
            except VerifyError:
                continue
            return None
        return "was made by no key that is trusted, or for another manifest"
