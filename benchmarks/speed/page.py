"""The table of speed in the documentation, from the last results.

python benchmarks/speed/page.py  prints it
"""

import json
from pathlib import Path

RESULTS = Path(__file__).parent.parent / "results" / "speed.json"
LARGEST = 1000
SINGLE = ("align, against", "prompt shared")
"""Work that is done at one size only."""


def is_shown(row):
    """What was done at the largest size or at one alone, what depends on none; and align 50."""
    is_single = row["n"] in (0, LARGEST) or row["work"].startswith(SINGLE)
    return is_single or (row["work"] == "align" and row["target"] is not None)


def number(value, unit):
    if value is None:
        return ""
    # Three digits that count; whole numbers whole.
    digits = f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
    return f"{digits} {unit}".strip()


def line(row):
    cells = (
        row["work"],
        row["n"] or "any",
        number(row["ours"], row["unit"]),
        number(row["mlflow"], row["unit"]),
        "" if row["ratio"] is None else f"{row['ratio']:.2f}",
        target(row),
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def target(row):
    """What was aimed at, and whether it is met."""
    if row["target"] is None:
        return ""
    if row["unit"] == "%":  # of the share itself, and more is better
        return f">= {row['target']} %" + ("" if row["ours"] >= row["target"] else ", missed")
    return f"{row['target']}" + ("" if row["ratio"] <= row["target"] else ", missed")


def table(rows):
    """The lines of the table."""
    head = "| work | records | ours | MLflow | ratio | target |"
    return [head, "|---|--:|--:|--:|--:|--:|", *map(line, filter(is_shown, rows))]


if __name__ == "__main__":
    print("\n".join(table(json.loads(RESULTS.read_text("utf-8")))))
