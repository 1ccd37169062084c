"""What a node has kept and asked so far, when LangGraph runs it again from its first line.

LangGraph gives a node that runs again the results of its tasks, and the answers to its interrupts,
in the order in which it asks for them. Threads and tasks keep no order, so here both go by name:
each task first notes what it is for, and each question which answers came before its own. What is
read of those notes is the same whoever reads them, and in whatever order they come.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from langgraph.errors import GraphInterrupt
from langgraph.runtime import get_runtime
from langgraph.types import interrupt

from langchain_memalign._concurrency import Lock
from langchain_memalign.errors import ConfigurationError

_guard = threading.Lock()
_runs: WeakKeyDictionary[Any, dict[Any, NodeRun]] = WeakKeyDictionary()


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a human is asked.

    Attributes:
        request: What inboxes draw.
        form: What Studio draws, a JSON schema.
    """

    request: dict[str, Any]
    form: dict[str, Any]

    @property
    def digest(self) -> str:
        """Stands for all that is shown: an answer counts for nothing else."""
        return digest(self.request, self.form)


class NodeRun:
    """One run of one node, shared by all guardrails in it.

    Attributes:
        lock: Held by who reads the notes, or adds one.
        kept: Results that others have met in the notes, by what they are for.
        answers: What humans have answered, by question.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.kept: dict[str, Any] = {}
        self.answers: dict[str, Any] = {}
        self._asking: GraphInterrupt | None = None
        self._owners: dict[str, object] = {}
        self._visits: Counter[str] = Counter()

    @classmethod
    def at_hand(cls) -> NodeRun:
        """The run of the node that this is called in."""
        runtime = get_runtime()
        with _guard:
            # The writer lives as long as the run of the graph.
            nodes = _runs.setdefault(runtime.stream_writer, {})
            return nodes.setdefault(runtime.execution_info, cls())

    def visit(self, guard: object, *traits: Any) -> Visit:
        """Begin to check something, known by its traits, which a later run of the node has too.

        Visits of one guardrail with the same traits are told apart by a number; as they are alike,
        it does not matter which of them gets which.

        Raises:
            ConfigurationError: Another guardrail has checked the like in this run, so nobody could
                tell whose answer is whose.
        """
        known_by = digest(*traits)
        with _guard:
            if self._owners.setdefault(known_by, guard) is not guard:
                raise ConfigurationError(
                    f"found two guardrails that are both named {traits[0]!r} and may ask a human "
                    "about the same input, in one node; expected a name of its own for each, so "
                    "that no answer reaches the other: MemAlignGuardrail(..., name=...)."
                )
            self._visits[known_by] += 1
            return Visit(self, f"{known_by}:{self._visits[known_by]}")

    def check_not_asking(self) -> None:
        """Ask no second question while one is open.

        Raises:
            GraphInterrupt: The open question.
        """
        if self._asking is not None:
            raise GraphInterrupt(*self._asking.args)

    def pose(self, question: Question) -> int:
        """Make a question the open one, to be raised by `check_not_asking`.

        Answers that have come before it was asked are not for it; nobody has seen it yet.

        Returns:
            How many they are.
        """
        strays = 0
        while self._asking is None:
            try:
                interrupt(question.request, response_schema=question.form)
            except GraphInterrupt as asking:
                self._asking = asking
            else:
                strays += 1
        return strays

    def take(self, name: str, question: Question, strays: int) -> None:
        """Take the answer to a question that an earlier run posed.

        Raises:
            GraphInterrupt: There is none yet.
        """
        for _ in range(strays):
            interrupt(question.request, response_schema=question.form)
        try:
            self.answers[name] = interrupt(question.request, response_schema=question.form)
        except GraphInterrupt as asking:
            self._asking = asking
            raise


@dataclass(frozen=True)
class Visit:
    """Something that comes to a guardrail whose node may be run again.

    Attributes:
        run: The run of the node.
        name: The same in each run of the node.
    """

    run: NodeRun
    name: str


def digest(*parts: Any) -> str:
    """Stands for JSON: the same for the same, and for nothing else."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
