"""Judging a case: recall what is known of it, ask the model, read its verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Literal

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config, merge_configs

from langchain_memalign._alignment.context import NO_COST, Cost
from langchain_memalign._async import recall as recalling
from langchain_memalign._async.asking import said_of
from langchain_memalign._calibration.reading import calibrated, is_unseen, record_of
from langchain_memalign._calibration.unseen import without
from langchain_memalign._concurrency import acompute, off_loop
from langchain_memalign._content import extent
from langchain_memalign._judging.escalation import escalated, is_sure, label, unreached
from langchain_memalign._judging.reading import storable
from langchain_memalign._judging.results import run_metadata
from langchain_memalign._judging.setup import JudgeSetup, known_track
from langchain_memalign._memory.search import Recollection
from langchain_memalign._prompts.judging import JudgePrompt
from langchain_memalign.errors import MemAlignError, ModelError
from langchain_memalign.schema import Case, Episode, Latency, Unscored, Verdict, WorkingMemory

Hide = Callable[[JudgeSetup, WorkingMemory], WorkingMemory]
"""Takes out of what a judge, the first or one asked after it, recalled what it must not see."""


async def judge(
    setup: JudgeSetup,
    case: Case,
    *,
    exclude: AbstractSet[str] = frozenset(),
    hide: Hide | None = None,
    config: RunnableConfig | None = None,
) -> tuple[Verdict | Unscored, Cost]:
    """Recall what there is about a case and judge it.

    Args:
        setup: The judge.
        case: What is judged.
        exclude: Ids of episodes that must not be recalled, whoever is asked.
        hide: Takes out of what was recalled what must not be shown, whoever is asked.
        config: Callbacks, tags and the like for the model's run.

    Raises:
        ModelError: The provider refuses access; or the case could not be embedded, unless the judge
            goes by principles alone then.
    """
    started = time.perf_counter()
    memory = await recall(setup, case, exclude=exclude)
    if hide is not None:
        memory = hide(setup, memory)
    took = _since(started)
    return await decide(
        setup, memory, case, exclude=exclude, hide=hide, recall_ms=took, config=config
    )


async def judge_unseen(
    setup: JudgeSetup,
    case: Case,
    words: Sequence[Episode],
    *,
    config: RunnableConfig | None = None,
) -> tuple[Verdict | Unscored, Cost]:
    """Judge a case as if experts had not said these words of it.

    Raises:
        ModelError: As `judge`.
    """
    ids = frozenset(episode.id for episode in words)
    return await judge(setup, case, exclude=ids, hide=hiding(setup, words), config=config)


def hiding(setup: JudgeSetup, words: Sequence[Episode]) -> Hide:
    """Hide from a judge, and from those asked after it over its memory, what experts said."""

    def hide(asked: JudgeSetup, memory: WorkingMemory) -> WorkingMemory:
        return without(words, memory) if setup.remembers_as(asked) else memory

    return hide


async def recall(
    setup: JudgeSetup, case: Case, *, exclude: AbstractSet[str] = frozenset()
) -> WorkingMemory:
    """The principles and episodes that the judge would have before it."""
    return await recalling.recall(
        setup.records,
        setup.spec.name,
        case,
        k=setup.shown.k,
        principle_tokens=setup.shown.principle_tokens,
        exclude=exclude,
        on_failure=setup.on_recall_failure,
    )


async def recollect(setup: JudgeSetup, case: Case) -> Recollection:
    """The episodes near to a case and, over budget, which principles are near. Embeds once."""
    known = await off_loop(setup.records.knowledge, setup.spec.name)
    return await recalling.recollect(
        setup.records,
        setup.spec.name,
        case,
        known=known,
        k=setup.shown.k,
        principle_tokens=setup.shown.principle_tokens,
        on_failure=setup.on_recall_failure,
    )


async def decide(
    setup: JudgeSetup,
    memory: WorkingMemory,
    case: Case,
    *,
    exclude: AbstractSet[str] = frozenset(),
    hide: Hide | None = None,
    recall_ms: float = 0.0,
    config: RunnableConfig | None = None,
) -> tuple[Verdict | Unscored, Cost]:
    """Judge a case by working memory; where that is not sure, ask the second judge, if any.

    A second judge that cannot be asked, whatever the reason, takes nothing from the first one's
    verdict, which says so. What the first was not shown, `exclude` and `hide` keep from it too.

    Raises:
        ModelError: As `judge`; of the second judge only where the first has no verdict and the
            provider refuses access.
    """
    first, cost = await decide_alone(setup, memory, case, recall_ms=recall_ms, config=config)
    if setup.second is None:
        return first, cost
    if isinstance(first, Verdict):
        first = first.model_copy(update={"decided_by": label(setup)})
        if await off_loop(is_sure, setup, setup.second.sure, first):
            return first, cost
    second: Verdict | Unscored
    try:
        second, more = await judge(
            setup.second.setup, case, exclude=exclude, hide=hide, config=config
        )
    except MemAlignError as error:
        is_refused = isinstance(error, ModelError) and error.is_refused_access
        if is_refused and isinstance(first, Unscored):
            raise
        second, more = unreached(error), NO_COST
    return escalated(setup, first, second), cost + more


async def decide_alone(
    setup: JudgeSetup,
    memory: WorkingMemory,
    case: Case,
    *,
    recall_ms: float = 0.0,
    config: RunnableConfig | None = None,
) -> tuple[Verdict | Unscored, Cost]:
    """Put working memory and the case before the model and read its verdict.

    Raises:
        ModelError: The provider refuses access. Any other failure ends `Unscored`.
    """
    recalled = (e.case for r in memory.episodes for e in (r.episode, *r.also))
    size = extent(*(content for c in (case, *recalled) for content in dict(c).values()))
    prompt, fingerprint = await acompute(size, _prompted, setup, memory, case)
    evidence: dict[str, Any] = {
        "principle_ids": tuple(p.id for p in memory.principles),
        "episode_ids": tuple(e.id for r in memory.episodes for e in (r.episode, *r.also)),
        "recall_problem": memory.recall_problem,
        "principles_total": memory.principles_total,
        "memory_fingerprint": fingerprint,
    }
    config = merge_configs(
        ensure_config(config), {"metadata": run_metadata(setup.spec.name, evidence)}
    )
    started = time.perf_counter()
    try:
        answer = await said_of(setup, prompt, memory, config=config)
    except ModelError as error:
        if error.is_refused_access:
            raise
        latency = Latency(recall_ms=recall_ms, model_ms=_since(started))
        failure: Literal["outage", "error"] = "outage" if error.transient else "error"
        unscored = Unscored(reason=str(error), failure=failure, latency=latency, **evidence)
        return unscored, Cost(model_calls=error.attempts)
    evidence["latency"] = Latency(recall_ms=recall_ms, model_ms=_since(started))
    evidence["usage"] = answer.usage
    cost = Cost(model_calls=answer.calls, usage=answer.usage)
    said = answer.value
    value, told = (said.value, said.probabilities) if said else (None, None)
    record = record_of(setup.said_by, memory, value, told)
    if is_unseen(memory, case):
        evidence["records"] = (record,)
    if said is None:
        problem = answer.problem or "the reply was empty."
        return Unscored(reason=problem, raw=storable(answer.raw), **evidence), cost
    verdict = Verdict(
        value=said.value,
        rationale=said.rationale,
        relied_on=said.relied_on,
        cut_tokens=prompt.cut_tokens,
        probabilities=said.probabilities,
        raw_value=said.raw_value,
        **evidence,
    )
    return calibrated(await off_loop(known_track, setup), verdict, record), cost


def _prompted(setup: JudgeSetup, memory: WorkingMemory, case: Case) -> tuple[JudgePrompt, str]:
    return setup.prompt(memory, case), memory.fingerprint


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
