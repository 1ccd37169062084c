"""The same judge with something else in its place; judges refuse to be copied by others."""

from __future__ import annotations

from typing import Any, TypeVar

J = TypeVar("J")


def twin(judge: J, **changed: Any) -> J:
    """A judge that has these attributes and all others of `judge`."""
    made = object.__new__(type(judge))
    vars(made).update(vars(judge), **changed)
    return made
