"""What the precedent model reads out of a prompt.

Prompts are well-formed XML in which untrusted text is escaped. So only an `<expert>` that is a
direct child of an episode is an expert's word; whatever a case pretends to be stays text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from langchain_core.messages import BaseMessage, HumanMessage

from langchain_memalign._values.types import ValueType
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Value


@dataclass(frozen=True)
class Opinion:
    """What one expert said: the value, and the remark or ""."""

    value: Value
    remark: str


@dataclass(frozen=True)
class Precedent:
    """A recalled episode: its short id, its similarity, and what experts said of it."""

    id: str
    similarity: float
    opinions: tuple[Opinion, ...]


class UnreadablePromptError(Exception):
    """The prompt is not one of this package's; stays inside `offline`."""


def parse(messages: Sequence[BaseMessage]) -> ElementTree.Element:
    """Return the material of a prompt below one root: the first human message.

    Later ones are the repairs of an answer, about which there is nothing new to say.

    Raises:
        UnreadablePromptError: There is none, or it is not well-formed XML.
    """
    for message in messages:
        if isinstance(message, HumanMessage):
            try:
                return ElementTree.fromstring(f"<prompt>{message.text}</prompt>")
            except (ElementTree.ParseError, ValueError) as error:
                raise UnreadablePromptError(
                    f"the prompt is not well-formed XML ({error})"
                ) from error
    raise UnreadablePromptError("the prompt has no human message")


def section(prompt: ElementTree.Element, name: str) -> ElementTree.Element:
    """Return a section that the prompt must have.

    Raises:
        UnreadablePromptError: It is missing.
    """
    found = prompt.find(name)
    if found is None:
        raise UnreadablePromptError(f"the prompt has no <{name}>")
    return found


def read_precedents(episodes: ElementTree.Element, value_type: ValueType) -> list[Precedent]:
    """Return the episodes for which an expert gave a value of this type, nearest first.

    Where experts differ, only those who gave the value that counts are heard.
    """
    precedents = []
    for episode in episodes.findall("episode"):
        try:
            similarity = float(episode.get("similarity", ""))
        except ValueError:
            continue
        opinions = tuple(
            Opinion(value, read_remark(expert))
            for expert in episode.findall("expert")
            if (value := _read_value(expert, value_type)) is not None
        )
        if (counts := _read_value(episode, value_type)) is not None:
            opinions = tuple(opinion for opinion in opinions if opinion.value == counts)
        if opinions:
            precedents.append(Precedent(episode.get("id", ""), similarity, opinions))
    return sorted(precedents, key=lambda precedent: -precedent.similarity)


def read_remark(expert: ElementTree.Element) -> str:
    """Return an expert's remark with its whitespace collapsed; "…" where the prompt cut it."""
    pieces = [expert.text or "", *(cut.tail or "" for cut in expert)]
    return " ".join(" … ".join(pieces).split())


def _read_value(said: ElementTree.Element, value_type: ValueType) -> Value | None:
    # A memory may hold values of another type, from before the judge's scale was changed.
    try:
        return value_type.check(json.loads(said.get("value", "")))
    except (ValueError, RecursionError, InvalidInputError):
        return None
