"""One structured call to a chat model, with one repair."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata, add_usage
from langchain_core.runnables import (
    Runnable,
    RunnableConfig,
    RunnableParallel,
    RunnableSequence,
)

from langchain_memalign._content import canonical
from langchain_memalign._models.cache import UnderstoodOnly, active_cache
from langchain_memalign._models.connection import called
from langchain_memalign._models.failures import Retry, as_cause, as_model_error
from langchain_memalign._models.replies import (
    cut_off_reply,
    raw_text,
    read_object,
    refusal,
    shows_object,
    was_cut_off,
)
from langchain_memalign.errors import ConfigurationError, InvalidInputError, ModelError
from langchain_memalign.flow import Flow, Step, perform

R = TypeVar("R")

Reader = Callable[[dict[str, Any]], tuple[R | None, str | None]]
"""Reads a reply's JSON object: what could be understood, and what is wrong with it, if anything."""

_Structured: TypeAlias = tuple[Runnable[Any, Any], Runnable[Any, Any] | None]

_QUOTED_CHARACTERS = 6000
# Read by people and, in a repair, by the model.
_CUT_OFF = (
    "it was cut off at the limit of tokens; it has to be shorter, or the limit higher "
    "(the model's max_tokens, or its server's context size):"
)


@dataclass(frozen=True, kw_only=True)
class Answer(Generic[R]):
    """What came of one structured call.

    Attributes:
        value: What was understood; None if nothing was.
        problem: What is wrong with the last reply; None if nothing is.
        raw: The last reply as text.
        calls: How many times the model was called.
        usage: Tokens of all calls, or None where the model does not tell.
    """

    value: R | None
    problem: str | None
    raw: str
    calls: int
    usage: UsageMetadata | None


class StructuredModel:
    """A chat model that is asked for JSON objects.

    It uses what the model offers, by `with_structured_output`: JSON schema, function calling or
    JSON mode. A model that offers nothing is just asked; the prompts say what to reply.
    """

    def __init__(
        self, model: BaseChatModel, *, options: Mapping[str, Any] | None = None, retry: Retry
    ) -> None:
        self._model = model
        self._options = dict(options or {})
        self._retry = retry
        # LangChain converts the schema each time that it is asked.
        self._known: dict[str, _Structured] = {}

    @property
    def chat_model(self) -> BaseChatModel:
        """The model itself."""
        return self._model

    def ask(
        self,
        messages: Sequence[BaseMessage],
        schema: dict[str, Any],
        read: Reader[R],
        *,
        config: RunnableConfig | None = None,
        retry: Retry | None = None,
    ) -> Flow[Answer[R]]:
        """Ask once, and once more when the reply cannot be read.

        Args:
            messages: The prompt.
            schema: JSON schema of the reply, with a title.
            read: Reads the reply; it may understand a part and name a problem.
            config: Callbacks, tags and the like for the model's run.
            retry: For failing calls; the model's own by default.

        Raises:
            ModelError: The call failed for good.
            ConfigurationError: The structured-output options do not fit the model.
        """
        retry = retry or self._retry
        calls = 0

        def attempt(prompt: list[BaseMessage]) -> Flow[_Reply[R]]:
            nonlocal calls
            calls += 1
            try:
                return (yield from self._once(prompt, schema, read, config))
            except ModelError as error:
                error.attempts = calls
                raise

        first = yield from retry.run(lambda: attempt(list(messages)))
        if first.problem is None or (first.value is None and first.is_refusal):
            return first.answer(calls=calls, usage=first.usage)
        second = yield from retry.run(lambda: attempt([*messages, *_repair(first)]))
        usage = add_usage(first.usage, second.usage) if first.usage or second.usage else None
        best = first if second.value is None and first.value is not None else second
        return best.answer(calls=calls, usage=usage)

    def _once(
        self,
        messages: list[BaseMessage],
        schema: dict[str, Any],
        read: Reader[R],
        config: RunnableConfig | None,
    ) -> Flow[_Reply[R]]:
        cache = active_cache(self._model)
        held = UnderstoodOnly(cache) if cache else None
        model = self._model.model_copy(update={"cache": held}) if held else self._model
        asked, parser = self._structured(model, schema)
        try:
            output = yield from _invoked(asked, messages, config)
            if parser is not None and not shows_object(output):
                output = yield from _invoked(parser, {"raw": output}, config)
        except Exception as error:
            if (cut_off := cut_off_reply(error)) is None:
                raise as_model_error(error, "the chat model") from as_cause(error)
            output = cut_off
        both = output if isinstance(output, Mapping) else {"raw": output}
        reply = _read(both, schema["title"], read)
        if held and reply.problem is None:
            yield from perform(Step(held.keep, held.akeep))
        return reply

    def _structured(self, model: BaseChatModel, schema: dict[str, Any]) -> _Structured:
        """What to ask, and what reads its message where that shows no JSON itself."""
        if model is not self._model:  # a copy, made for one call
            return self._made(model, schema)
        key = canonical(schema)
        if key not in self._known:
            # Threads may make it twice; then the later one stays.
            self._known[key] = self._made(model, schema)
        return self._known[key]

    def _made(self, model: BaseChatModel, schema: dict[str, Any]) -> _Structured:
        try:
            runnable = model.with_structured_output(schema, include_raw=True, **self._options)
        except NotImplementedError:
            return model, None
        except (ValueError, TypeError) as error:
            raise ConfigurationError(
                f"structured output with {self._options} cannot be had from "
                f"{type(model).__name__}: {error}. Change the judge's `structured_output` options."
            ) from error
        return _model_and_parser(runnable)


