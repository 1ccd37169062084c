"""One server for all tests of this folder."""

import pytest
from langchain_openai import ChatOpenAI

from langchain_memalign import MemAlignJudge, Memory
from langchain_memalign._models import NO_RETRY

from .process import ModelServer

# The model rambles without these. Its replies are kept short: they are not what is tested.
SAMPLING = {"temperature": 0.7, "frequency_penalty": 1.0, "presence_penalty": 1.0, "seed": 1}


@pytest.fixture(scope="session")
def server():
    running = ModelServer()
    yield running
    running.kill()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def open_judge(server):
    """Makes judges of the small model, all on one memory."""
    with Memory.open(":memory:", embeddings="local") as memory:

        def make(value_type=bool, *, url=server.url, max_tokens=100, temperature=0.7, **options):
            model = ChatOpenAI(
                model="smollm2",
                base_url=url,
                api_key="none",
                max_tokens=max_tokens,
                max_retries=0,
                timeout=120,
                **{**SAMPLING, "temperature": temperature},
            )
            settings = {"name": "tone", "retry": NO_RETRY, "memory": memory, "model": model}
            instructions = "Is the reply appropriate for an upset customer?"
            return MemAlignJudge(
                **settings, value_type=value_type, instructions=instructions, **options
            )

        yield make
