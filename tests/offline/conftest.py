"""Judges, episodes and prompts for the precedent model."""

from datetime import UTC, datetime
from itertools import count

import pytest

from langchain_memalign._offline import PrecedentModel
from langchain_memalign._prompts.judging import judge_prompt
from langchain_memalign._values.types import JudgeSpec
from langchain_memalign.schema import Case, Episode, Recalled, WorkingMemory

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def episode():
    numbers = count(1)

    def make(value=None, rationale=None, *, outputs="Your parcel is late.", **fields):
        return Episode(
            id=f"episode-{next(numbers)}",
            case=Case(inputs="Where is my parcel?", outputs=outputs),
            value=value,
            rationale=rationale,
            created_at=NOON,
            updated_at=NOON,
            **fields,
        )

    return make


@pytest.fixture
def recalled(episode):
    """An episode that came back: `recalled(0.8, False, "Too cold.")`."""

    def make(similarity, value=None, rationale=None, *, also=(), **fields):
        others = tuple(episode(*said) for said in also)
        return Recalled(
            episode=episode(value, rationale, **fields), similarity=similarity, also=others
        )

    return make


@pytest.fixture
def spec():
    def make(value_type=bool):
        return JudgeSpec.create(
            name="tone", instructions="Is the reply kind?", value_type=value_type
        )

    return make


@pytest.fixture
def prompt(spec):
    """The judge's own prompt for a case with these recalled episodes."""

    def make(*episodes, value_type=bool, outputs="It is late, I am sorry.", episode_tokens=500):
        return judge_prompt(
            spec(value_type),
            WorkingMemory(episodes=episodes),
            Case(inputs="Where is my order?", outputs=outputs),
            case_tokens=1000,
            episode_tokens=episode_tokens,
            distant=0.2,
        ).messages

    return make


@pytest.fixture
def ask(spec, prompt):
    """The structured reply to a judging prompt."""

    def ask(*episodes, value_type=bool, model=None, **options):
        schema = spec(value_type).value_type.verdict_schema()
        structured = (model or PrecedentModel()).with_structured_output(schema, include_raw=True)
        reply = structured.invoke(prompt(*episodes, value_type=value_type, **options))
        assert reply["parsing_error"] is None
        return reply

    return ask
