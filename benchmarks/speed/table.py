"""The table of speed in the documentation, from the last results.

python benchmarks/speed/table.py  writes it into the pages that show it; --check only compares
"""

import json
import re
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import report
from shown import bring_up_to_date

RESULTS = report.RESULTS / "speed.json"
LARGEST = 1000
SINGLE = ("align, against", "prompt shared")
"""Work that is done at one size only."""
HEAD = "| work | records | ours | MLflow | ratio | target |"
RULE = "|---|--:|--:|--:|--:|--:|"
SHOWN = re.compile(f"(?:^Measured .*\n\n)?^{re.escape(HEAD)}\n.*\n(?:^\\|.*\n)*", re.MULTILINE)
"""A table in a page, and the line before it that says when and how it was measured."""


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


def measured(told):
    """When, with what, and how often."""
    times = max(len(run["ours"]) for run in told["runs"] if run["n"])
    of_runs = "one run" if times == 1 else f"the median of {times} runs, taken in turn"
    versions = told["versions"]
    return (
        f"Measured on {told['finished_at'][:10]} by `{told['command']}` with Python "
        f"{versions['python']}, mlflow {versions['mlflow']} and dspy {versions['dspy']}; each "
        f"figure is {of_runs}."
    )


def in_page(text, rows, told):
    """The page with its table brought up to date: all rows, or those that it picks.

    Raises:
        SystemExit: A row that it picks is not among the results.
    """
    (found,) = SHOWN.finditer(text)
    lines = [line(row) for row in rows if is_shown(row)]
    if found[0].startswith("Measured"):
        shown = [measured(told), "", HEAD, RULE, *lines]
    else:
        by_name = {name_of(each): each for each in lines}
        picked = [name_of(each) for each in found[0].splitlines()[2:]]
        if lost := set(picked) - by_name.keys():
            raise SystemExit(f"found no results of {lost}: measure these too, or take them out.")
        shown = [HEAD, RULE, *(by_name[name] for name in picked)]
    return text[: found.start()] + "\n".join(shown) + "\n" + text[found.end() :]


def name_of(line):
    """What is measured, of how many, and in which unit: what tells a row from the others."""
    work, records, ours = line.strip("| ").split(" | ")[:3]
    return work, records, ours.rpartition(" ")[2]


def main():
    rows = json.loads(RESULTS.read_text("utf-8"))
    told = json.loads(RESULTS.with_suffix(".runs.json").read_text("utf-8"))
    bring_up_to_date(partial(in_page, rows=rows, told=told), description=__doc__)


if __name__ == "__main__":
    main()
