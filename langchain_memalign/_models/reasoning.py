"""The reasoning of open-model servers, which LangChain's client of OpenAI's API leaves out.

Servers such as vLLM put what their parser takes for thinking beside the reply, into a field that
OpenAI's API does not know. Where it took the answer itself for thinking, the reply is empty, and
the message that `ChatOpenAI` makes of it shows nothing
(https://github.com/vllm-project/vllm/issues/15618).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from langchain_core.language_models import BaseChatModel

REASONING_KEYS = ("reasoning_content", "reasoning")
"""What servers call the field, and where LangChain's packages for them put it in a message."""


def keeping_reasoning(model: BaseChatModel) -> BaseChatModel:
    """Return the model; one of langchain-openai as a copy whose empty messages keep the reasoning.

    LangChain's own packages for such servers keep it in the same way, by the same two methods.
    """
    openai = sys.modules.get("langchain_openai.chat_models.base")
    if openai is None or not isinstance(model, openai.BaseChatOpenAI):
        return model
    copied: BaseChatModel = model.model_copy()
    kind: Any = type(model)
    object.__setattr__(copied, "__class__", _keeping(kind))
    return copied


@cache
def _keeping(kind: Any) -> type[Any]:
    """A subclass that goes by its parent's name, so that traces and caches know it as that."""

    def create(model: Any, response: Any, generation_info: Any = None) -> Any:
        result = kind._create_chat_result(model, response, generation_info)
        body = response if isinstance(response, Mapping) else response.model_dump(warnings=False)
        for generation, choice in zip(result.generations, body["choices"], strict=False):
            _keep(generation.message, choice.get("message"))
        return result

    def convert(model: Any, chunk: Any, *args: Any) -> Any:
        generation = kind._convert_chunk_to_generation_chunk(model, chunk, *args)
        choices = chunk.get("choices") or (chunk.get("chunk") or {}).get("choices")
        if generation is not None and choices:
            _keep(generation.message, choices[0].get("delta"))
        return generation

    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    methods = {"_create_chat_result": create, "_convert_chunk_to_generation_chunk": convert}
    return type(kind.__name__, (kind,), {**names, **methods})


def _keep(message: Any, told: Any) -> None:
    if message.content or not isinstance(told, Mapping):
        return
    for key in REASONING_KEYS:
        if isinstance(text := told.get(key), str):
            message.additional_kwargs["reasoning_content"] = text
            return
