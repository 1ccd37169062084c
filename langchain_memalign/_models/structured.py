"""A chat model that is asked for JSON objects, and what its replies are taken for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

from langchain_core.caches import RETURN_VAL_TYPE, BaseCache
from langchain_core.globals import get_llm_cache
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.runnables import (
    Runnable,
    RunnableParallel,
    RunnableSequence,
)

from langchain_memalign._content import canonical
from langchain_memalign._models.answers import list_key, offered_schema
from langchain_memalign._models.endings import refusal, was_cut_off
from langchain_memalign._models.failures import Retry
from langchain_memalign._models.profile import takes_lengths, window_of
from langchain_memalign._models.reasoning import keeping_reasoning
from langchain_memalign._models.replies import begun_answer, raw_text, read_object
from langchain_memalign.errors import ConfigurationError, InvalidInputError

R = TypeVar("R")

Reader = Callable[[dict[str, Any]], tuple[R | None, str | None]]
"""Reads a reply's JSON object: what could be understood, and what is wrong with it, if anything."""

Structured: TypeAlias = tuple[Runnable[Any, Any], Runnable[Any, Any] | None]
"""What is asked, and what reads its message where that shows no JSON itself."""

_QUOTED_CHARACTERS = 6000
_MOST_ALTERNATIVES = 20  # to a token, as OpenAI tells them
_CUT_OFF = (
    "it was cut off at the limit of tokens; it has to be shorter, or the limit higher "
    "(the model's max_tokens, or its server's context size):"
)
_SHORTER = "Reply in few words, with the one complete JSON object that was asked for."


@dataclass(frozen=True, kw_only=True)
class Answer(Generic[R]):
    """What came of one structured call.

    Attributes:
        value: What was understood; None if nothing was.
        problem: What is wrong with the last reply; None if nothing is.
        raw: The last reply as text.
        message: The reply that was understood, as the model gave it.
        calls: How many times the model was called.
        usage: Tokens of all calls, or None where the model does not tell.
        is_cut_off: Whether the last reply ended at a limit of tokens.
    """

    value: R | None
    problem: str | None
    raw: str
    calls: int
    usage: UsageMetadata | None
    message: Any = field(default=None, compare=False)
    is_cut_off: bool = False


class StructuredModel:
    """A chat model that is asked for JSON objects; `model_calls.ask` asks it.

    It uses what the model offers, by `with_structured_output`: JSON schema, function calling or
    JSON mode. A model that offers nothing is just asked; the prompts say what to reply.

    Attributes:
        chat_model: The model itself.
        retry: How failing calls are repeated.
        window: How many tokens a prompt may have; None where the model's profile does not tell.
        logprobs: Whether the log probabilities of its tokens are asked for.
    """

    def __init__(
        self,
        model: BaseChatModel,
        *,
        options: Mapping[str, Any] | None = None,
        retry: Retry,
        logprobs: bool = False,
    ) -> None:
        self.chat_model = model
        self.retry = retry
        self.window = window_of(model)
        self.logprobs = logprobs
        self._options = dict(options or {})
        # LangChain converts the schema each time that it is asked.
        self._known: dict[str, Structured] = {}

    def for_one_call(self) -> tuple[BaseChatModel, UnderstoodOnly | None]:
        """The model to ask, and what holds its replies back from a cache that is in use."""
        model = self.chat_model
        cache = model.cache if isinstance(model.cache, BaseCache) else None
        if cache is None and model.cache is not False:
            cache = get_llm_cache()
        if cache is None:
            return model, None
        held = UnderstoodOnly(cache)
        return model.model_copy(update={"cache": held}), held

    def structured(self, model: BaseChatModel, schema: dict[str, Any]) -> Structured:
        """What to ask, and what reads its message where that shows no JSON itself.

        Raises:
            ConfigurationError: The structured-output options do not fit the model.
        """
        if model is not self.chat_model:  # a copy, made for one call
            return self._made(model, schema)
        key = canonical(schema)
        if key not in self._known:
            # Threads may make it twice; then the later one stays.
            self._known[key] = self._made(model, schema)
        return self._known[key]

    def _made(self, model: BaseChatModel, schema: dict[str, Any]) -> Structured:
        asked, parser = self._structured(model, schema)
        if not self.logprobs:
            return asked, parser
        told: dict[str, Any] = {"logprobs": True}
        if getattr(model, "top_logprobs", None) is None:
            told["top_logprobs"] = _MOST_ALTERNATIVES
        return asked.bind(**told), parser

    def _structured(self, model: BaseChatModel, schema: dict[str, Any]) -> Structured:
        try:
            runnable = keeping_reasoning(model).with_structured_output(
                offered_schema(schema, has_lengths=takes_lengths(model)),
                include_raw=True,
                **self._options,
            )
        except NotImplementedError:
            return model, None
        except (ValueError, TypeError) as error:
            raise ConfigurationError(
                f"structured output with {self._options} cannot be had from "
                f"{type(model).__name__}: {error}. Change the judge's `structured_output` options."
            ) from error
        return _model_and_parser(runnable)


