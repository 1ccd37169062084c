"""The parts of a message's content, read from every provider's form into four kinds.

Known are LangChain's standard blocks, OpenAI's chat and Responses, Anthropic, Bedrock's Converse,
Gemini, OpenTelemetry's conventions for generative AI, the Vercel AI SDK (4 and 5) and Pydantic AI.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeGuard

from langchain_memalign._content.media import KINDS as MEDIA
from langchain_memalign._content.media import read_medium
from langchain_memalign._content.objects import opened


@dataclass(frozen=True)
class Call:
    """A tool that is called; `is_hosted` where the provider itself runs it."""

    value: Any
    is_hosted: bool = False


@dataclass(frozen=True)
class Result:
    """What a tool gave; `is_of_call` where one part holds a call and its result."""

    content: Any
    call_id: Any = None
    name: Any = None
    failed: bool = False
    is_of_call: bool = False


@dataclass(frozen=True)
class Data:
    """Content that is neither text nor parts."""

    value: Any


@dataclass(frozen=True)
class Step:
    """Where the model was asked anew."""


Block: TypeAlias = dict[str, Any] | str
"""What is said, shown or thought: text, or a block that is not only text."""
Part: TypeAlias = "Call | Result | Step | Data | Block | object"

TEXTS = {"text", "input_text", "output_text", "summary_text", "reasoning_text"}
_THOUGHTS = {"reasoning", "thinking", "redacted_thinking"}
_CALLS = {"tool_use", "tool_call", "function_call", "custom_tool_call"}
_HOSTED_CALLS = {"server_tool_use", "server_tool_call", "mcp_tool_use", "builtin_tool_call"}
# OpenAI's own tools: the call's type names the tool.
_HOSTED_ITEMS = {
    "apply_patch_call",
    "code_interpreter_call",
    "computer_call",
    "file_search_call",
    "image_generation_call",
    "local_shell_call",
    "mcp_call",
    "shell_call",
    "web_search_call",
}
_RESULTS = {
    "builtin_tool_return",
    "custom_tool_call_output",
    "function_call_output",
    "server_tool_result",
    "tool_call_response",
    "tool_result",
    "tool_return",
    *(f"{item}_output" for item in _HOSTED_ITEMS),
}
ITEMS = {*_HOSTED_ITEMS, *(kind for kind in _RESULTS if kind.endswith("_call_output"))}
ITEMS |= {"function_call", "custom_tool_call", "reasoning"}
"""What stands between the messages of OpenAI's Responses as an item of its own."""

_KNOWN = {*TEXTS, *_THOUGHTS, *_CALLS, *_HOSTED_CALLS, *_HOSTED_ITEMS, *_RESULTS}
_KNOWN |= {"tool_invocation", "dynamic_tool", "step_start", "refusal", "non_standard"}
_KNOWN |= {"source", "source_url", "source_document"}
# The keys that tell the type of a part of Gemini and Bedrock.
_UNTYPED = {
    "audio",
    "cachePoint",
    "codeExecutionResult",
    "document",
    "executableCode",
    "fileData",
    "file_data",
    "functionCall",
    "functionResponse",
    "function_call",
    "function_response",
    "image",
    "inlineData",
    "inline_data",
    "reasoningContent",
    "text",
    "toolResult",
    "toolUse",
    "video",
}
_CALL_IDS = ("call_id", "tool_use_id", "toolUseId", "tool_call_id", "toolCallId", "id")
_TOOL_NAMES = ("name", "tool_name", "toolName")
_ARGUMENTS = ("args", "arguments", "input", "rawInput")
_GIVEN = ("content", "output", "outputs", "result", "results", "response")
_FAILED = {"error", "failed", "denied", "output-error"}
_INCIDENTAL = {"cache_control", "providerMetadata", "providerOptions"}
# What Vercel wraps a tool's result in.
_WRAPPINGS = {"text", "json", "content", "error_text", "error_json", "execution_denied"}


def read_parts(content: Any) -> list[Part]:
    """Read a message's content, or the parts of it; what is not known stays as it is."""
    if content is None or isinstance(content, str):
        return [content] if content else []
    if not isinstance(content, list | tuple):
        return [Data(content)]
    return [piece for part in content for piece in _read(opened(part))]


def read_tool_content(content: Any) -> Any:
    """What a tool gave: text, where it is only text; its parts as they are, but for media."""
    if not isinstance(content, list | tuple) or not any(map(_has_type, content)):
        return content
    if not all(isinstance(part, str | Mapping) for part in content):
        return content
    read = [(part, _read(part)) for part in content]
    return joined(
        piece
        for part, pieces in read
        for piece in (pieces if all(isinstance(p, str | dict) for p in pieces) else [part])
    )


def has_results(content: Any) -> bool:
    """Whether content holds what tools gave, as parts of its own."""
    return any(isinstance(part, Result) for part in read_parts(content))


