"""What a judge knows, to read and to edit."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from langchain_memalign._async import judging as ajudging
from langchain_memalign._async import principles as aprinciples
from langchain_memalign._async import recall as arecalling
from langchain_memalign._async import superseding as asuperseding
from langchain_memalign._concurrency import blocking
from langchain_memalign._sync import judging, principles, superseding
from langchain_memalign.judge.base import CaseLike, JudgeBase
from langchain_memalign.schema import Case, Episode, Principle, WorkingMemory


class KnowingJudge(JudgeBase):
    """A judge whose principles and episodes people read, write and correct."""

    @property
    def instructions_with_principles(self) -> str:
        """The instructions followed by the principles that apply; reads the memory."""
        rules = [f"- {principle.text}" for principle in self.principles()]
        if not rules:
            return self.spec.instructions
        return "\n".join([self.spec.instructions, "", "Principles:", *rules])

    def recall(self, case: CaseLike) -> WorkingMemory:
        """What the judge would be shown with a case: principles and past cases. Judges nothing."""
        return judging.recall(self.setup, Case.of(case))

    async def arecall(self, case: CaseLike) -> WorkingMemory:
        """Async `recall`."""
        return await ajudging.recall(self.setup, await arecalling.read_case(case))

    def principles(self, as_of: datetime | None = None) -> list[Principle]:
        """The principles that apply, or applied at a moment, in the order learned."""
        return self.memory.principles(self.spec.name, as_of=as_of)

    async def aprinciples(self, as_of: datetime | None = None) -> list[Principle]:
        """Async `principles`."""
        return await self.memory.aprinciples(self.spec.name, as_of=as_of)

    def episodes(
        self, status: Literal["pending", "distilled", "superseded"] | None = None
    ) -> list[Episode]:
        """Past cases with what experts said, oldest first; all, or those of one status."""
        return self.memory.episodes(self.spec.name, status=status)

    async def aepisodes(
        self, status: Literal["pending", "distilled", "superseded"] | None = None
    ) -> list[Episode]:
        """Async `episodes`."""
        return await self.memory.aepisodes(self.spec.name, status=status)

    def add_principle(self, text: str) -> Principle:
        """Write a principle by hand. It is pinned: always shown, never retired by learning."""
        with blocking("add_principle", "aadd_principle"):
            return principles.add_principle(self.setup.context(), text)

    async def aadd_principle(self, text: str) -> Principle:
        """Async `add_principle`."""
        return await aprinciples.add_principle(self.setup.context(), text)

    def edit_principle(self, id: str, text: str) -> Principle:
        """Replace a principle by a hand-written one; the old one stays in the history.

        Raises:
            InvalidInputError: No active principle has this id.
        """
        with blocking("edit_principle", "aedit_principle"):
            return principles.edit_principle(self.setup.context(), id, text)

    async def aedit_principle(self, id: str, text: str) -> Principle:
        """Async `edit_principle`."""
        return await aprinciples.edit_principle(self.setup.context(), id, text)

    def remove_principle(self, id: str, *, erase: bool = False) -> Principle:
        """Retire a principle; with `erase`, remove it from the history too.

        It is erased as thoroughly as by `forget`: see `Memory.guarantee`.

        Raises:
            InvalidInputError: No active principle has this id.
        """
        with blocking("remove_principle", "aremove_principle"):
            return principles.remove_principle(self.setup.records, self.spec.name, id, erase=erase)

    async def aremove_principle(self, id: str, *, erase: bool = False) -> Principle:
        """Async `remove_principle`."""
        return await aprinciples.remove_principle(
            self.setup.records, self.spec.name, id, erase=erase
        )

    def restore_principle(self, id: str) -> Principle:
        """Let a retired principle apply again, with its sources.

        Raises:
            InvalidInputError: No retired principle has this id.
        """
        return principles.restore_principle(self.setup.records, self.spec.name, id)

    async def arestore_principle(self, id: str) -> Principle:
        """Async `restore_principle`."""
        return await aprinciples.restore_principle(self.setup.records, self.spec.name, id)

    def restore_episode(self, id: str) -> Episode:
        """Bring back an episode that a change of the experts' mind had superseded.

        Raises:
            InvalidInputError: No superseded episode has this id.
        """
        return superseding.restore_episode(self.setup.records, self.spec.name, id)

    async def arestore_episode(self, id: str) -> Episode:
        """Async `restore_episode`."""
        return await asuperseding.restore_episode(self.setup.records, self.spec.name, id)
