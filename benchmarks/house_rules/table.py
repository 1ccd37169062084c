"""The tables of agreement with experts whose policy is known, from the results that are kept.

python benchmarks/house_rules/table.py  writes them into the pages that show them; --check only
compares
"""

import json
import re
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import report
from shown import bring_up_to_date

MEASURED = "house_rules-qwen-1.5b-*.json"
"""A file for each domain: a run may ask fewer cases of one."""
SIDES = ("ours", "MLflow")
AGREEMENT = "| domain, remarks taught | ours | MLflow | difference |"
"""What the README shows of it, and how the documentation's table begins."""
COST = " unscored | rules learned | calls to teach | tokens | tokens a case |"
SHOWN = re.compile(rf"^{re.escape(AGREEMENT)}.*\n.*\n(?:^\|.*\n)*", re.MULTILINE)
"""A table in a page."""


def figure(found, form=".2f"):
    """A figure with its interval, where it has one."""
    if found is None or found["value"] is None:
        return ""
    value = f"{found['value']:{form}}"
    if found["low"] is None:
        return value
    return f"{value} [{found['low']:{form}}, {found['high']:{form}}]"


def agreement(row):
    """A cell's agreement, of each side and beside each other."""
    return [
        f"{row['domain']}, {row['condition'].split(' ')[0]}",
        *(figure(row[side]["correct_overall"]) if side in row else "" for side in SIDES),
        figure(row.get("ours - MLflow"), "+.2f"),
    ]


def cost(row):
    """What a cell cost each side, and what it learned: ours / MLflow."""

    def both(told):
        return " / ".join(f"{told(row[side]):,.0f}" if side in row else "–" for side in SIDES)

    asked = next(row[side] for side in SIDES if side in row)["correct_overall"]["n"]
    return [
        both(lambda side: side["unscored"]),
        both(lambda side: side["rules"]),
        both(lambda side: side["teaching"]["calls"]),
        both(lambda side: tokens(side["teaching"])),
        both(lambda side: tokens(side) / asked),
    ]


def tokens(cost):
    """Those of prompts and replies."""
    return cost["prompt_tokens"] + cost["reply_tokens"]


def table(rows, *, with_cost):
    """The lines of the table."""
    head = AGREEMENT + (COST if with_cost else "")
    lines = [agreement(row) + (cost(row) if with_cost else []) for row in rows]
    rule = "|---|" + "--:|" * (head.count("|") - 2)
    return [head, rule, *("| " + " | ".join(cells) + " |" for cells in lines)]


def in_page(text, rows):
    """The page with its table brought up to date."""
    (found,) = SHOWN.finditer(text)
    made = table(rows, with_cost=found[0].startswith(AGREEMENT + COST))
    return text[: found.start()] + "\n".join(made) + "\n" + text[found.end() :]


def main():
    files = sorted(report.RESULTS.glob(MEASURED), reverse=True)
    rows = [row for file in files for row in json.loads(file.read_text("utf-8"))["rows"]]
    bring_up_to_date(partial(in_page, rows=rows), description=__doc__)


if __name__ == "__main__":
    main()
