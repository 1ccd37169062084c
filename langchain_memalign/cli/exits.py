"""How a command ends: its exit code, and one line instead of a traceback."""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from typing import Any

import typer
from typer.core import TyperGroup

from langchain_memalign.cli.terminal import WorkLeft
from langchain_memalign.errors import (
    MemAlignError,
    MemoryLockedError,
    MemoryUnavailableError,
    ModelError,
)

OK = 0
WORK_LEFT = 1
"""Something is left to do or failed in part; to run the command again may help."""
UNUSABLE = 2
"""The command, the judge file or the set-up has to be changed first."""

DEBUG = "MEMALIGN_DEBUG"
"""Environment variable; when set, tracebacks are shown."""


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


class ListByDefault(TyperGroup):
    """A group of commands of which `list` is meant when none is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


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
