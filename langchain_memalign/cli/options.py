"""Options that several commands share, and how what people write in them is read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from langchain_memalign.cli.terminal import short
from langchain_memalign.errors import InvalidInputError

JUDGE_VARIABLE = "MEMALIGN_JUDGE"
"""The environment variable that names a judge file."""

JudgeOption = Annotated[
    Path | None,
    typer.Option(
        "--judge",
        "-j",
        metavar="FILE",
        envvar=JUDGE_VARIABLE,
        help="The judge file. Without it: judge.yaml, judge.yml or judge.toml in this directory.",
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
        "comment?=rationale if not every row has it; id= to leave it out; names with commas and "
        "the like in quotes: '\"score, final\"=value'.",
    ),
]
ValuesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--values",
        metavar="PAIRS",
        help="What the experts' words for values mean: ja=true,nein=false.",
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
    ),
]
CriterionOption = Annotated[
    str | None,
    typer.Option(
        help="For --dataset: only rows with this text in their criterion, where they have one."
    ),
]
LimitOption = Annotated[int | None, typer.Option(min=1, help="Use at most so many rows.")]
ModelOption = Annotated[
    str | None,
    typer.Option(help="The model to ask instead of the judge file's own: provider:name."),
]
BaseUrlOption = Annotated[
    str | None,
    typer.Option(
        help="The address of an OpenAI-compatible server to ask instead of the provider's own, "
        "such as http://localhost:8080/v1.",
    ),
]
PricesOption = Annotated[
    Path | None,
    typer.Option(
        help='A price table: {"models": {"name": {"input": 0.4, "output": 1.6}}}, in dollars per '
        "million tokens.",
    ),
]
SeedOption = Annotated[int, typer.Option(help="For what is drawn at random.")]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace the file, if there is one.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="DATE",
        help="As it was at that moment: 2026-01-31, or 2026-01-31T12:00+00:00.",
    ),
]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The id, or its beginning.")]


def check_is_new(path: Path, *, overwrite: bool) -> None:
    """Refuse to replace a file unless `--overwrite` says so.

    Raises:
        InvalidInputError: There is a file already.
    """
    if path.exists() and not overwrite:
        raise InvalidInputError(
            f"found {path} there already; expected a new file. --overwrite replaces it."
        )


def read_date(written: str | None, option: str) -> datetime | None:
    """Read a date or time in ISO form; without a time zone it is this machine's.

    Raises:
        InvalidInputError: It is none.
    """
    if written is None:
        return None
    try:
        return datetime.fromisoformat(written.strip()).astimezone()
    except (ValueError, OverflowError):
        raise InvalidInputError(
            f"{option}: found {written!r:.60}; expected a date such as 2026-01-31 or "
            "2026-01-31T12:00+00:00."
        ) from None


def full_id(written: str, ids: Iterable[str], *, what: str) -> str:
    """The one id that begins with `written`.

    Args:
        written: An id, or its beginning.
        ids: All ids.
        what: What they are ids of, for the message.

    Raises:
        InvalidInputError: None begins so, or several do.
    """
    start = written.strip().lower()
    found = [id_ for id_ in ids if id_.startswith(start)] if start else []
    if start in found:
        return start
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(map(short, found[:4]))
        raise InvalidInputError(
            f"{what}: found {len(found)} that begin with {written!r} ({several}, …); expected one. "
            "Write more of the id."
        )
    raise InvalidInputError(
        f"{what}: found none whose id begins with {written!r}; `memalign {what}s list` shows those "
        "that there are."
    )