def joined(parts: Iterable[object]) -> Any:
    """What is said as text, where it is only text; else its blocks."""
    match blocks := list(parts):
        case [Data(value)]:
            return value
    if all(isinstance(block, str) or _is_plain_text(block) for block in blocks):
        return "\n".join(b if isinstance(b, str) else b["text"] for b in blocks)  # type: ignore[index]
    values = (block.value if isinstance(block, Data) else block for block in blocks)
    return [{"type": "text", "text": b} if isinstance(b, str) else b for b in values]


def is_known(part: object) -> bool:
    """Whether `part` is text, or a part of a message in a form that is known."""
    if not isinstance(part, Mapping):
        return isinstance(part, str)
    if isinstance(part.get("part_kind"), str):
        return True
    kind = kind_of(part)
    if not kind:
        return any(part.get(key) is not None for key in _UNTYPED)
    return kind in _KNOWN or kind in MEDIA or kind.startswith(("tool_", "data_"))


def _is_plain_text(block: object) -> bool:
    if not isinstance(block, dict) or block.keys() != {"type", "text"}:
        return False
    return block["type"] == "text" and isinstance(block["text"], str)


def _has_type(value: object) -> bool:
    """Whether `value` has a type, or a single key that may tell it."""
    if not isinstance(value, Mapping):
        return False
    return bool(kind_of(value)) or sum(item is not None for item in value.values()) == 1


def _read(part: object) -> list[Part]:
    if isinstance(part, str):
        return [part] if part else []
    if not isinstance(part, Mapping):
        return [part]
    kind = kind_of(part)
    said = {key: item for key, item in part.items() if item is not None}
    if kind.startswith("tool_") and isinstance(said.get("toolCallId"), str) and "state" in said:
        return _invocation({"toolName": kind.removeprefix("tool_"), **said})
    match kind:
        case "":
            return _untyped(said)
        case "tool_invocation" if _is_invocation(inner := said.get("toolInvocation")):
            return _invocation(inner)
        case "dynamic_tool" if _is_invocation(said):
            return _invocation(said)
        case "step_start":
            return [Step()]
        case "non_standard" if isinstance(said.get("value"), Mapping):
            return _read(said["value"])
    if kind in TEXTS:
        return _text(said)
    if kind in _THOUGHTS:
        return thought(said)
    if kind in _CALLS:
        return [Call({"args": {}, **said} if "part_kind" in said else part)]
    if kind in _HOSTED_CALLS:
        return [Call(part, is_hosted=True)]
    if kind in _HOSTED_ITEMS and _first(said, _CALL_IDS) is not None:
        return _hosted(kind, said)
    if kind in _RESULTS or (kind.endswith("_tool_result") and "tool_use_id" in said):
        return [result(said)]
    medium = read_medium(said, kind)
    return [medium or {key: item for key, item in part.items() if key not in _INCIDENTAL}]


def kind_of(part: Mapping[Any, Any]) -> str:
    """The type of a part or item, with underscores; "" where it has none."""
    for key in ("type", "part_kind"):
        if isinstance(kind := part.get(key), str):
            return kind.replace("-", "_")
    kind = part.get("kind")  # of Pydantic AI's media; what else has one is somebody's data
    kind = kind.replace("-", "_") if isinstance(kind, str) else ""
    return kind if kind in MEDIA else ""


def plain_call(call: Any) -> Any:
    """A tool call of any provider as `name`, `args` and `id`; anything else as it is."""
    if not isinstance(call, Mapping):
        return call
    for inner in (call.get("function"), call.get("custom"), call):
        if isinstance(inner, Mapping) and isinstance(_first(inner, _TOOL_NAMES), str):
            break
    else:
        return call
    args = next((inner[key] for key in _ARGUMENTS if key in inner), None)
    return {"name": _first(inner, _TOOL_NAMES), "args": args, "id": _first(call, _CALL_IDS)}


def result(part: Mapping[Any, Any]) -> Result:
    """Read a part that tells what a tool gave."""
    flags = [part.get(key) for key in ("status", "outcome", "state")]
    content, failed = _unwrapped(next((part[key] for key in _GIVEN if key in part), ""))
    for flag in ("is_error", "isError"):
        failed = failed or part.get(flag) is True
    return Result(
        content,
        _first(part, _CALL_IDS),
        _first(part, _TOOL_NAMES),
        failed or any(isinstance(flag, str) and flag in _FAILED for flag in flags),
    )


def thought(part: Mapping[Any, Any]) -> list[Part]:
    """Read a part in which a model thinks; nothing where the thought is encrypted."""
    for key in ("reasoning", "thinking", "text", "content", "summary", "reasoningText"):
        words = part.get(key)
        if isinstance(words, Mapping):
            words = words.get("text")
        if isinstance(words, list | tuple):
            words = "\n".join(_words(words))
        if isinstance(words, str) and words:
            return [{"type": "reasoning", "reasoning": words}]
    return []


