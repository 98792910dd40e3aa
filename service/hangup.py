"""SIGHUP: it ends no service, unless the terminal that the service was started from is gone."""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import Final

SIGHUP: Final[int | None] = getattr(signal, "SIGHUP", None)
"""The signal; None on Windows."""

_STANDARD_INPUT: Final = 0

log = logging.getLogger(__name__)


def outlive_hangup() -> None:
    """Take SIGHUP for no order to end, as a log rotation or a closed session may send it; log that nothing is reloaded.

    One that is ignored already, as under `nohup`, stays so.
    """
    main = threading.current_thread() is threading.main_thread()
    if SIGHUP is None or not main or signal.getsignal(SIGHUP) is signal.SIG_IGN:
        return
    had_terminal = os.isatty(_STANDARD_INPUT)

    def take(number: int, frame: object) -> None:
        if had_terminal and not os.isatty(_STANDARD_INPUT):
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            log.warning("SIGHUP is ignored: nothing is reloaded. To serve another detector, start the service anew.")

    signal.signal(SIGHUP, take)
