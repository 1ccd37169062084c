"""A guardrail around a chain."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Literal, cast

from langchain_core.callbacks import (
    AsyncCallbackManagerForChainRun,
    CallbackManagerForChainRun,
)
from langchain_core.runnables import Runnable, RunnableConfig, ensure_config
from langchain_core.runnables.base import coerce_to_runnable
from langchain_core.runnables.utils import Input, Output
from typing_extensions import Unpack

from langchain_memalign.errors import ConfigurationError
from langchain_memalign.graph import JudgeSource
from langchain_memalign.guardrails._async import chain as aguarding
from langchain_memalign.guardrails._sync import chain as guarding
from langchain_memalign.guardrails.checkpoint import Checkpoint
from langchain_memalign.guardrails.messages import (
    ChainGuard,
    MakeCase,
    RetryInput,
    is_object,
    is_structured,
    plain_case,
    with_feedback,
)
from langchain_memalign.guardrails.policy import GuardrailPolicy, PolicyOptions
from langchain_memalign.judge import MemAlignJudge


class MemAlignGuardrail(Runnable[Input, Output]):
    """A Runnable around a chain whose input or output a judge checks.

    What passes goes through unchanged. What does not is handled as `GuardrailPolicy` says, whose
    fields are keyword arguments here. Without a verdict nothing passes, unless `fail_open` says
    otherwise. A judgement costs one embedding call and one model call.

    Attributes:
        chain: The guarded chain.
        policy: What passes, and what happens to what does not.
        on: Whether the chain's input or its output is judged.
        streaming: "hold" keeps all chunks back until the output is judged, and then passes them on
            as they came; "after" passes them on at once, and raises at the end.
    """

    def __init__(
        self,
        chain: Runnable[Input, Output] | Callable[[Input], Output],
        judge: MemAlignJudge | JudgeSource,
        *,
        on: Literal["input", "output"] = "output",
        streaming: Literal["hold", "after"] = "hold",
        name: str | None = None,
        case: MakeCase = plain_case,
        retry_input: RetryInput = with_feedback,
        **options: Unpack[PolicyOptions],
    ) -> None:
        """Put a guardrail around a chain.

        Args:
            chain: Any Runnable, or a function.
            judge: The judge, or a source that names one for each run.
            on: What is judged.
            streaming: When a streamed output is judged.
            name: Distinguishes it from other guardrails in one node that may ask a person and have
                the same judge and input. The default is the chain's name.
            case: A function from the chain's input and output (None on the input) to the case. By
                default these are the case's inputs and outputs; a single message counts as its
                text.
            retry_input: A function from the chain's input, its refused output and the verdict to
                the input of a retry. By default the answer and the rationale are appended to text
                and messages.
            **options: Fields of `GuardrailPolicy`.

        Raises:
            InvalidInputError: An option is not usable.
            ConfigurationError: The options do not fit together, or do not fit the judge.
        """
        self.chain = coerce_to_runnable(chain)
        self.policy = GuardrailPolicy(**options)
        if on not in ("input", "output") or streaming not in ("hold", "after"):
            raise ConfigurationError(
                f"found on={on!r:.40}, streaming={streaming!r:.40}; expected on to be 'input' or "
                "'output', and streaming 'hold' or 'after'."
            )
        if on == "input" and self.policy.on_fail == "retry":
            raise ConfigurationError(
                "on='input' with on_fail='retry': found nothing to retry, since the chain has not "
                "answered yet; expected on='output', or another on_fail."
            )
        if streaming == "after" and self.policy.on_fail != "raise":
            raise ConfigurationError(
                f"streaming='after' with on_fail={self.policy.on_fail!r}: what has been streamed "
                "cannot be taken back; expected on_fail='raise', or streaming='hold'."
            )
        self.on = on
        self.streaming = streaming
        self.name = name or "memalign_guardrail"
        self._guard = ChainGuard(
            name=name or self.chain.get_name(),
            on=on,
            checkpoint=Checkpoint.of(judge, self.policy),
            case=case,
            retry_input=retry_input,
            output_type=self._output_type(),
        )
        self._warn_of_lost_shape()

    @property
    def InputType(self) -> type[Input]:
        """What the chain takes."""
        return self.chain.InputType

    @property
    def OutputType(self) -> type[Output]:
        """What the chain gives."""
        return self.chain.OutputType

    def invoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """Run the chain, guarded.

        Raises:
            GuardrailError: Something does not pass, and the policy is to raise.
            ConfigurationError: A person has to be asked, and there is no graph to wait in.
        """

        def guarded(
            input: Input, run_manager: CallbackManagerForChainRun, config: RunnableConfig
        ) -> Output:
            produce = self._whole(config, kwargs)
            chunks = guarding.guarded(self._guard, input, produce, config, place=run_manager.tags)
            return cast(Output, chunks[0])

        return self._call_with_config(guarded, input, config)

    async def ainvoke(
        self, input: Input, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Output:
        """Async `invoke`."""

        async def guarded(
            input: Input, run_manager: AsyncCallbackManagerForChainRun, config: RunnableConfig
        ) -> Output:
            produce = self._awhole(config, kwargs)
            chunks = await aguarding.guarded(
                self._guard, input, produce, config, place=run_manager.tags
            )
            return cast(Output, chunks[0])

        return await self._acall_with_config(guarded, input, config)

    def stream(
        self, input: Input, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[Output]:
        """Stream the chain, guarded; `streaming` says when its output is judged."""

        def chunks(
            given: Iterator[Input],
            run_manager: CallbackManagerForChainRun,
            config: RunnableConfig,
        ) -> Iterator[Output]:
            (input,) = given
            if not self._streams_through:
                produce = self._held(config, kwargs)
                place = run_manager.tags
                yield from guarding.guarded(self._guard, input, produce, config, place=place)
                return
            if self.on == "input":
                place = run_manager.tags
                input, instead = guarding.admit(self._guard, input, config, place=place)
                if instead:
                    yield from instead
                    return
            seen = []
            for chunk in self.chain.stream(input, config, **kwargs):
                seen.append(chunk)
                yield chunk
            if self.on == "output":
                guarding.judged_after(self._guard, input, seen, config)

        yield from self._transform_stream_with_config(iter([input]), chunks, ensure_config(config))

    async def astream(
        self, input: Input, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Output]:
        """Async `stream`."""

        async def chunks(
            given: AsyncIterator[Input],
            run_manager: AsyncCallbackManagerForChainRun,
            config: RunnableConfig,
        ) -> AsyncIterator[Output]:
            (input,) = [item async for item in given]
            if not self._streams_through:
                produce = self._aheld(config, kwargs)
                place = run_manager.tags
                held = await aguarding.guarded(self._guard, input, produce, config, place=place)
                for chunk in held:
                    yield chunk
                return
            if self.on == "input":
                place = run_manager.tags
                input, instead = await aguarding.admit(self._guard, input, config, place=place)
                for chunk in instead:
                    yield chunk
                if instead:
                    return
            seen = []
            async for chunk in self.chain.astream(input, config, **kwargs):
                seen.append(chunk)
                yield chunk
            if self.on == "output":
                await aguarding.judged_after(self._guard, input, seen, config)

        async for chunk in self._atransform_stream_with_config(
            _alone(input), chunks, ensure_config(config)
        ):
            yield chunk

    def _output_type(self) -> Any:
        try:
            return self.chain.OutputType
        except TypeError:  # the chain does not say
            return Any

    def _warn_of_lost_shape(self) -> None:
        told, gives = self.policy.message, self._guard.output_type
        is_known = self.on == "output" and not is_object(gives)  # told by the answer then
        if (
            self.policy.may_replace
            and isinstance(told, str)
            and not is_known
            and is_structured(gives)
        ):
            warnings.warn(
                f"message: found a text, and the chain gives {getattr(gives, '__name__', gives)}: "
                "what comes after it would get a text instead. Give message=, a mapping or a "
                "function of the verdict that returns what the chain would.",
                stacklevel=3,
            )

    @property
    def _streams_through(self) -> bool:
        return self.on == "input" or self.streaming == "after"

    def _whole(self, config: RunnableConfig, options: dict[str, Any]) -> Callable[[Any], list[Any]]:
        return lambda input: [self.chain.invoke(input, config, **options)]

    def _awhole(
        self, config: RunnableConfig, options: dict[str, Any]
    ) -> Callable[[Any], Awaitable[list[Any]]]:
        async def produce(input: Any) -> list[Any]:
            return [await self.chain.ainvoke(input, config, **options)]

        return produce

    def _held(self, config: RunnableConfig, options: dict[str, Any]) -> Callable[[Any], list[Any]]:
        return lambda input: list(self.chain.stream(input, config, **options))

    def _aheld(
        self, config: RunnableConfig, options: dict[str, Any]
    ) -> Callable[[Any], Awaitable[list[Any]]]:
        async def produce(input: Any) -> list[Any]:
            return [chunk async for chunk in self.chain.astream(input, config, **options)]

        return produce


async def _alone(input: Any) -> AsyncIterator[Any]:
    yield input
