"""The process around the commands: signals, warnings, and the end."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from types import FrameType

from langchain_memalign.cli.exits import WORK_LEFT
from langchain_memalign.cli.program import app

_STOPPING = b"\nStopping once what is under way is done; Ctrl-C again does not wait.\n"

_PATIENCE = 0.5


def run_app() -> None:
    """Run the command of `sys.argv`."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    if not sys.warnoptions:
        # What libraries tell their developers is not for whoever runs a command.
        warnings.simplefilter("ignore")
    try:
        app(prog_name="memalign")
    finally:
        # All is said and done; Python, on its way out, would let it kill the process.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def _stop(number: int, frame: FrameType | None) -> None:
    """The first time, end in an orderly way; the second time at once.

    A model call under way can take minutes, and Python waits for threads even when it exits.
    Everything on disk is whole at any moment, so to end without a goodbye costs only that call.
    """
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: os._exit(WORK_LEFT))
    # Most often it is done at once, and there is nothing to explain.
    patience = threading.Timer(_PATIENCE, os.write, (2, _STOPPING))
    patience.daemon = True
    patience.start()
    raise KeyboardInterrupt
