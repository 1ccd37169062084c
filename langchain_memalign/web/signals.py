"""Waking up streams on event loops from the threads that do the work."""

from __future__ import annotations

import asyncio
import threading


class Signals:
    """Tells any number of waiting streams that something has changed, or that all stops."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._stopped = threading.Event()

    @property
    def is_stopped(self) -> bool:
        """Whether streams have to end."""
        return self._stopped.is_set()

    def tell(self) -> None:
        """Wake all; from any thread."""
        with self._guard:
            waiting, self._waiting = self._waiting, set()
        for loop, event in waiting:
            try:
                loop.call_soon_threadsafe(event.set)
            except RuntimeError:  # the loop has ended
                continue

    def stop(self) -> None:
        """Wake all for the last time."""
        self._stopped.set()
        self.tell()

    async def wait(self, seconds: float) -> bool:
        """Wait for the next change; False when none came in time."""
        event = asyncio.Event()
        mine = (asyncio.get_running_loop(), event)
        with self._guard:
            self._waiting.add(mine)
        try:
            await asyncio.wait_for(event.wait(), 0 if self.is_stopped else seconds)
        except TimeoutError:
            return False
        finally:
            with self._guard:
                self._waiting.discard(mine)
        return True
