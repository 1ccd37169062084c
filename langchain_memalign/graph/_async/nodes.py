"""The nodes that judge a case, learn a human's word, and learn a batch of feedback."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

from langchain_core.runnables import RunnableConfig
from langgraph.config import get_stream_writer

from langchain_memalign._alignment.batching import pending_work
from langchain_memalign._alignment.commit import Learned
from langchain_memalign._alignment.context import NO_COST, PROGRESS_EVENT, AlignmentContext
from langchain_memalign._alignment.ingest import Ingested
from langchain_memalign._alignment.remarks import may_state_a_rule
from langchain_memalign._alignment.report import alignment_report, conflicts_among, decline_of
from langchain_memalign._async import judging
from langchain_memalign._async.align import align, dispatch_progress, ingest, learn_pending
from langchain_memalign._async.distil import reconcile_batches
from langchain_memalign._concurrency import Lock, off_loop
from langchain_memalign._memory.search import Recollection
from langchain_memalign.errors import ConfigurationError
from langchain_memalign.graph.conclusion import conclusion, said
from langchain_memalign.graph.node import Update
from langchain_memalign.graph.policy import needs_review
from langchain_memalign.graph.question import ReviewQuestion
from langchain_memalign.graph.source import JudgeSource
from langchain_memalign.graph.state import (
    AlignmentState,
    BatchState,
    JudgeState,
    ReviewState,
    case_of,
    concluded,
)
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.schema import Feedback, Unscored, Verdict, WorkingMemory


class JudgeNodes:
    """The nodes of the judge graph, for one source of judges."""

    def __init__(self, source: JudgeSource) -> None:
        self._source = source

    async def retrieve_episodes(self, state: JudgeState, config: RunnableConfig) -> Update:
        """Embed the case once; find near episodes and, over budget, near principles."""
        identity = self._source.identity()
        judge = await off_loop(self._source.judge, identity)
        started = time.perf_counter()
        found = await judging.recollect(judge.setup, case_of(state))
        return {
            "judge": identity,
            "working_memory": {
                "episodes": [recalled.model_dump(mode="json") for recalled in found.episodes],
                "value_counts": dict(found.value_counts),
                "recall_problem": found.problem,
            },
            "retrieval": {
                "nearest_principles": (
                    None if found.nearest_principles is None else list(found.nearest_principles)
                ),
                "recall_ms": (time.perf_counter() - started) * 1000,
            },
            # What an earlier run on this thread concluded is not of this case.
            "verdict": None,
        }

    async def load_principles(self, state: JudgeState, config: RunnableConfig) -> Update:
        """Load all active principles; embeds nothing."""
        identity = self._source.identity()
        judge = await off_loop(self._source.judge, identity)
        principles = await off_loop(judge.setup.records.active_principles, judge.spec.name)
        return {
            "working_memory": {
                "principles": [p.model_dump(mode="json") for p in principles],
                "principles_total": len(principles),
            },
            "retrieval": {"principles_of": identity},
        }

    async def judge(self, state: JudgeState, config: RunnableConfig) -> Update:
        """Select what fits the budget, and judge."""
        _, outcome, memory = await self._decided(state, config)
        return concluded(outcome, memory)

    async def _decided(
        self, state: JudgeState, config: RunnableConfig
    ) -> tuple[MemAlignJudge, Verdict | Unscored, WorkingMemory]:
        identity, retrieval = state["judge"], state["retrieval"]
        if retrieval.get("principles_of") != identity:
            # One of the two retrieving nodes failed, and was resumed without the run's context.
            raise ConfigurationError(
                "found the past cases of one judge and the principles of another; expected those "
                "of one. Send the case anew, and repeat the context whenever you resume a run that "
                "failed."
            )
        judge = await off_loop(self._source.judge, identity)
        found, nearest = WorkingMemory.of(state["working_memory"]), retrieval["nearest_principles"]
        recollection = Recollection(
            episodes=found.episodes,
            nearest_principles=None if nearest is None else tuple(nearest),
            value_counts=found.value_counts,
            problem=found.recall_problem,
        )
        memory = judge.setup.assemble(recollection, found.principles)
        outcome, _ = await judging.decide(
            judge.setup, memory, case_of(state), recall_ms=retrieval["recall_ms"], config=config
        )
        return judge, outcome, memory


class ReviewNodes(JudgeNodes):
    """The nodes of the review graph that work with a judge, for one source of judges."""

    async def retrieve_episodes(self, state: JudgeState, config: RunnableConfig) -> Update:
        """Find near episodes, and note what the human will be asked for."""
        update = await super().retrieve_episodes(state, config)
        judge = await off_loop(self._source.judge, update["judge"])
        return {
            **update,
            "definition": judge.spec.model_dump(mode="json"),
            "needs_review": None,
            "feedback": None,
            "alignment": None,
        }

    async def judge(self, state: JudgeState, config: RunnableConfig) -> Update:
        """Judge, and tell whether a human is asked."""
        judge, outcome, memory = await self._decided(state, config)
        case = case_of(state)
        asked = await off_loop(
            needs_review,
            self._source.review(state["judge"]),
            case,
            outcome,
            memory,
            setup=judge.setup,
        )
        question = ReviewQuestion(spec=judge.spec, case=case, outcome=outcome, memory=memory)
        # The last message of all: Agent Chat UI shows what a thread waits for below it only.
        message = said(question.message(is_asked=asked))
        return {**concluded(outcome, memory), "needs_review": asked, "messages": [message]}

    async def align(self, state: ReviewState, config: RunnableConfig) -> Update:
        """Learn the human's word, and tell what was learned."""
        judge = await off_loop(self._source.judge, state["judge"])
        feedback = Feedback.of(state["feedback"] or {})
        report = await align(_telling(judge.setup.context(config)), [feedback])
        message = said(conclusion(judge.spec, feedback, report))
        return {"alignment": report.model_dump(mode="json"), "messages": [message]}


