"""What options of experiments may be; said before anything is asked or paid."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from typing import Any

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.evaluation.prices import Price
from langchain_memalign.evaluation.resampling import Resampling


def check_options(options: Mapping[str, Any], known: type) -> None:
    """Refuse options that no experiment can run with.

    Args:
        options: What was given.
        known: The `TypedDict` of what may be given.

    Raises:
        InvalidInputError: One is unknown, or not usable; names it.
    """
    names = sorted(known.__optional_keys__)  # type: ignore[attr-defined]
    for name in options:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise InvalidInputError(
                f"found the unknown option {name!r}{hint}; expected some of {', '.join(names)}."
            )
    if "concurrency" in options:
        whole("concurrency", options["concurrency"], least=1)
    if "seed" in options:
        whole("seed", options["seed"], least=0)
    share = options.get("held_out", 0.5)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
        raise InvalidInputError(f"held_out: found {share!r}; expected a number between 0 and 1.")
    directory = options.get("directory")
    _is("directory", directory, (str, os.PathLike), "a path")
    _is("resampling", options.get("resampling"), (Resampling,), "a Resampling")
    prices = options.get("prices")
    _is("prices", prices, (Mapping,), "prices by a model's name, as `read_prices` gives them")
    for name, price in (prices or {}).items():
        if not isinstance(price, Price):
            raise InvalidInputError(
                f"prices: found a {type(price).__name__} for {name!r}; expected a Price."
            )


def whole(name: str, number: Any, *, least: int) -> int:
    """A whole number of at least so much.

    Raises:
        InvalidInputError: It is none.
    """
    if type(number) is not int or number < least:
        raise InvalidInputError(
            f"{name}: found {number!r:.40}; expected a whole number >= {least}."
        )
    return number


def listed(name: str, given: Any) -> list[Any]:
    """What was given, as a list.

    Raises:
        InvalidInputError: It is no list, but for example a single record or a text.
    """
    if isinstance(given, Mapping | str | bytes) or not isinstance(given, Iterable):
        raise InvalidInputError(f"{name}: found a {type(given).__name__}; expected a list.")
    return list(given)


def _is(name: str, given: Any, types: tuple[type, ...], expected: str) -> None:
    if given is not None and not isinstance(given, types):
        raise InvalidInputError(
            f"{name}: found a {type(given).__name__}; expected {expected}, or None."
        )
