"""The terminal: results go to stdout and all else to stderr; questions, tables, progress bars."""

from __future__ import annotations

import errno
import json
import os
import re
import select
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
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
from rich.table import Table
from rich.text import Text

from langchain_memalign._alignment.context import PROGRESS_EVENT
from langchain_memalign.errors import InvalidInputError

# Control characters other than tab and line feed, and those that turn the direction of writing:
# text of a case must not drive the terminal.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class WorkLeft(Exception):
    """Ends a command whose work is not all done; its message says what is left, and what to do."""


class Screen:
    """What a command writes on.

    Attributes:
        json: Whether stdout is for a script: then only JSON goes there.
        out: Results for people; stderr when stdout is for a script.
        err: Progress and remarks.
    """

    def __init__(self, *, json: bool = False) -> None:
        self.json = json
        self._gap: list[str] = []  # between tables, where they are not drawn
        self.err = Console(stderr=True, highlight=False)
        self.out = self.err if json else Console(highlight=False)

    @property
    def is_pretty(self) -> bool:
        """Whether a person is looking at the results."""
        return self.out.is_terminal and not self.json

    def data(self, value: Any) -> None:
        """Write one JSON document on a line of its own, on stdout."""
        # As ASCII: whatever the terminal's encoding, and whatever a model wrote, it can be read.
        with _writing():
            sys.stdout.write(json.dumps(value) + "\n")
            sys.stdout.flush()

    def show(self, thing: RenderableType) -> None:
        """Write a result for people."""
        with _writing():
            self.out.print(thing)

    def note(self, message: str, *, style: str = "") -> None:
        """Write a remark on stderr; `message` is not markup."""
        self.err.print(Text(clean(message), style=style), soft_wrap=True)

    def working(self, what: str) -> AbstractContextManager[Any]:
        """Show that something is going on, for as long as the block lasts."""
        return self.err.status(Text(f"{clean(what)} …")) if self.err.is_terminal else nullcontext()

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask before something that cannot be undone.

        Raises:
            InvalidInputError: Nobody is there to answer.
            WorkLeft: The answer is no.
        """
        if yes:
            return
        answer = self.ask(f"{question} [y/N] ")
        if answer is None:
            raise InvalidInputError(
                "found no answer; expected y or n. If nobody can answer, add --yes."
            )
        if answer.lower() not in ("y", "yes"):
            raise WorkLeft("nothing was changed.")

    def ask(self, question: str) -> str | None:
        """Ask for a line; None at the end of standard input."""
        # Stdout may be for a script.
        seen = sys.stdin.isatty() and sys.stdout.isatty()
        where = self.out if seen else self.err
        where.print(Text(clean(question)), end="", soft_wrap=True)
        if (line := _read_line()) is None:
            where.print()
            return None
        return line.strip()

    def table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[object]],
        *,
        cut: Sequence[str] = (),
        spare: Sequence[str] = (),
    ) -> None:
        """Write a table: drawn for people, without empty columns; tab-separated for pipes and logs.

        Args:
            title: Its title.
            columns: The headings.
            rows: The cells: `Text`, or whatever has a text.
            cut: Columns that share what width is left and are cut to it, not folded; in a pipe
                they are whole.
            spare: Columns that are not drawn, for a terminal has no room for them.
        """
        cells = [
            [cell if isinstance(cell, Text) else Text(clean(str(cell))) for cell in row]
            for row in rows
        ]
        if not self.out.is_terminal:
            lines = ["\t".join(" ".join(cell.plain.split()) for cell in row) for row in cells]
            above = [" ".join(clean(title).split()), "\t".join(columns) if any(columns) else ""]
            with _writing():
                # Not by way of rich, which would draw the tabs as blanks.
                self.out.file.write("\n".join([*self._gap, *filter(None, above), *lines, ""]))
                self.out.file.flush()
            self._gap = [""]
            return
        table = Table(
            title=Text(clean(title), style="bold") if title else None,
            title_justify="left",
            box=SIMPLE_HEAD,
            header_style="dim",
            expand=bool(cut),
        )
        used = [
            place
            for place, name in enumerate(columns)
            if name not in spare and any(row[place].plain for row in cells)
        ]
        for name in (columns[place] for place in used):
            if name in cut:
                table.add_column(Text(clean(name)), overflow="ellipsis", no_wrap=True, ratio=1)
            else:
                table.add_column(Text(clean(name)), overflow="fold")
        for row in cells:
            table.add_row(*(row[place] for place in used))
        self.show(table)


def clean(text: str) -> str:
    """Text without characters that would drive the terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def excerpt(content: Any, length: int = 80) -> str:
    """The beginning of a text, or of the texts in a mapping, in one line."""
    text = " ".join(clean(plain(content)).split())
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def plain(content: Any) -> str:
    """A case's field as people read it."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, dict) and all(isinstance(value, str) for value in content.values()):
        return "\n".join(f"{name}: {value}" for name, value in content.items())
    return json.dumps(content, ensure_ascii=False, indent=1)


def worth(value: Any) -> str:
    """A judgement's value as people read it."""
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def counted(number: int, noun: str) -> str:
    """A number of things, as people say it: 1 case, 2 cases."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def short(identity: str) -> str:
    """As much of an id as tells it from others; commands take it."""
    return identity[:8]


class _Rate(ProgressColumn):
    """How many are done in a second, or how long one takes."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        text = f"{speed:.1f}/s" if speed >= 1 else f"{1 / speed:.1f} s each"
        return Text(text, style="progress.data.speed")


def progress_bar(console: Console) -> Progress:
    """A bar on stderr with count, rate and remaining time, gone when all is done.

    Nothing is drawn where nobody looks.
    """
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
    """Draws the progress that an alignment reports by the custom event `memalign_progress`.

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


@contextmanager
def _writing() -> Iterator[None]:
    """Tells a full disk under the output from a failure of the work, which is done by now."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise  # nobody reads on
        raise WorkLeft(
            f"the work is done and kept, but its result cannot be written: {error.strerror}."
        ) from error


def _read_line() -> str | None:
    """Wait for a line of standard input; None at its end.

    Raises:
        KeyboardInterrupt: It was interrupted, by whatever the process does upon SIGINT.
    """
    if os.name == "posix" and sys.stdin.isatty():
        _wait_for_input()
    return sys.stdin.readline() or None


def _wait_for_input() -> None:
    """Wait until there is a line, or a signal.

    A signal that comes just before a blocking read is noted by Python and seen when the read
    returns: with the next line, which may never come. So the wait is for either of them.
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
