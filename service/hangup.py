"""SIGHUP: the service looks at its folder again; it ends only if the terminal that it was started from is gone."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from typing import Final

SIGHUP: Final[int | None] = getattr(signal, "SIGHUP", None)
"""The signal; None on Windows."""

_STANDARD_INPUT: Final = 0

log = logging.getLogger(__name__)


def look_at_hangup(look: Callable[[], None]) -> None:
    """Call `look` at SIGHUP, which is no order to end: a log rotation or a closed session may send it, too.

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
            log.info("SIGHUP: the folder of detectors is looked at again")
            look()

    signal.signal(SIGHUP, take)
