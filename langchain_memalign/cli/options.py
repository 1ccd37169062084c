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
    typer.Option(
        "--json", help="Write JSON to stdout, for scripts; everything else goes to stderr."
    ),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        "-m",
        metavar="PAIRS",
        help="Which field of a row is which of ours, with dotted paths: "
        "label=value,question=inputs.question. Write comment?=rationale if not every row has it, "
        "id= to ignore it, and '\"score, final\"=value' for names with commas and the like.",
    ),
]
ValuesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--values",
        metavar="PAIRS",
        help="What other words for the values mean: ja=true,nein=false.",
    ),
]
ConcurrencyOption = Annotated[
    int,
    typer.Option(
        "--concurrency", "-c", min=1, help="How many model calls at most run at the same time."
    ),
]
DatasetOption = Annotated[
    str | None,
    typer.Option(
        help="Load a public data set: NAME or NAME:SPLIT, such as halubench. Needs the extra "
        "`datasets`; an unknown name lists those there are.",
    ),
]
CriterionOption = Annotated[
    str | None,
    typer.Option(help="With --dataset: use only rows whose criterion contains this text."),
]
LimitOption = Annotated[int | None, typer.Option(min=1, help="Use at most this many rows.")]
ModelOption = Annotated[
    str | None,
    typer.Option(help="Ask this model, provider:name, instead of the judge file's."),
]
BaseUrlOption = Annotated[
    str | None,
    typer.Option(
        help="Ask the OpenAI-compatible server at this address, such as "
        "http://localhost:8080/v1, instead of the provider's.",
    ),
]
PricesOption = Annotated[
    Path | None,
    typer.Option(
        help='A price table: {"models": {"name": {"input": 0.4, "output": 1.6}}}, in dollars per '
        "million tokens.",
    ),
]
SeedOption = Annotated[int, typer.Option(help="The seed for whatever is drawn at random.")]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace the file if it exists.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="DATE",
        help="Show the state at this moment: 2026-01-31, or 2026-01-31T12:00+00:00.",
    ),
]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The id, or the beginning of it.")]


def check_is_new(path: Path, *, overwrite: bool) -> None:
    """Refuse to replace a file unless `--overwrite` says so.

    Raises:
        InvalidInputError: There is a file already.
    """
    if path.exists() and not overwrite:
        raise InvalidInputError(
            f"found that {path} already exists; expected a new file. --overwrite replaces it."
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
            f"{what}: found {len(found)} ids that begin with {written!r} ({several}, …); expected "
            "one. Type more of the id."
        )
    raise InvalidInputError(
        f"{what}: found none whose id begins with {written!r}; expected one of those that "
        f"`memalign {what}s list` shows."
    )
