"""The judge and the memory that a judge file describes, opened."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult

from langchain_memalign._models import DECISIONS, resolve_embeddings
from langchain_memalign._models.failures import as_cause, said_by
from langchain_memalign.cli.judge_file import (
    JudgeFile,
    MemoryPlace,
    ModelChoice,
    find_judge_file,
    load_judge_file,
)
from langchain_memalign.errors import ConfigurationError
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.memory import Memory
from langchain_memalign.reviews.threads import ReviewThreads

_REQUEST_SECONDS = 120


@contextmanager
def opened_judge(
    named: Path | None,
    *,
    asks_model: bool = True,
    creates: bool = True,
    model: ModelChoice | None = None,
    is_new: bool = False,
) -> Iterator[tuple[JudgeFile, MemAlignJudge]]:
    """Open the judge of a judge file, with its memory, for as long as the block lasts.

    Args:
        named: The judge file; None for the one in the working directory.
        asks_model: Whether the command calls the model. One that does not needs no key for it.
        creates: Whether the command may begin a new memory.
        model: The model to ask instead of the file's own.
        is_new: Whether to give the judge an empty memory of its own, gone afterwards.
    """
    file = load_judge_file(find_judge_file(named))
    if model is not None:
        file = file.model_copy(update={"model": model})
    with opened_memory(
        MemoryPlace(location=":memory:") if is_new else file.memory,
        file.embeddings,
        creates=creates,
        lazily=not asks_model,
    ) as memory:
        yield (
            file,
            MemAlignJudge(
                name=file.name,
                instructions=file.instructions,
                value_type=file.value_type,
                value_meanings=file.value_meanings,
                question=file.question,
                **models_of(file, asks_model=asks_model),
                memory=memory,
                k=file.k,
                principle_tokens=file.principle_tokens,
                case_tokens=file.case_tokens,
                episode_tokens=file.episode_tokens,
                distant=file.distant,
                on_recall_failure=file.on_recall_failure,
                prompt=file.prompt,
                structured_output=file.structured_output,
                redefine=file.redefine,
            ),
        )


def clear_reviews(
    file: JudgeFile,
    judge: MemAlignJudge,
    ids: Collection[str],
    *,
    case_keys: Collection[str] = (),
    text: str | None = None,
    reviewer: str | None = None,
) -> int:
    """Erase from the judge's reviews what shows something forgotten; how many threads are gone.

    Args:
        file: The judge file, which names the file of the reviews.
        judge: The judge.
        ids: Ids of episodes and principles of which something is gone.
        case_keys: The cases of the episodes.
        text: Text that must not remain.
        reviewer: Of whom no answer or draft of the page must remain.
    """
    if not file.review_path.exists():
        return 0
    with ReviewThreads(file.review_path) as threads:
        return threads.forget(
            ids=ids,
            exist=judge.setup.records.existing,
            case_keys=case_keys,
            text=text,
            judge=file.name,
            reviewer=reviewer,
        )


@contextmanager
def opened_memory(
    place: MemoryPlace, embeddings: str, *, creates: bool = True, lazily: bool = False
) -> Iterator[Memory]:
    """Open a memory for as long as the block lasts.

    Args:
        place: Where it is.
        embeddings: What it was, or is to be, made with.
        creates: Whether there may be none yet.
        lazily: Whether to make the embedding model, which may need a key, only if it is called.

    Raises:
        ConfigurationError: There is no memory and none may be made, or the embeddings are unusable.
    """
    directory = place.directory
    if not creates and directory is not None and not directory.exists():
        raise ConfigurationError(
            f"found no memory at {directory}; expected one. `memalign align`, `judge` and `review` "
            "create it."
        )
    options = place.server_options
    if lazily and embeddings != "local":
        options["embeddings_id"] = embeddings
        options["embeddings"] = _LazyEmbeddings(embeddings)
    else:
        options["embeddings"] = embeddings
    with Memory.open(place.location, **options) as memory:
        yield memory


class _LazyEmbeddings(Embeddings):
    """An embedding model that is made when it is first called."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._made: Embeddings | None = None

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        if self._made is None:
            self._made, _ = resolve_embeddings(self._name)
        return self._made.embed_documents(texts)

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


class _NoModel(BaseChatModel):
    """Stands where no model is called, so that nothing else can stand in for the judge's own."""

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        raise ConfigurationError("this command was not expected to call the model.")

    @property
    def _llm_type(self) -> str:
        return "none"


def models_of(file: JudgeFile, *, asks_model: bool = True) -> dict[str, Any]:
    """Who judges and who learns, as `MemAlignJudge` takes it.

    Args:
        file: What the judge file says.
        asks_model: Whether any is asked; one that is not needs no key.
    """
    made = chat_model if asks_model else lambda _: _NoModel()
    who = {"model": made(file.model), "distiller": file.distiller and made(file.distiller)}
    if not asks_model:
        return who
    return {
        **who,
        "probabilities": file.probabilities,
        "aggregate": file.aggregate,
    }


def chat_model(choice: ModelChoice) -> Any:
    """The model of a name alone is the judge's business; with options it is made here."""
    if not choice.options:
        return choice.name
    provider, _, name = choice.name.partition(":")
    try:
        if choice.name == "precedent":
            raise ValueError(f"it takes no options, found {', '.join(choice.options)}.")
        if provider in ("openai", DECISIONS) and name:
            from langchain_openai import ChatOpenAI
            from langchain_openai.decisions import OpenAIDecisions

            # As for a name alone: the judge itself counts and reports retries.
            options = {"max_retries": 0, "timeout": _REQUEST_SECONDS, **choice.options}
            if "base_url" in options and not os.environ.get("OPENAI_API_KEY"):
                # OpenAI's client insists on a key; one's own server mostly asks for none.
                options["api_key"] = "none"
            return (OpenAIDecisions if provider == DECISIONS else ChatOpenAI)(model=name, **options)
        from langchain.chat_models import init_chat_model

        made: BaseChatModel = init_chat_model(choice.name, **choice.options)
        return made
    except Exception as error:
        said = said_by(error)
        raise ConfigurationError(
            f"model {choice.name!r} with {', '.join(choice.options)} cannot be used: {said} "
            "Expected a model and options that LangChain's init_chat_model takes; set the "
            "provider's key in the environment."
        ) from as_cause(error)
