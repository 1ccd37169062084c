"""What a judge is made of, and how the reply to its prompt is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias, get_args

from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig

from langchain_memalign._alignment.context import AlignmentContext, learning_limits
from langchain_memalign._calibration.promise import AtLeast
from langchain_memalign._calibration.reading import digest, track_in
from langchain_memalign._calibration.track import Track
from langchain_memalign._judging.arguments import one_of
from langchain_memalign._memory.definition import definition_of
from langchain_memalign._memory.records import Records
from langchain_memalign._memory.search import OnRecallFailure, Recollection, assemble
from langchain_memalign._models import DecisionModel, StructuredModel, model_id
from langchain_memalign._models.logprobs import MOST_VALUES
from langchain_memalign._models.profile import is_small
from langchain_memalign._prompts.deciding import MOST_LEVELS, decision_question
from langchain_memalign._prompts.images import sees
from langchain_memalign._prompts.judging import (
    COMPACT_REPLY,
    VALUE_REPLY,
    VERDICT_REPLY,
    JudgePrompt,
    judge_prompt,
    judge_role,
)
from langchain_memalign._values.levels import Aggregate, is_coarse, levels_of, stepped
from langchain_memalign._values.types import JudgeSpec
from langchain_memalign.errors import MemoryUnavailableError
from langchain_memalign.schema import Case, JudgeDefinition, Principle, Value, WorkingMemory

ProbabilitySource: TypeAlias = Literal["logprobs"]
"""Where a chat model's probabilities come from."""

PromptForm: TypeAlias = Literal["full", "compact"]
"""How much a model is told: a small one does better with less."""

_COMPACT_K = 3
_COMPACT_TOKENS = 300
_LEAST_TOKENS = 50


