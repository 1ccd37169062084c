"""How a reply ended: whole, cut off, declined by the model, blocked, or inside an exception."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.messages.ai import UsageMetadata

# OpenAI, Groq, Mistral, Cohere and Gemini; Anthropic; Bedrock; Ollama; OpenRouter, which passes on
# what its provider said.
_END_KEYS = ("finish_reason", "stop_reason", "stopReason", "done_reason", "native_finish_reason")
_CUT_OFF = {
    "length",
    "max_tokens",
    "max_output_tokens",  # OpenAI's Responses API
    "model_length",  # Mistral
    "model_context_window_exceeded",  # Anthropic and Bedrock
}
_DECLINED = {"refusal"}  # Anthropic
# As langchain-openai (Azure's filter too), langchain-google-genai and -vertexai, langchain-aws,
# langchain-cohere and Zhipu's models put it into `response_metadata`.
_BLOCKED = {
    "content_filter",
    "content_filtered",
    "guardrail_intervened",
    "safety",
    "recitation",
    "language",
    "blocklist",
    "prohibited_content",
    "spii",
    "jailbreak",
    "model_armor",
    "image_safety",
    "image_prohibited_content",
    "image_recitation",
    "error_toxic",
    "sensitive",
}
_UNUSABLE_CODES = {"tool_use_failed", "json_validate_failed", "output_parse_failed"}
_BLOCKED_CODES = {"content_filter", "content_policy_violation", "data_inspection_failed"}
_WORDS = 300


def refusal(raw: object) -> str | None:
    """Why there is no answer, where the model declined to give one or its provider blocked it.

    Told by the words of a refusal, or only by the reason for which the reply ended, in the
    spellings of the providers' LangChain packages. What such a reply holds is no answer.
    """
    if not isinstance(raw, AIMessage):
        return None
    if (words := _words_of_refusal(raw)) is not None:
        return f"the model declined: {words}" if words else "the model declined to answer."
    for end in _ends(raw):
        if end.casefold() in _DECLINED:
            return _said("the model declined to answer", end, _explanation(raw))
        if end.casefold() in _BLOCKED:
            return _said("the provider blocked the answer", end, _explanation(raw))
    if blocked := _prompt_block(raw):
        return _said("the provider blocked the prompt", *blocked)
    return None


def was_cut_off(raw: object) -> bool:
    """Whether the reply ended because it met a limit of tokens."""
    return isinstance(raw, AIMessage) and any(end.casefold() in _CUT_OFF for end in _ends(raw))


def reply_in(error: Exception) -> AIMessage | None:
    """The reply inside an exception that a client raises instead of giving it.

    That is a cut-off or blocked one of OpenAI's client, a refusal of LangChain's, and the 400 by
    which Groq and others say that what the model wrote is not what was asked for. Classes are told
    by their names, so that a model of another provider needs no OpenAI client.

    Returns:
        The reply, empty where only its failure is known; None if the exception holds none.
    """
    names = {kind.__name__ for kind in type(error).__mro__}
    if "ModelRefusalError" in names and isinstance(
        raw := getattr(error, "raw_message", None), AIMessage
    ):
        return raw if refusal(raw) else _ended("refusal", str(error))
    if "LengthFinishReasonError" in names:
        return _completion(getattr(error, "completion", None), "length")
    if "ContentFilterFinishReasonError" in names:
        completion = _completion(getattr(error, "completion", None), "content_filter")
        return completion or _ended("content_filter")
    for body in _bodies(error):
        code, words = str(body.get("code") or ""), str(body.get("message") or "")
        if code in _BLOCKED_CODES:
            return _ended(code if code in _BLOCKED else "content_filter", words)
        if code in _UNUSABLE_CODES or "failed_generation" in body:
            written = body.get("failed_generation") or ""
            text = written if isinstance(written, str) else json.dumps(written, ensure_ascii=False)
            is_cut_off = "max completion tokens" in words
            return AIMessage(
                text, response_metadata={"finish_reason": "length"} if is_cut_off else {}
            )
    return None


def _ends(raw: AIMessage) -> Iterator[str]:
    for key in _END_KEYS:
        if end := raw.response_metadata.get(key):
            yield _name(end)
    # OpenAI's Responses API.
    details = raw.response_metadata.get("incomplete_details")
    if isinstance(details, Mapping) and (reason := details.get("reason")):
        yield str(reason)


def _name(value: Any) -> str:
    """The name of an end, which some packages leave as a member of an Enum."""
    return str(getattr(value, "name", value)).rpartition(".")[2]


def _words_of_refusal(raw: AIMessage) -> str | None:
    if said := raw.additional_kwargs.get("refusal"):
        return str(said)
    if isinstance(raw.content, list):
        for block in raw.content:
            if isinstance(block, dict) and block.get("type") == "refusal":
                return str(block.get("refusal") or "")
    return None


def _explanation(raw: AIMessage) -> str:
    told = raw.response_metadata
    details = told.get("stop_details")
    if isinstance(details, Mapping):
        words = [str(details.get(key) or "") for key in ("category", "explanation")]
        return ": ".join(word for word in words if word)
    return str(told.get("finish_message") or raw.text)


def _prompt_block(raw: AIMessage) -> tuple[str, str] | None:
    told = raw.response_metadata
    feedback = told.get("prompt_feedback")
    if isinstance(feedback, Mapping) and (reason := feedback.get("block_reason")):
        name = _name(reason)
        if name not in ("0", "BLOCKED_REASON_UNSPECIFIED"):
            return name, str(feedback.get("block_reason_message") or "")
    if told.get("is_blocked") is True:
        return "is_blocked", ""
    if told.get("amazon-bedrock-guardrailAction") == "INTERVENED":
        return "guardrail intervened", str(raw.text)
    return None


def _said(what: str, end: str, words: str) -> str:
    words = " ".join(words.split())[:_WORDS]
    return f"{what} ({end}): {words}" if words else f"{what} ({end})."


def _ended(reason: str, words: str = "") -> AIMessage:
    told = {"finish_reason": reason, "finish_message": words}
    return AIMessage("", response_metadata=told)


def _completion(completion: Any, end: str) -> AIMessage | None:
    if completion is None or not completion.choices:
        return None
    usage = completion.usage and UsageMetadata(
        input_tokens=completion.usage.prompt_tokens,
        output_tokens=completion.usage.completion_tokens,
        total_tokens=completion.usage.total_tokens,
    )
    return AIMessage(
        completion.choices[0].message.content or "",
        response_metadata={"finish_reason": end},
        usage_metadata=usage,
    )


def _bodies(error: Exception) -> Iterator[Mapping[str, Any]]:
    """The JSON of an error's answer, in the ways in which clients keep it."""
    kept = (getattr(error, "body", None), *error.args)
    body = next((one for one in kept if isinstance(one, Mapping)), None) or _json_in(str(error))
    inner = body.get("error")
    yield inner if isinstance(inner, Mapping) else body


def _json_in(text: str) -> Mapping[str, Any]:
    """The JSON that an error's text ends with, as LiteLLM passes it on."""
    if (match := re.search(r"\{.*\}", text, re.DOTALL)) is None:
        return {}
    try:
        read = json.loads(match[0])
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, Mapping) else {}
