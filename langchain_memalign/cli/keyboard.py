"""One line from whoever sits at the terminal."""

from __future__ import annotations

import os
import select
import signal
import sys


def read_line() -> str | None:
    """Wait for a line of standard input; None at its end.

    Raises:
        KeyboardInterrupt: It was interrupted, by whatever the process does upon SIGINT.
    """
    if os.name == "posix" and sys.stdin.isatty():
        _wait()
    return sys.stdin.readline() or None


def _wait() -> None:
    """Wait until there is a line.

    A signal that comes just before a blocking read is noted by Python and seen when the read
    returns: with the next line, which may never come. So the wait is for a line or a signal.
    """
    signalled, on_signal = os.pipe()
    try:
        for end in (signalled, on_signal):
            os.set_blocking(end, False)
        before = signal.set_wakeup_fd(on_signal)
        try:
            while sys.stdin not in select.select([sys.stdin, signalled], [], [])[0]:
                os.read(signalled, 64)  # its handler has run by now, and let us go on
        finally:
            signal.set_wakeup_fd(before)
    finally:
        os.close(signalled)
        os.close(on_signal)