class AlignmentNodes:
    """The nodes of the alignment graph, a branch for each distilling call."""

    def __init__(self, source: JudgeSource) -> None:
        self._source = source
        self._done: WeakKeyDictionary[Any, int] = WeakKeyDictionary()  # by run of the graph
        self._in_turn = Lock()

    async def store_feedback(self, state: AlignmentState, config: RunnableConfig) -> Update:
        """Store a batch of feedback as pending, and cut all that is pending into batches."""
        identity = self._source.identity()
        context = await self._context(identity, config)
        started = time.time()
        ingested = await ingest(context, state.get("feedback") or [])
        batches, _ = await off_loop(pending_work, context)
        await self._advance(context, 0, total=sum(map(len, batches)))
        return {
            "judge": identity,
            "started": started,
            "intake": ingested.model_dump(mode="json"),
            "batches": [[episode.id for episode in batch] for batch in batches],
            "learned": None,
            "alignment": None,
        }

    async def learn_batch(self, state: BatchState, config: RunnableConfig) -> Update:
        """Learn one batch and commit it. The memory tells what of it is learned already."""
        context = await self._context(state["judge"], config)
        learned = await learn_pending(context, only=state["episode_ids"], is_part=True)
        earlier = await off_loop(_learned_before, context, state, learned)
        await self._advance(context, len(state["episode_ids"]), total=state["total"])
        return {"learned": [batch.model_dump(mode="json") for batch in (*earlier, *learned)]}

    async def report(self, state: AlignmentState, config: RunnableConfig) -> Update:
        """Compare what the branches learned, and report."""
        context = await self._context(state["judge"], config)
        learned = [Learned.of(batch) for batch in state.get("learned") or []]
        reconciled = await reconcile_batches(context, learned)
        ingested = Ingested.of(state["intake"])
        conflicts = await off_loop(
            conflicts_among, context.records, context.judge, ingested, learned
        )
        decline = await off_loop(decline_of, context.records, context.judge, ingested)
        report = await off_loop(
            alignment_report,
            ingested,
            learned,
            reconciled,
            conflicts=conflicts,
            decline=decline,
            cost=NO_COST,
            seconds=time.time() - state["started"],
        )
        return {"alignment": report.model_dump(mode="json")}

    async def _context(self, identity: dict[str, Any], config: RunnableConfig) -> AlignmentContext:
        judge = await off_loop(self._source.judge, identity)
        return _telling(judge.setup.context(config))

    async def _advance(self, context: AlignmentContext, count: int, *, total: int) -> None:
        """Tell that so many more of all episodes have been worked on; branches tell it in turn."""
        if not total:
            return
        run = get_stream_writer()
        async with self._in_turn:
            done = self._done[run] = self._done.get(run, 0) + count
            await dispatch_progress(context, done=done, total=total)


def _telling(context: AlignmentContext) -> AlignmentContext:
    """A context whose progress also goes to the graph's custom stream."""
    write = get_stream_writer()
    return dataclasses.replace(context, on_progress=lambda told: write({PROGRESS_EVENT: told}))


def _learned_before(
    context: AlignmentContext, state: BatchState, learned: Sequence[Learned]
) -> list[Learned]:
    """What of a batch was learned when this branch began, such as before the process was killed.

    The checkpoint does not know of it; without this the report would not, either.
    """
    at_work = {id_ for batch in learned for id_ in batch.distilled}
    at_work |= {pending.episode_id for batch in learned for pending in batch.pending}
    others = [id_ for id_ in state["episode_ids"] if id_ not in at_work]
    if not others:
        return []
    found = context.records.episodes(context.judge, ids=others, status="distilled")
    distilled = {episode.id for episode in found}
    principles = context.records.principles(context.judge, citing=distilled)
    started = datetime.fromtimestamp(state["started"], UTC)
    return [
        Learned(
            distilled=tuple(id_ for id_ in others if id_ in distilled),
            # None is learned without its remark.
            covered=tuple(episode.id for episode in found if may_state_a_rule(episode)),
            added=tuple(p for p in principles if p.created_at >= started),
        )
    ]
