"""The program: all commands put together, how each ends, and the signals of the process."""

from __future__ import annotations

import errno
import io
import os
import re
import signal
import sys
import threading
import traceback
import warnings
from importlib.metadata import PackageNotFoundError, version
from types import FrameType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from langchain_memalign.cli.commands import (
    align,
    demo,
    evaluate,
    feedback,
    health,
    init,
    judge,
    memory,
    review,
    transfer,
    web,
)
from langchain_memalign.cli.terminal import WorkLeft
from langchain_memalign.errors import (
    MemAlignError,
    MemoryLockedError,
    MemoryUnavailableError,
    ModelError,
)

WORK_LEFT = 1
"""Exit code: something is left to do or failed in part; to run the command again may help."""
UNUSABLE = 2
"""Exit code: the command, the judge file or the set-up has to be changed first."""

DEBUG = "MEMALIGN_DEBUG"
"""Environment variable; when set, tracebacks are shown."""

_STOPPING = (
    b"\nStopping as soon as the work under way is done; press Ctrl-C again to stop at once.\n"
)

_PATIENCE = 0.5


class OneLineErrors(TyperGroup):
    """A group of commands whose errors are one line on stderr, with the exit codes above."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            # Commands with something to say about what is done catch it themselves.
            raise _ended("stopped.", WORK_LEFT) from None
        except WorkLeft as left:
            raise _ended(str(left), WORK_LEFT) from None
        except MemAlignError as error:
            raise _ended(str(error), _code(error)) from error
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # typer ends quietly: nobody reads on
            raise _ended(str(error), UNUSABLE) from error
        except Exception as error:
            if isinstance(error, typer.Exit | typer.Abort | typer.TyperException):
                raise
            raise _ended(
                f"unexpected {type(error).__name__}: {error}. Set {DEBUG}=1 to see where, and "
                "please report it.",
                UNUSABLE,
            ) from error


app = typer.Typer(
    name="memalign",
    cls=OneLineErrors,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        try:
            print(version("langchain-memalign"))
        except PackageNotFoundError:
            print("unknown: not installed as a package")
        raise typer.Exit


@app.callback()
def memalign(
    show_version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """An LLM judge that learns from a handful of expert remarks, and forgets them on request.

    A file describes the judge; `memalign init` writes one to start from.

    Exit codes:
      0 everything is done
      1 something is left to do, or partly failed: run the command again
      2 the command, the judge file or the setup needs a change

    Examples:
      $ memalign demo
      $ memalign init
      $ memalign align feedback.jsonl
      $ memalign judge cases.jsonl --out verdicts.jsonl
      $ memalign review cases.jsonl --policy uncertain
      $ memalign web cases.jsonl
      $ memalign evaluate labelled.jsonl
      $ memalign health
    """


app.command()(init.init)
app.command()(judge.judge)
app.command()(align.align)
app.command()(review.review)
app.command()(web.web)
app.command()(evaluate.evaluate)
app.command()(health.health)
app.command("learning-curve")(evaluate.learning_curve)
app.add_typer(feedback.app, name="import-feedback")
app.command("export-feedback")(feedback.export_feedback)
app.add_typer(memory.principles_app, name="principles")
app.add_typer(memory.episodes_app, name="episodes")
app.command()(memory.forget)
app.command()(transfer.export)
app.command("import")(transfer.import_)
app.command()(transfer.copy)
app.command()(demo.demo)


def run_app() -> None:
    """Run the command of `sys.argv`; ends the process with its exit code."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        # What a terminal cannot show, or sends in another encoding, ends no command.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
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


def _code(error: MemAlignError) -> int:
    if isinstance(error, ModelError):
        return UNUSABLE if error.is_refused_access else WORK_LEFT
    if isinstance(error, MemoryLockedError | MemoryUnavailableError):
        return WORK_LEFT
    return UNUSABLE


def _ended(message: str, code: int) -> typer.Exit:
    if os.environ.get(DEBUG):
        traceback.print_exc()
    # Messages quote files and providers: no line breaks, and nothing that drives a terminal.
    line = re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", message).strip()
    print(f"memalign: {line}", file=sys.stderr)
    return typer.Exit(code)
