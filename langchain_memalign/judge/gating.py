"""A gate before a judge's memory: who decides whether what was learned may enter it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from langchain_memalign._alignment import Decide
from langchain_memalign.errors import ConfigurationError, InvalidInputError
from langchain_memalign.flow import Flow, off_loop
from langchain_memalign.judge.twin import twin
from langchain_memalign.memory import Memory
from langchain_memalign.schema import Feedback, GateDecision

if TYPE_CHECKING:
    from langchain_memalign.judge.judge import MemAlignJudge
    from langchain_memalign.judge.teaching import Teachable

J = TypeVar("J", bound="Teachable")

Gate: TypeAlias = Callable[
    ["MemAlignJudge", "MemAlignJudge", Sequence[Feedback]], "GateDecision | Flow[GateDecision]"
]
"""Is given the judge as it is, the judge as it would be, and the usable feedback of the batch.

Both judges have copies of the memory: a gate may do with them as it likes. It returns its decision,
or a flow that does (see `langchain_memalign.flow`), which serves sync and async callers alike.
"""


def check_gate(gate: Any) -> None:
    """Refuse what cannot decide, before anything is learned or paid.

    Raises:
        InvalidInputError: It is no gate.
    """
    # A class is callable too, but gives an object, not a decision.
    if gate is not None and (isinstance(gate, type) or not callable(gate)):
        raise InvalidInputError(
            f"gate: found {gate!r:.80}; expected a callable, such as EvidenceGate() of "
            "langchain_memalign.evaluation, or None for no gate."
        )


def judge_over(judge: J, memory: Memory) -> J:
    """The same judge over another memory."""
    return twin(judge, memory=memory, flows=judge.flows.over(memory.flows))


def deciding_by(gate: Gate, judge: Any) -> Decide:
    """What an alignment asks, for it knows memories and no judges."""

    def decide(
        current: Memory, candidate: Memory, feedback: Sequence[Feedback]
    ) -> Flow[GateDecision]:
        judges = judge_over(judge, current), judge_over(judge, candidate)
        said = yield from off_loop(lambda: gate(*judges, feedback))
        if isinstance(said, Generator):
            said = yield from said
        if not isinstance(said, GateDecision):
            raise ConfigurationError(
                f"gate: found a {type(said).__name__} as its decision; expected a GateDecision."
            )
        return said

    return decide