def _words(parts: Iterable[object]) -> Iterable[str]:
    for part in parts:
        words = part.get("text") if isinstance(part, Mapping) else part
        if isinstance(words, str) and words:
            yield words


def _text(part: dict[Any, Any]) -> list[Part]:
    words = part.get("text", part.get("content", ""))
    if not isinstance(words, str):
        return [part]
    # Where an answer has its facts from may be what is judged.
    sources = {key: part[key] for key in ("annotations", "citations") if part.get(key)}
    if sources:
        return [{"type": "text", "text": words, **sources}]
    return [words] if words else []


def _untyped(part: dict[Any, Any]) -> list[Part]:
    """A part of Gemini or Bedrock, whose only key tells its type."""
    signs = ("thoughtSignature", "thought_signature", "videoMetadata", "video_metadata")
    part = {key: item for key, item in part.items() if key not in signs}
    is_thought = part.pop("thought", None) is True
    match part:
        case {"text": str() as words, **more} if not more:
            return thought({"text": words}) if is_thought else ([words] if words else [])
        case {"cachePoint": _, **more} | {"cache_point": _, **more} if not more:
            return []
        case {"reasoningContent": Mapping() as thinking, **more} if not more:
            return thought(thinking)
        case {"toolUse": Mapping() as call, **more} if not more:
            return [Call(call)]
        case {"toolResult": Mapping() as given, **more} if not more:
            return [result(given)]
        case {"functionCall": Mapping() as call, **more} | {
            "function_call": Mapping() as call,
            **more,
        } if not more:
            return [Call({"args": {}, **call})]
        case {"functionResponse": Mapping() as given, **more} | {
            "function_response": Mapping() as given,
            **more,
        } if not more:
            return [_gemini_result(given)]
    return [read_medium(part, "") or part]


def _gemini_result(given: Mapping[Any, Any]) -> Result:
    """Gemini takes mappings only: other results are put under a key of their own.

    https://ai.google.dev/api/caching#FunctionResponse
    """
    content, failed = given.get("response"), False
    match content:
        case {"output": inner, **more} | {"result": inner, **more} if not more:
            content = inner
        case {"error": inner, **more} if not more:
            content, failed = inner, True
    return Result(content, given.get("id"), given.get("name"), failed)


def _is_invocation(part: object) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(part, Mapping) and isinstance(part.get("toolName"), str)


def _invocation(part: Mapping[Any, Any]) -> list[Part]:
    """A call of the Vercel AI SDK, which gets its result where it stands."""
    call_id, name = part.get("toolCallId"), part.get("toolName")
    args = next((part[key] for key in _ARGUMENTS if part.get(key) is not None), None)
    call = Call({"name": name, "args": args, "id": call_id})
    if isinstance(problem := part.get("errorText"), str):
        return [call, Result(problem, call_id, name, failed=True, is_of_call=True)]
    for key in ("result", "output"):
        if part.get(key) is not None:
            content, failed = _unwrapped(part[key])
            failed = failed or part.get("isError") is True
            return [call, Result(content, call_id, name, failed, is_of_call=True)]
    return [call]


def _hosted(kind: str, part: Mapping[Any, Any]) -> list[Part]:
    """A call of one of OpenAI's own tools, which may hold what the tool gave."""
    call_id = _first(part, ("call_id", "id"))
    given = next((part[key] for key in ("error", *_GIVEN) if part.get(key)), None)
    rest = {"type", "id", "call_id", "status", "error", *_GIVEN, *_TOOL_NAMES, *_ARGUMENTS}
    args = next((part[key] for key in _ARGUMENTS if key in part), None)
    args = {k: v for k, v in part.items() if k not in rest} if args is None else args
    name = _first(part, _TOOL_NAMES) or kind.removesuffix("_call")
    calls: list[Part] = [Call({"name": name, "args": args, "id": call_id}, is_hosted=True)]
    if given is not None:
        if kind == "image_generation_call" and isinstance(given, str):
            given = [{"type": "image", "base64": given, "mime_type": "image/png"}]
        failed = bool(part.get("error"))
        calls.append(Result(given, call_id, name, failed, is_of_call=True))
    return calls


def _unwrapped(content: Any) -> tuple[Any, bool]:
    """A result without what it is wrapped in, and whether that says that the tool failed."""
    match content:
        case [{"json": value, **more}] if not more:
            return value, False
        case {"type": str() as kind, "value": value, **more} if not more:
            kind = kind.replace("-", "_")
            if kind in _WRAPPINGS:
                return value, kind.startswith("error")
        case {"type": "execution-denied", **more}:
            return more.get("reason") or "denied", True
    return content, False


def _first(part: Mapping[Any, Any], keys: Iterable[str]) -> Any:
    return next((part[key] for key in keys if part.get(key) is not None), None)
