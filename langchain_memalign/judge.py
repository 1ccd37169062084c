"""The judge as users hold it: a LangChain Runnable and evaluator that can be taught."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self, TypeAlias, TypeVar, get_args

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

from langchain_memalign._alignment.context import Cost
from langchain_memalign._arguments import (
    at_least,
    check_alignment,
    check_calibration,
    check_health,
    check_no_options,
    check_probabilities,
    checked_decision,
    cosine,
    forgotten,
    one_of,
    share,
)
from langchain_memalign._async import align as aaligning
from langchain_memalign._async import calibrating as acalibrating
from langchain_memalign._async import forget as aforgetting
from langchain_memalign._async import gated as agated
from langchain_memalign._async import health as ahealths
from langchain_memalign._async import judging as ajudging
from langchain_memalign._async import principles as aprinciples
from langchain_memalign._async import recall as arecalling
from langchain_memalign._async import superseding as asuperseding
from langchain_memalign._async.calibrating import Progress
from langchain_memalign._calibration.agreement import promised
from langchain_memalign._calibration.promise import AtLeast
from langchain_memalign._calibration.reading import agreement_in
from langchain_memalign._concurrency import blocking, off_loop
from langchain_memalign._definition import (
    check_definition,
    kept_of,
    known_definition,
    written_anew,
)
from langchain_memalign._escalation import check_second
from langchain_memalign._evaluated import evaluated
from langchain_memalign._health.comparing import Baseline, read_baseline
from langchain_memalign._levels import Aggregate
from langchain_memalign._memory.records import Records
from langchain_memalign._memory.search import OnRecallFailure
from langchain_memalign._models import Retry, models_of, resolve_model
from langchain_memalign._openevals import OpenevalsPrompt
from langchain_memalign._prompts.placeholders import without_placeholders
from langchain_memalign._results import (
    EvaluatorResult,
    evaluator_result,
    no_upload_in_local_mode,
    run_metadata,
)
from langchain_memalign._setup import (
    Budgets,
    JudgeSetup,
    ProbabilitySource,
    PromptForm,
    is_compact,
    known_track,
)
from langchain_memalign._sync import align as aligning
from langchain_memalign._sync import (
    calibrating,
    gated,
    judging,
    principles,
    superseding,
    transactions,
)
from langchain_memalign._sync import forget as forgetting
from langchain_memalign._sync import health as healths
from langchain_memalign._values import Declared, JudgeSpec
from langchain_memalign.errors import ConfigurationError
from langchain_memalign.memory import PRINCIPLE_TOKENS, Memory
from langchain_memalign.schema import (
    AgreementReport,
    AlignmentReport,
    CalibrationReport,
    Case,
    Change,
    Episode,
    Feedback,
    ForgetReport,
    GateDecision,
    HealthReport,
    Principle,
    Threshold,
    Unscored,
    Verdict,
    WorkingMemory,
)

CaseLike: TypeAlias = Case | Mapping[str, Any]
FeedbackLike: TypeAlias = Feedback | Mapping[str, Any]
Outcome: TypeAlias = Verdict | Unscored
Gate: TypeAlias = Callable[["MemAlignJudge", "MemAlignJudge", Sequence[Feedback]], GateDecision]
"""Is given the judge as it is, the judge as it would be, and the usable feedback of the batch.

