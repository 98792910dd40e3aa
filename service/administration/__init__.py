"""The commands of `python -m service.admin`: a module each, and the table of them."""

from __future__ import annotations

from typing import Final

from service.administration import keys, versions
from service.administration.command import Command

COMMANDS: Final[dict[str, Command]] = {
    "key": keys.COMMAND,
    "list": versions.LIST,
    "promote": versions.PROMOTE,
    "rollback": versions.ROLLBACK,
    "alias": versions.ALIAS,
}
"""The commands by name."""
