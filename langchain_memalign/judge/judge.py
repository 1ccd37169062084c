"""The judge as users hold it: a LangChain Runnable that can be taught."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, TypeVar, get_args

from langchain_core.callbacks import (
    AsyncCallbackManagerForChainRun,
    BaseRunManager,
    CallbackManagerForChainRun,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config, merge_configs

from langchain_memalign._memory.search import OnRecallFailure
from langchain_memalign._models import Retry, StructuredModel, resolve_chat_model
from langchain_memalign._results import no_upload_in_local_mode, run_metadata
from langchain_memalign._values import Declared, JudgeSpec
from langchain_memalign.errors import ConfigurationError, InvalidInputError
from langchain_memalign.flow import arun, run
from langchain_memalign.judge.batching import Batching, CaseLike, Outcome
from langchain_memalign.judge.evaluating import Evaluating
from langchain_memalign.judge.flows import Budgets, JudgeFlows
from langchain_memalign.judge.teaching import Teachable
from langchain_memalign.memory import PRINCIPLE_TOKENS, Memory
from langchain_memalign.schema import Case, WorkingMemory

T = TypeVar("T")


class MemAlignJudge(Teachable, Evaluating, Batching):
    """An LLM judge that learns from experts' remarks, after the MemAlign method.

    A Runnable from a `Case`, or a mapping of its fields, to a `Verdict`, or to an `Unscored` when
    no verdict could be reached. Judging only reads memory; `align`, `forget` and the principle
    methods write it. Safe to use from many threads and event loops at once. Every method has an
    async twin with the prefix `a`. The judge itself is an evaluator for LangSmith, openevals and
    agentevals; in async code, `judge.aevaluate` is.

    Source of the method: MemAlign, Databricks 2026
    (https://www.databricks.com/blog/memalign-building-better-llm-judges-human-feedback-scalable-memory).

    Attributes:
        name: The namespace in memory, and the name of the runs.
        spec: Name, instructions and value type.
        memory: Where the judge remembers.
        model: The chat model.
        flows: The same operations as flows, for code that serves sync and async callers alike.
    """

    def __init__(
        self,
        *,
        name: str,
        instructions: str,
        value_type: Declared,
        model: str | BaseChatModel,
        memory: Memory,
        k: int = 5,
        principle_tokens: int = PRINCIPLE_TOKENS,
        case_tokens: int = 32_000,
        episode_tokens: int = 2_000,
        distant: float = 0.3,
        on_recall_failure: OnRecallFailure = "raise",
        structured_output: Mapping[str, Any] | None = None,
        retry: Retry | None = None,
    ) -> None:
        """Set a judge up. Calls nothing.

        Args:
            name: Its namespace in memory, and the name of its runs.
            instructions: What to judge. Trusted: it stands in the system message.
            value_type: What a verdict's value may be: `bool`, `Literal[...]`,
                `Annotated[int, Field(ge=1, le=5)]`, `Annotated[float, Field(ge=0, le=1)]`, or the
                JSON schema of one of these.
            model: A chat model, "precedent" (offline), or "provider:name" as `init_chat_model`
                takes it.
            memory: Where it remembers; several judges may share one.
            k: Most past cases shown to the model.
            principle_tokens: Token budget for principles. Over it, the pinned ones and those
                nearest to the case are shown, and the verdict tells how many there are.
            case_tokens: Token budget for the case's texts; what is over is cut, marked.
            episode_tokens: Token budget for the texts of each past case.
            distant: When even the nearest past case is less similar than this, the model is told
                that it has no precedent.
            on_recall_failure: What to do when the case cannot be embedded or past cases cannot be
                searched: "raise", or judge by "principles" alone; then the model is told, and the
                verdict's `recall_problem` says why. Refused access raises in any case.
            structured_output: Passed to the model's `with_structured_output`, such as
                `{"method": "function_calling"}`.
            retry: How failing model calls are repeated.

        Raises:
            InvalidInputError: Name, instructions, value type, `on_recall_failure` or a number is
                not usable.
            ConfigurationError: Model, memory, retry or structured-output options cannot be used.
        """
        spec = JudgeSpec.create(name=name, instructions=instructions, value_type=value_type)
        if not isinstance(memory, Memory):
            raise ConfigurationError(
                f"memory: found a {type(memory).__name__}; expected one from Memory.open(...)."
            )
        if retry is not None and not isinstance(retry, Retry):
            raise ConfigurationError(f"retry: found a {type(retry).__name__}; expected a Retry.")
        if structured_output is not None and not isinstance(structured_output, Mapping):
            raise ConfigurationError(
                f"structured_output: found a {type(structured_output).__name__}; expected a "
                "mapping, such as {'method': 'function_calling'}."
            )
        self.name = spec.name
        self.spec = spec
        self.memory = memory
        self.model = resolve_chat_model(model)
        self.flows = JudgeFlows(
            spec,
            memory.flows,
            StructuredModel(self.model, options=structured_output, retry=retry or Retry()),
            Budgets(
                k=_at_least(0, "k", k),
                principle_tokens=_at_least(1, "principle_tokens", principle_tokens),
                case_tokens=_at_least(100, "case_tokens", case_tokens),
                episode_tokens=_at_least(50, "episode_tokens", episode_tokens),
                distant=_cosine("distant", distant),
            ),
            on_recall_failure=_one_of(
                get_args(OnRecallFailure), "on_recall_failure", on_recall_failure
            ),
        )

    def invoke(
        self, input: CaseLike, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Outcome:
        """Judge a case.

        Raises:
            InvalidInputError: The case is not usable.
            ModelError: The provider refuses access; or the case could not be embedded, unless
                `on_recall_failure` is "principles".
        """

        def judge(
            case: CaseLike, run_manager: CallbackManagerForChainRun, config: RunnableConfig
        ) -> Outcome:
            outcome, _ = run(self.flows.judge(Case.of(case), config=config))
            return self._told(outcome, run_manager)

        with no_upload_in_local_mode():
            return self._call_with_config(judge, input, self._named(config), **kwargs)

    async def ainvoke(
        self, input: CaseLike, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Outcome:
        """Async `invoke`."""

        async def judge(
            case: CaseLike, run_manager: AsyncCallbackManagerForChainRun, config: RunnableConfig
        ) -> Outcome:
            outcome, _ = await arun(self.flows.judge(Case.of(case), config=config))
            return self._told(outcome, run_manager)

        with no_upload_in_local_mode():
            return await self._acall_with_config(judge, input, self._named(config), **kwargs)

    def recall(self, case: CaseLike) -> WorkingMemory:
        """What the judge would have before it: principles and past cases. Judges nothing."""
        return run(self.flows.recall(Case.of(case)))

    async def arecall(self, case: CaseLike) -> WorkingMemory:
        """Async `recall`."""
        return await arun(self.flows.recall(Case.of(case)))

    def _named(self, config: RunnableConfig | None) -> RunnableConfig:
        return merge_configs(ensure_config(config), {"metadata": run_metadata(self.spec.name)})

    def _told(self, outcome: Outcome, run_manager: BaseRunManager) -> Outcome:
        # What was recalled is known only now; tracers hold these metadata until the run ends.
        run_manager.metadata.update(run_metadata(self.spec.name, dict(outcome)))
        return outcome

    def __getstate__(self) -> NoReturn:
        raise ConfigurationError(
            f"the judge {self.spec.name!r} cannot be pickled or copied: it holds an open memory "
            "and a model with its keys. Build it anew where it is needed, from the same arguments."
        )

    def __repr__(self) -> str:
        return f"MemAlignJudge({self.spec.name!r}, {self.spec.value_type.describe()})"


def _at_least(least: int, name: str, number: int) -> int:
    if type(number) is not int or number < least:
        raise InvalidInputError(
            f"{name}: found {number!r:.40}; expected a whole number >= {least}."
        )
    return number


def _one_of(known: Sequence[T], name: str, choice: T) -> T:
    if choice not in known:
        raise InvalidInputError(
            f"{name}: found {choice!r:.40}; expected {' or '.join(map(repr, known))}."
        )
    return choice


def _cosine(name: str, number: float) -> float:
    if type(number) not in (int, float) or not -1 <= number <= 1:
        raise InvalidInputError(f"{name}: found {number!r:.40}; expected a number from -1 to 1.")
    return number
