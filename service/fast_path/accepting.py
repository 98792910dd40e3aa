"""Uvicorn's server, which accepts several new connections in a tick of the event loop.

uvloop accepts one of each listening socket in a tick. In a burst, in which a tick is long, those that come last would
wait for as many ticks as there are connections before them.
"""

from __future__ import annotations

import asyncio
import os
import socket
from functools import partial
from typing import Any, final

import anyio
import uvicorn

from service.budget import BUDGET


@final
class FairServer(uvicorn.Server):
    """A server that listens at copies of its sockets, too: each is asked once in a tick."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await anyio.sleep(0)  # loads its part for asyncio, which a request would wait for otherwise
        await super().startup(sockets)
        if self.should_exit:
            return
        loop = asyncio.get_running_loop()
        protocol: Any = self.config.http_protocol_class
        connect = partial(
            protocol,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            _loop=loop,
        )
        listening = [own.fileno() for server in self.servers for own in server.sockets]
        for number in listening * (BUDGET.accepts_in_tick - 1):
            copy = socket.socket(fileno=os.dup(number))
            server = await loop.create_server(connect, sock=copy, ssl=self.config.ssl, backlog=self.config.backlog)
            self.servers.append(server)
