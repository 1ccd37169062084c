"""Judges, cases and memories that the prompt tests share."""

import datetime as dt
from typing import Annotated, Literal
from xml.etree import ElementTree

from pydantic import Field

from langchain_memalign._prompts.distilling import distil_prompt, reconcile_prompt
from langchain_memalign._prompts.judging import judge_prompt
from langchain_memalign._values.types import JudgeSpec
from langchain_memalign.schema import Case, Episode, Feedback, Principle, Recalled, WorkingMemory

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)

TONE = JudgeSpec.create(
    name="tone",
    instructions="Is the reply appropriate for an upset customer?",
    value_type=bool,
)
STARS = JudgeSpec.create(
    name="stars",
    instructions="How helpful is the reply?",
    value_type=Annotated[int, Field(ge=1, le=5)],
)
PAIR = JudgeSpec.create(
    name="pair", instructions="Which reply is better?", value_type=Literal["A", "B", "tie"]
)
CASE = Case(inputs={"question": "Where is my order?"}, outputs="Unknown.")


def principle(text, **fields):
    return Principle(**{"id": f"id of {text[:20]}", "text": text, "created_at": NOON, **fields})


def episode(**fields):
    feedback = {"inputs": "Where is it?", "outputs": "No idea.", "value": False, **fields}
    return Episode.from_feedback("tone", Feedback(created_at=NOON, **feedback))


def recalled(similarity=0.9, *, also=(), **fields):
    return Recalled(episode=episode(**fields), similarity=similarity, also=tuple(also))


def memory(principles=(), episodes=(), **fields):
    fields = {"principles_total": len(principles), **fields}
    return WorkingMemory(principles=tuple(principles), episodes=tuple(episodes), **fields)


def judged(case=CASE, known=None, spec=TONE, **budgets):
    budgets = {"case_tokens": 1000, "episode_tokens": 200, "distant": 0.3, **budgets}
    return judge_prompt(spec, known or memory(), case, **budgets)


def distilled(records, known=(), spec=TONE, **options):
    options = {"known_total": len(known), "value_counts": {}, "record_tokens": 500, **options}
    return distil_prompt(spec, records, known, **options)


def reconciled(principles, spec=TONE):
    return reconcile_prompt(spec, principles)


def parsed(messages):
    """The human message as XML, below one root."""
    return ElementTree.fromstring(f"<prompt>{messages[1].content}</prompt>")


def shape(element):
    """An element without its text: names, attributes and order of all below it."""
    return element.tag, dict(element.attrib), [shape(child) for child in element]
