"""What was found as tables of text, for a terminal and for Markdown; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_memalign.evaluation.cost import Spent
from langchain_memalign.evaluation.evaluate import Evaluation
from langchain_memalign.evaluation.experiments import Experiment
from langchain_memalign.evaluation.figures import Agreement
from langchain_memalign.evaluation.leave_one_out import Influence
from langchain_memalign.evaluation.resampling import Estimate
from langchain_memalign.schema import Value

_SHOWN = 60
"""Characters of a text that a table shows."""


_MADE_ID = re.compile("[0-9a-f]{32,}")
"""An id that no person gave; eight digits of it tell it from others."""

_KEPT = ("correct_overall", "abstention_rate")
"""The metrics that are shown where there is little room."""

_CHANGE = "correct_overall"
"""The change that is shown: a judge that knows nothing may abstain, and has no other metric."""


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        wide: The columns that are as wide as their text and may be cut.
        spare: The columns that a terminal leaves out, where they would not fit.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    wide: tuple[str, ...] = ()
    spare: tuple[str, ...] = ()


def experiment_tables(experiment: Experiment) -> list[Table]:
    """What an experiment found, a line a group; and what it cost."""
    names = list(experiment.figures[0].estimates) if experiment.figures else []
    lines = []
    for found in experiment.figures:
        group = found.group
        change = found.changes.get(_CHANGE)
        lines.append(
            (
                group.judge,
                group.split,
                str(group.taught),
                group.teaching,
                group.shown,
                str(found.cases),
                str(found.repeats),
                *(str(found.estimates[name]) for name in names),
                "" if change is None else signed(change),
            )
        )
    columns = ("judge", "cases", "taught", "teaching", "shown", "different", "repeats")
    alike = [name for at, name in enumerate(columns) if len({line[at] for line in lines}) == 1]
    return [
        Table(
            experiment.kind.replace("_", " ").capitalize(),
            (*columns, *map(in_words, names), f"change of {in_words(_CHANGE)}"),
            tuple(lines),
            spare=(*alike, *(in_words(name) for name in names if name not in _KEPT)),
        ),
        cost_table(experiment.spent),
    ]


def evaluation_tables(evaluation: Evaluation) -> list[Table]:
    """What an evaluation found; without the disagreements."""
    names = list(evaluation.last.estimates)
    states = tuple(agreement.state for agreement in evaluation.agreements)
    change = () if len(states) < 2 else (f"change since {states[-2]}",)
    tables = [
        Table(
            f"Agreement with the experts on {len(evaluation.questions)} cases",
            ("", *states, *change),
            tuple(
                (
                    in_words(name),
                    *(str(agreement.estimates[name]) for agreement in evaluation.agreements),
                    *(signed(evaluation.last.changes[name]) for _ in change),
                )
                for name in names
            ),
        )
    ]
    if evaluation.last.confusion is not None:
        tables.append(_confusion_table(evaluation.last))
    if evaluation.influences:
        tables.append(_influence_table(evaluation.influences))
    judge = evaluation.last.rows[0].setting.judge
    return [*tables, cost_table({judge: evaluation.spent})]


def disagreement_table(evaluation: Evaluation) -> Table:
    """Judgements that differ from the expert's, abstentions too, and what they rest on."""
    rows = evaluation.disagreements
    cases = {question.id: question.case for question in evaluation.questions}
    unscored = sum(row.value is None for row in rows)
    differing = len(rows) - unscored
    title = f"{differing} disagreement{'' if differing == 1 else 's'}"
    return Table(
        f"{title}, {unscored} unscored" if unscored else title,
        ("case", "subject", "expert", "judge", "why", "relied on"),
        tuple(
            (
                _MADE_ID.sub(lambda made: made[0][:8], row.id).strip(":"),
                excerpt(cases[row.id].inputs or cases[row.id].outputs),
                worth(row.expert),
                "unscored" if row.value is None else worth(row.value),
                excerpt(row.reason, 160),
                ", ".join(id_[:8] for id_ in row.relied_on),
            )
            for row in rows
        ),
        wide=("subject", "why"),
    )


def cost_table(spent: Mapping[str, Spent]) -> Table:
    """Calls, tokens and money, a line a judge."""
    return Table(
        "Cost",
        ("judge", "model calls", "texts embedded", "input tokens", "output tokens", "dollars"),
        tuple(
            (
                judge,
                f"{cost.model_calls:,}",
                f"{cost.embedded:,}",
                "-" if cost.uncounted else f"{cost.input_tokens:,}",
                "-" if cost.uncounted else f"{cost.output_tokens:,}",
                "-" if cost.dollars is None else f"{cost.dollars:.4f}",
            )
            for judge, cost in spent.items()
        ),
    )


def in_words(metric: str) -> str:
    """A metric's name as people read it."""
    words = {"ccc": "CCC", "mae": "mean absolute error", "cohen_kappa": "Cohen's kappa"}
    return words.get(metric, metric.replace("_", " "))


def signed(change: Estimate) -> str:
    """A change with its sign and its interval."""
    if change.value is None:
        return "-"
    if change.low is None or change.high is None:
        return f"{change.value:+.2f}"
    return f"{change.value:+.2f} [{change.low:+.2f}, {change.high:+.2f}]"


def worth(value: Value) -> str:
    """A value as people read it."""
    return value if isinstance(value, str) else json.dumps(value)


def excerpt(content: Any, length: int = _SHOWN) -> str:
    """The beginning of a text, or of a field of a case, in one line."""
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _confusion_table(agreement: Agreement) -> Table:
    confusion = agreement.confusion
    assert confusion is not None
    return Table(
        "Expert (rows) and judge (columns)",
        ("expert", *(worth(value) for value in confusion.values), "unscored"),
        tuple(
            (worth(value), *map(str, counts), str(abstained))
            for value, counts, abstained in zip(
                confusion.values, confusion.counts, confusion.abstained, strict=True
            )
        ),
    )


def _influence_table(influences: Sequence[Influence]) -> Table:
    return Table(
        "What was learned, from what helps most to what hurts most",
        ("", "id", "says", "shown for", "closeness with it"),
        tuple(
            (one.kind, one.id[:8], excerpt(one.text, 100), str(one.cases), signed(one.change))
            for one in influences
        ),
        wide=("says",),
    )
