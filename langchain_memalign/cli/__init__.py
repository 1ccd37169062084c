"""The command `memalign`: judging, teaching, forgetting from the shell. Needs the extra `cli`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_memalign.cli.program import app

__all__ = ["app", "main"]

_PACKAGES = ("typer", "rich", "yaml", "langgraph.checkpoint.sqlite")
_REMEDY = "the command line needs the extra `cli`: pip install 'langchain-memalign[cli]'"


def main() -> None:
    """Run the command; ends the process with its exit code."""
    try:
        from langchain_memalign.cli.program import run_app
    except ModuleNotFoundError as error:
        if not _is_of_the_extra(error):
            raise
        print(f"memalign: found no package {error.name!r}; {_REMEDY}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(1)
    run_app()


def __getattr__(name: str) -> Any:
    # On demand, so that `main` can be imported, and explain itself, without the extra.
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from langchain_memalign.cli.program import app
    except ModuleNotFoundError as error:
        if not _is_of_the_extra(error):
            raise
        raise ModuleNotFoundError(f"found no {error.name!r}; {_REMEDY}", name=error.name) from error
    return app


def _is_of_the_extra(error: ModuleNotFoundError) -> bool:
    return f"{error.name}.".startswith(tuple(f"{package}." for package in _PACKAGES))
