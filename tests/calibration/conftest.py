"""A judge with a habit, before experts who have another one."""

import re

import pytest
from fakes import CountingEmbeddings, ScriptedModel, one_rule_a_record, verdict

from langchain_memalign import MemAlignJudge, Memory
from langchain_memalign._models import Retry


def word(number, **fields):
    """An expert's word on a reply: only the even ones are good."""
    return {
        "inputs": f"Where is parcel{number}?",
        "outputs": f"Answer{number} on topic{number}.",
        "value": number % 2 == 0,
        **fields,
    }


def case(number):
    return {name: word(number)[name] for name in ("inputs", "outputs")}


def number_in(prompt):
    """Which of the replies a prompt asks about."""
    return int(re.findall(r"Answer(\d+) on", prompt.rpartition("<case>")[2])[0])


def says(right):
    """A model whose verdict agrees with the experts on the replies that `right` is true of."""

    def respond(request):
        if request.title != "verdict":
            return one_rule_a_record(request)
        number = number_in(request.prompt)
        return verdict((number % 2 == 0) == right(number))

    return respond


@pytest.fixture
def memory():
    with Memory.open(":memory:", embeddings=CountingEmbeddings()) as opened:
        yield opened


@pytest.fixture
def make(memory):
    """Make judges over one memory; `right` tells when they agree with the experts."""

    def made(right=lambda number: number % 10 != 0, *, name="tone", model="one", **options):
        asked = Named(respond=says(right), model_name=model)
        settings = {"instructions": "Is it good?", "value_type": bool, "retry": Retry(first_wait=0)}
        return MemAlignJudge(name=name, model=asked, memory=memory, **{**settings, **options})

    return made


class Named(ScriptedModel):
    """A scripted model that tells its name."""

    model_name: str
