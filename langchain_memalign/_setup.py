"""What a judge is made of, and how the reply to its prompt is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from langchain_core.runnables import RunnableConfig

from langchain_memalign._alignment.context import AlignmentContext
from langchain_memalign._calibration.reading import digest, track_in
from langchain_memalign._calibration.track import Track
from langchain_memalign._definition import definition_of
from langchain_memalign._memory.records import Records
from langchain_memalign._memory.search import OnRecallFailure, Recollection, assemble
from langchain_memalign._models import StructuredModel, model_identity
from langchain_memalign._prompts.images import sees
from langchain_memalign._prompts.judging import VERDICT_REPLY, JudgePrompt, judge_prompt
from langchain_memalign._values import JudgeSpec, ValueType
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Case, JudgeDefinition, Principle, Value, WorkingMemory


@dataclass(frozen=True, kw_only=True)
class Budgets:
    """How much of everything goes into a judge's prompt.

    Attributes:
        k: Most episodes shown.
        principle_tokens: Token budget of the principles.
        case_tokens: Token budget of the case's texts.
        episode_tokens: Token budget of the texts of each episode.
        distant: Below this similarity even the nearest episode is called distant.
    """

    k: int
    principle_tokens: int
    case_tokens: int
    episode_tokens: int
    distant: float


@dataclass(frozen=True, kw_only=True)
class JudgeSetup:
    """What a judge is made of; over another memory: `dataclasses.replace(setup, records=...)`.

    Attributes:
        spec: Name, instructions and value type.
        records: What the judge remembers.
        model: Who is asked.
        budgets: How much goes into a prompt.
        model_name: How the model was named; None where it was given as an object.
        on_recall_failure: What is done when past cases cannot be looked up.
    """

    spec: JudgeSpec
    records: Records
    model: StructuredModel
    budgets: Budgets
    model_name: str | None = None
    on_recall_failure: OnRecallFailure = "raise"

    @property
    def definition(self) -> JudgeDefinition:
        """How the judge is set up, for the memory to keep."""
        return definition_of(
            self.spec,
            k=self.budgets.k,
            principle_tokens=self.budgets.principle_tokens,
            model=self.model_name,
        )

    @cached_property
    def said_by(self) -> str:
        """What tells this judge, with its model, prompt and values, from another one.

        The prompt is that of an empty memory, so that any change of its words counts.
        """
        prompt = self.prompt(WorkingMemory(), Case(inputs="?", outputs="?"))
        return digest(
            self.spec.name,
            self.spec.value_type.json_schema,
            model_identity(self.model.chat_model),
            [str(message.content) for message in prompt.messages],
        )

    @property
    def track(self) -> Track:
        """What experts said of its earlier answers; may read the memory, and so blocks."""
        return track_in(self.records, self.spec, self.said_by)

    def context(self, config: RunnableConfig | None = None, **limits: Any) -> AlignmentContext:
        """What an alignment of this judge works with; `limits` are fields of `AlignmentContext`."""
        return AlignmentContext(
            spec=self.spec,
            records=self.records,
            model=self.model,
            definition=self.definition,
            config=config,
            **limits,
        )

    def assemble(
        self, recollection: Recollection, principles: Sequence[Principle]
    ) -> WorkingMemory:
        """Put together what is shown, within the budget."""
        return assemble(recollection, principles, self.budgets.principle_tokens)

    def prompt(
        self, memory: WorkingMemory, case: Case, *, reply: str = VERDICT_REPLY
    ) -> JudgePrompt:
        """What the model is asked, within the budgets; `reply` is the answer that is wanted."""
        return judge_prompt(
            self.spec,
            memory,
            case,
            case_tokens=self.budgets.case_tokens,
            episode_tokens=self.budgets.episode_tokens,
            distant=self.budgets.distant,
            reply=reply,
            sees=reply is VERDICT_REPLY and sees(self.model.chat_model),
        )


VerdictReply = tuple[Value, str, tuple[str, ...]]
"""Value, rationale, and the ids of what the model relied on."""


def verdict_reader(
    value_type: ValueType, prompt: JudgePrompt
) -> Callable[[dict[str, Any]], tuple[VerdictReply | None, str | None]]:
    """Make the reader of a model's verdict on a prompt."""

    def read(data: dict[str, Any]) -> tuple[VerdictReply | None, str | None]:
        rationale, cited = data.get("rationale"), data.get("relied_on", [])
        if not isinstance(rationale, str) or not isinstance(cited, list):
            return None, "expected a text 'rationale', a list 'relied_on' and a 'value'."
        if "value" not in data:
            return None, f"it has no 'value'; expected {value_type.describe()}."
        try:
            value = value_type.check(data["value"])
        except InvalidInputError as error:
            return None, str(error)
        # Ids that were not shown are inventions of the model.
        names = dict.fromkeys(name for name in cited if isinstance(name, str))
        relied_on = tuple(id_ for name in names for id_ in prompt.ids.get(name, ()))
        return (value, storable(rationale), relied_on), None

    return read


def storable(text: str) -> str:
    """The text without halves of characters, which models also write and nothing can store."""
    return text.encode("utf-8", errors="replace").decode("utf-8")
