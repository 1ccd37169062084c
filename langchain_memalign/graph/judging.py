"""The nodes that judge a case: what is remembered of it, found side by side, then the verdict."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from langchain_core.runnables import RunnableConfig

from langchain_memalign._memory.selection import Recollection
from langchain_memalign.errors import ConfigurationError
from langchain_memalign.flow import Flow, off_loop
from langchain_memalign.graph.node import Update
from langchain_memalign.graph.source import JudgeSource
from langchain_memalign.graph.state import JudgeState
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.schema import Case, Unscored, Verdict, WorkingMemory


class JudgeNodes:
    """The nodes of the judge graph, for one source of judges."""

    def __init__(self, source: JudgeSource) -> None:
        self._source = source

    def retrieve_episodes(self, state: JudgeState, config: RunnableConfig) -> Flow[Update]:
        """Embed the case once; find near episodes and, over budget, near principles."""
        identity = self._source.identity()
        judge = yield from self._judge(identity)
        started = time.perf_counter()
        found = yield from judge.flows.recollect(case_of(state))
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

    def load_principles(self, state: JudgeState, config: RunnableConfig) -> Flow[Update]:
        """Load all active principles; embeds nothing."""
        identity = self._source.identity()
        judge = yield from self._judge(identity)
        principles = yield from judge.flows.principles()
        return {
            "working_memory": {
                "principles": [p.model_dump(mode="json") for p in principles],
                "principles_total": len(principles),
            },
            "retrieval": {"principles_of": identity},
        }

    def judge(self, state: JudgeState, config: RunnableConfig) -> Flow[Update]:
        """Select what fits the budget, and judge."""
        _, outcome, memory = yield from self._decide(state, config)
        return concluded(outcome, memory)

    def _judge(self, identity: dict[str, Any]) -> Flow[MemAlignJudge]:
        return off_loop(partial(self._source.judge, identity))

    def _decide(
        self, state: JudgeState, config: RunnableConfig
    ) -> Flow[tuple[MemAlignJudge, Verdict | Unscored, WorkingMemory]]:
        identity, retrieval = state["judge"], state["retrieval"]
        if retrieval.get("principles_of") != identity:
            # One of the two retrieving nodes failed, and was resumed without the run's context.
            raise ConfigurationError(
                "found the past cases of one judge and the principles of another; expected those "
                "of one. Send the case anew, and repeat the context whenever you resume a run that "
                "failed."
            )
        judge = yield from self._judge(identity)
        found, nearest = WorkingMemory.of(state["working_memory"]), retrieval["nearest_principles"]
        recollection = Recollection(
            episodes=found.episodes,
            nearest_principles=None if nearest is None else tuple(nearest),
            value_counts=found.value_counts,
            problem=found.recall_problem,
        )
        memory = judge.flows.assemble(recollection, found.principles)
        outcome, _ = yield from judge.flows.decide(
            memory, case_of(state), recall_ms=retrieval["recall_ms"], config=config
        )
        return judge, outcome, memory


def concluded(outcome: Verdict | Unscored, memory: WorkingMemory) -> Update:
    """What the judge concluded, and what it had before it, as JSON."""
    return {
        "working_memory": memory.model_dump(mode="json"),
        "verdict": outcome.model_dump(mode="json"),
    }


def case_of(state: JudgeState) -> Case:
    """The case in a state.

    Raises:
        InvalidInputError: It cannot be judged.
    """
    return Case(
        inputs=state.get("inputs"),
        outputs=state.get("outputs"),
        reference_outputs=state.get("reference_outputs"),
    )
