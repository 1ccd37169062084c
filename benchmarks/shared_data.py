"""Real, human-labelled rows in the folder that MEMALIGN_DATA names, for benchmarks of quality."""

import json
import os
from pathlib import Path

FOLDER = Path(os.environ["MEMALIGN_DATA"]) if os.environ.get("MEMALIGN_DATA") else None


def datasets(folder=FOLDER):
    """The names of the data sets in a folder.

    Raises:
        SystemExit: There are none, or no folder is named.
    """
    _check_named(folder)
    found = sorted(path.parent.name for path in Path(folder).glob("*/train.jsonl"))
    if not found:
        raise SystemExit(
            f"found no data sets in {folder}; expected folders with train.jsonl and test.jsonl. "
            "Name another folder with MEMALIGN_DATA or --data."
        )
    return found


def rows(folder, name, part):
    """The rows of a data set's part, `train` or `test`.

    Raises:
        SystemExit: No folder is named.
    """
    _check_named(folder)
    lines = (Path(folder) / name / f"{part}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def value_type(row):
    """The JSON schema of a row's value."""
    kind, _, told = row["value_type"].partition(":")
    if kind == "bool":
        return {"type": "boolean"}
    if kind == "int":
        least, most = map(int, told.split("-"))
        return {"type": "integer", "minimum": least, "maximum": most}
    return {"enum": told.split("|")}


def feedback(row):
    """A row as feedback."""
    return {
        "id": row["id"],
        "inputs": row["inputs"],
        "outputs": row["outputs"],
        "reference_outputs": row["expectations"],
        "value": row["label"],
        "rationale": row["rationale"] or None,
    }


def _check_named(folder):
    if folder is None:
        raise SystemExit(
            "found no MEMALIGN_DATA; expected a folder of data sets, each with train.jsonl and "
            "test.jsonl: name one with MEMALIGN_DATA or --data."
        )
