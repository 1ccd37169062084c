"""What a case may hold: text, JSON and messages, checked and brought into one form."""

from langchain_memalign._content.extent import extent
from langchain_memalign._content.objects import is_missing, scalar, table_rows
from langchain_memalign._content.plain import (
    MAX_DEPTH,
    MAX_INT,
    REPLACEMENT,
    canonical,
    clean_text,
    is_blank,
    is_messages,
    normalise,
)

__all__ = [
    "MAX_DEPTH",
    "MAX_INT",
    "REPLACEMENT",
    "canonical",
    "clean_text",
    "extent",
    "is_blank",
    "is_messages",
    "is_missing",
    "normalise",
    "scalar",
    "table_rows",
]
