"""Short forms of a value type: `bool`, `1-5`, `0.0-1.0`, `[good, bad]`."""

from __future__ import annotations

import re
from typing import Any

from langchain_memalign._values import ValueType
from langchain_memalign.errors import InvalidInputError

_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_SCALE = re.compile(rf"({_NUMBER})\s*(?:-|\.\.|to)\s*({_NUMBER})")
_FORMS = (
    "expected 'bool', a scale such as '1-5' or '0.0-1.0', a list of labels such as [good, bad], or "
    "a JSON schema"
)


def read_value_type(written: Any) -> ValueType:
    """Read a value type in a short form, or its JSON schema.

    A scale is one of whole numbers, unless a bound is written with a decimal point.

    Raises:
        InvalidInputError: It is none of these.
    """
    if isinstance(written, list):
        return ValueType.parse({"enum": written})
    if isinstance(written, dict):
        return ValueType.parse(written)
    text = written.strip() if isinstance(written, str) else None
    if text in ("bool", "boolean"):
        return ValueType.parse(bool)
    if text and (scale := _SCALE.fullmatch(text)):
        low, high = scale.groups()
        if "." in low + high:
            bounds: dict[str, Any] = {"minimum": float(low), "maximum": float(high)}
            return ValueType.parse({"type": "number", **bounds})
        return ValueType.parse({"type": "integer", "minimum": int(low), "maximum": int(high)})
    raise InvalidInputError(f"value_type: found {written!r:.100}; {_FORMS}.")