@dataclass(frozen=True, kw_only=True)
class _Reply(Generic[R]):
    value: R | None
    problem: str | None
    message: Any

    @property
    def usage(self) -> UsageMetadata | None:
        return self.message.usage_metadata if isinstance(self.message, AIMessage) else None

    @property
    def is_refusal(self) -> bool:
        return refusal(self.message) is not None

    def answer(self, *, calls: int, usage: UsageMetadata | None) -> Answer[R]:
        return Answer(
            value=self.value,
            problem=self.problem,
            raw=raw_text(self.message),
            calls=calls,
            usage=usage,
        )


def _model_and_parser(structured: Runnable[Any, Any]) -> _Structured:
    """Take apart what LangChain's `with_structured_output(..., include_raw=True)` puts together.

    It would run the model and its parser in threads of their own, for each call; and what is read
    here is the raw message, so that most calls need no parser. A runnable of another shape is left
    as it is.
    """
    if isinstance(structured, RunnableSequence) and len(structured.steps) == 2:
        first, parser = structured.steps
        if isinstance(first, RunnableParallel) and set(first.steps__) == {"raw"}:
            return first.steps__["raw"], parser
    return structured, None


def _invoked(runnable: Runnable[Any, Any], given: Any, config: RunnableConfig | None) -> Flow[Any]:
    return called(
        Step(lambda: runnable.invoke(given, config), lambda: runnable.ainvoke(given, config))
    )


def _read(output: Mapping[str, Any], title: str, read: Reader[R]) -> _Reply[R]:
    message = output.get("raw")
    if (said := refusal(message)) is not None:
        return _Reply(value=None, problem=f"the model declined: {said}", message=message)
    try:
        value, problem = read(read_object(message, output.get("parsed"), title))
    except InvalidInputError as error:
        value, problem = None, str(error)
    if problem is not None and was_cut_off(message):
        problem = f"{_CUT_OFF} {problem}"
    return _Reply(value=value, problem=problem, message=message)


def _repair(reply: _Reply[Any]) -> list[BaseMessage]:
    quoted = raw_text(reply.message)[:_QUOTED_CHARACTERS]
    # Some providers refuse an empty assistant message.
    said: list[BaseMessage] = [AIMessage(quoted)] if quoted.strip() else []
    return [
        *said,
        HumanMessage(
            f"That reply cannot be used: {reply.problem} Reply again, with the one complete JSON "
            "object that was asked for and nothing else."
        ),
    ]
