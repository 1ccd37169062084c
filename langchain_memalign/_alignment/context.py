"""What an alignment works with, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from langchain_core.messages.ai import UsageMetadata, add_usage
from langchain_core.runnables import RunnableConfig

from langchain_memalign._memory.records import Records
from langchain_memalign._models import StructuredModel
from langchain_memalign._values import JudgeSpec
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
        is_compact: Whether the model is a small one, which is told less and trusted less.
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
