"""Cuts off clients that do not read what they are sent: their answers would be held for ever."""

from __future__ import annotations

import asyncio
import logging
from typing import final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

log = logging.getLogger(__name__)


def patient_for(seconds: float) -> type[HttpToolsProtocol]:
    """Return HTTP as Uvicorn speaks it, where a client may read slowly, but not nothing at all for so many seconds."""

    @final
    class PatientProtocol(HttpToolsProtocol):
        _check: asyncio.TimerHandle | None = None

        def pause_writing(self) -> None:
            """Watch a client that has much to read."""
            super().pause_writing()
            self._look_again()

        def resume_writing(self) -> None:
            """Stop watching: it has read most of it."""
            super().resume_writing()
            self._stop_looking()

        def connection_lost(self, exc: Exception | None) -> None:
            """Stop watching."""
            self._stop_looking()
            super().connection_lost(exc)

        def _look_again(self) -> None:
            self._check = self.loop.call_later(seconds, self._look, self.transport.get_write_buffer_size())

        def _look(self, unread: int) -> None:
            if self.transport.get_write_buffer_size() < unread:
                self._look_again()
                return
            log.warning("a client has read nothing for %g s: its connection is cut off", seconds)
            self.transport.abort()

        def _stop_looking(self) -> None:
            if self._check is not None:
                self._check.cancel()

    return PatientProtocol
