"""Where the cases come from that wait for people."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

from langchain_core.runnables import RunnableConfig
from langgraph.types import Command

from langchain_memalign._content import canonical
from langchain_memalign.graph import create_review_graph
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.reviews.threads import ReviewThreads
from langchain_memalign.schema import Case, Unscored, Verdict, WorkingMemory

Existing: TypeAlias = Callable[[Iterable[str]], AbstractSet[str]]
"""Which of some ids the memory has."""


@dataclass(frozen=True)
class WaitingCase:
    """A case that waits for people.

    Attributes:
        id: Its id, in addresses; the same for as long as it waits.
        label: Its name on screen.
        case: The case.
        lang: Its language, such as "pt-BR"; "" if not known.
    """

    id: str
    label: str
    case: Case
    lang: str = ""

    @cached_property
    def key(self) -> str:
        """Digest of the case's content."""
        return self.case.key


@runtime_checkable
class Waiting(Protocol):
    """A source of waiting cases. All of it may block, but for `cases`, which answers at once."""

    reviews: Path
    """The review file, in which answers, drafts and reservations are kept."""

    def cases(self, judge: MemAlignJudge) -> Sequence[WaitingCase]:
        """All that waits for anybody, in order."""
        ...

    def read(
        self, judge: MemAlignJudge, waiting: WaitingCase, *, again: bool = False
    ) -> tuple[Verdict | Unscored, WorkingMemory]:
        """The judge's answer to a case, and what it had before it; judges where that is needed.

        Args:
            judge: The judge.
            waiting: The case.
            again: Whether to judge with the memory as it is now.

        Raises:
            ModelError: The judge could not be asked.
        """
        ...

    def answer(self, judge: MemAlignJudge, waiting: WaitingCase, answer: Mapping[str, Any]) -> None:
        """Tell whoever waits for it what a person answered. What it teaches is learned already."""
        ...

    def reopen(self, judge: MemAlignJudge, waiting: WaitingCase, reviewer: str | None) -> bool:
        """Let a case wait again, if it can; whether it does."""
        ...

    def answered(self, judge: MemAlignJudge, reviewer: str | None) -> set[str]:
        """Ids of the cases that somebody has answered elsewhere, such as in the terminal."""
        ...

    def forget(
        self, *, ids: set[str], exist: Existing, case_keys: set[str], text: str | None
    ) -> int:
        """Erase what it holds of something forgotten; how many cases it held.

        Args:
            ids: Ids of episodes and principles of which something is gone.
            exist: Which of some ids the memory has.
            case_keys: Their cases.
            text: Text that must not remain.
        """
        ...

    def close(self) -> None:
        """Release what it holds."""
        ...


class LocalWaiting:
    """Cases from a file, each with a thread of the review graph in the review file.

    The review file is that of `memalign review`: what somebody answered in the terminal is not
    asked again on the page, nor the other way round.
    """

    def __init__(self, cases: Iterable[WaitingCase], *, reviews: Path) -> None:
        """Open the review file.

        Args:
            cases: The waiting cases, in order; of equal cases the first counts.
            reviews: The review file. It is created if it does not exist.

        Raises:
            MemoryUnavailableError: The file cannot be used.
        """
        self.reviews = reviews
        self._cases = tuple({waiting.key: waiting for waiting in reversed([*cases])}.values())[::-1]
        self._threads = ReviewThreads(reviews)
        self._guard = threading.Lock()
        self._elsewhere: dict[str | None, dict[str, str]] = {}

    def cases(self, judge: MemAlignJudge) -> Sequence[WaitingCase]:
        """All cases of the file."""
        return self._cases

    def read(
        self, judge: MemAlignJudge, waiting: WaitingCase, *, again: bool = False
    ) -> tuple[Verdict | Unscored, WorkingMemory]:
        """Run the review graph up to its question."""
        with self._guard:  # forgetting waits, and comes after
            return self._read(judge, waiting, again=again)

    def _read(
        self, judge: MemAlignJudge, waiting: WaitingCase, *, again: bool
    ) -> tuple[Verdict | Unscored, WorkingMemory]:
        thread = self._thread(judge, waiting)
        graph = create_review_graph(judge, checkpointer=self._threads.saver)
        self._threads.begin(thread, waiting.case)
        state = graph.get_state(thread)
        if again or not state.values:
            graph.invoke(waiting.case.model_dump(), thread, durability="sync")
        elif state.next and not state.interrupts:  # the process ended in the middle of a node
            graph.invoke(None, thread, durability="sync")
        values = graph.get_state(thread).values
        return outcome_of(values["verdict"]), WorkingMemory.of(values["working_memory"])

    def answer(self, judge: MemAlignJudge, waiting: WaitingCase, answer: Mapping[str, Any]) -> None:
        """Resume the thread of the case, if it waits, and note that it is done."""
        thread = self._thread(judge, waiting)
        graph = create_review_graph(judge, checkpointer=self._threads.saver)
        if graph.get_state(thread).interrupts:
            graph.invoke(Command(resume=dict(answer)), thread, durability="sync")
        theirs = self._threads.thread(judge.spec, answer.get("reviewer"), waiting.case)
        for each in (thread, theirs):
            self._threads.begin(each, waiting.case)
            self._threads.finish(each, str(answer["decision"]))

    def reopen(self, judge: MemAlignJudge, waiting: WaitingCase, reviewer: str | None) -> bool:
        """Drop what is noted of the case; its thread begins anew when it is answered."""
        self._threads.reopen(self._thread(judge, waiting))
        self._threads.reopen(self._threads.thread(judge.spec, reviewer, waiting.case))
        return True

    def answered(self, judge: MemAlignJudge, reviewer: str | None) -> set[str]:
        """Those whose review in the terminal has ended with a word of this reviewer."""
        if reviewer not in self._elsewhere:
            self._elsewhere[reviewer] = {
                str(
                    self._threads.thread(judge.spec, reviewer, w.case)["configurable"]["thread_id"]
                ): (w.id)
                for w in self._cases
            }
        mine = self._elsewhere[reviewer]
        return {
            mine[thread]
            for thread, decision in self._threads.decisions().items()
            if thread in mine and decision in ("approve", "edit", "reject", "remark")
        }

    def forget(
        self, *, ids: set[str], exist: Existing, case_keys: set[str], text: str | None
    ) -> int:
        """Erase the threads that hold it, and show its cases no more.

        The file that the cases came from is not ours to change: read again, it brings them back.
        """
        wanted = "" if text is None else canonical(text)[1:-1].casefold()

        def stays(waiting: WaitingCase) -> bool:
            if waiting.key in case_keys:
                return False
            return not wanted or wanted not in canonical(dict(waiting.case)).casefold()

        with self._guard:
            self._cases = tuple(filter(stays, self._cases))
            self._elsewhere.clear()
            return self._threads.forget(ids=ids, exist=exist, case_keys=case_keys, text=text)

    def close(self) -> None:
        """Close the review file."""
        self._threads.close()

    def _thread(self, judge: MemAlignJudge, waiting: WaitingCase) -> RunnableConfig:
        return self._threads.thread(judge.spec, _PAGE, waiting.case)


# No reviewer of the terminal: a case is judged once for everybody.
_PAGE = "\x00page"


def outcome_of(verdict: Mapping[str, Any]) -> Verdict | Unscored:
    """The judge's conclusion in a graph's state."""
    return Verdict.of(verdict) if "value" in verdict else Unscored.of(verdict)
