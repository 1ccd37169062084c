"""Each way of the ablation leaves out of the prompts what it says, and nothing else."""

import importlib
import re
from typing import Annotated

import pytest
from fakes import CountingEmbeddings, ScriptedModel, feedback, principle, verdict
from pages import ROOT
from pydantic import Field

from langchain_memalign import Feedback, MemAlignJudge

FIVE = Annotated[int, Field(ge=1, le=5)]


@pytest.fixture
def ablation(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("quality_ablation")


def answered(value):
    def respond(request):
        if request.title == "verdict":
            return verdict(value, rationale="I say so.")
        records = re.findall(r'<record id="(R\d+)">', request.prompt)
        return {"principles": [principle("Rule.", *records)]}

    return respond


def measured(ablation, value_type, values):
    """The ways, and the requests of each lesson's distilling and judging, in order."""
    lessons = []

    def judge_on(memory):
        model = ScriptedModel(respond=answered(values[0]), requests=[])
        lessons.append(model)
        return MemAlignJudge(
            name="tone",
            instructions="Is it kind?",
            value_type=value_type,
            model=model,
            memory=memory,
        )

    words = [Feedback(**feedback(n, value=values[n % 2])) for n in range(8)]
    ways = ablation.ablated(
        judge_on, words[:6], words[6:], embeddings=CountingEmbeddings(), concurrency=1
    )
    return [way.name for way in ways], lessons


def judged(request):
    """How many earlier verdicts of the judge a prompt shows."""
    return len(re.findall(r"<judge ", request.prompt))


def test_the_verdict_of_a_probe_is_shown_in_two_places_or_in_one_of_them(ablation):
    names, lessons = measured(ablation, bool, (True, False))
    assert not any("anchors" in name for name in names)  # no scale
    plain, probed, not_distilled = lessons
    assert not any(map(judged, plain.requests))

    (distilling,) = probed.titled("principles")
    assert judged(distilling) == 6
    shown, hidden = probed.titled("verdict")[6:8], probed.titled("verdict")[8:]
    assert [judged(request) for request in shown] == [5, 5]
    assert [judged(request) for request in hidden] == [0, 0]

    (distilling,) = not_distilled.titled("principles")
    assert judged(distilling) == 0
    assert distilling.messages == plain.titled("principles")[0].messages
    assert not_distilled.titled("verdict") == shown  # and so taught without another probe


def test_the_anchors_of_a_scale_are_left_out_of_distilling_alone(ablation):
    names, lessons = measured(ablation, FIVE, (2, 4))
    assert names.index(ablation.NO_ANCHORS) < names.index(ablation.NOT_DISTILLED)
    with_them = ["neighbouring values" in m.titled("principles")[0].system for m in lessons]
    assert with_them == [True, False, True, True]
    whole, without, *_ = lessons
    assert without.titled("verdict") == whole.titled("verdict")[:2]
    (distilling,), (anchored,) = without.titled("principles"), whole.titled("principles")
    assert distilling.prompt == anchored.prompt
