"""The many forms of a chat message, recognised and read into turns of one form.

Known are LangChain's message objects and their dumps (`model_dump()`, `messages_to_dict`, and the
`{"lc": 1, ...}` of LangSmith's traces), LangGraph's `("user", "hi")`, and the messages of those
whose parts `parts` knows. Where one message holds calls and what the tools gave, as with Vercel and
Anthropic, it becomes several turns: the call, the tools' answers, and what is said next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from langchain_core.messages import BaseMessage

from langchain_memalign._content.dumps import conversation_of
from langchain_memalign._content.objects import opened
from langchain_memalign._content.parts import (
    ITEMS,
    Call,
    Part,
    Result,
    Step,
    has_results,
    is_known,
    joined,
    kind_of,
    read_parts,
)

Fields: TypeAlias = dict[str, Any]
"""A turn's fields under the names `role`, `content`, `tool_calls`, `tool_call_id`, ..."""

_RENAMED = {
    "human": "user",
    "ai": "assistant",
    "model": "assistant",
    "developer": "system",
    "function": "tool",
}
_ROLES = {"user", "assistant", "system", "developer", "tool", "function", "human", "ai"}
# LangChain's types, each with a field without which it is somebody's data, not a message.
_TYPES = {
    "human": "content",
    "ai": "content",
    "system": "content",
    "tool": "tool_call_id",
    "function": "name",
    "remove": "id",
}
_PLAIN_FIELDS = {"role", "content", "name", "tool_calls", "tool_call_id", "status"}
# What changes from run to run although the conversation is the same.
_VOLATILE = {
    "id",
    "type",
    "usage_metadata",
    "response_metadata",
    "additional_kwargs",
    "tool_call_chunks",
    "chunk_position",
    "example",
    "artifact",
    "usage",
}
# The same, in messages that are known to be a provider's own and not somebody's data.
_PROVIDERS_OWN = {
    "container",
    "context_management",
    "conversation_id",
    "createdAt",
    "created_at",
    "finishReason",
    "finish_reason",
    "instructions",
    "kind",
    "metadata",
    "model",
    "model_name",
    "object",
    "phase",
    "provider_details",
    "provider_name",
    "provider_response_id",
    "provider_url",
    "revisionId",
    "run_id",
    "state",
    "stop_details",
    "stop_reason",
    "stop_sequence",
    "timestamp",
}
_CONTENT_FIELDS = (
    "role",
    "content",
    "parts",
    "tool_calls",
    "invalid_tool_calls",
    "function_call",
    "toolInvocations",
    "experimental_attachments",
)
_CALL_FIELDS = ("tool_calls", "function_call", "toolInvocations")
_DONE = {"success", "completed"}


def read_message(value: object) -> list[Fields] | None:
    """Read a message standing alone, in any known form, or a dump that holds some.

    Returns:
        Its turns, or None if `value` is not a message.
    """
    talk = _Talk()
    return (talk.turns() if talk.take(value) else None) or None


def read_messages(values: Sequence[object]) -> list[Fields] | None:
    """Read a conversation; None if any of `values` is not a message, or there are none.

    Among messages, a pair of role and content, and a dict of any role, are messages too.
    """
    talk = _Talk(in_company=True)
    return (talk.turns() if all(map(talk.take, values)) else None) or None


def is_plain_message(value: object) -> bool:
    """Whether normalised `value` is a message."""
    return (
        isinstance(value, dict)
        and "content" in value
        and isinstance(role := value.get("role"), str)
        and (role in _ROLES or value.keys() <= _PLAIN_FIELDS)
    )


@dataclass
class _Utterance:
    """What one side says at once; of OpenAI's Responses, items that stand alone."""

    role: str
    parts: list[Part]
    extra: Fields = field(default_factory=dict)
    is_item: bool = False

    @property
    def has_results(self) -> bool:
        return any(isinstance(part, Result) for part in self.parts)

    @property
    def is_thought(self) -> bool:
        return all(isinstance(p, dict) and p.get("type") == "reasoning" for p in self.parts)

    def takes(self, later: _Utterance) -> bool:
        """Whether `later` is of the same reply of the model."""
        if self.has_results or not self.role == later.role == "assistant":
            return False
        if later.is_item:
            return self.is_item or not later.is_thought
        return self.is_item