Both judges have copies of the memory: a gate may do with them as it likes. It may block: `aalign`
calls it in a thread.
"""

if TYPE_CHECKING:
    from langsmith.evaluation import EvaluationResult

_MOSTLY = AtLeast(agreement=0.9)

R = TypeVar("R")
T = TypeVar("T")


class MemAlignJudge(Runnable[CaseLike, Outcome]):
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
        spec: Name, instructions, value type and meanings.
        memory: Where the judge remembers.
        model: The chat model, or decision model, that judges.
        setup: What it is made of, for the library's own code.
    """

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
            name: Its namespace in memory, and the name of its runs.
            instructions: What to judge. Trusted: it stands in the system message. Placeholders
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
            probabilities: "logprobs" asks a chat model for the log probabilities of its tokens
                and makes of them how likely each value is: the verdict's `probabilities` and
                `confidence`. Where the model does not return them, or they do not tell, both are
                None. A decision model gives probabilities without being asked.
            aggregate: Which value probabilities make: the likeliest, "mode", or on a scale the
                expected one, "mean". By default the mode, but on a scale of which only some steps
                are asked for (any scale of numbers) the mean.
            k: Most past cases shown to the model.
            principle_tokens: Token budget for principles. Over it, the pinned ones and those
                nearest to the case are shown, and the verdict tells how many there are.
            case_tokens: Token budget for the case's texts; what is over is cut, marked.
            episode_tokens: Token budget for the texts of each past case.
            distant: When even the nearest past case is less similar than this, the model is told
                that it has no precedent.
            value_meanings: What values mean in words, such as
                `{True: "appropriate", False: "not appropriate"}`. People and the model are shown
                them, and people may answer in them.
            question: What people are asked about a case; without it, the instructions.
            on_recall_failure: What to do when the case cannot be embedded or past cases cannot be
                searched: "raise", or judge by "principles" alone; then the model is told, and the
                verdict's `recall_problem` says why. Refused access raises in any case.
            prompt: "compact" is for small models: fewer words, three past cases at most, the value
                asked for before its reasons, few records in a distilling call. By default it is
                chosen where the model's LangChain profile tells of a window of at most 16,384
                tokens, to which the budgets above are then cut down; else "full".
            structured_output: Passed to the model's `with_structured_output`, such as
                `{"method": "function_calling"}`; where it is a decision model, to the distiller's.
            retry: How failing model calls are repeated.
            redefine: Whether instructions, value type or the meanings of values may differ from
                those with which the judge learned so far; the memory then keeps the new ones.

        Raises:
            InvalidInputError: Name, instructions, value type, meanings, `on_recall_failure`,
                `prompt`, `probabilities`, `aggregate` or a number is not usable.
            ConfigurationError: Model, distiller, memory, retry or structured-output options cannot
                be used; or the memory knows the judge as another one.
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
            model: Its model; the one that it had, if that was given by name.
            options: Further arguments of `MemAlignJudge`, which then count instead.

        Raises:
            InvalidInputError: The memory knows no such judge.
            ConfigurationError: The model or the distiller was no name, so that it must be given.
        """
        known = known_definition(memory.records, name)
        used = known.model if model is None else model
        if used is None:
            raise ConfigurationError(
                f"model: the memory does not know the model of the judge {name!r} by a name; "
                "expected one: pass model=."
            )
        kept = kept_of(known, options)
        return cls(name=name, memory=memory, model=used, **{**kept, **options})

    @property
    def instructions_with_principles(self) -> str:
        """The instructions followed by the principles that apply; reads the memory."""
        rules = [f"- {principle.text}" for principle in self.principles()]
        if not rules:
            return self.spec.instructions
        return "\n".join([self.spec.instructions, "", "Principles:", *rules])

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
        """The same judge, for who will have it judge these cases in a way of their own.

        It embeds up to 50 cases in one call, when the first of them is judged, and holds their
        vectors until each is. A call that fails fails none of them: each is then embedded alone.
        `batch` and `abatch` do this by themselves. What is judged meanwhile waits for that call.

        Args:
            cases: What will be judged, in about this order. Those that are not usable are left to
                the call that judges them.
        """
        usable = []
        for case in cases:
            # Whatever is wrong with it: a mapping may be any code that fetches what it holds.
            with suppress(Exception):
                usable.append(Case.of(case))
        records = self.setup.records.embedding_ahead(usable)
        return self._replace(setup=replace(self.setup, records=records))

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
            config: As for `invoke`; its `max_concurrency` says how many at a time.
            return_exceptions: Give an error in the place of its outcome, instead of raising it.
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

    def evaluate(
        self,
        *,
        inputs: Any = None,
        outputs: Any = None,
        reference_outputs: Any = None,
        config: RunnableConfig | None = None,
        **more: Any,
    ) -> EvaluatorResult:
        """Judge what a program put out, as an evaluator does.

        Args:
            inputs: What the program was given: text, a mapping, or messages.
            outputs: What it put out: the same, such as a trajectory of messages with tool calls.
                Without any ({} or {"output": None}, as LangSmith shows a program that failed),
                the judge abstains.
            reference_outputs: What it should have put out.
            config: Callbacks, tags and the like.
            more: `run` and `example` of LangSmith, from which what is not given is taken; `context`
                and `plan` of openevals, which become keys of the case's inputs.

        Returns:
            The verdict as feedback: truth values and numbers as `score`, labels as `value`, the
            evidence in `metadata`. The judge abstains with a `score` of None and says why.

        Raises:
            InvalidInputError: There is nothing to judge, or something that the judge cannot read.
            ModelError: The provider refuses access, or the case could not be embedded.
        """
        case = evaluated(inputs, outputs, reference_outputs, more)
        outcome = self.invoke(case, config) if isinstance(case, Case) else case
        return evaluator_result(self.spec.name, outcome)

    def __call__(
        self,
        run: Any = None,
        example: Any = None,
        *,
        inputs: Any = None,
        outputs: Any = None,
        reference_outputs: Any = None,
        config: RunnableConfig | None = None,
        **more: Any,
    ) -> EvaluatorResult:
        """`evaluate`, called with fields by name, or as LangSmith's `(run, example)`."""
        fields = {"inputs": inputs, "outputs": outputs, "reference_outputs": reference_outputs}
        return self.evaluate(**fields, config=config, run=run, example=example, **more)

    def evaluate_run(self, run: Any, example: Any = None, **_: Any) -> EvaluationResult:
        """`evaluate`, as LangSmith's `client.evaluate_run(run, judge)` calls an evaluator."""
        return _langsmith_result(self.evaluate(run=run, example=example))

    async def aevaluate_run(self, run: Any, example: Any = None, **_: Any) -> EvaluationResult:
        """Async `evaluate_run`."""
        return _langsmith_result(await self.aevaluate(run=run, example=example))

    async def aevaluate(
        self,
        *,
        inputs: Any = None,
        outputs: Any = None,
        reference_outputs: Any = None,
        config: RunnableConfig | None = None,
        **more: Any,
    ) -> EvaluatorResult:
        """Async `evaluate`; itself an evaluator for async code."""
        case = evaluated(inputs, outputs, reference_outputs, more)
        outcome = await self.ainvoke(case, config) if isinstance(case, Case) else case
        return evaluator_result(self.spec.name, outcome)

    def as_openevals_prompt(self) -> OpenevalsPrompt:
        """This judge's prompt, with its memory, for the judges that openevals and agentevals make.

        `create_llm_as_judge(prompt=prompt, judge=model, **prompt.options)` then asks `model` with
        what this judge remembers of the case.
        """
        return OpenevalsPrompt(self.setup)

    def as_tool(
        self,
        args_schema: type[BaseModel] | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        arg_types: dict[str, type] | None = None,
    ) -> BaseTool:
        """This judge as a tool that takes a case's fields; see `Runnable.as_tool`.

        A `JudgeTool` is the one that is meant for agents: it explains itself and answers in words.
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

    def recall(self, case: CaseLike) -> WorkingMemory:
        """What the judge would have before it: principles and past cases. Judges nothing."""
        return judging.recall(self.setup, Case.of(case))

    async def arecall(self, case: CaseLike) -> WorkingMemory:
        """Async `recall`."""
        return await ajudging.recall(self.setup, await arecalling.read_case(case))

    def align(
        self,
        feedback: Iterable[FeedbackLike],
        *,
        probe: bool = False,
        gate: Gate | None = None,
        max_concurrency: int = 32,
        config: RunnableConfig | None = None,
    ) -> AlignmentReport:
        """Learn from experts' words; store them first, so that none can be lost.

        Also takes up what an earlier alignment could not finish: `align([])` does only that.
        Progress is told by LangChain custom events named `memalign_progress`.

        Args:
            feedback: `Feedback`, or mappings of its fields, or a DataFrame or Arrow table with
                these as columns. One that is not usable is logged and reported as rejected; the
                others are stored.
            probe: First ask the judge about new cases of which its own verdict is not known, so
                that it learns from the difference; costs one judgement each.
            gate: Decides whether what was learned may enter the memory, such as an
                `evaluation.EvidenceGate`. All is learned in a copy of the memory first; of a
                batch that is refused nothing is stored, and the report's `refused` and `gate` say
                why.
            max_concurrency: Most model calls at the same time.
            config: Callbacks, tags and the like.

        Raises:
            InvalidInputError: `feedback` is no list, or nothing of it can be used.
            ModelError: The provider refuses access. The feedback is stored, pending; with a gate
                it is not.
        """
        check_alignment(gate, max_concurrency)

        def work(config: RunnableConfig) -> AlignmentReport:
            context = self.setup.context(config, max_concurrency=max_concurrency)

            def ask(episode: Episode) -> tuple[Outcome, Cost]:
                return judging.judge(self.setup, episode.case, exclude={episode.id}, config=config)

            asking = ask if probe else None
            if gate is None:
                return aligning.align(context, feedback, probe=asking)
            decide = partial(self._decided_by, gate)
            return gated.align_gated(context, feedback, decide=decide, probe=asking)

        return self._as_run("align", work, config)

    async def aalign(
        self,
        feedback: Iterable[FeedbackLike],
        *,
        probe: bool = False,
        gate: Gate | None = None,
        max_concurrency: int = 32,
        config: RunnableConfig | None = None,
    ) -> AlignmentReport:
        """Async `align`."""
        check_alignment(gate, max_concurrency)

        async def work(config: RunnableConfig) -> AlignmentReport:
            context = self.setup.context(config, max_concurrency=max_concurrency)

            async def ask(episode: Episode) -> tuple[Outcome, Cost]:
                return await ajudging.judge(
                    self.setup, episode.case, exclude={episode.id}, config=config
                )

            asking = ask if probe else None
            if gate is None:
                return await aaligning.align(context, feedback, probe=asking)
            decide = partial(self._decided_by, gate)
            return await agated.align_gated(context, feedback, decide=decide, probe=asking)

        return await self._as_arun("align", work, config)

    def calibrate(
        self,
        *,
        ask: bool = True,
        limit: int | None = None,
        max_concurrency: int = 32,
        progress: Progress | None = None,
        config: RunnableConfig | None = None,
    ) -> CalibrationReport:
        """Complete the track record, and tell whether a map from it pays.

        The judge is asked about each case with an expert's value of which it is not known what it
        says unseen: without the experts' words on that case, their values in the counts, and the
        principles that rest on that case alone. Principles that rest on other cases as well stay,
        so that it may agree a little better than on new cases. Reviews, and `align(probe=True)`,
        keep what the judge said by themselves. What was asked is kept as it comes; to go on after
        an interruption, call it again.

        From the track record comes a map from the judge's answers, their probabilities and the
        nearest past cases' values to the experts' values. It is used only if it lowers the log
        loss, each case left out, by more than that difference's standard error. Then verdicts have
        the value that it makes, their `raw_value` is the model's where that differs, and
        `confidence` and `probabilities` are the map's. Otherwise the confidence is that of the
        model's own probabilities; or, where it tells none, how often experts agreed with this kind
        of answer, drawn to how often they agree at all; or None, where nothing is known.

        Args:
            ask: False asks nothing: the report's `to_ask` is the number of calls that it takes.
            limit: Most cases to ask about now; None for all.
            max_concurrency: Most model calls at the same time.
            progress: Is called with how many cases are done and how many there are, first before
                anything is asked, so that it can tell the cost, or refuse it by raising.
            config: Callbacks, tags and the like.

        Raises:
            ModelError: The provider refuses access. What was answered before is kept.
        """
        check_calibration(limit, max_concurrency, progress)

        def work(config: RunnableConfig) -> CalibrationReport:
            return calibrating.calibrate(
                self.setup,
                ask=ask,
                limit=limit,
                max_concurrency=max_concurrency,
                progress=progress,
                config=config,
            )

        return self._as_run("calibrate", work, config)

    async def acalibrate(
        self,
        *,
        ask: bool = True,
        limit: int | None = None,
        max_concurrency: int = 32,
        progress: Progress | None = None,
        config: RunnableConfig | None = None,
    ) -> CalibrationReport:
        """Async `calibrate`."""
        check_calibration(limit, max_concurrency, progress)

        async def work(config: RunnableConfig) -> CalibrationReport:
            return await acalibrating.calibrate(
                self.setup,
                ask=ask,
                limit=limit,
                max_concurrency=max_concurrency,
                progress=progress,
                config=config,
            )

        return await self._as_arun("calibrate", work, config)

    def agreement(self, *, confidence: float = 0.95) -> AgreementReport:
        """How far the judge agrees with experts on cases that it had not seen; asks nobody.

        Args:
            confidence: The level of the intervals.
        """
        setup, level = self.setup, share("confidence", confidence)
        return agreement_in(setup.records, setup.spec, setup.said_by, level)

    async def aagreement(self, *, confidence: float = 0.95) -> AgreementReport:
        """Async `agreement`."""
        return await off_loop(self.agreement, confidence=confidence)

    def threshold(self, *, agreement: float = 0.9, confidence: float = 0.95) -> Threshold:
        """From which confidence on experts agree with the judge at least so often; asks nobody.

        Args:
            agreement: How often they are to agree.
            confidence: How certain the promise is to hold.
        """
        asked = AtLeast(agreement=agreement, confidence=confidence)
        return promised(known_track(self.setup), asked)

    async def athreshold(self, *, agreement: float = 0.9, confidence: float = 0.95) -> Threshold:
        """Async `threshold`."""
        return await off_loop(self.threshold, agreement=agreement, confidence=confidence)

    def escalating_to(self, second: MemAlignJudge, *, sure: AtLeast | float = _MOSTLY) -> Self:
        """The same judge, which asks a second one where it is not sure or reaches no verdict.

        It can be used wherever a judge can. The verdict's `decided_by` says who decided, and its
        usage is that of both. Where the second reaches no verdict either, the first one's counts,
        if it had one. What is learned, is learned by the first.

        Args:
            second: The second judge, such as one with a larger model over the same memory. It may
                itself ask another one.
            sure: When the first is sure: if the promise that experts agree so often covers its
                verdict, or from this confidence on. While nothing can be promised, it never is.

        Raises:
            ConfigurationError: It is no judge, or gives other values.
        """
        asked = check_second(self.setup, getattr(second, "setup", second), sure)
        return self._replace(setup=replace(self.setup, second=asked))

    def health(
        self,
        data: Iterable[CaseLike] = (),
        *,
        sample: int | None = 100,
        principles: bool = False,
        ask: bool = True,
        baseline: Baseline | None = None,
        seed: int = 0,
        max_concurrency: int = 32,
        progress: Progress | None = None,
        config: RunnableConfig | None = None,
    ) -> HealthReport:
        """What moves the judge's verdicts that should not, how it errs, and whether it got worse.

        The judge is asked about cases with an expert's value as if that word were not known: twice
        the very same, with its past cases in another order, and pairs also the other way round.
        From the answers come how often verdicts flip, how the error depends on the outputs'
        length, TPR and TNR, and how all that was before. Nothing is written.

        Args:
            data: Cases without an expert's word, of which to tell how many would pass if experts
                judged them; a call each. For judges of true and false.
            sample: Most cases to ask about; None for all.
            principles: Also ask without each principle, one at a time, which ones help or hurt; a
                call for each principle that each case was shown.
            ask: False asks nothing: the report's `to_ask` is the most calls that it takes.
            baseline: An earlier report, or the file that it was written to as JSON; the report's
                `worse` then says what is worse beyond chance.
            seed: Draws another sample, and other orders.
            max_concurrency: Most model calls at the same time.
            progress: Is called with how many cases are done and how many there are, first before
                anything is asked.
            config: Callbacks, tags and the like.

        Raises:
            InvalidInputError: A case, a number or the baseline cannot be used.
            ModelError: The provider refuses access.
        """
        check_health(sample, seed, max_concurrency, progress)
        cases, before = [Case.of(case) for case in data], read_baseline(baseline)

        def work(config: RunnableConfig) -> HealthReport:
            return healths.check_health(
                self.setup,
                cases,
                ask=ask,
                sample=sample,
                principles=principles,
                seed=seed,
                baseline=before,
                max_concurrency=max_concurrency,
                progress=progress,
                config=config,
            )

        return self._as_run("health", work, config)

    async def ahealth(
        self,
        data: Iterable[CaseLike] = (),
        *,
        sample: int | None = 100,
        principles: bool = False,
        ask: bool = True,
        baseline: Baseline | None = None,
        seed: int = 0,
        max_concurrency: int = 32,
        progress: Progress | None = None,
        config: RunnableConfig | None = None,
    ) -> HealthReport:
        """Async `health`."""
        check_health(sample, seed, max_concurrency, progress)
        cases = [Case.of(case) for case in data]
        before = await off_loop(read_baseline, baseline)

        async def work(config: RunnableConfig) -> HealthReport:
            return await ahealths.check_health(
                self.setup,
                cases,
                ask=ask,
                sample=sample,
                principles=principles,
                seed=seed,
                baseline=before,
                max_concurrency=max_concurrency,
                progress=progress,
                config=config,
            )

        return await self._as_arun("health", work, config)

    def forget(
        self,
        episode_ids: Iterable[str] | None = None,
        *,
        source_ids: Iterable[str] | None = None,
        reviewer: str | None = None,
        before: datetime | None = None,
        where: Callable[[Episode], bool] | None = None,
        redistill: bool = True,
        config: RunnableConfig | None = None,
    ) -> ForgetReport:
        """Erase episodes and everything that was learned from them; needs no model for that.

        An episode goes if it fits all that is given. The other sources of the principles that went
        with it are then learned anew, without the old text.

        Args:
            episode_ids: Their ids. Unknown ones are no error.
            source_ids: What the system that the word was collected in calls it.
            reviewer: Who said it.
            before: Said before this moment.
            where: Any condition on the episode.
            redistill: Whether to learn the other sources now; otherwise the next `align` does it.
            config: Callbacks, tags and the like.

        Raises:
            InvalidInputError: Nothing says which episodes should go.
        """
        fits = forgotten(episode_ids, source_ids, reviewer, before, where)
        return self._as_run(
            "forget",
            lambda config: forgetting.forget(self.setup.context(config), fits, redistill=redistill),
            config,
        )

    async def aforget(
        self,
        episode_ids: Iterable[str] | None = None,
        *,
        source_ids: Iterable[str] | None = None,
        reviewer: str | None = None,
        before: datetime | None = None,
        where: Callable[[Episode], bool] | None = None,
        redistill: bool = True,
        config: RunnableConfig | None = None,
    ) -> ForgetReport:
        """Async `forget`."""
        fits = forgotten(episode_ids, source_ids, reviewer, before, where)
        return await self._as_arun(
            "forget",
            lambda config: aforgetting.forget(
                self.setup.context(config), fits, redistill=redistill
            ),
            config,
        )

    def principles(self, as_of: datetime | None = None) -> list[Principle]:
        """The principles that apply, or applied at a moment, in the order learned."""
        return self.memory.principles(self.spec.name, as_of=as_of)

    async def aprinciples(self, as_of: datetime | None = None) -> list[Principle]:
        """Async `principles`."""
        return await self.memory.aprinciples(self.spec.name, as_of=as_of)

    def episodes(
        self, status: Literal["pending", "distilled", "superseded"] | None = None
    ) -> list[Episode]:
        """What experts said, oldest first; all, or what waits, was learned, or is superseded."""
        return self.memory.episodes(self.spec.name, status=status)

    async def aepisodes(
        self, status: Literal["pending", "distilled", "superseded"] | None = None
    ) -> list[Episode]:
        """Async `episodes`."""
        return await self.memory.aepisodes(self.spec.name, status=status)

    def add_principle(self, text: str) -> Principle:
        """Write a principle by hand. It is pinned: always shown, never retired by learning."""
        with blocking("add_principle", "aadd_principle"):
            return principles.add_principle(self.setup.context(), text)

    async def aadd_principle(self, text: str) -> Principle:
        """Async `add_principle`."""
        return await aprinciples.add_principle(self.setup.context(), text)

    def edit_principle(self, id: str, text: str) -> Principle:
        """Replace a principle by a hand-written one; the old one stays in the history.

        Raises:
            InvalidInputError: No active principle has this id.
        """
        with blocking("edit_principle", "aedit_principle"):
            return principles.edit_principle(self.setup.context(), id, text)

    async def aedit_principle(self, id: str, text: str) -> Principle:
        """Async `edit_principle`."""
        return await aprinciples.edit_principle(self.setup.context(), id, text)

    def remove_principle(self, id: str, *, erase: bool = False) -> Principle:
        """Let a principle apply no more; with `erase`, remove it from the history too.

        What is erased is so as by `forget`: see `Memory.guarantee`.

        Raises:
            InvalidInputError: No active principle has this id.
        """
        with blocking("remove_principle", "aremove_principle"):
            return principles.remove_principle(self.setup.records, self.spec.name, id, erase=erase)

    async def aremove_principle(self, id: str, *, erase: bool = False) -> Principle:
        """Async `remove_principle`."""
        return await aprinciples.remove_principle(
            self.setup.records, self.spec.name, id, erase=erase
        )

    def restore_principle(self, id: str) -> Principle:
        """Let a retired principle apply again, with its sources.

        Raises:
            InvalidInputError: No retired principle has this id.
        """
        return principles.restore_principle(self.setup.records, self.spec.name, id)

    async def arestore_principle(self, id: str) -> Principle:
        """Async `restore_principle`."""
        return await aprinciples.restore_principle(self.setup.records, self.spec.name, id)

    def restore_episode(self, id: str) -> Episode:
        """Let an episode be recalled again that a change of the experts' mind had superseded.

        Raises:
            InvalidInputError: No superseded episode has this id.
        """
        return superseding.restore_episode(self.setup.records, self.spec.name, id)

    async def arestore_episode(self, id: str) -> Episode:
        """Async `restore_episode`."""
        return await asuperseding.restore_episode(self.setup.records, self.spec.name, id)

    def _decided_by(
        self, gate: Gate, current: Records, candidate: Records, feedback: Sequence[Feedback]
    ) -> GateDecision:
        return checked_decision(gate(self._over(current), self._over(candidate), feedback))

    def _redefined(self) -> tuple[Sequence[Change], None]:
        known = self.setup.records.definition(self.spec.name)
        return written_anew(self.spec.name, known, self.setup.definition), None

    def _over(self, records: Records) -> Self:
        """The same judge over other records."""
        return self._replace(
            memory=Memory.over(records), setup=replace(self.setup, records=records)
        )

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
            "and a model with its keys. Build it anew where it is needed, from the same arguments."
        )

    def __repr__(self) -> str:
        return f"MemAlignJudge({self.spec.name!r}, {self.spec.value_type.describe()})"


def _langsmith_result(result: EvaluatorResult) -> EvaluationResult:
    from langsmith.evaluation import EvaluationResult

    return EvaluationResult(**result)
