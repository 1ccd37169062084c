"""What each principle and each episode does: the same cases judged with it and without it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal, TypeAlias

from langchain_memalign.evaluation.metrics import closeness
from langchain_memalign.evaluation.resampling import Estimate, Resampling
from langchain_memalign.evaluation.runner import CopiedJudge, judged, own_ids
from langchain_memalign.evaluation.trials import Condition, EvalCase, Judgement, Training, Trial
from langchain_memalign.flow import Flow, off_loop, parallel
from langchain_memalign.judge import JudgeFlows
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
) -> Flow[list[Influence]]:
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
    flows, _ = yield from copied.taught(teach)
    own, words = (yield from own_ids(flows)), (yield from _words(flows))
    by_id = {question.id: question for question in questions}
    training = Training(id="", setting=Condition())
    taught = Trial(setting=Condition(), teach=tuple(teach)).training_id
    measure = closeness(flows.spec.value_type)
    found = []
    for id_, with_it in uses.items():

        def ask(question: EvalCase, left_out: str = id_) -> Flow[Judgement]:
            hidden = own.get(question.case.key, frozenset()) | {left_out}
            row = yield from judged(flows, question, Condition(), without=hidden)
            copied.counter.add(1)
            return row

        asked = [by_id[row.id] for row in with_it]
        trial = Trial(setting=Condition(), ask=tuple(asked))
        key = trial.key([*copied.described, taught, "without", id_])
        is_judged = copied.results.has(key, len(asked))
        if is_judged or id_ not in words:
            copied.counter.add(len(asked))
        if id_ not in words:
            continue
        if not is_judged:
            judgements = yield from parallel([ask(q) for q in asked], limit=copied.concurrency)
            yield from off_loop(partial(copied.results.add, key, training, judgements))
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


def _words(flows: JudgeFlows) -> Flow[dict[str, tuple[Kind, str]]]:
    principles = yield from flows.memory.principles(flows.spec.name)
    episodes = yield from flows.memory.episodes(flows.spec.name)
    words: dict[str, tuple[Kind, str]] = {}
    for principle in principles:
        words[principle.id] = ("principle", principle.text)
    for episode in episodes:
        said = [str(said) for said in (episode.value, episode.rationale) if said is not None]
        words[episode.id] = ("episode", ": ".join(said))
    return words
