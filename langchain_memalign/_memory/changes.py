"""Changes before they are applied: none contradicts another one, or what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from langchain_memalign._stores.base import Fingerprint, Point
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Change, Episode, Erase, Put

Owner = tuple[str, str]
"""A record's judge and kind."""


def owners(changes: Sequence[Change]) -> dict[str, Owner]:
    """Whose the changes say that each record is, by the record's id.

    Raises:
        InvalidInputError: One is no change, or two name the same record.
    """
    named: dict[str, Owner] = {}
    for change in changes:
        if not isinstance(change, Put | Erase):
            raise InvalidInputError(
                f"changes hold a {type(change).__name__}; expected Put and Erase."
            )
        record_id, owner = _target(change)
        if record_id in named:
            raise InvalidInputError(
                f"changes name the record {record_id} twice; expected one change a record."
            )
        named[record_id] = owner
    return named


def check_owners(named: dict[str, Owner], stored: Iterable[Point]) -> None:
    """Refuse changes to records that are another judge's, or of another kind.

    Raises:
        InvalidInputError: One of the stored records is not whose the changes say.
    """
    for point in stored:
        judge, kind = named[point.id]
        if (judge, kind) != (point.judge, point.kind):
            raise InvalidInputError(
                f"{point.id} is a record of kind {point.kind!r} of judge {point.judge!r}; "
                f"found a change that takes it for {kind!r} of {judge!r}. Nothing was changed."
            )


def fingerprint_of(puts: Iterable[Put], embeddings: str) -> Fingerprint | None:
    """What the vectors among the changes come from; None where there are none.

    Raises:
        InvalidInputError: They are of different sizes.
    """
    sizes = {
        # A case's vector is that of its inputs joined with that of its outputs.
        len(put.vector) // (2 if isinstance(put.record, Episode) else 1)
        for put in puts
        if put.vector
    }
    if len(sizes) > 1:
        raise InvalidInputError(f"changes hold embeddings of sizes {sorted(sizes)}; expected one.")
    return Fingerprint(embeddings=embeddings, size=sizes.pop()) if sizes else None


def _target(change: Change) -> tuple[str, Owner]:
    if isinstance(change, Erase):
        return change.id, (change.judge, change.kind)
    kind = "episode" if isinstance(change.record, Episode) else "principle"
    return change.record.id, (change.judge, kind)
