"""What a case may hold: text, JSON and messages, checked and brought into one form."""

from langchain_memalign._content.plain import (
    MAX_DEPTH,
    MAX_INT,
    canonical,
    check_text,
    is_blank,
    is_messages,
    normalise,
)

__all__ = [
    "MAX_DEPTH",
    "MAX_INT",
    "canonical",
    "check_text",
    "is_blank",
    "is_messages",
    "normalise",
]
