"""What a change did to a memory: each record before and after, so that it can be taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

from langchain_memalign._memory.convert import to_episode, to_principle
from langchain_memalign._models import Vector
from langchain_memalign._stores.base import Point
from langchain_memalign.schema import (
    Change,
    Episode,
    Erase,
    JudgeDefinition,
    Principle,
    Put,
    Record,
)


class Image(Record):
    """One record of a judge as it was before a change, and as the change left it.

    Attributes:
        before: The record before; None where there was none.
        vector: Its embedding then; None where it had none.
        after: The record after; None where it was erased.
    """

    judge: str
    id: str
    before: Episode | Principle | None = None
    vector: tuple[float, ...] | None = None
    after: Episode | Principle | None = None


Keep: TypeAlias = Callable[[Sequence[Image]], None]
"""Takes the images of a transaction, before it is written."""

_keep: ContextVar[Keep | None] = ContextVar("keep", default=None)


@contextmanager
def recording(keep: Keep) -> Iterator[None]:
    """Have the images of all that is written within the block, also in threads begun by it.

    They come before anything is written, so that no kill can separate a change from the way back;
    where `keep` raises, nothing is written.
    """
    token = _keep.set(keep)
    try:
        yield
    finally:
        _keep.reset(token)


def is_recording() -> bool:
    """Whether somebody wants the images of what is written now."""
    return _keep.get() is not None


def record(changes: Iterable[Change], there: Iterable[Point]) -> None:
    """Hand over the images of changes that are about to be written.

    Args:
        changes: The changes.
        there: The records that they meet, with their vectors.
    """
    if (keep := _keep.get()) is None:
        return
    found = {point.id: point for point in there}
    images = []
    for change in changes:
        if isinstance(change, Put) and isinstance(change.record, JudgeDefinition):
            continue  # what a judge is made of is no part of what it learned
        id_ = change.id if isinstance(change, Erase) else change.record.id
        point = found.get(id_)
        images.append(
            Image(
                judge=change.judge,
                id=id_,
                before=learned_record(point) if point else None,
                vector=_vector(point) if point else None,
                after=None if isinstance(change, Erase) else _of(change),
            )
        )
    if images:
        keep(images)


def plan_restoring(
    images: Sequence[Image], present: Mapping[str, Episode | Principle]
) -> tuple[list[Change], tuple[str, ...]]:
    """Put back what was there before the first of some changes, if nothing has changed it since.

    Args:
        images: What the changes did, in order.
        present: The records as they are now, by id.

    Returns:
        The changes, and the ids of records that are no longer as the changes left them; where
        there are any, no changes.
    """
    first: dict[str, Image] = {}
    last: dict[str, Image] = {}
    for image in images:
        first.setdefault(image.id, image)
        last[image.id] = image
    changes: list[Change] = []
    in_the_way = []
    for id_, image in first.items():
        now = present.get(id_)
        if now == image.before:
            continue
        # An interrupted change may have been begun twice; only its last image was written whole.
        if now != last[id_].after:
            in_the_way.append(id_)
        elif image.before is None:
            kind = "episode" if isinstance(now, Episode) else "principle"
            changes.append(Erase(judge=image.judge, kind=kind, id=id_))
        else:
            vector = () if image.vector is None else image.vector
            changes.append(Put(judge=image.judge, record=image.before, vector=vector))
    return ([], tuple(in_the_way)) if in_the_way else (changes, ())


def learned_record(point: Point) -> Episode | Principle:
    """The episode or principle that a point holds."""
    return to_episode(point) if point.kind == "episode" else to_principle(point)


def _of(put: Put) -> Episode | Principle:
    assert not isinstance(put.record, JudgeDefinition)
    return put.record


def _vector(point: Point) -> Vector | None:
    return next(iter((point.vectors or {}).values()), None)
