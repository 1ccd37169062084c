"""What providers' clients give back, dumped: the messages without what is around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def conversation_of(value: Mapping[Any, Any]) -> list[Any] | None:
    """The messages or items in a dump of a provider's answer; None if `value` is none.

    Known are OpenAI's `ChatCompletion` and `Response`, Gemini's `GenerateContentResponse`, what
    Bedrock's Converse and Ollama's chat return, and LangChain's `LLMResult` and `ChatResult`. One
    with several choices is no one conversation, and left as it is.
    """
    match value:
        case {"choices": [{"message": Mapping() as message}]} if "role" in message:
            return [message]
        case {"object": "response", "output": [*items]} if items:
            return items
        case {"candidates": [{"content": {"parts": [*_]} as content}]}:
            return [{"role": "model", **_there(content)}]
        case {"output": {"message": {"role": str(), "content": [*_]} as message}, **more} if (
            "stopReason" in more
        ):
            return [message]
        case {"message": {"role": str(), "content": _} as message, "done": bool()}:
            return [message]
        case {"generations": [*generations]}:
            return _generated(generations)
    return None


def _generated(generations: Sequence[Any]) -> list[Any] | None:
    match generations:
        case [[{"message": message}]] | [{"message": message}]:
            return [message]
    return None


def _there(fields: Mapping[Any, Any]) -> dict[Any, Any]:
    return {key: item for key, item in fields.items() if item is not None}
