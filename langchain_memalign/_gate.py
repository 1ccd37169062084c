"""A gate before a judge's memory: who decides whether what was learned may enter it."""

from __future__ import annotations

from typing import Any

from langchain_memalign.errors import ConfigurationError, InvalidInputError
from langchain_memalign.schema import GateDecision


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