def is_compact(form: PromptForm | None, model: StructuredModel | DecisionModel) -> bool:
    """Whether a judge's prompts are compact: as its owner says, or by the model's window.

    Raises:
        InvalidInputError: `form` is neither.
    """
    if form is not None:
        forms: tuple[str, ...] = get_args(PromptForm)
        chosen: str = one_of(forms, "prompt", form)
        return chosen == "compact"
    return isinstance(model, StructuredModel) and is_small(model.window)


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

    def for_a_small_model(self, window: int | None) -> Budgets:
        """As much of it as a small model can take.

        Args:
            window: How many tokens its prompt may have; None where that is not known.
        """
        k, tokens = min(self.k, _COMPACT_K), min(self.episode_tokens, _COMPACT_TOKENS)
        budgets = replace(self, k=k, episode_tokens=tokens)
        if window is None:
            return budgets
        # An episode may take three times its budget: its case, and what a judge and an expert said.
        return replace(
            budgets,
            principle_tokens=min(self.principle_tokens, window // 6),
            case_tokens=min(self.case_tokens, window // 3),
            episode_tokens=min(budgets.episode_tokens, max(window // 32, _LEAST_TOKENS)),
        )


Sure: TypeAlias = AtLeast | float
"""A promise that covers a judgement, or the least confidence that it must have."""


@dataclass(frozen=True, kw_only=True)
class Second:
    """A second judge.

    Attributes:
        setup: What it is made of.
        sure: When the first judge is sure, so that the second is not asked.
    """

    setup: JudgeSetup
    sure: Sure


@dataclass(frozen=True, kw_only=True)
class JudgeSetup:
    """What a judge is made of; over another memory: `over`.

    Attributes:
        spec: Name, instructions and value type.
        records: What the judge remembers.
        model: Who is asked to judge.
        distiller: Who is asked to learn: writes principles; None where nobody can.
        budgets: How much goes into a prompt, as the judge's owner has it.
        model_name: How the model was named; None where it was given as an object.
        distiller_name: How a distiller of its own was named.
        has_distiller: Whether it has one of its own.
        probabilities: Where a chat model's come from, if they are asked for.
        aggregate: Which value they make, if it is not the usual one.
        on_recall_failure: What is done when past cases cannot be looked up.
        is_compact: Whether its model is a small one: it is told less, and asked for the value
            first.
        second: Who is asked where this judge is not sure; None for nobody.
    """

    spec: JudgeSpec
    records: Records
    model: StructuredModel | DecisionModel
    distiller: StructuredModel | None
    budgets: Budgets
    model_name: str | None = None
    distiller_name: str | None = None
    has_distiller: bool = False
    probabilities: ProbabilitySource | None = None
    aggregate: Aggregate | None = None
    on_recall_failure: OnRecallFailure = "raise"
    is_compact: bool = False
    second: Second | None = None

    @property
    def in_turn(self) -> list[JudgeSetup]:
        """This judge, and those that are asked after it."""
        found = [self]
        while (second := found[-1].second) is not None:
            found.append(second.setup)
        return found

    def over(self, records: Records) -> JudgeSetup:
        """The same judge over other records; with it go those asked after it that have its own."""
        second = self.second
        if second is not None and self.remembers_as(second.setup):
            second = replace(second, setup=second.setup.over(records))
        return replace(self, records=records, second=second)

    def remembers_as(self, other: JudgeSetup) -> bool:
        """Whether another judge has the same episodes and principles."""
        return self.spec.name == other.spec.name and self.records is other.records

    @property
    def shown(self) -> Budgets:
        """How much the model is shown."""
        if not self.is_compact:
            return self.budgets
        window = self.model.window if isinstance(self.model, StructuredModel) else None
        return self.budgets.for_a_small_model(window)

    @property
    def definition(self) -> JudgeDefinition:
        """How the judge is set up, for the memory to keep."""
        return definition_of(
            self.spec,
            k=self.budgets.k,
            principle_tokens=self.budgets.principle_tokens,
            model=self.model_name,
            distiller=self.distiller_name,
            has_distiller=self.has_distiller,
            probabilities=self.probabilities,
            aggregate=self.aggregate,
        )

    @cached_property
    def said_by(self) -> str:
        """What tells this judge, with its model, prompt and values, from another one.

        The prompt is that of an empty memory, so that any change of its words counts.
        """
        model = self.model
        asked = model.chat_model if isinstance(model, StructuredModel) else model.runnable
        prompt = self.prompt(WorkingMemory(), Case(inputs="?", outputs="?"))
        return digest(
            self.spec.name,
            self.spec.value_type.json_schema,
            model_id(asked),
            [self.probabilities, self.value_by],
            [str(message.content) for message in prompt.messages],
        )

    def context(self, config: RunnableConfig | None = None, **limits: Any) -> AlignmentContext:
        """What an alignment of this judge works with; `limits` are fields of `AlignmentContext`."""
        return AlignmentContext(
            spec=self.spec,
            records=self.records,
            distiller=self.distiller,
            definition=self.definition,
            config=config,
            **{**self._learning_limits, **limits},
        )

    def assemble(
        self, recollection: Recollection, principles: Sequence[Principle]
    ) -> WorkingMemory:
        """Put together what is shown, within the budget."""
        return assemble(recollection, principles, self.shown.principle_tokens)

    @property
    def value_by(self) -> Aggregate:
        """Which value probabilities make: by default the mean where they are of some steps only."""
        if self.aggregate is not None:
            return self.aggregate
        most = MOST_LEVELS if isinstance(self.model, DecisionModel) else MOST_VALUES
        return "mean" if is_coarse(self.spec.value_type, most) else "mode"

    @property
    def levels(self) -> tuple[Value, ...]:
        """The values that probabilities are told of."""
        return levels_of(self.spec.value_type, MOST_VALUES)

    @property
    def asked(self) -> JudgeSpec:
        """What a chat model is asked for: on a long scale, where probabilities are, some steps."""
        if self.probabilities is None:
            return self.spec
        asked = stepped(self.spec.value_type, MOST_VALUES)
        return self.spec.model_copy(update={"value_type": asked})

    def prompt(self, memory: WorkingMemory, case: Case, *, reply: str | None = None) -> JudgePrompt:
        """What the model is asked, within the budgets.

        Args:
            memory: What is known of the case.
            case: What is judged.
            reply: The answer that is wanted, if it is not the model's own.
        """
        chat = self.model.chat_model if isinstance(self.model, StructuredModel) else None
        own = decision_question(self.spec) if chat is None else self._reply
        budgets = self.shown
        return judge_prompt(
            self.asked,
            memory,
            case,
            case_tokens=budgets.case_tokens,
            episode_tokens=budgets.episode_tokens,
            distant=budgets.distant,
            reply=own if reply is None else reply,
            sees=reply is None and chat is not None and sees(chat),
            is_compact=self.is_compact,
        )

    def value_alone(self, prompt: JudgePrompt) -> list[BaseMessage]:
        """The same prompt, but for the value alone."""
        role = judge_role(self.asked, VALUE_REPLY, is_compact=self.is_compact)
        return [role, *prompt.messages[1:]]

    @property
    def _reply(self) -> str:
        return COMPACT_REPLY if self.is_compact else VERDICT_REPLY

    @property
    def _learning_limits(self) -> dict[str, Any]:
        if self.distiller is None:
            return {}
        window = self.distiller.window
        has_small = is_small(window) if self.has_distiller else self.is_compact
        return learning_limits(window, is_compact=has_small)


def known_track(setup: JudgeSetup, *, is_current: bool = False) -> Track:
    """What experts said of a judge's earlier answers; reads the memory where that is not known.

    Args:
        setup: The judge.
        is_current: Whether to look first what other processes changed.

    Raises:
        MemoryUnavailableError: It cannot be read, and the judge does not go on without.
    """
    try:
        return track_in(setup.records, setup.spec, setup.said_by, is_current=is_current)
    except MemoryUnavailableError:
        if setup.on_recall_failure == "raise":
            raise
        return Track(setup.spec.value_type)
