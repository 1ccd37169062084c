"""What an alignment works with, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from langchain_core.messages.ai import UsageMetadata, add_usage
from langchain_core.runnables import RunnableConfig

from langchain_memalign._memory.records import Records
from langchain_memalign._models import StructuredModel
from langchain_memalign._values.types import JudgeSpec
from langchain_memalign.errors import ConfigurationError
from langchain_memalign.schema import AlignmentReport, GateDecision, JudgeDefinition, Record

PROGRESS_EVENT = "memalign_progress"
"""Name of the LangChain custom event that tells how far an alignment is."""


@dataclass(frozen=True, kw_only=True)
class AlignmentContext:
    """Who learns, into which memory, with which model, within which limits.

    Attributes:
        distiller: The chat model that writes principles; None where there is none.
        definition: How the judge is set up; kept with what it learns.
        max_concurrency: Most batches at work at the same time.
        batch_records: Most records in one distilling call.
        batch_tokens: About how many tokens of records go into one distilling call.
        record_tokens: Token budget of the case texts of a record, and of each remark.
        known_tokens: Token budget for known principles in a distilling call.
        is_compact: Whether the model is a small one, which is told less and trusted less. Batches
            are then learned in turn, each knowing what those before it brought: there are many
            small ones, and to compare all their principles at last is more than it can do.
        config: Callbacks, tags and the like for the model's runs.
        on_progress: Is told how far it is, besides those callbacks.
    """

    spec: JudgeSpec
    records: Records
    distiller: StructuredModel | None
    definition: JudgeDefinition
    max_concurrency: int = 32
    batch_records: int = 50
    batch_tokens: int = 48_000
    record_tokens: int = 1_500
    known_tokens: int = 8_000
    is_compact: bool = False
    config: RunnableConfig | None = None
    on_progress: Callable[[dict[str, Any]], None] | None = None

    @property
    def at_once(self) -> int:
        """How many batches are learned at the same time."""
        return 1 if self.is_compact else self.max_concurrency

    @property
    def judge(self) -> str:
        """The judge's name."""
        return self.spec.name

    @property
    def model(self) -> StructuredModel:
        """The chat model that writes principles.

        Raises:
            ConfigurationError: There is none.
        """
        if self.distiller is None:
            raise ConfigurationError(
                f"the judge {self.judge!r} has a decision model, which writes no principles; "
                "expected a chat model to learn with: pass it as distiller=. Feedback that is "
                "stored waits, pending, for align([])."
            )
        return self.distiller


def learning_limits(window: int | None, *, is_compact: bool) -> dict[str, Any]:
    """The limits of an `AlignmentContext` that fit a model.

    Half of its window is for the records: the size of a text in tokens is an estimate, and the
    known principles and the reply need room as well.

    Args:
        window: How many tokens a prompt may have; None where that is not known.
        is_compact: Whether the model is a small one, which loses sight of most of many records.
    """
    limits: dict[str, Any] = {"is_compact": is_compact}
    if is_compact:
        limits |= {"batch_records": 4, "record_tokens": 400, "known_tokens": 2_000}
    if window is not None:
        limits["batch_tokens"] = window // 2
        limits["record_tokens"] = min(limits.get("record_tokens", 1_500), window // 24)
        limits["known_tokens"] = min(limits.get("known_tokens", 8_000), window // 8)
    return limits


class Cost(Record):
    """Calls and tokens; add them up."""

    model_calls: int = 0
    embedded: int = 0
    usage: UsageMetadata | None = None

    @classmethod
    def told_by(cls, told: AlignmentReport | GateDecision) -> Cost:
        """What a report says that it cost."""
        return cls(model_calls=told.model_calls, embedded=told.embedded, usage=told.usage)

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            model_calls=self.model_calls + other.model_calls,
            embedded=self.embedded + other.embedded,
            usage=add_usage(self.usage, other.usage) if self.usage or other.usage else None,
        )


NO_COST = Cost()
