"""How a judge is taught: feedback, forgetting, and principles written by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias, TypeVar

from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda

from langchain_memalign._alignment import (
    Cost,
    add_principle,
    align,
    align_gated,
    edit_principle,
    forget,
    remove_principle,
)
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.flow import Flow, arun, run
from langchain_memalign.judge.flows import JudgeFlows
from langchain_memalign.judge.gating import Gate, check_gate, deciding_by
from langchain_memalign.memory import Memory
from langchain_memalign.schema import (
    AlignmentReport,
    Episode,
    Feedback,
    ForgetReport,
    Principle,
    Unscored,
    Verdict,
)

FeedbackLike: TypeAlias = Feedback | Mapping[str, Any]
R = TypeVar("R")


class Teachable:
    """The half of a judge that learns.

    Attributes:
        memory: Where the judge remembers.
        flows: The judge's operations as flows, for code that serves sync and async callers alike.
    """

    memory: Memory
    flows: JudgeFlows

    def align(
        self,
        feedback: Iterable[FeedbackLike],
        *,
        probe: bool = False,
        gate: Gate | None = None,
        max_concurrency: int = 32,
        config: RunnableConfig | None = None,
    ) -> AlignmentReport:
        """Learn from experts' words; store them first, so that none can be lost.

        Also takes up what an earlier alignment could not finish: `align([])` does only that.
        Progress is told by LangChain custom events named `memalign_progress`.

        Args:
            feedback: `Feedback`, or mappings of its fields. One that is not usable is reported as
                rejected; the others are stored.
            probe: First ask the judge about new cases of which its own verdict is not known, so
                that it learns from the difference; costs one judgement each.
            gate: Decides whether what was learned may enter the memory, such as an
                `evaluation.EvidenceGate`. All is learned in a copy of the memory first; of a
                batch that is refused nothing is stored, and the report's `refused` and `gate` say
                why.
            max_concurrency: Most model calls at the same time.
            config: Callbacks, tags and the like.

        Raises:
            InvalidInputError: `feedback` is no list.
            ModelError: The provider refuses access. The feedback is stored, pending; with a gate
                it is not.
        """
        work = self._alignment(feedback, probe, gate, max_concurrency)
        return self._as_run("align", work).invoke({"judge": self.flows.spec.name}, config)

    async def aalign(
        self,
        feedback: Iterable[FeedbackLike],
        *,
        probe: bool = False,
        gate: Gate | None = None,
        max_concurrency: int = 32,
        config: RunnableConfig | None = None,
    ) -> AlignmentReport:
        """Async `align`."""
        work = self._alignment(feedback, probe, gate, max_concurrency)
        return await self._as_run("align", work).ainvoke({"judge": self.flows.spec.name}, config)

    def forget(
        self,
        episode_ids: Iterable[str] | None = None,
        *,
        reviewer: str | None = None,
        before: datetime | None = None,
        where: Callable[[Episode], bool] | None = None,
        redistill: bool = True,
        config: RunnableConfig | None = None,
    ) -> ForgetReport:
        """Erase episodes and everything that was learned from them; needs no model for that.

        An episode goes if it fits all that is given. The other sources of the principles that went
        with it are then learned anew, without the old text.

        Args:
            episode_ids: Their ids. Unknown ones are no error.
            reviewer: Who said it.
            before: Said before this moment.
            where: Any condition on the episode.
            redistill: Whether to learn the other sources now; otherwise the next `align` does it.
            config: Callbacks, tags and the like.

        Raises:
            InvalidInputError: Nothing says which episodes should go.
        """
        work = self._forgetting(episode_ids, reviewer, before, where, redistill)
        return self._as_run("forget", work).invoke({"judge": self.flows.spec.name}, config)

    async def aforget(
        self,
        episode_ids: Iterable[str] | None = None,
        *,
        reviewer: str | None = None,
        before: datetime | None = None,
        where: Callable[[Episode], bool] | None = None,
        redistill: bool = True,
        config: RunnableConfig | None = None,
    ) -> ForgetReport:
        """Async `forget`."""
        work = self._forgetting(episode_ids, reviewer, before, where, redistill)
        return await self._as_run("forget", work).ainvoke({"judge": self.flows.spec.name}, config)

    def principles(self, as_of: datetime | None = None) -> list[Principle]:
        """The principles that apply, or applied at a moment, in the order learned."""
        return self.memory.principles(self.flows.spec.name, as_of=as_of)

    async def aprinciples(self, as_of: datetime | None = None) -> list[Principle]:
        """Async `principles`."""
        return await self.memory.aprinciples(self.flows.spec.name, as_of=as_of)

    def episodes(self, status: Literal["pending", "distilled"] | None = None) -> list[Episode]:
        """What experts said, oldest first; all of it, or only what waits or what was learned."""
        return self.memory.episodes(self.flows.spec.name, status=status)

    async def aepisodes(
        self, status: Literal["pending", "distilled"] | None = None
    ) -> list[Episode]:
        """Async `episodes`."""
        return await self.memory.aepisodes(self.flows.spec.name, status=status)

    def add_principle(self, text: str) -> Principle:
        """Write a principle by hand. It is pinned: always shown, never retired by learning."""
        return run(add_principle(self.memory.flows, self.flows.spec.name, text))

    async def aadd_principle(self, text: str) -> Principle:
        """Async `add_principle`."""
        return await arun(add_principle(self.memory.flows, self.flows.spec.name, text))

    def edit_principle(self, id: str, text: str) -> Principle:
        """Replace a principle by a hand-written one; the old one stays in the history.

        Raises:
            InvalidInputError: No active principle has this id.
        """
        return run(edit_principle(self.memory.flows, self.flows.spec.name, id, text))

    async def aedit_principle(self, id: str, text: str) -> Principle:
        """Async `edit_principle`."""
        return await arun(edit_principle(self.memory.flows, self.flows.spec.name, id, text))

    def remove_principle(self, id: str, *, erase: bool = False) -> Principle:
        """Let a principle apply no more; with `erase`, remove it from the history too.

        Raises:
            InvalidInputError: No active principle has this id.
        """
        return run(remove_principle(self.memory.flows, self.flows.spec.name, id, erase=erase))

    async def aremove_principle(self, id: str, *, erase: bool = False) -> Principle:
        """Async `remove_principle`."""
        return await arun(
            remove_principle(self.memory.flows, self.flows.spec.name, id, erase=erase)
        )

    def _alignment(
        self,
        feedback: Iterable[FeedbackLike],
        probe: bool,
        gate: Gate | None,
        max_concurrency: int,
    ) -> Callable[[RunnableConfig], Flow[AlignmentReport]]:
        if type(max_concurrency) is not int or max_concurrency < 1:
            raise InvalidInputError(
                f"max_concurrency: found {max_concurrency!r:.40}; expected a whole number >= 1."
            )

        check_gate(gate)

        def work(config: RunnableConfig) -> Flow[AlignmentReport]:
            learner = self.flows.learner(config, max_concurrency=max_concurrency)

            def ask(episode: Episode) -> Flow[tuple[Verdict | Unscored, Cost]]:
                return self.flows.judge(episode.case, exclude={episode.id}, config=config)

            asking = ask if probe else None
            if gate is None:
                return align(learner, feedback, probe=asking)
            return align_gated(learner, feedback, decide=deciding_by(gate, self), probe=asking)

        return work

    def _forgetting(
        self,
        episode_ids: Iterable[str] | None,
        reviewer: str | None,
        before: datetime | None,
        where: Callable[[Episode], bool] | None,
        redistill: bool,
    ) -> Callable[[RunnableConfig], Flow[ForgetReport]]:
        if isinstance(episode_ids, str):
            raise InvalidInputError("episode_ids: found one string; expected a list of ids.")
        ids = None if episode_ids is None else frozenset(episode_ids)
        if before is not None and (not isinstance(before, datetime) or before.tzinfo is None):
            raise InvalidInputError(
                f"before: found {before!r:.80}; expected an aware datetime, such as "
                "datetime.now(UTC)."
            )
        if (ids, reviewer, before, where) == (None, None, None, None):
            raise InvalidInputError(
                "nothing says what to forget; give episode_ids, reviewer, before or where. "
                "To forget everything, where=lambda episode: True."
            )

        def fits(episode: Episode) -> bool:
            return (
                (ids is None or episode.id in ids)
                and (reviewer is None or episode.reviewer == reviewer)
                and (before is None or episode.created_at < before)
                and (where is None or where(episode))
            )

        return lambda config: forget(self.flows.learner(config), fits, redistill=redistill)

    def _as_run(
        self, what: str, work: Callable[[RunnableConfig], Flow[R]]
    ) -> Runnable[dict[str, str], R]:
        """Make work a LangChain run, so that it is traced and its model calls hang below it."""

        def blocking(_: dict[str, str], config: RunnableConfig) -> R:
            return run(work(config))

        async def awaitable(_: dict[str, str], config: RunnableConfig) -> R:
            return await arun(work(config))

        return RunnableLambda(blocking, awaitable, name=f"{self.flows.spec.name}.{what}")
