"""A case as a conversation, and a conversation as a case: what chat clients send and show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, convert_to_messages

from langchain_memalign._content import is_messages
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.graph.node import whole_case
from langchain_memalign.graph.passages import passages
from langchain_memalign.schema import Case

# With this, Agent Chat UI marks the results it makes up for tool calls that have none.
# https://github.com/langchain-ai/agent-chat-ui/blob/main/src/lib/ensure-tool-responses.ts
_MADE_UP = "do-not-render-"
_ANSWERING = {"assistant", "tool"}


def whole_review(given: Any) -> Any:
    """A case, or a conversation, as input: all fields of the case, and the messages of the chat.

    Inputs and outputs, where there are any, are the case; the messages beside them are somebody's.
    What is not usable is left to the nodes.
    """
    if not isinstance(given, Mapping) or isinstance(given, Case):
        return _with_turns(whole_case(given))
    messages = _sent(given.get("messages"))
    if not messages:
        return _with_turns(whole_case(given))
    if all(_is_missing(given.get(name)) for name in ("inputs", "outputs")):
        given = {**given, **_judged(messages)}
    fields = whole_case(given)
    try:
        return {**fields, "messages": convert_to_messages(messages)}
    except (ValueError, TypeError, NotImplementedError):  # messages of other libraries
        return _with_turns(fields)


def _sent(messages: Any) -> list[Any]:
    if messages is None:
        return []
    if isinstance(messages, str | Mapping | BaseMessage):
        messages = [messages]
    if not isinstance(messages, Sequence):
        return [messages]
    return [message for message in messages if not str(_id(message)).startswith(_MADE_UP)]


def _id(message: Any) -> Any:
    return message.get("id") if isinstance(message, Mapping) else getattr(message, "id", None)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _judged(messages: list[Any]) -> dict[str, Any]:
    """The fields of a case that a conversation makes; of one that is none, itself."""
    found: Any = messages
    with suppress(InvalidInputError):
        found = Case(outputs=messages).outputs
    if not is_messages(found):
        return {"outputs": found[0] if len(found) == 1 else found}
    *before, last = found
    if before and last["role"] == "assistant":
        return {"inputs": _plain(before), "outputs": _plain([last])}
    return {"outputs": _plain(found)}


def _plain(turns: list[Any]) -> Any:
    """A lone message of text becomes that text, so that it is the same case as the text itself."""
    if len(turns) != 1 or turns[0].keys() != {"role", "content"}:
        return turns
    content = turns[0]["content"]
    if isinstance(content, str):
        return content
    if all(isinstance(b, dict) and b.get("type") in ("text", "reasoning") for b in content):
        return "".join(block.get("text", "") for block in content)
    return turns


def _with_turns(fields: Any) -> Any:
    """Fields of a case, with the messages that show it; without any if it cannot be judged."""
    if not isinstance(fields, Mapping):
        return fields
    try:
        return {**fields, "messages": list(_turns(Case(**fields)))}
    except InvalidInputError:
        return fields


def _turns(case: Case) -> Iterator[BaseMessage]:
    for content, speaks in ((case.inputs, HumanMessage), (case.outputs, AIMessage)):
        if is_messages(content):
            for turn in content:
                answers = turn["role"] in _ANSWERING
                yield (AIMessage if answers else HumanMessage)(_words([turn]))
        elif not _is_missing(content):
            yield speaks(_words(content))


def _words(content: Any) -> str:
    """What is in a field, or in a turn, as text; who says a turn is told by its kind."""
    told = passages(content)
    own = {"User", "Assistant", ""}
    return "\n".join(p.text if p.label in own else f"{p.label}: {p.text}" for p in told)
