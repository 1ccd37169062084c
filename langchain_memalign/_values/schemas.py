"""What a model is asked for when it judges: JSON schemas of its reply."""

from __future__ import annotations

from typing import Any

# A model that repeats itself would else go on to its limit of tokens; in characters.
_LONGEST_RATIONALE = 1200
_SHORT_RATIONALE = 300
_LONGEST_ID = 8
_MOST_CITED = 12


def verdict_schema(value: dict[str, Any], *, is_compact: bool) -> dict[str, Any]:
    """The structured output of a judgement.

    Args:
        value: The JSON schema of its value.
        is_compact: For a small model: the value first, and short reasons, so that a reply that runs
            on to the limit of tokens has said its value. Else the reasons come first: a value that
            is written before its reasons cannot follow from them.
    """
    rationale = {
        "type": "string",
        "description": f"Why: {'one sentence' if is_compact else 'two or three sentences'} about "
        "this case.",
        "maxLength": _SHORT_RATIONALE if is_compact else _LONGEST_RATIONALE,
    }
    relied_on = {
        "type": "array",
        "items": {"type": "string", "maxLength": _LONGEST_ID},
        "description": "Ids of the principles (P1, ...) and past cases (E1, ...) that decided it; "
        "empty if none did.",
        "maxItems": _MOST_CITED,
    }
    if is_compact:
        return _closed(value=value, relied_on=relied_on, rationale=rationale)
    return _closed(rationale=rationale, relied_on=relied_on, value=value)


def value_schema(value: dict[str, Any]) -> dict[str, Any]:
    """The structured output of a judgement that is the value alone."""
    return _closed(value=value)


def _closed(**properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": "verdict",
        "description": "Your judgement of the case.",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