@dataclass(frozen=True, kw_only=True)
class Question(Generic[R]):
    """What a model is asked.

    Attributes:
        messages: The prompt.
        schema: JSON schema of the reply, with a title.
        read: Reads the reply; it may understand a part and name a problem.
        is_for_any_problem: Of one that is asked instead of another: whether also where the reply
            to that was not cut off, but cannot be read.
    """

    messages: Sequence[BaseMessage]
    schema: dict[str, Any]
    read: Reader[R]
    is_for_any_problem: bool = False


@dataclass(frozen=True, kw_only=True)
class Reply(Generic[R]):
    """One reply of the model, read."""

    value: R | None
    problem: str | None
    message: Any

    @property
    def usage(self) -> UsageMetadata | None:
        """Its tokens, where the model tells."""
        return self.message.usage_metadata if isinstance(self.message, AIMessage) else None

    @property
    def is_cut_off(self) -> bool:
        """Whether it ended because it met a limit of tokens."""
        return was_cut_off(self.message)

    @property
    def is_refusal(self) -> bool:
        """Whether the model declined."""
        return refusal(self.message) is not None

    def answer(self, *, calls: int, usage: UsageMetadata | None) -> Answer[R]:
        """The reply as what came of the whole call."""
        return Answer(
            value=self.value,
            problem=self.problem,
            raw=raw_text(self.message),
            calls=calls,
            usage=usage,
            is_cut_off=self.is_cut_off,
            message=self.message,
        )


def _model_and_parser(structured: Runnable[Any, Any]) -> Structured:
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


def read_reply(output: Any, schema: dict[str, Any], read: Reader[R]) -> Reply[R]:
    """Read what came of one call that asked for `schema`, by `read`."""
    told = output if isinstance(output, Mapping) else {"raw": output}
    message = told.get("raw")
    if (declined := refusal(message)) is not None:
        return Reply(value=None, problem=declined, message=message)
    try:
        value, problem = read(read_object(message, told.get("parsed"), schema))
    except InvalidInputError as error:
        value, problem = None, str(error)
    if problem is not None and was_cut_off(message):
        problem = f"{_CUT_OFF} {problem}"
        if value is None and (begun := begun_answer(message, schema)) is not None:
            value, _ = read(begun)
            # A list that ends early is not all that was to be said.
            problem = problem if value is None or list_key(schema) else None
    return Reply(value=value, problem=problem, message=message)


def repair(reply: Reply[Any]) -> list[BaseMessage]:
    """What is added to the prompt to ask once more."""
    if reply.is_cut_off:
        # Quoted, and told so, small models take it for a part of what they have to judge.
        return [HumanMessage(_SHORTER)]
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


class UnderstoodOnly(BaseCache):
    """A LangChain model cache that holds new replies back until `keep` is called.

    Without it a malformed reply would be cached and come back on every later attempt at the same
    prompt. One instance serves one call.
    """

    def __init__(self, inner: BaseCache) -> None:
        self._inner = inner
        self._held: list[tuple[str, str, RETURN_VAL_TYPE]] = []

    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """Look up in the wrapped cache."""
        return self._inner.lookup(prompt, llm_string)

    async def alookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """Look up in the wrapped cache."""
        return await self._inner.alookup(prompt, llm_string)

    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Hold a reply back."""
        self._held.append((prompt, llm_string, return_val))

    async def aupdate(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Hold a reply back."""
        self.update(prompt, llm_string, return_val)

    def keep(self) -> None:
        """Pass on what was held back."""
        while self._held:
            self._inner.update(*self._held.pop(0))

    async def akeep(self) -> None:
        """Pass on what was held back."""
        while self._held:
            await self._inner.aupdate(*self._held.pop(0))

    def clear(self, **kwargs: Any) -> None:
        """Clear the wrapped cache."""
        self._inner.clear(**kwargs)
