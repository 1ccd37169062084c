"""Calling models: a chat model for one JSON object, with one repair; an embedding model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from langchain_core.messages import BaseMessage
from langchain_core.messages.ai import add_usage
from langchain_core.runnables import RunnableConfig

from langchain_memalign._concurrency import acompute, aparallel, apause, off_loop
from langchain_memalign._content import extent
from langchain_memalign._memory.convert import case_vector
from langchain_memalign._memory.records import Records
from langchain_memalign._models import (
    Answer,
    DecisionModel,
    Embedder,
    Retry,
    StructuredModel,
    Vector,
)
from langchain_memalign._models.calling import aembedded, ainvoked
from langchain_memalign._models.decisions import Decided, read_decision, request_of
from langchain_memalign._models.embedder import Page
from langchain_memalign._models.endings import reply_in
from langchain_memalign._models.failures import as_cause, as_model_error, is_of_a_closed_loop
from langchain_memalign._models.replies import shows_object
from langchain_memalign._models.secrets import secrets_of
from langchain_memalign._models.structured import Question, Reader, Reply, read_reply, repair
from langchain_memalign._prompts.content import embedding_texts
from langchain_memalign._prompts.deciding import Decision
from langchain_memalign.errors import ModelError
from langchain_memalign.schema import Case

R = TypeVar("R")
T = TypeVar("T")
U = TypeVar("U")

_MOST_KEPT = 1000  # connections of one client


async def ask(
    model: StructuredModel,
    messages: Sequence[BaseMessage],
    schema: dict[str, Any],
    read: Reader[R],
    *,
    config: RunnableConfig | None = None,
    retry: Retry | None = None,
    instead: Callable[[], Question[R]] | None = None,
) -> Answer[R]:
    """Ask once, and once more when the reply cannot be read.

    Args:
        model: Who is asked.
        messages: The prompt.
        schema: JSON schema of the reply, with a title.
        read: Reads the reply; it may understand a part and name a problem.
        config: Callbacks, tags and the like for the model's run.
        retry: For failing calls; the model's own by default.
        instead: What to ask where the reply was cut off. Without it, what was read of such a reply
            counts, and only where nothing was is it asked for once more.

    Raises:
        ModelError: The call failed for good.
        ConfigurationError: The structured-output options do not fit the model.
    """
    retry = retry or model.retry
    calls = 0

    async def attempt(asked: Question[R]) -> Reply[R]:
        nonlocal calls
        calls += 1
        try:
            return await _once(model, asked, config)
        except ModelError as error:
            error.attempts = calls
            raise

    wanted = Question(messages=messages, schema=schema, read=read)
    first = await retried(retry, partial(attempt, wanted))
    is_final = first.is_refusal if first.value is None else first.is_cut_off
    if first.problem is None or is_final:
        return first.answer(calls=calls, usage=first.usage)
    other = instead and instead()
    if other is None or not (first.is_cut_off or other.is_for_any_problem):
        other = replace(wanted, messages=[*messages, *repair(first)])
    second = await retried(retry, partial(attempt, other))
    usage = add_usage(first.usage, second.usage) if first.usage or second.usage else None
    best = first if second.value is None and first.value is not None else second
    return best.answer(calls=calls, usage=usage)


async def decide(
    model: DecisionModel, decision: Decision, *, config: RunnableConfig | None = None
) -> Decided:
    """Ask a decision model one question.

    Args:
        model: Who is asked.
        decision: The question.
        config: Callbacks, tags and the like for the model's run.

    Raises:
        ModelError: The call failed for good.
    """
    calls = 0
    request = request_of(model.runnable, decision)

    async def attempt() -> Decided:
        nonlocal calls
        calls += 1
        try:
            response = await _called(
                partial(ainvoked, model.runnable, request, config, model=model.runnable)
            )
        except Exception as error:
            known = secrets_of(model.runnable)
            raise as_model_error(error, "the decision model", known) from as_cause(error, known)
        return read_decision(response, decision, calls=calls)

    return await retried(model.retry, attempt)


async def embed(embedder: Embedder, texts: Sequence[str]) -> list[Vector]:
    """Embed texts in one call.

    Cases and queries are embedded alike, as documents: what is compared is one case with another,
    not a question with its answer. Texts that were announced by `Embedder.ahead` are embedded a
    page at a time; a page that was rejected fails nobody, its texts are then embedded as they are
    asked for.

    Returns:
        One vector a text, in order, each of length 1 (or all zeros).

    Raises:
        ModelError: The model failed, or what it returned is not usable.
    """
    found: dict[str, Vector] = {}
    for page in embedder.pages_of(texts):
        found |= await _taken(embedder, page, texts)
    found |= await _remembered(embedder, [text for text in texts if text not in found])
    return [found[text] for text in texts]


async def embed_texts(records: Records, texts: Sequence[str]) -> list[Vector]:
    """Embed texts in one call and check them against what the memory holds."""
    vectors = await embed(records.embedder, texts)
    records.check_size(vectors)
    return vectors


async def embed_cases(records: Records, cases: Sequence[Case]) -> list[Vector]:
    """Embed cases, at most two texts each, in one call; () for one without any text."""
    return await embed_pairs(records, await texts_of(cases))


async def texts_of(cases: Sequence[Case]) -> list[tuple[str | None, str | None]]:
    """The texts of cases that are embedded: of inputs and outputs; None for a blank one."""
    size = extent(*(content for case in cases for content in (case.inputs, case.outputs)))
    return await acompute(size, _texts_of, cases)


async def embed_pairs(
    records: Records, texts: Sequence[tuple[str | None, str | None]]
) -> list[Vector]:
    """As `embed_cases`, of what `texts_of` told."""
    vectors = await embed_texts(records, [text for pair in texts for text in pair if text])
    remaining = iter(vectors)
    return [case_vector(*(next(remaining) if text else None for text in p)) for p in texts]


def _texts_of(cases: Sequence[Case]) -> list[tuple[str | None, str | None]]:
    return [embedding_texts(case) for case in cases]


async def _taken(embedder: Embedder, page: Page, texts: Sequence[str]) -> dict[str, Vector]:
    async with page.lock:
        if page.vectors is None:
            try:
                page.vectors = await _remembered(embedder, page.texts)
            except ModelError as error:
                if error.is_refused_access:
                    raise
                page.vectors = {}
        return page.take(texts)


async def _remembered(embedder: Embedder, texts: Sequence[str]) -> dict[str, Vector]:
    known = {} if embedder.known is None else embedder.known
    new = [text for text in dict.fromkeys(texts) if text not in known]
    if new:
        known.update(zip(new, await _embedded(embedder, new), strict=True))
    return {text: known[text] for text in texts}


async def _embedded(embedder: Embedder, texts: list[str]) -> list[Vector]:
    async def attempt() -> list[list[float]]:
        try:
            return await _called(partial(aembedded, embedder.embeddings, texts))
        except Exception as error:
            what = f"embedding {len(texts)} texts with {embedder.id}"
            known = secrets_of(embedder.embeddings)
            raise as_model_error(error, what, known) from as_cause(error, known)

    return embedder.checked(await retried(embedder.retry, attempt), len(texts))


async def _once(
    model: StructuredModel, wanted: Question[R], config: RunnableConfig | None
) -> Reply[R]:
    chat_model, held = model.for_one_call()
    asked, parser = model.structured(chat_model, wanted.schema)
    messages = list(wanted.messages)
    try:
        output = await _called(partial(ainvoked, asked, messages, config, model=chat_model))
        if parser is not None and not shows_object(output):
            output = await off_loop(parser.invoke, {"raw": output}, config)
    except Exception as error:
        if (inside := reply_in(error)) is None:
            known = secrets_of(chat_model)
            raise as_model_error(error, "the chat model", known) from as_cause(error, known)
        output = inside
    reply = read_reply(output, wanted.schema, wanted.read)
    if held and reply.problem is None:
        await held.akeep()
    return reply


async def retried(retry: Retry, attempt: Callable[[], Awaitable[T]]) -> T:
    """Make an attempt until it succeeds or its `ModelError` is final."""
    count = 1
    while True:
        try:
            return await attempt()
        except ModelError as error:
            error.attempts = max(error.attempts, count)
            seconds = retry.wait(count, error)
            if seconds is None:
                raise
        await apause(seconds)
        count += 1


async def _called(call: Callable[[], Awaitable[T]]) -> T:
    """Call a model's client, again where it met a connection that nobody can use any more."""
    for _ in range(_MOST_KEPT):
        try:
            return await call()
        except Exception as error:
            if not is_of_a_closed_loop(error):
                raise
    return await call()


async def for_each(items: Sequence[T], work: Callable[[T], Awaitable[U]], *, limit: int) -> list[U]:
    """Do work for several items at once; once a provider refuses access, none is begun any more."""
    refusals: list[ModelError] = []

    async def begin(item: T) -> U:
        if refusals:
            raise refusals[0]
        try:
            return await work(item)
        except ModelError as error:
            if error.is_refused_access:
                refusals.append(error)
            raise

    return await aparallel([partial(begin, item) for item in items], limit=limit)
