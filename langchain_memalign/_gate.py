"""A gate before a judge's memory: who decides whether what was learned may enter it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from langchain_memalign.errors import ConfigurationError, InvalidInputError
from langchain_memalign.schema import Feedback, GateDecision

if TYPE_CHECKING:
    from langchain_memalign.judge import MemAlignJudge

Gate: TypeAlias = Callable[["MemAlignJudge", "MemAlignJudge", Sequence[Feedback]], GateDecision]
"""Is given the judge as it is, the judge as it would be, and the usable feedback of the batch.

Both judges have copies of the memory: a gate may do with them as it likes. It may block: `aalign`
calls it in a thread.
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


def checked_decision(said: Any) -> GateDecision:
    """What a gate returned.

    Raises:
        ConfigurationError: It is no decision.
    """
    if not isinstance(said, GateDecision):
        raise ConfigurationError(
            f"gate: found a {type(said).__name__} as its decision; expected a GateDecision."
        )
    return said
