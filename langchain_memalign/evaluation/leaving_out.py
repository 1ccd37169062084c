"""What each principle and each episode does: the same cases judged with it and without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from langchain_memalign.evaluation.cells import Cell, Lesson, Question, Row, Setting
from langchain_memalign.evaluation.metrics import closeness
from langchain_memalign.evaluation.resampling import Estimate, Resampling
from langchain_memalign.evaluation.results import Results
from langchain_memalign.evaluation.running import judged
from langchain_memalign.flow import Flow, off_loop, parallel
from langchain_memalign.judge import JudgeFlows
from langchain_memalign.schema import Record


class Influence(Record):
    """How much nearer to the experts a judge is with one thing that it learned.

    Attributes:
        kind: What it is. An episode stands for itself and for the principles that came from it.
        text: What it says; of an episode, what the expert said.
        cases: How many of the cases it was shown for.
        change: Closeness to the experts on these cases with it, less that without it: above 0 it
            helps, below 0 it hurts.
        rows: The judgements without it.
    """

    kind: Literal["principle", "episode"]
    id: str
    text: str
    cases: int
    change: Estimate
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Kept:
    """Where judgements are kept, and what they were made with."""

    results: Results
    made_with: Sequence[Any]

    def cell(self, id_: str, asked: Sequence[Question]) -> tuple[str, Lesson]:
        """The key of the judgements without a thing; and that nothing was taught for them."""
        cell = Cell(setting=Setting(), ask=tuple(asked))
        return cell.key([*self.made_with, "without", id_]), Lesson(id="", setting=Setting())


def shown(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The judgements for which each principle and episode was shown."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        for id_ in (*row.principle_ids, *row.episode_ids):
            found.setdefault(id_, []).append(row)
    return found


def leave_one_out(
    flows: JudgeFlows,
    questions: Mapping[str, Question],
    rows: Sequence[Row],
    *,
    own: Mapping[str, frozenset[str]],
    kept: Kept,
    concurrency: int,
    told: Callable[[int], None],
    resampling: Resampling | None = None,
) -> Flow[list[Influence]]:
    """Judge cases again without each thing that they were shown, one at a time.

    Args:
        flows: The judge.
        questions: The questions by id.
        rows: Its judgements with all that it knows.
        own: By case, the ids of its own episodes, which stay hidden throughout.
        kept: Where judgements are kept; those that are there already are not made again.
        concurrency: Most judgements at the same time.
        told: Told of each judgement that is done.
        resampling: How intervals are drawn.

    Returns:
        What helps most first, what hurts most last. What the judge no longer knows is left out: it
        was taught again since, and its model found other principles.
    """
    words = yield from _words(flows)
    measure = closeness(flows.spec.value_type)
    found = []
    for id_, with_it in shown(rows).items():

        def ask(question: Question, left_out: str = id_) -> Flow[Row]:
            hidden = own.get(question.case.key, frozenset()) | {left_out}
            row = yield from judged(flows, question, Setting(), without=hidden)
            told(1)
            return row

        asked = [questions[row.id] for row in with_it]
        key, lesson = kept.cell(id_, asked)
        if id_ not in words or kept.results.has(key, len(asked)):
            told(len(asked))
        if id_ not in words:
            continue
        if not kept.results.has(key, len(asked)):
            rows_without = yield from parallel([ask(q) for q in asked], limit=concurrency)
            yield from off_loop(partial(kept.results.add, key, lesson, rows_without))
        without = kept.results.rows_of(key)
        kind, text = words[id_]
        change = measure.change(
            [question.expert for question in asked],
            [row.value for row in without],
            [row.value for row in with_it],
            groups=[question.case.key for question in asked],
            resampling=resampling,
        )
        found.append(
            Influence(
                kind=kind, id=id_, text=text, cases=len(asked), change=change, rows=tuple(without)
            )
        )
    return sorted(found, key=lambda influence: -(influence.change.value or 0.0) * influence.cases)


def _words(flows: JudgeFlows) -> Flow[dict[str, tuple[Literal["principle", "episode"], str]]]:
    principles = yield from flows.memory.principles(flows.spec.name)
    episodes = yield from flows.memory.episodes(flows.spec.name)
    words: dict[str, tuple[Literal["principle", "episode"], str]] = {}
    for principle in principles:
        words[principle.id] = ("principle", principle.text)
    for episode in episodes:
        said = [str(said) for said in (episode.value, episode.rationale) if said is not None]
        words[episode.id] = ("episode", ": ".join(said))
    return words
