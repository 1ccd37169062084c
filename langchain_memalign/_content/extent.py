"""How large a content is, told roughly and at once, before anything is done with it."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import BaseMessage

_MOST = 100_000
_ITEM = 20  # what to look at one takes, in characters


def extent(*contents: Any) -> int:
    """About how many characters contents hold, counted up to 100,000.

    An object of which it is not known what it holds, nor how long it takes to give it, counts as
    so many.
    """
    size, left = 0, list(contents)
    while left and size < _MOST:
        value = left.pop()
        kind = type(value)
        if kind is str:
            size += len(value)
        elif kind in (list, tuple):
            size += _ITEM * len(value)
            left.extend(value[: _MOST // _ITEM])
        elif kind is dict:
            size += _ITEM * len(value)
            if size < _MOST:
                left += [*value, *value.values()]
        elif isinstance(value, BaseMessage):
            left += [value.content, value.additional_kwargs, getattr(value, "tool_calls", None)]
        elif value is not None and not isinstance(value, bool | int | float):
            return _MOST
    return min(size, _MOST)
