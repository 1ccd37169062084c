"""Progress bars on stderr; nothing is drawn where nobody looks."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from langchain_memalign._alignment.learner import PROGRESS_EVENT


class _Rate(ProgressColumn):
    """How many are done in a second, or how long one takes."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        text = f"{speed:.1f}/s" if speed >= 1 else f"{1 / speed:.1f} s each"
        return Text(text, style="progress.data.speed")


def progress_bar(console: Console) -> Progress:
    """A bar with count, rate and remaining time, gone when it is done."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        expand=True,
        redirect_stdout=False,  # else rich would take what is meant for a file or a pipe
        redirect_stderr=False,
        disable=not console.is_terminal,
    )


class AlignmentProgress(BaseCallbackHandler):
    """Draws what an alignment tells of itself: the custom event `memalign_progress`.

    Before the first of them, that is while a probing judge answers, it counts model calls.
    """

    def __init__(self, progress: Progress, *, probing: int = 0) -> None:
        self._progress = progress
        self._learning = False
        self._guard = threading.Lock()
        first = "Asking the judge" if probing else "Storing"
        self._task = progress.add_task(first, total=probing or None)

    def on_custom_event(self, name: str, data: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """An alignment got on."""
        if name != PROGRESS_EVENT:
            return
        with self._guard:  # batches report from threads of their own
            if not self._learning:
                self._learning = True
                self._progress.reset(self._task, description="Learning", total=data["total"])
            self._progress.update(self._task, completed=data["done"], total=data["total"])

    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """A model answered."""
        with self._guard:
            if not self._learning:
                self._progress.advance(self._task)
