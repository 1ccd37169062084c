"""Vectors of embeddings, and how they are brought to length 1."""

from __future__ import annotations

import math
from typing import TypeAlias

Vector: TypeAlias = tuple[float, ...]

# Providers send float32 and engines keep it: no vector's length is 1 to more digits.
_ROUNDING = 1e-6
_USUAL = (1e-100, 1e100)


def unit(vector: Vector) -> Vector:
    """The vector at length 1: itself where it has that length already, or points nowhere.

    Args:
        vector: Finite numbers.
    """
    # In C, while each pass over the numbers in Python takes ten times as long.
    length = math.hypot(*vector)
    if abs(length - 1) <= _ROUNDING or not any(vector):
        return vector
    if not _USUAL[0] < length < _USUAL[1]:
        # Scaled first: what is very large or very small leaves even a double's range.
        peak = max(map(abs, vector))
        return unit(tuple([x / peak for x in vector]))
    return tuple([x / length for x in vector])
