"""What a chat model's reply holds, read strictly: a cut-off reply is not taken for a whole one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from langchain_core.messages import AIMessage
from langchain_core.messages.ai import UsageMetadata
from pydantic import BaseModel

from langchain_memalign.errors import InvalidInputError

_THINKING = re.compile(r"<think>.*?</think>", re.DOTALL)
# OpenAI and Gemini; Anthropic and Bedrock in two spellings; Ollama.
_END_KEYS = ("finish_reason", "stop_reason", "stopReason", "done_reason")
_FENCE = re.compile(r"```(?:json)?\s*(.*?)```", re.DOTALL)


def read_object(raw: object, parsed: object, title: str) -> dict[str, Any]:
    """Return the JSON object of a reply.

    The raw message is read rather than what LangChain's parser made of it, since that parser
    completes truncated JSON, which would pass half a list off as the whole.

    Args:
        raw: The model's message.
        parsed: What LangChain's parser made of it; used when the message shows no JSON itself.
        title: The schema's title, by which a tool call is told.

    Raises:
        InvalidInputError: There is no whole JSON object in it.
    """
    if isinstance(raw, AIMessage):
        calls = sorted(raw.tool_calls, key=lambda call: call["name"] != title)
        if calls:
            return dict(calls[0]["args"])
        if raw.invalid_tool_calls:
            raise InvalidInputError("the arguments of the tool call are not valid JSON.")
        text = _THINKING.sub("", raw_text(raw)).strip()
        if "{" in text:
            return _loads(text)
    if isinstance(parsed, BaseModel):
        return parsed.model_dump()
    if isinstance(parsed, Mapping):
        return dict(parsed)
    raise InvalidInputError("the reply holds no JSON object.")


def shows_object(raw: object) -> bool:
    """Whether a message itself shows something to read an object from, be it broken."""
    if not isinstance(raw, AIMessage):
        return False
    return bool(raw.tool_calls or raw.invalid_tool_calls) or "{" in raw_text(raw)


def raw_text(raw: object) -> str:
    """The reply as text, for people to read and for a repair to quote."""
    if not isinstance(raw, AIMessage):
        return "" if raw is None else str(raw)
    if text := str(raw.text):
        return text
    calls = [call["args"] for call in raw.tool_calls]
    broken = [str(call["args"]) for call in raw.invalid_tool_calls]
    return "\n".join(
        [*(json.dumps(args, ensure_ascii=False, default=str) for args in calls), *broken]
    )


def refusal(raw: object) -> str | None:
    """The model's refusal, where it says so in the way that OpenAI's API does."""
    if not isinstance(raw, AIMessage):
        return None
    said = raw.additional_kwargs.get("refusal")
    if not said and isinstance(raw.content, list):
        for block in raw.content:
            if isinstance(block, dict) and block.get("type") == "refusal":
                said = block.get("refusal")
    return str(said) if said else None


def was_cut_off(raw: object) -> bool:
    """Whether the reply ended because it met a limit of tokens; providers say so in four ways."""
    if not isinstance(raw, AIMessage):
        return False
    told = (raw.response_metadata.get(key) for key in _END_KEYS)
    return any(str(end).lower() in ("length", "max_tokens") for end in told)


def cut_off_reply(error: Exception) -> AIMessage | None:
    """The reply inside the exception that OpenAI's client raises instead of giving a cut-off one.

    The class is told by its name, so that a model of another provider needs no OpenAI client.
    """
    if type(error).__name__ != "LengthFinishReasonError":
        return None
    completion: Any = getattr(error, "completion", None)
    if completion is None or not completion.choices:
        return None
    usage = completion.usage and UsageMetadata(
        input_tokens=completion.usage.prompt_tokens,
        output_tokens=completion.usage.completion_tokens,
        total_tokens=completion.usage.total_tokens,
    )
    return AIMessage(
        completion.choices[0].message.content or "",
        response_metadata={"finish_reason": "length"},
        usage_metadata=usage,
    )


def _loads(text: str) -> dict[str, Any]:
    whole = text[text.index("{") : text.rfind("}") + 1]
    fenced = _FENCE.search(text)
    try:
        try:
            data = _parse(whole)
        except ValueError:
            # There may be other braces around the fence, but also fences inside the JSON's texts.
            if fenced is None:
                raise
            data = _parse(fenced.group(1))
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"the reply is not valid JSON: {error}.") from error
    if not isinstance(data, dict):
        raise InvalidInputError(f"the reply is a JSON {type(data).__name__}; expected an object.")
    return data


def _parse(text: str) -> Any:
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
