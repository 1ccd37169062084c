"""Dates and times as people write them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from langchain_memalign.errors import InvalidInputError

MomentOption = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="DATE",
        help="As it was at that moment: 2026-01-31, or 2026-01-31T12:00+00:00.",
        show_default=False,
    ),
]


def read_moment(written: str | None, option: str) -> datetime | None:
    """A date or time in ISO form; without a time zone it is this machine's.

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
