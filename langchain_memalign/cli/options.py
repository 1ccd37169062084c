"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from langchain_memalign.errors import InvalidInputError

JudgeOption = Annotated[
    Path | None,
    typer.Option(
        "--judge",
        "-j",
        metavar="FILE",
        envvar="MEMALIGN_JUDGE",
        help="The judge file. Without it: judge.yaml, judge.yml or judge.toml in this directory.",
        show_default=False,
    ),
]
JsonOption = Annotated[
    bool,
    typer.Option("--json", help="Write JSON on stdout, for scripts; all else goes to stderr."),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        "-m",
        metavar="PAIRS",
        help="What is what in a row, with dotted paths: label=value,question=inputs.question. "
        "comment?=rationale if not every row has it; id= to leave it out.",
        show_default=False,
    ),
]
ConcurrencyOption = Annotated[
    int, typer.Option("--concurrency", "-c", min=1, help="Most model calls at the same time.")
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace the file, if there is one.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


def not_overwritten(path: Path) -> InvalidInputError:
    """The error where `OverwriteOption` is wanted: there is a file already."""
    return InvalidInputError(
        f"found {path} there already; expected a new file. --overwrite replaces it."
    )
