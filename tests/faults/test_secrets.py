"""Keys of models, embeddings and servers stand nowhere but in the request that needs them."""

import asyncio
import logging
import pickle
import traceback

import pytest
from fakes import CountingEmbeddings, feedback
from langchain_core.load import dumps
from langchain_core.runnables import RunnableLambda
from langgraph.checkpoint.sqlite import SqliteSaver
from memory.conftest import KEY as SERVER_KEY
from models.openai_server import failure

from langchain_memalign import (
    ConfigurationError,
    Memory,
    ModelError,
    create_alignment_graph,
    create_review_graph,
)

from .provider import KEY

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

CASE = {key: feedback(1)[key] for key in ("inputs", "outputs")}


@pytest.fixture
def shown(caplog, capfd):
    """Whatever is written to logs, stdout and stderr while the test runs."""
    caplog.set_level(logging.DEBUG)
    return lambda: caplog.text + "".join(capfd.readouterr())


def echoed(status):
    """An error in which the provider repeats the key that it was sent."""
    return failure(status, f"Incorrect API key provided: {KEY}. See your account.")


def words_of(error):
    """All that an error of ours is printed as, with the provider's own that it is chained to."""
    logging.getLogger("application").error("failed", exc_info=error)
    printed = "".join(traceback.format_exception(error, chain=True))
    chain = [error]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    said = [f"{each!s} {each!r} {each.args} {vars(each)}" for each in chain]
    assert len(chain) > 1
    return printed + "".join(said)


def files_of(place):
    return b"".join(path.read_bytes() for path in place.rglob("*") if path.is_file())


@pytest.mark.parametrize("of", ["chat", "embeddings"])
@pytest.mark.parametrize("status", [400, 401, 500])
def test_a_provider_that_repeats_the_key_does_not_spread_it(provider, tmp_path, shown, of, status):
    with provider.memory(tmp_path / "memory") as memory:
        judge = provider.judge(memory, on_recall_failure="principles")
        judge.align([feedback(2)])
        provider.fails(echoed(status), of=of)
        said = []
        for call in (
            lambda: judge.invoke(CASE),
            lambda: asyncio.run(judge.ainvoke(CASE)),
            lambda: judge.align([feedback(3)]),
        ):
            try:
                said.append(call().model_dump_json())
            except ModelError as error:
                said.append(words_of(error))
        assert all("See your account." in words for words in said)
        exported = tmp_path / "export.jsonl"
        memory.export_jsonl(exported)
        everything = "".join(said) + exported.read_text() + shown()
    assert KEY not in everything
    assert KEY.encode() not in files_of(tmp_path)


def test_checkpoints_of_the_graphs_hold_no_key(provider, memory, tmp_path):
    provider.judge(memory).align([feedback(2)])
    with SqliteSaver.from_conn_string(str(tmp_path / "threads.sqlite")) as saver:
        judge = provider.judge(memory, on_recall_failure="principles")
        provider.fails(echoed(500))
        provider.fails(echoed(500), of="embeddings")
        state = create_review_graph(judge, checkpointer=saver).invoke(CASE, thread("review"))
        assert "See your account." in state["verdict"]["reason"]
        assert "See your account." in state["verdict"]["recall_problem"]
        state = create_alignment_graph(judge, checkpointer=saver).invoke(
            {"feedback": [feedback(3)]}, thread("align")
        )
        assert "See your account." in state["alignment"]["pending"][0][1]
        assert KEY not in repr(list(saver.list(None)))
    assert b"See your account." in files_of(tmp_path)
    assert KEY.encode() not in files_of(tmp_path)


def thread(name):
    return {"configurable": {"thread_id": name}}


def test_objects_show_no_key_and_cannot_be_packed_with_one(provider, memory):
    judge = provider.judge(memory)
    chain = judge | RunnableLambda(lambda outcome: outcome)
    shapes = [repr(judge), str(judge), repr(chain), dumps(judge), dumps(chain), repr(memory)]
    shapes += [str(judge.get_graph().to_json()), repr(vars(judge)), repr(vars(memory))]
    assert KEY not in "".join(shapes)
    for thing in (judge, memory):
        with pytest.raises((ConfigurationError, TypeError, pickle.PicklingError)):
            pickle.dumps(thing)


@pytest.mark.enable_socket
def test_a_memory_on_a_server_shows_no_key(on_rest, tmp_path, shown):
    with on_rest.open_memory(CountingEmbeddings()) as memory:
        shapes = [repr(memory), repr(vars(memory)), memory.guarantee, memory.location]
        memory.export_jsonl(tmp_path / "export.jsonl")
    with pytest.raises(Exception, match="api_key") as caught:
        Memory.open(on_rest.url, embeddings=CountingEmbeddings(), api_key=SERVER_KEY + "x")
    assert SERVER_KEY not in "".join(shapes) + words_of(caught.value) + shown()
    assert SERVER_KEY.encode() not in files_of(tmp_path)
