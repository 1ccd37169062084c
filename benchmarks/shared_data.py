"""Real, human-labelled rows that may lie beside the checkout; benchmarks of quality read them."""

import json
from pathlib import Path

HERE = Path(__file__).parents[1].parent / "shared" / "data"


def datasets(folder=HERE):
    """The names of the data sets in a folder.

    Raises:
        SystemExit: There are none.
    """
    found = sorted(path.parent.name for path in Path(folder).glob("*/train.jsonl"))
    if not found:
        raise SystemExit(
            f"found no data sets in {folder}; expected folders with train.jsonl and test.jsonl. "
            "Name another folder with --data."
        )
    return found


def rows(folder, name, part):
    """The rows of a data set's part, `train` or `test`."""
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