class _Talk:
    """A conversation as it is read, message by message."""

    def __init__(self, *, in_company: bool = False) -> None:
        self._in_company = in_company
        self._utterances: list[_Utterance] = []
        self._instructions: object = None

    def turns(self) -> list[Fields]:
        """The turns of all that was taken."""
        return [turn for utterance in self._utterances for turn in _turns(utterance)]

    def take(self, value: object) -> bool:
        """Add what `value` holds; returns whether it is a message."""
        if isinstance(value, BaseMessage):
            fields: Fields = {**value.__dict__, **(value.model_extra or {}), "type": value.type}
        elif isinstance(value, Mapping):
            if (held := conversation_of(value)) is not None:
                return bool(held) and all(map(self.take, held))
            fields = _unwrap(value)
        elif self._in_company and isinstance(value, tuple):
            match value:
                case (str() as name, str() | list() as content) if name in _ROLES:
                    fields = {"role": name, "content": content}
                case _:
                    return False
        else:
            return False
        role = _role(fields)
        if role is not None:
            self._take_message(role, fields)
        elif _is_item(fields):
            parts = read_parts([fields])
            # A tool's answer is no part of what the model says.
            given = all(isinstance(part, Result) for part in parts) and bool(parts)
            self._add(_Utterance("tool" if given else "assistant", parts, is_item=True))
        elif self._in_company and _is_plain(fields):
            self._take_message(fields["role"], fields)
        else:
            return False
        return True

    def _take_message(self, role: str, fields: Fields) -> None:
        if fields.get("kind") == "request" and _is_parts(fields.get("parts")):
            self._take_request(fields)
            return
        role = _RENAMED.get(role, role)
        parts = [part for part in _body(role, fields) if not _is_refusal(part)]
        self._add(_Utterance(role, parts, _extra(role, fields)))

    def _take_request(self, fields: Fields) -> None:
        """A request of Pydantic AI, which holds system prompts, what users say, and results."""
        said = fields.get("instructions")
        if isinstance(said, str) and said and said != self._instructions:
            self._add(_Utterance("system", [said]))
            self._instructions = said
        for part in map(opened, fields["parts"]):
            role, held = "user", [part]
            match kind_of(part):
                case "system_prompt" | "instruction":
                    role, held = "system", part.get("content")
                case "user_prompt":
                    held = part.get("content")
                case "retry_prompt" if part.get("tool_name"):
                    held = [{**part, "part_kind": "tool_return", "outcome": "failed"}]
                case "retry_prompt":
                    held = part.get("content")
            self._add(_Utterance(role, read_parts(held)))

    def _add(self, utterance: _Utterance) -> None:
        last = self._utterances[-1] if self._utterances else None
        if last is not None and last.takes(utterance):
            last.parts += utterance.parts
            last.extra |= utterance.extra
            last.is_item = last.is_item and utterance.is_item
        elif utterance.parts or not utterance.is_item:
            self._utterances.append(utterance)


def _turns(utterance: _Utterance) -> list[Fields]:
    """The turns that one utterance is: calls, the tools' answers, and what is said after these."""
    turns: list[Fields] = []
    blocks: list[Any] = []
    calls: list[Any] = []
    results: list[Result] = []

    def end() -> None:
        if blocks or calls:
            turn: Fields = {"role": utterance.role, "content": joined(blocks)}
            turns.append(turn | ({"tool_calls": calls.copy()} if calls else {}))
        for result in results:
            turns.extend(_answers(result))
        blocks.clear()
        calls.clear()
        results.clear()

    for part in utterance.parts:
        match part:
            case Step():
                end()
            case Call():
                if results and not results[-1].is_of_call:
                    end()
                calls.append(part.value)
            case Result():
                results.append(part)
            case _:
                if results:
                    end()
                blocks.append(part)
    end()
    if not turns:
        turns.append({"role": utterance.role, "content": ""})
    own = [turn for turn in turns if turn["role"] == utterance.role]
    (own or turns)[-1].update(utterance.extra)
    return turns


def _answers(result: Result) -> list[Fields]:
    if has_results(result.content):
        return _turns(_Utterance("tool", read_parts(result.content)))
    turn: Fields = {"role": "tool", "content": result.content}
    if not _is_nothing(result.call_id):
        turn["tool_call_id"] = result.call_id
    if not _is_nothing(result.name):
        turn["name"] = result.name
    if result.failed:
        turn["status"] = "error"
    return [turn]


def _body(role: str, fields: Fields) -> list[Part]:
    """The parts of a message, from whichever of its fields hold them."""
    repeated = _is_parts(fields.get("parts"))  # Vercel's content only repeats its parts
    content = fields["parts"] if repeated else fields.get("content")
    parts, given = read_parts(content), _calls(fields)
    if role == "tool" and not given and not any(isinstance(part, Result) for part in parts):
        answered = _first_of(fields, ("tool_call_id", "toolCallId"))
        name = _first_of(fields, ("name", "tool_name"))
        return [Result(content, answered, name, fields.get("status") == "error")]
    if given and not repeated:
        # Content blocks only repeat these, but for the calls that the provider itself answers.
        parts = [p for p in parts if not isinstance(p, Call) or p.is_hosted]
    invoked = [] if repeated else _invocations(fields)
    if any(isinstance(part, Result) for part in invoked):
        return invoked + parts + given  # what is said at the end, Vercel's content tells
    return parts + given + invoked


