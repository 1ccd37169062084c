"""A judge of a decision model, in each of LangChain's two interfaces for them."""

import asyncio

import pytest
from fakes import CountingEmbeddings, ScriptedModel, one_rule_a_record
from models.openai_server import openai_server

from langchain_memalign import MemAlignJudge, Memory
from langchain_memalign._models import Retry

from .deciding import RuleModel, openai_decision

KEY = "sk-proj-0123456789abcdef"
NO_WAIT = Retry(first_wait=0)


@pytest.fixture
def server(monkeypatch):
    """A server on this machine that speaks OpenAI's Decisions API; it decides by the rule."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with openai_server() as server:
        server.otherwise = openai_decision
        yield server


@pytest.fixture
def openai_decisions(server):
    from langchain_openai.decisions import OpenAIDecisions

    return OpenAIDecisions(model="gpt-decides", api_key=KEY, base_url=server.url, max_retries=0)


@pytest.fixture(params=["BaseDecisionModel", "OpenAIDecisions over HTTP"])
def decider(request):
    """The decision model."""
    if request.param == "BaseDecisionModel":
        return RuleModel()
    return request.getfixturevalue("openai_decisions")


@pytest.fixture
def distiller():
    """A chat model that writes a rule for each remark."""
    return ScriptedModel(respond=one_rule_a_record)


@pytest.fixture
def memory():
    with Memory.open(":memory:", embeddings=CountingEmbeddings()) as memory:
        yield memory


@pytest.fixture
def make_judge(memory, decider, distiller):
    """Makes judges on one memory."""

    def make(value_type=bool, **options):
        settings = {
            "name": "tone",
            "instructions": "Is the reply kind?",
            "model": decider,
            "distiller": distiller,
            "retry": NO_WAIT,
            **options,
        }
        return MemAlignJudge(memory=memory, value_type=value_type, **settings)

    return make


@pytest.fixture(params=["sync", "async"])
def do(request):
    """Calls a method of the judge: itself, or its twin on an event loop."""

    def call(judge, method, *args, **options):
        if request.param == "sync":
            return getattr(judge, method)(*args, **options)
        return asyncio.run(getattr(judge, f"a{method}")(*args, **options))

    return call
