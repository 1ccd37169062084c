"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from langchain_memalign.errors import InvalidInputError

JUDGE = "MEMALIGN_JUDGE"
"""The environment variable that names a judge file."""

JudgeOption = Annotated[
    Path | None,
    typer.Option(
        "--judge",
        "-j",
        metavar="FILE",
        envvar=JUDGE,
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
DatasetOption = Annotated[
    str | None,
    typer.Option(
        help="Take the data from a public hub: NAME or NAME:SPLIT, such as halubench. Needs the "
        "extra `datasets`; an unknown name lists them.",
        show_default=False,
    ),
]
CriterionOption = Annotated[
    str | None,
    typer.Option(
        help="For --dataset: only rows with this text in their criterion, where they have one.",
        show_default=False,
    ),
]
LimitOption = Annotated[
    int | None, typer.Option(min=1, help="Use at most so many rows.", show_default=False)
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        help="The model to ask instead of the judge file's own: provider:name.", show_default=False
    ),
]
BaseUrlOption = Annotated[
    str | None,
    typer.Option(
        help="The address of an OpenAI-compatible server to ask instead of the provider's own, "
        "such as http://localhost:8080/v1.",
        show_default=False,
    ),
]
PricesOption = Annotated[
    Path | None,
    typer.Option(
        help='A price table: {"models": {"name": {"input": 0.4, "output": 1.6}}}, in dollars per '
        "million tokens.",
        show_default=False,
    ),
]
SeedOption = Annotated[int, typer.Option(help="For what is drawn at random.")]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace the file, if there is one.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


def not_overwritten(path: Path) -> InvalidInputError:
    """The error where `OverwriteOption` is wanted: there is a file already."""
    return InvalidInputError(
        f"found {path} there already; expected a new file. --overwrite replaces it."
    )
