"""The nodes that learn a batch of feedback, a branch for each distilling call."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from langchain_core.runnables import RunnableConfig
from langgraph.config import get_stream_writer
from langgraph.types import Send

from langchain_memalign._alignment import (
    NO_COST,
    PROGRESS_EVENT,
    Intake,
    Learned,
    Learner,
    alignment_report,
    conflicts_among,
    learn_pending,
    pending_work,
    reconcile_batches,
    take_in,
)
from langchain_memalign.flow import Flow, off_loop
from langchain_memalign.graph.node import Update
from langchain_memalign.graph.source import JudgeSource
from langchain_memalign.graph.state import AlignmentState, BatchState


class AlignmentNodes:
    """The nodes of the alignment graph, for one source of judges."""

    def __init__(self, source: JudgeSource) -> None:
        self._source = source

    def store_feedback(self, state: AlignmentState, config: RunnableConfig) -> Flow[Update]:
        """Store a batch of feedback as pending, and cut all that is pending into batches."""
        identity = self._source.identity()
        learner = yield from self._learner(identity, config)
        started = time.time()
        intake = yield from take_in(learner.spec, learner.memory, state.get("feedback") or [])
        batches, _ = yield from pending_work(learner)
        return {
            "judge": identity,
            "started": started,
            "intake": intake.model_dump(mode="json"),
            "batches": [[episode.id for episode in batch] for batch in batches],
            "learned": None,
            "alignment": None,
        }

    def learn_batch(self, state: BatchState, config: RunnableConfig) -> Flow[Update]:
        """Learn one batch and commit it. The memory tells what of it is learned already."""
        learner = yield from self._learner(state["judge"], config)
        learned = yield from learn_pending(learner, only=state["episode_ids"])
        earlier = yield from _learned_before(learner, state, learned)
        progress = {
            "judge": learner.judge,
            "done": len(state["episode_ids"]),
            "total": state["total"],
        }
        get_stream_writer()({PROGRESS_EVENT: progress})
        return {"learned": [batch.model_dump(mode="json") for batch in (*earlier, *learned)]}

    def report(self, state: AlignmentState, config: RunnableConfig) -> Flow[Update]:
        """Compare what the branches learned, and report."""
        learner = yield from self._learner(state["judge"], config)
        learned = [Learned.of(batch) for batch in state.get("learned") or []]
        reconciled = yield from reconcile_batches(learner, learned)
        intake = Intake.of(state["intake"])
        report = alignment_report(
            intake,
            learned,
            reconciled,
            conflicts=(yield from conflicts_among(learner, intake, learned)),
            cost=NO_COST,
            seconds=time.time() - state["started"],
        )
        return {"alignment": report.model_dump(mode="json")}

    def _learner(self, identity: dict[str, Any], config: RunnableConfig) -> Flow[Learner]:
        judge = yield from off_loop(partial(self._source.judge, identity))
        return judge.flows.learner(config)


def after_store(state: AlignmentState) -> list[Send] | Literal["report"]:
    """To a branch for each batch."""
    batches = state["batches"]
    shared = {
        "judge": state["judge"],
        "started": state["started"],
        "total": sum(map(len, batches)),
    }
    branches = [Send("learn_batch", {**shared, "episode_ids": ids}) for ids in batches]
    return branches or "report"


def _learned_before(
    learner: Learner, state: BatchState, learned: Sequence[Learned]
) -> Flow[list[Learned]]:
    """What of a batch was learned when this branch began, such as before the process was killed.

    The checkpoint does not know of it; without this the report would not, either.
    """
    at_work = {id_ for batch in learned for id_ in batch.distilled}
    at_work |= {pending.episode_id for batch in learned for pending in batch.pending}
    others = [id_ for id_ in state["episode_ids"] if id_ not in at_work]
    if not others:
        return []
    found = yield from learner.memory.episodes(learner.judge, ids=others, status="distilled")
    distilled = {episode.id for episode in found}
    principles = yield from learner.memory.principles(learner.judge, citing=distilled)
    started = datetime.fromtimestamp(state["started"], UTC)
    return [
        Learned(
            distilled=tuple(id_ for id_ in others if id_ in distilled),
            added=tuple(p for p in principles if p.created_at >= started),
        )
    ]
