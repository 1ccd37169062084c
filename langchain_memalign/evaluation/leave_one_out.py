"""What each principle and each episode does: the same cases judged with it and without it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal, TypeAlias

from langchain_memalign._concurrency import parallel
from langchain_memalign._judging.setup import JudgeSetup
from langchain_memalign.evaluation.metrics import closeness
from langchain_memalign.evaluation.resampling import Estimate, Resampling
from langchain_memalign.evaluation.runner import CopiedJudge, judged, own_ids
from langchain_memalign.evaluation.trials import Condition, EvalCase, Judgement, Training, Trial
from langchain_memalign.schema import Feedback, Record

Kind: TypeAlias = Literal["principle", "episode"]


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

    kind: Kind
    id: str
    text: str
    cases: int
    change: Estimate
    rows: tuple[Judgement, ...] = ()


def leave_one_out(
    copied: CopiedJudge,
    questions: Sequence[EvalCase],
    rows: Sequence[Judgement],
    *,
    teach: Sequence[Feedback] = (),
    resampling: Resampling | None = None,
) -> list[Influence]:
    """Judge cases again without each thing that they were shown, one at a time.

    Args:
        copied: The judge; what is judged already is not judged again.
        questions: The cases.
        rows: Its judgements of them with all that it knows.
        teach: What it was taught more for these.
        resampling: How intervals are drawn.

    Returns:
        What helps most first, what hurts most last. What the judge no longer knows is left out: it
        was taught again since, and its model found other principles.
    """
    uses = _uses(rows)
    copied.counter.total += sum(map(len, uses.values()))
    setup, training = copied.taught(teach)
    own, words = own_ids(setup), _words(setup)
    by_id = {question.id: question for question in questions}
    measure = closeness(setup.spec.value_type)

    def ask(left_out: str, question: EvalCase) -> Judgement:
        hidden = own.get(question.case.key, frozenset()) | {left_out}
        row = judged(setup, question, Condition(), without=hidden)
        copied.counter.add(1)
        return row

    found = []
    for id_, with_it in uses.items():
        asked = [by_id[row.id] for row in with_it]
        trial = Trial(setting=Condition(), ask=tuple(asked))
        key = trial.key([*copied.described, training.id, "without", id_])
        is_judged = copied.results.has(key, len(asked))
        if is_judged or id_ not in words:
            copied.counter.add(len(asked))
        if id_ not in words:
            continue
        if not is_judged:
            works = [partial(ask, id_, question) for question in asked]
            judgements = parallel(works, limit=copied.concurrency)
            copied.results.add(key, Training(id="", setting=Condition()), judgements)
        without = copied.results.rows_of(key)
        kind, text = words[id_]
        change = measure.change(
            [question.expert for question in asked],
            [row.value for row in without],
            [row.value for row in with_it],
            groups=[question.case.key for question in asked],
            resampling=resampling,
        )
        found.append(
            Influence(kind=kind, id=id_, text=text, cases=len(asked), change=change, rows=without)
        )
    return sorted(found, key=lambda influence: -(influence.change.value or 0.0) * influence.cases)


def _uses(rows: Sequence[Judgement]) -> dict[str, list[Judgement]]:
    """The judgements for which each principle and episode was shown."""
    found: dict[str, list[Judgement]] = {}
    for row in rows:
        for id_ in (*row.principle_ids, *row.episode_ids):
            found.setdefault(id_, []).append(row)
    return found


def _words(setup: JudgeSetup) -> dict[str, tuple[Kind, str]]:
    words: dict[str, tuple[Kind, str]] = {}
    for principle in setup.records.principles(setup.spec.name):
        words[principle.id] = ("principle", principle.text)
    for episode in setup.records.episodes(setup.spec.name):
        said = [str(said) for said in (episode.value, episode.rationale) if said is not None]
        words[episode.id] = ("episode", ": ".join(said))
    return words
