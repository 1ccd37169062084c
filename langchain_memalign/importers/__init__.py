"""Feedback and cases from elsewhere, as records of this library."""

from langchain_memalign.importers.fields import CASE_FIELDS, FEEDBACK_FIELDS, FieldMap
from langchain_memalign.importers.jsonl import BadRow, Row, read_jsonl, read_mapped

__all__ = [
    "CASE_FIELDS",
    "FEEDBACK_FIELDS",
    "BadRow",
    "FieldMap",
    "Row",
    "read_jsonl",
    "read_mapped",
]
