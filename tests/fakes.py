"""Doubles for what tests cannot have: a scripted chat model and embeddings that count."""

from __future__ import annotations

import hashlib
import json
import math
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool


@dataclass(frozen=True)
class Request:
    """One call: which reply was asked for, and the prompt."""

    title: str
    messages: list[BaseMessage]

    @property
    def system(self) -> str:
        return str(self.messages[0].content)

    @property
    def prompt(self) -> str:
        return str(self.messages[1].content)

    @property
    def is_repair(self) -> bool:
        return len(self.messages) > 2

    @property
    def record_ids(self) -> list[str]:
        return re.findall(r'<record id="(R\d+)">', self.prompt)


Reply = dict[str, Any] | str | AIMessage | Exception
Respond = Callable[[Request], Reply]


class ScriptedModel(BaseChatModel):
    """Answers by a function of the request; a dict becomes a tool call, an exception is raised."""

    respond: Respond
    requests: list[Request] = []  # noqa: RUF012 (pydantic copies defaults)

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools])

    def titled(self, title: str) -> list[Request]:
        return [request for request in self.requests if request.title == title]

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        tools: Sequence[dict[str, Any]] = (),
        **kwargs: Any,
    ) -> ChatResult:
        title = tools[0]["function"]["name"] if tools else ""
        request = Request(title, messages)
        self.requests.append(request)
        reply = self.respond(request)
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, str):
            reply = AIMessage(reply)
        if isinstance(reply, dict):
            call = {"name": title, "args": reply, "id": "call_1"}
            usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
            reply = AIMessage("", tool_calls=[call], usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=reply)])

    @property
    def _llm_type(self) -> str:
        return "scripted"


def verdict(value: Any, *relied_on: str, rationale: str = "Because.") -> dict[str, Any]:
    """A well-formed judgement."""
    return {"rationale": rationale, "relied_on": list(relied_on), "value": value}


def principle(text: str, *sources: str, relation: str = "add", target: str = "") -> dict[str, Any]:
    """One well-formed item of a distilling reply."""
    return {"text": text, "sources": list(sources), "relation": relation, "target": target}


def one_rule_a_record(request: Request) -> Reply:
    """A model that judges everything true, and writes a rule for each record's remark."""
    if request.title == "verdict":
        return verdict(True)
    if request.title == "decisions":
        return {"decisions": []}
    if request.title == "superseded":
        return {"superseded": []}
    records = re.findall(r'<record id="(R\d+)">(.*?)</record>', request.prompt, re.DOTALL)
    rules = []
    for name, body in records:
        remark = re.search(r"<expert[^>]*>(.*?)</expert>", body, re.DOTALL)
        if remark and remark.group(1).strip():
            rules.append(principle(f"Rule: {remark.group(1).strip()}", name))
    return {"principles": rules}


class HttpError(Exception):
    """What an OpenAI-like client raises for a status."""

    def __init__(self, status: int, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"Error code: {status}")
        self.status_code = status
        self.response = type("Response", (), {"headers": headers or {}, "status_code": status})()


class CountingEmbeddings(Embeddings):
    """Hashed bags of words: texts that share words are near; counts calls and texts."""

    def __init__(self, size: int = 64, fail: Callable[[str], Exception | None] | None = None):
        self.size = size
        self.calls = 0
        self.texts: list[str] = []
        self._fail = fail
        self._lock = threading.Lock()

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        with self._lock:
            self.calls += 1
            self.texts += texts
        for text in texts:
            if self._fail and (error := self._fail(text)):
                raise error
        return [self._embed(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]

    def _embed(self, text: str) -> list[float]:
        vector = [0.0] * self.size
        for word in re.findall(r"\w+", text.lower()):
            digest = hashlib.sha256(word.encode()).digest()
            vector[digest[0] % self.size] += 1.0 if digest[1] % 2 else -1.0
        length = math.sqrt(sum(x * x for x in vector))
        return [x / length for x in vector] if length else vector


def feedback(number: int, **fields: Any) -> dict[str, Any]:
    """A distinct, well-formed feedback."""
    return {
        "inputs": f"Question number {number} about topic{number}?",
        "outputs": f"Answer {number} on topic{number}.",
        "value": number % 2 == 0,
        "rationale": f"Remark {number}.",
        **fields,
    }


def dump(value: Any) -> str:
    """JSON text, for replies that are not tool calls."""
    return json.dumps(value)
