"""The tables of agreement with known experts in the documentation, from results that are kept.

python benchmarks/house_rules/page.py             prints that of results/house_rules-qwen-1.5b.json
python benchmarks/house_rules/page.py FILE        prints another one's
"""

import json
import sys
from pathlib import Path

RESULTS = Path(__file__).parent.parent / "results" / "house_rules-qwen-1.5b.json"
SIDES = ("ours", "MLflow")
HEAD = (
    "| domain, words taught, cases | ours | MLflow | ours - MLflow | rules | unscored "
    "| prompt tokens a case | seconds a case | to teach, calls | seconds |"
)


def interval(value, low, high, form):
    """A figure with its interval, where it has one."""
    if value is None:
        return ""
    return f"{value:{form}}" + ("" if low is None else f" [{low:{form}}, {high:{form}}]")


def figure(found, form=".2f"):
    return interval(found["value"], found["low"], found["high"], form) if found else ""


def both(row, told):
    """What is told of each side, ours first."""
    return " / ".join(told(row[side]) if side in row else "–" for side in SIDES)


def line(row):
    """A cell."""
    asked = next(row[side] for side in SIDES if side in row)["correct_overall"]["n"]
    cells = (
        f"{row['domain']}, {row['condition']}",
        *(figure(row[side]["correct_overall"]) if side in row else "" for side in SIDES),
        figure(row.get("ours - MLflow"), "+.2f"),
        both(row, lambda side: f"{side['rules']}"),
        both(row, lambda side: f"{side['unscored']}"),
        both(row, lambda side: f"{side['prompt_tokens'] / asked:,.0f}"),
        both(row, lambda side: f"{side['seconds'] / asked:.0f}"),
        both(row, lambda side: f"{side['teaching']['calls']}"),
        both(row, lambda side: f"{side['teaching']['seconds']:,.0f}"),
    )
    return "| " + " | ".join(cells) + " |"


def table(rows):
    """The lines of the table."""
    return [HEAD, "|---|" + "--:|" * (HEAD.count("|") - 2), *map(line, rows)]


if __name__ == "__main__":
    file = Path(sys.argv[1]) if sys.argv[1:] else RESULTS
    print("\n".join(table(json.loads(file.read_text("utf-8"))["rows"])))
