"""Vectors of embeddings, and how they are brought to length 1."""

from __future__ import annotations

import math
from typing import TypeAlias

Vector: TypeAlias = tuple[float, ...]

# Providers send float32 and engines keep it: no vector's length is 1 to more digits.
_ROUNDING = 1e-6


def unit(vector: Vector) -> Vector:
    """The vector at length 1: itself where it has that length already, or points nowhere.

    Args:
        vector: Finite numbers.
    """
    # In C, while each pass over the numbers in Python takes ten times as long.
    if abs(math.hypot(*vector) - 1) <= _ROUNDING or not any(vector):
        return vector
    # Scaled first: the squares of very large or very small numbers leave even a double's range.
    peak = max(map(abs, vector))
    scaled = [x / peak for x in vector]
    length = math.hypot(*scaled)
    return tuple([x / length for x in scaled])