def _calls(fields: Fields) -> list[Part]:
    """The calls of a message beside its content, also those that LangChain could not read."""
    calls: list[Part] = []
    kwargs = fields.get("additional_kwargs")
    legacy = kwargs.get("function_call") if isinstance(kwargs, Mapping) else None
    for given in (
        fields.get("tool_calls"),
        fields.get("invalid_tool_calls"),
        fields.get("function_call") or legacy,
    ):
        if not _is_nothing(given):
            calls.extend(map(Call, given if isinstance(given, list | tuple) else [given]))
    return calls


def _invocations(fields: Fields) -> list[Part]:
    given = fields.get("toolInvocations")
    if not isinstance(given, list):
        return []
    return read_parts([{"type": "tool-invocation", "toolInvocation": call} for call in given])


def _extra(role: str, fields: Fields) -> Fields:
    """What a message holds besides its content and what changes from run to run."""
    extra = {key: item for key, item in fields.items() if not _is_nothing(item)}
    kwargs, content = fields.get("additional_kwargs"), fields.get("content")
    refusals = [kwargs] if isinstance(kwargs, Mapping) else []
    if role != "tool" and isinstance(content, list | tuple):
        refusals += filter(_is_refusal, content)
    for refusal in refusals:
        if refusal.get("refusal"):
            extra.setdefault("refusal", refusal["refusal"])
    left_out = {*_VOLATILE, *_CONTENT_FIELDS}
    if role == "tool" and not _calls(fields):
        left_out |= {"name", "tool_name", "tool_call_id", "toolCallId"}
        left_out |= {"status"} if extra.get("status") == "error" else set()
    if fields.get("type") == "message" or _is_parts(fields.get("parts")):
        left_out |= _PROVIDERS_OWN
    kept = _PLAIN_FIELDS - {"role", "content"} if role not in _ROLES else extra.keys()
    done = extra.get("status")
    if isinstance(done, str) and done in _DONE:
        del extra["status"]
    return {key: item for key, item in extra.items() if key in kept and key not in left_out}


def _is_parts(value: object) -> bool:
    """Whether `value` is a list of parts as Gemini, OpenTelemetry and others have it."""
    if not isinstance(value, list | tuple):
        return False
    return bool(value) and all(is_known(opened(part)) for part in value)


def _unwrap(value: Mapping[Any, Any]) -> Fields:
    match value:
        case {
            "lc": 1,
            "type": "constructor",
            "id": [*_, str() as name],
            "kwargs": Mapping() as data,
        }:
            # Traces of LangChain.js name the type in the class only.
            return {"type": name.removesuffix("Chunk").removesuffix("Message").lower(), **data}
        case {"type": str() as kind, "data": Mapping() as data, **more} if not more:
            return {**data, "type": kind}
    return dict(value)


def _role(fields: Mapping[Any, Any]) -> str | None:
    """The role that makes `fields` a message, or None."""
    role, kind = fields.get("role"), fields.get("type")
    if _is_parts(fields.get("parts")):
        if isinstance(role, str) and (role in _ROLES or role == "model"):
            return role
        has_kinds = all("part_kind" in part for part in map(opened, fields["parts"]))
        if role is None and has_kinds and fields.get("kind") in ("request", "response"):
            return "assistant" if fields["kind"] == "response" else "user"
    if "content" not in fields and not any(fields.get(key) for key in _CALL_FIELDS):
        return None
    if isinstance(kind, str):
        kind = kind.removesuffix("MessageChunk").lower()
    if isinstance(role, str) and (role in _ROLES or kind == "chat"):
        return role
    if role is None and isinstance(kind, str) and _TYPES.get(kind) in fields:
        return kind
    return None


def _is_plain(value: Mapping[Any, Any]) -> bool:
    """Whether `value` could be a message of a role of its own, and nothing else."""
    return (
        isinstance(value.get("role"), str) and "content" in value and value.keys() <= _PLAIN_FIELDS
    )


def _is_item(fields: Mapping[Any, Any]) -> bool:
    """Whether `fields` is one of OpenAI's items that stand between messages."""
    kind = kind_of(fields)
    if kind not in ITEMS or "type" not in fields:
        return False
    if kind == "reasoning":
        return "summary" in fields
    if kind in ("function_call", "custom_tool_call"):
        return "call_id" in fields and isinstance(fields.get("name"), str)
    return "call_id" in fields or "id" in fields


def _is_refusal(part: object) -> bool:
    return (
        isinstance(part, Mapping)
        and part.get("type") == "refusal"
        and isinstance(part.get("refusal"), str)
    )


def _first_of(fields: Fields, keys: Iterable[str]) -> Any:
    return next((fields[key] for key in keys if not _is_nothing(fields.get(key))), None)


def _is_nothing(value: object) -> bool:
    return value is None or (isinstance(value, Mapping | list | tuple) and not value)
