"""Feedback and cases from elsewhere, as records of this library."""

from langchain_memalign.importers.annotations import (
    from_argilla,
    from_few_shots,
    from_label_studio,
)
from langchain_memalign.importers.fields import CASE_FIELDS, FEEDBACK_FIELDS, FieldMap
from langchain_memalign.importers.langsmith import from_langsmith, from_langsmith_dataset
from langchain_memalign.importers.learning import (
    Found,
    ImportReport,
    Remark,
    Skipped,
    Source,
    aimport_feedback,
    import_feedback,
    read_words,
    with_values,
)
from langchain_memalign.importers.mlflow import from_mlflow
from langchain_memalign.importers.tables import (
    BadRow,
    Row,
    map_rows,
    read_csv,
    read_json,
    read_jsonl,
    read_rows,
    read_xlsx,
)

__all__ = [
    "CASE_FIELDS",
    "FEEDBACK_FIELDS",
    "BadRow",
    "FieldMap",
    "Found",
    "ImportReport",
    "Remark",
    "Row",
    "Skipped",
    "Source",
    "aimport_feedback",
    "from_argilla",
    "from_few_shots",
    "from_label_studio",
    "from_langsmith",
    "from_langsmith_dataset",
    "from_mlflow",
    "import_feedback",
    "map_rows",
    "read_csv",
    "read_json",
    "read_jsonl",
    "read_rows",
    "read_words",
    "read_xlsx",
    "with_values",
]
