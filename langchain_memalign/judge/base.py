"""A judge as a LangChain Runnable: set up, and asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn, Self, TypeAlias, TypeVar, get_args

from langchain_core.callbacks import (
    AsyncCallbackManagerForChainRun,
    BaseRunManager,
    CallbackManagerForChainRun,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from langchain_core.runnables.config import ensure_config, merge_configs
from langchain_core.tools import BaseTool
from pydantic import BaseModel

from langchain_memalign._async import judging as ajudging
from langchain_memalign._async import recall as arecalling
from langchain_memalign._concurrency import blocking, off_loop
from langchain_memalign._judging.arguments import (
    at_least,
    check_no_options,
    check_probabilities,
    cosine,
    one_of,
)
from langchain_memalign._judging.results import no_upload_in_local_mode, run_metadata
from langchain_memalign._judging.setup import (
    Budgets,
    JudgeSetup,
    ProbabilitySource,
    PromptForm,
    is_compact,
)
from langchain_memalign._memory.definition import (
    check_definition,
    kept_of,
    known_definition,
    written_anew,
)
from langchain_memalign._memory.records import Records
from langchain_memalign._memory.search import OnRecallFailure
from langchain_memalign._models import Retry, models_of, resolve_model
from langchain_memalign._prompts.placeholders import without_placeholders
from langchain_memalign._sync import judging, transactions
from langchain_memalign._values.levels import Aggregate
from langchain_memalign._values.types import Declared, JudgeSpec
from langchain_memalign.errors import ConfigurationError
from langchain_memalign.memory import PRINCIPLE_TOKENS, Memory
from langchain_memalign.schema import (
    Case,
    Change,
    Feedback,
    Unscored,
    Verdict,
)

CaseLike: TypeAlias = Case | Mapping[str, Any]
FeedbackLike: TypeAlias = Feedback | Mapping[str, Any]
Outcome: TypeAlias = Verdict | Unscored
R = TypeVar("R")


class JudgeBase(Runnable[CaseLike, Outcome]):
    """What each side of a judge builds on: its parts, judging, and doing work as a run."""

    def __init__(
        self,
        *,
        name: str,
        instructions: str,
        value_type: Declared,
        model: str | BaseChatModel | Runnable[Any, Any],
        memory: Memory,
        distiller: str | BaseChatModel | None = None,
        probabilities: ProbabilitySource | None = None,
        aggregate: Aggregate | None = None,
        k: int = 5,
        principle_tokens: int = PRINCIPLE_TOKENS,
        case_tokens: int = 32_000,
        episode_tokens: int = 2_000,
        distant: float = 0.3,
        value_meanings: Mapping[Any, str] | None = None,
        question: str | None = None,
        on_recall_failure: OnRecallFailure = "raise",
        prompt: PromptForm | None = None,
        structured_output: Mapping[str, Any] | None = None,
        retry: Retry | None = None,
        redefine: bool = False,
    ) -> None:
        """Set a judge up. Calls no model; looks up whether the memory knows the judge.

        Args:
            name: What it learns is kept under this name, and its runs are called so.
            instructions: What to judge. Trusted: it goes into the system message. Placeholders
                such as `{inputs}` or `{{ outputs }}` become words for the case's sections.
            value_type: What a verdict's value may be: `bool`, `Literal[...]`,
                `Annotated[int, Field(ge=1, le=5)]`, `Annotated[float, Field(ge=0, le=1)]`, or the
                JSON schema of one of these.
            model: A chat model, "precedent" (offline), or "provider:name" as `init_chat_model`
                takes it; or a decision model, which gives probabilities instead of reasons: a
                `BaseDecisionModel` of LangChain, an `OpenAIDecisions`, or "openai-decisions:name".
            memory: Where it remembers; several judges may share one.
            distiller: The chat model that learns, if it is not the one that judges. A decision
                model needs one as soon as something is to be learned.
            probabilities: "logprobs" asks a chat model for the log probabilities of its tokens.
                From them come the verdict's `probabilities` and `confidence`. If the model does
                not return them, or they are not clear, both are None. A decision model gives
                probabilities without being asked.
            aggregate: Which value to report if there are probabilities: the likeliest, "mode", or
                on a scale the expected one, "mean". The default is the mode, or the mean if only
                some steps of a scale are asked for (any range of numbers).
            k: How many past cases the model is shown at most.
            principle_tokens: Token budget for principles. If they exceed it, the pinned ones and
                those nearest to the case are shown, and the verdict says how many there are.
            case_tokens: Token budget for the case's texts; what exceeds it is cut at a marked
                place.
            episode_tokens: Token budget for the texts of each past case.
            distant: If even the nearest past case is less similar than this, the model is told
                that it has no precedent.
            value_meanings: What the values mean in words, such as
                `{True: "appropriate", False: "not appropriate"}`. People and the model are shown
                them, and people may answer in them.
            question: What people are asked about a case. The default is the instructions.
            on_recall_failure: What to do if the case cannot be embedded or past cases cannot be
                searched: "raise", or judge by "principles" alone. In that case the model is told,
                and the verdict's `recall_problem` says why. Refused access always raises.
            prompt: "compact" is for small models: fewer words, three past cases at most, the value
                before its reasons, few records in a distilling call. It is the default if the
                model's LangChain profile has a window of at most 16,384 tokens, to which the
                budgets above are then cut down; otherwise "full" is.
            structured_output: Passed to `with_structured_output` of the model, such as
                `{"method": "function_calling"}`; of the distiller if the model is a decision
                model.
            retry: How failing model calls are repeated.
            redefine: Whether instructions, value type or the meanings of values may differ from
                those with which the judge has learned so far. The memory then keeps the new ones.

        Raises:
            InvalidInputError: Name, instructions, value type, meanings, `on_recall_failure`,
                `prompt`, `probabilities`, `aggregate` or a number is not usable.
            ConfigurationError: Model, distiller, memory, retry or structured-output options cannot
                be used; or the memory knows a different judge by this name.
        """
        if isinstance(instructions, str):
            instructions = without_placeholders(instructions)
        spec = JudgeSpec.create(
            name=name,
            instructions=instructions,
            value_type=value_type,
            value_meanings=value_meanings,
            question=question,
        )
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
        self.model = resolve_model(model)
        check_probabilities(spec.value_type, self.model, probabilities, aggregate)
        judging_model, learning_model = models_of(
            self.model,
            distiller=distiller,
            options=structured_output,
            retry=retry or Retry(),
            logprobs=probabilities is not None,
        )
        self.setup = JudgeSetup(
            spec=spec,
            records=memory.records,
            model=judging_model,
            distiller=learning_model,
            budgets=Budgets(
                k=at_least(0, "k", k),
                principle_tokens=at_least(1, "principle_tokens", principle_tokens),
                case_tokens=at_least(100, "case_tokens", case_tokens),
                episode_tokens=at_least(50, "episode_tokens", episode_tokens),
                distant=cosine("distant", distant),
            ),
            on_recall_failure=one_of(
                get_args(OnRecallFailure), "on_recall_failure", on_recall_failure
            ),
            model_name=model if isinstance(model, str) else None,
            distiller_name=distiller if isinstance(distiller, str) else None,
            has_distiller=distiller is not None,
            probabilities=probabilities,
            aggregate=aggregate,
            is_compact=is_compact(prompt, judging_model),
        )
        if redefine:
            transactions.transact(memory.records, self._redefined)
        else:
            check_definition(memory.records, spec.name, self.setup.definition)

    @classmethod
    def load(
        cls,
        memory: Memory,
        name: str,
        *,
        model: str | BaseChatModel | Runnable[Any, Any] | None = None,
        **options: Any,
    ) -> Self:
        """Set up a judge that the memory knows, as it was when it last learned.

        Args:
            memory: Where it remembers.
            name: Its name.
            model: Its model. The default is the one it had, if that was given by name.
            options: Further arguments of `MemAlignJudge`, which replace the stored ones.

        Raises:
            InvalidInputError: The memory knows no such judge.
            ConfigurationError: The model or the distiller was not given by name, so pass it.
        """
        known = known_definition(memory.records, name)
        used = known.model if model is None else model
        if used is None:
            raise ConfigurationError(
                f"model: the memory does not know the model of the judge {name!r} by name; "
                "expected one: pass model=."
            )
        kept = kept_of(known, options)
        return cls(name=name, memory=memory, model=used, **{**kept, **options})

    def invoke(
        self, input: CaseLike, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Outcome:
        """Judge a case.

        Raises:
            InvalidInputError: The case is not usable.
            ModelError: The provider refuses access; or the case could not be embedded, unless
                `on_recall_failure` is "principles".
        """
        check_no_options(kwargs)

        def judge(
            case: CaseLike, run_manager: CallbackManagerForChainRun, config: RunnableConfig
        ) -> Outcome:
            with blocking("invoke", "ainvoke"):
                outcome, _ = judging.judge(self.setup, Case.of(case), config=config)
            return self._told(outcome, run_manager)

        with no_upload_in_local_mode():
            return self._call_with_config(judge, input, self._named(config))

    async def ainvoke(
        self, input: CaseLike, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Outcome:
        """Async `invoke`."""
        check_no_options(kwargs)

        async def judge(
            case: CaseLike, run_manager: AsyncCallbackManagerForChainRun, config: RunnableConfig
        ) -> Outcome:
            outcome, _ = await ajudging.judge(
                self.setup, await arecalling.read_case(case), config=config
            )
            return self._told(outcome, run_manager)

        with no_upload_in_local_mode():
            return await self._acall_with_config(judge, input, self._named(config))

    def embedding_ahead(self, cases: Iterable[CaseLike]) -> Self:
        """The same judge, for code that calls it one case at a time.

        It embeds up to 50 cases in one call, when the first of them is judged, and keeps their
        vectors until they are needed. If that call fails, no case fails: each is embedded alone.
        `batch` and `abatch` do this by themselves. Cases judged in the meantime wait for the call.

        Args:
            cases: What will be judged, roughly in this order. A case that is not usable fails only
                when it is judged.
        """
        usable = []
        for case in cases:
            # Whatever is wrong with it: a mapping may be any code that fetches what it holds.
            with suppress(Exception):
                usable.append(Case.of(case))
        records = self.setup.records.embedding_ahead(usable)
        return self._replace(setup=self.setup.over(records))

    def batch(
        self,
        inputs: list[CaseLike],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[Outcome]:
        """Judge cases side by side in threads; see `Runnable.batch`.

        Args:
            inputs: The cases.
            config: As for `invoke`; its `max_concurrency` limits how many are judged at a time.
            return_exceptions: Return an error in place of an outcome, instead of raising it.
            kwargs: None are taken.
        """
        return Runnable.batch(
            self.embedding_ahead(inputs),
            inputs,
            config,
            return_exceptions=return_exceptions,
            **kwargs,
        )

    async def abatch(
        self,
        inputs: list[CaseLike],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[Outcome]:
        """Async `batch`: side by side on the event loop; all at once without `max_concurrency`."""
        # Off the loop: looking through 10,000 cases takes a second.
        ahead = await off_loop(self.embedding_ahead, inputs)
        return await Runnable.abatch(
            ahead,
            inputs,
            config,
            return_exceptions=return_exceptions,
            **kwargs,
        )

    def as_tool(
        self,
        args_schema: type[BaseModel] | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        arg_types: dict[str, type] | None = None,
    ) -> BaseTool:
        """This judge as a tool that takes a case's fields; see `Runnable.as_tool`.

        For agents, prefer `JudgeTool`, which explains itself and answers in words.
        """
        if args_schema is None and arg_types is None:
            args_schema = Case
        description = description or f"Judge a case: {self.spec.instructions}"
        return super().as_tool(args_schema, name=name, description=description, arg_types=arg_types)

    def configurable_fields(self, *_: Any, **__: Any) -> NoReturn:
        """Refused: a judge's parts are checked against its memory when it is built.

        Raises:
            ConfigurationError: Always; it says what to use instead.
        """
        raise ConfigurationError(
            "a judge cannot be changed by a run's config; build one judge for each configuration, "
            "over the same memory, and choose in a RunnableLambda(lambda case, config: ...)."
        )

    configurable_alternatives = configurable_fields

    def _redefined(self) -> tuple[Sequence[Change], None]:
        known = self.setup.records.definition(self.spec.name)
        return written_anew(self.spec.name, known, self.setup.definition), None

    def _over(self, records: Records) -> Self:
        """The same judge over other records."""
        return self._replace(memory=Memory.over(records), setup=self.setup.over(records))

    def _replace(self, **changed: Any) -> Self:
        made = object.__new__(type(self))
        vars(made).update(vars(self), **changed)
        return made

    def _as_run(
        self, what: str, work: Callable[[RunnableConfig], R], config: RunnableConfig | None
    ) -> R:
        """Do work as a LangChain run, so that it is traced and its model calls hang below it."""

        def traced(_: Any, config: RunnableConfig) -> R:
            with blocking(what, f"a{what}"):
                return work(config)

        run = RunnableLambda[Any, R](traced, name=f"{self.spec.name}.{what}")
        return run.invoke({"judge": self.spec.name}, config)

    async def _as_arun(
        self,
        what: str,
        work: Callable[[RunnableConfig], Awaitable[R]],
        config: RunnableConfig | None,
    ) -> R:
        async def traced(_: Any, config: RunnableConfig) -> R:
            return await work(config)

        run = RunnableLambda[Any, R](traced, name=f"{self.spec.name}.{what}")
        return await run.ainvoke({"judge": self.spec.name}, config)

    def _named(self, config: RunnableConfig | None) -> RunnableConfig:
        return merge_configs(ensure_config(config), {"metadata": run_metadata(self.spec.name)})

    def _told(self, outcome: Outcome, run_manager: BaseRunManager) -> Outcome:
        # What was recalled is known only now; tracers hold these metadata until the run ends.
        run_manager.metadata.update(run_metadata(self.spec.name, dict(outcome)))
        return outcome

    def __getstate__(self) -> NoReturn:
        raise ConfigurationError(
            f"the judge {self.spec.name!r} cannot be pickled or copied: it holds an open memory "
            "and a model with its keys. Build it again where it is needed, from the same arguments."
        )

    def __repr__(self) -> str:
        return f"MemAlignJudge({self.spec.name!r}, {self.spec.value_type.describe()})"
