"""A judge that is taught, and made to forget."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, cast

from langchain_core.runnables import RunnableConfig

from langchain_memalign._async import align as aaligning
from langchain_memalign._async import forget as aforgetting
from langchain_memalign._async import gated as agated
from langchain_memalign._async import judging as ajudging
from langchain_memalign._judging.arguments import check_alignment, checked_decision, forgotten
from langchain_memalign._memory.records import Records
from langchain_memalign._sync import align as aligning
from langchain_memalign._sync import forget as forgetting
from langchain_memalign._sync import gated, judging
from langchain_memalign.judge.base import FeedbackLike, JudgeBase
from langchain_memalign.schema import (
    AlignmentReport,
    Episode,
    Feedback,
    ForgetReport,
    GateDecision,
)

if TYPE_CHECKING:
    from langchain_memalign.judge.judge import MemAlignJudge

Gate: TypeAlias = Callable[["MemAlignJudge", "MemAlignJudge", Sequence[Feedback]], GateDecision]
"""Is given the judge as it is, the judge as it would be, and the usable feedback of the batch.

Both judges have copies of the memory: a gate may do with them as it likes. It may block: `aalign`
calls it in a thread.
"""


class LearningJudge(JudgeBase):
    """A judge that learns from experts and forgets on request."""

    def align(
        self,
        feedback: Iterable[FeedbackLike],
        *,
        probe: bool = False,
        gate: Gate | None = None,
        only_effective: bool = False,
        max_concurrency: int = 32,
        config: RunnableConfig | None = None,
    ) -> AlignmentReport:
        """Learn from experts' feedback. It is stored first, so that none can be lost.

        Also finishes what an earlier alignment could not: `align([])` does only that.
        Progress is reported by LangChain custom events named `memalign_progress`.

        Args:
            feedback: `Feedback`, or mappings of its fields, or a DataFrame or Arrow table with
                these as columns. Feedback that is not usable is logged and reported as rejected;
                the rest is stored.
            probe: Ask the judge about new cases first if its own verdict on them is not known, so
                that it learns from the difference. Costs one judgement each.
            gate: Decides whether what was learned may enter the memory, such as an
                `evaluation.EvidenceGate`. Everything is learned in a copy of the memory first. Of
                a refused batch nothing is stored, and the report's `refused` and `gate` say why.
            only_effective: Try each new principle on the judge, and learn only those that change a
                verdict on the cases of their batch. Costs one judgement of each case, and up to as
                many again for each principle, in at most 400 calls a batch, plus repairs of
                replies. The report's warnings name what was not learned, and what was not tried.
            max_concurrency: How many model calls at most run at the same time.
            config: Callbacks, tags and the like.

        Raises:
            InvalidInputError: `feedback` is not a list, or nothing in it can be used.
            ModelError: The provider refuses access. The feedback is stored, pending; with a gate
                it is not.
        """
        check_alignment(gate, max_concurrency)

        def work(config: RunnableConfig) -> AlignmentReport:
            context = self.setup.context(config, max_concurrency=max_concurrency)

            asking = partial(judging.judge_unseen, self.setup, config=config) if probe else None
            trying = self.setup if only_effective else None
            if gate is None:
                return aligning.align(context, feedback, probe=asking, trying=trying)
            decide = partial(self._decided_by, gate)
            return gated.align_gated(context, feedback, decide=decide, probe=asking, trying=trying)

        return self._as_run("align", work, config)

    async def aalign(
        self,
        feedback: Iterable[FeedbackLike],
        *,
        probe: bool = False,
        gate: Gate | None = None,
        only_effective: bool = False,
        max_concurrency: int = 32,
        config: RunnableConfig | None = None,
    ) -> AlignmentReport:
        """Async `align`."""
        check_alignment(gate, max_concurrency)

        async def work(config: RunnableConfig) -> AlignmentReport:
            context = self.setup.context(config, max_concurrency=max_concurrency)

            asking = partial(ajudging.judge_unseen, self.setup, config=config) if probe else None
            trying = self.setup if only_effective else None
            if gate is None:
                return await aaligning.align(context, feedback, probe=asking, trying=trying)
            decide = partial(self._decided_by, gate)
            return await agated.align_gated(
                context, feedback, decide=decide, probe=asking, trying=trying
            )

        return await self._as_arun("align", work, config)

    def forget(
        self,
        episode_ids: Iterable[str] | None = None,
        *,
        source_ids: Iterable[str] | None = None,
        reviewer: str | None = None,
        before: datetime | None = None,
        where: Callable[[Episode], bool] | None = None,
        redistill: bool = True,
        config: RunnableConfig | None = None,
    ) -> ForgetReport:
        """Erase episodes and everything that was learned from them; needs no model for that.

        Erases the episodes that meet every condition given. The other sources of the principles
        that go with them are then learned again, without the old text.

        Args:
            episode_ids: Their ids. Unknown ones are no error.
            source_ids: Their ids in the system they were imported from.
            reviewer: Who said it.
            before: Said before this moment.
            where: Any condition on the episode.
            redistill: Whether to learn the other sources now; otherwise the next `align` does.
            config: Callbacks, tags and the like.

        Raises:
            InvalidInputError: There is no condition that says which episodes to erase.
        """
        fits = forgotten(episode_ids, source_ids, reviewer, before, where)
        return self._as_run(
            "forget",
            lambda config: forgetting.forget(self.setup.context(config), fits, redistill=redistill),
            config,
        )

    async def aforget(
        self,
        episode_ids: Iterable[str] | None = None,
        *,
        source_ids: Iterable[str] | None = None,
        reviewer: str | None = None,
        before: datetime | None = None,
        where: Callable[[Episode], bool] | None = None,
        redistill: bool = True,
        config: RunnableConfig | None = None,
    ) -> ForgetReport:
        """Async `forget`."""
        fits = forgotten(episode_ids, source_ids, reviewer, before, where)
        return await self._as_arun(
            "forget",
            lambda config: aforgetting.forget(
                self.setup.context(config), fits, redistill=redistill
            ),
            config,
        )

    def _decided_by(
        self, gate: Gate, current: Records, candidate: Records, feedback: Sequence[Feedback]
    ) -> GateDecision:
        before, after = self._over(current), self._over(candidate)
        decision = gate(cast("MemAlignJudge", before), cast("MemAlignJudge", after), feedback)
        return checked_decision(decision)
