"""What is said of a detector that is served: by the service, its client and `python -m service.admin`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class ServedDetector(msgspec.Struct, frozen=True, kw_only=True):
    """A detector that a service serves.

    Args:
        name: Its name.
        version: The active version, which answers where none is named.
        versions: All versions, oldest first.
        aliases: The version of each alias.
        state: `loaded`, `not loaded` or `failed`.
        problem: Why it is not served as is wanted; None if it is.
    """

    name: str
    version: str
    versions: tuple[str, ...]
    aliases: Mapping[str, str]
    state: str
    problem: str | None = None
