"""Asking a judge the same cases in several ways, to find out how healthy it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial, reduce
from operator import add

from langchain_core.runnables import RunnableConfig

from langchain_memalign._alignment.context import NO_COST, Cost
from langchain_memalign._async import judging
from langchain_memalign._calibration.levels import Levels
from langchain_memalign._concurrency import aparallel, off_loop
from langchain_memalign._health.comparing import worse_than
from langchain_memalign._health.figures import Answers, figures_of
from langchain_memalign._health.questions import (
    Question,
    is_pair,
    most_calls,
    questions_in,
    shuffled,
    swapped,
    swapped_back,
    without_principle,
)
from langchain_memalign._judging.setup import JudgeSetup
from langchain_memalign.errors import ModelError
from langchain_memalign.schema import (
    Case,
    HealthReport,
    Principle,
    Unscored,
    Value,
    Verdict,
    WorkingMemory,
    now,
)

Progress = Callable[[int, int], None]
"""Is told how many of how many cases have been asked about."""


async def check_health(
    setup: JudgeSetup,
    data: Sequence[Case],
    *,
    ask: bool,
    sample: int | None,
    principles: bool,
    seed: int,
    baseline: HealthReport | None,
    max_concurrency: int,
    progress: Progress | None,
    config: RunnableConfig | None,
) -> HealthReport:
    """Ask a judge about cases with an expert's value, and tell what comes of it. Only reads.

    Args:
        setup: The judge.
        data: Cases of which the pass rate is wanted.
        ask: Whether to ask; else it is only told how many calls it takes.
        sample: Most cases to ask about; None for all.
        principles: Whether to ask again without each principle.
        seed: Draws another sample, and other orders.
        baseline: An earlier report to compare with.
        max_concurrency: Most model calls at the same time.
        progress: Is told how far it is, first before the first call.
        config: Callbacks, tags and the like.

    Raises:
        ModelError: The provider refuses access.
    """
    started = time.perf_counter()
    questions = await off_loop(questions_in, setup, sample=sample, seed=seed)
    rules = await off_loop(setup.records.active_principles, setup.spec.name) if principles else ()
    pairs = any(is_pair(setup.spec.value_type, q.case) for q in questions)
    report = HealthReport(
        judge=setup.spec.name,
        said_by=setup.said_by,
        created_at=now(),
        cases=len(questions),
        to_ask=most_calls(setup, questions, pairs=pairs, principles=len(rules), data=len(data)),
    )
    if not ask:
        return report
    total = len(questions) + len(data)
    done: list[int] = []  # appending is safe among threads, counting up is not
    _tell(progress, 0, total)
    cases = [*(question.case for question in questions), *data]
    ahead = setup.over(await off_loop(setup.records.embedding_ahead, cases))

    async def answer(question: Question) -> tuple[Answers, Cost]:
        found = await _answers(ahead, question, rules, seed=seed, config=config)
        done.append(1)
        _tell(progress, len(done), total)
        return found

    async def judge(case: Case) -> tuple[Value | None, Cost]:
        try:
            outcome, cost = await judging.judge(ahead, case, config=config)
        except ModelError as error:
            if error.is_refused_access:
                raise
            outcome, cost = Unscored(reason=str(error)), NO_COST
        done.append(1)
        _tell(progress, len(done), total)
        return outcome.value, cost

    told = await aparallel([partial(answer, q) for q in questions], limit=max_concurrency)
    judged = await aparallel([partial(judge, case) for case in data], limit=max_concurrency)
    spent = [*(cost for _, cost in told), *(cost for _, cost in judged)]
    cost = reduce(add, spent, NO_COST)
    figures = figures_of(
        Levels(setup.spec.value_type),
        [answers for answers, _ in told],
        said_by=setup.said_by,
        beside={asked.said_by for asked in setup.in_turn[1:]},
        principles=rules,
        judged=[value for value, _ in judged],
    )
    report = report.model_copy(
        update={
            **figures,
            "model_calls": cost.model_calls,
            "usage": cost.usage,
            "seconds": time.perf_counter() - started,
        }
    )
    return report.model_copy(update={"worse": worse_than(report, baseline)})


async def _answers(
    setup: JudgeSetup,
    question: Question,
    rules: Sequence[Principle],
    *,
    seed: int,
    config: RunnableConfig | None,
) -> tuple[Answers, Cost]:
    """Ask about one case in each way, one after the other."""
    case = question.case
    ids = frozenset(episode.id for episode in question.words)
    unseen = judging.hiding(setup, question.words)
    try:
        memory = unseen(setup, await judging.recall(setup, case, exclude=ids))
    except ModelError as error:  # a case that cannot be embedded must not stop the others
        if error.is_refused_access:
            raise
        return Answers(question=question, plain=None, raw=None, again=None), NO_COST
    costs: list[Cost] = []

    async def ask(
        shown: WorkingMemory, asked: Case, *, hide: judging.Hide = unseen
    ) -> Verdict | Unscored:
        outcome, cost = await judging.decide(
            setup, shown, asked, exclude=ids, hide=hide, config=config
        )
        costs.append(cost)
        return outcome

    plain = await ask(memory, case)
    again = await ask(memory, case)
    reordered = shuffled(memory, f"{seed} {case.key}")
    otherwise = () if reordered is None else ((await ask(reordered, case)).value,)
    turned: tuple[Value | None, ...] = ()
    if is_pair(setup.spec.value_type, case):
        said = (await ask(memory, swapped(case))).value
        turned = (None if said is None else swapped_back(case, said),)
    left_out: dict[str, Value | None] = {}
    shown = {principle.id for principle in memory.principles}
    for rule in rules:
        if rule.id in shown:
            hide = partial(_without_rule, unseen, rule.id)
            said_without = await ask(without_principle(memory, rule.id), case, hide=hide)
            left_out[rule.id] = said_without.value
    # Before any calibration, and before a second judge was asked.
    own = next((record for record in plain.records if record.said_by == setup.said_by), None)
    answers = Answers(
        question=question,
        plain=plain.value,
        raw=None if own is None else own.value,
        again=again.value,
        shuffled=otherwise,
        swapped=turned,
        without=left_out,
    )
    return answers, reduce(add, costs, NO_COST)


def _without_rule(
    unseen: judging.Hide, id_: str, asked: JudgeSetup, memory: WorkingMemory
) -> WorkingMemory:
    return without_principle(unseen(asked, memory), id_)


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)
