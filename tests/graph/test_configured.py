"""The graphs that Studio opens: which judge a run is for is a matter of its context."""

import importlib
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from langgraph.types import Command
from pydantic import ValidationError
from qdrant_rest.process import RestServer
from starlette.authentication import SimpleUser, UnauthenticatedUser

from graphs.context import ConfiguredJudge, JudgeContext
from graphs.tenant import own, tenant_of, within
from langchain_memalign import (
    ConfigurationError,
    InvalidInputError,
    MemAlignError,
    Memory,
    create_alignment_graph,
    create_judge_graph,
    create_review_graph,
)

from .cases import CASE, EDIT, taught

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def source():
    configured = ConfiguredJudge()
    yield configured
    configured.close()


@pytest.fixture
def context(tmp_path, monkeypatch):
    """The context of a run whose memory is in a temporary directory, as the server lists it."""
    memory = str(tmp_path / "memory")
    monkeypatch.setenv("MEMALIGN_MEMORIES", f"{memory}={memory}")
    return {"memory": memory, "name": "tone"}


async def test_the_judge_of_the_context_learns(drive, source, context, saver, thread, tmp_path):
    graph = create_review_graph(source, checkpointer=saver)

    await drive.invoke(graph, CASE, thread, context=context)
    state = await drive.invoke(graph, Command(resume=EDIT), thread)  # no context: as on a server

    assert len(state["alignment"]["distilled"]) == 1
    source.close()
    with Memory.open(tmp_path / "memory", embeddings="local") as memory:
        assert memory.judges() == ["tone"]


async def test_a_thread_keeps_its_judge_whatever_context_it_is_resumed_with(
    drive, source, context, saver, thread, tmp_path
):
    graph = create_review_graph(source, checkpointer=saver)
    await drive.invoke(graph, CASE, thread, context=context)

    other = {**context, "name": "other", "value_type": {"enum": ["good", "bad"]}}
    await drive.invoke(graph, Command(resume=EDIT), thread, context=other)

    source.close()
    with Memory.open(tmp_path / "memory", embeddings="local") as memory:
        assert memory.judges() == ["tone"]


async def test_two_judges_of_one_memory_do_not_mix(drive, source, context):
    align, judge = create_alignment_graph(source), create_judge_graph(source)
    other = {**context, "name": "other"}
    said = {"feedback": [taught("My parcel is lost!", False, rationale="Be kind.")]}

    await drive.invoke(align, said, context=context)

    ours = await drive.invoke(judge, CASE, context=context)
    theirs = await drive.invoke(judge, CASE, context=other)
    assert [p["text"] for p in ours["working_memory"]["principles"]] == ["Be kind."]
    assert len(ours["working_memory"]["episodes"]) == 1
    assert theirs["working_memory"]["principles"] == theirs["working_memory"]["episodes"] == []
    assert "reason" in theirs["verdict"]  # Unscored


@pytest.mark.parametrize(("review", "asked"), [("always", True), ("never", False)])
async def test_the_policy_is_that_of_the_context(
    drive, source, context, saver, thread, review, asked
):
    graph = create_review_graph(source, checkpointer=saver)
    state = await drive.invoke(graph, CASE, thread, context={**context, "review": review})
    assert ("__interrupt__" in state) is asked


async def test_an_unusable_context_is_told(drive, source, context):
    graph = create_judge_graph(source)
    with pytest.raises(InvalidInputError, match="value type: found"):
        await drive.invoke(graph, CASE, context={**context, "value_type": {"type": "string"}})
    with pytest.raises(ConfigurationError):
        await drive.invoke(graph, CASE, context={**context, "model": "nobody:nothing"})
    with pytest.raises(ValidationError, match="instruction"):
        await drive.invoke(graph, CASE, context={**context, "instruction": "misspelt"})


async def test_one_memory_has_one_embedding_model(drive, source, context):
    graph = create_judge_graph(source)
    await drive.invoke(graph, CASE, context=context)
    with pytest.raises(ConfigurationError, match="is open with the embeddings 'local'"):
        await drive.invoke(graph, CASE, context={**context, "embeddings": "openai:any"})


def test_a_judge_is_built_once(source, context):
    def built(tenant=None, **more):
        return source.judge_of(JudgeContext(**context, **more), tenant=tenant)

    assert built() is built(review="never")
    assert built() is not built(k=1)


def test_a_run_names_who_learns_and_the_memory_keeps_it(source, context):
    judge = source.judge_of(JudgeContext(**context, distiller="precedent"), tenant=None)
    judge.align([{**CASE, "value": False}])

    again = source.judge_of(JudgeContext(**context), tenant=None)
    assert again.setup.definition.distiller == "precedent"


def test_tenants_share_a_memory_and_no_judge(source, context, monkeypatch):
    monkeypatch.setenv("MEMALIGN_MEMORY", context["memory"])
    asked = JudgeContext(**context)
    ours, theirs = (source.judge_of(asked, tenant=tenant) for tenant in ("ours", "theirs"))
    ours.align([{**CASE, "value": False}])
    assert len(ours.episodes()) == 1
    assert theirs.episodes() == []
    assert own("ours", source.memory_of(asked).judges()) == [context["name"]]
    assert own("theirs", source.memory_of(asked).judges()) == []


def test_users_are_told_apart_by_identity_alone():
    assert tenant_of(None) is None
    assert tenant_of(UnauthenticatedUser()) is None
    # Of who set up a scheduled run nothing else is left, so nothing else may count.
    assert tenant_of({"identity": "ann", "tenant": "acme"}) == tenant_of(SimpleUser("ann")) == "ann"
    for nobody in ({"identity": ""}, {"identity": 7}, {}):
        with pytest.raises(InvalidInputError, match="identity of the user: found"):
            tenant_of(nobody)


@pytest.mark.parametrize("choice", [{"memory": "./other"}, {"embeddings": "openai:any"}])
def test_a_tenant_does_not_choose_what_all_share(source, context, monkeypatch, choice):
    monkeypatch.setenv("MEMALIGN_MEMORY", context["memory"])
    with pytest.raises(ConfigurationError, match="expected none, since a tenant's judges live"):
        source.judge_of(JudgeContext(**context | choice), tenant="acme")
    assert source.judge_of(JudgeContext(**context), tenant="acme").episodes() == []


async def test_a_waiting_thread_finds_the_servers_memory_where_it_has_moved(
    drive, source, context, saver, thread, monkeypatch, tmp_path
):
    chosen = {name: value for name, value in context.items() if name != "memory"}
    monkeypatch.setenv("MEMALIGN_MEMORY", str(tmp_path / "before"))
    graph = create_review_graph(source, checkpointer=saver)
    await drive.invoke(graph, CASE, thread, context=chosen)

    monkeypatch.setenv("MEMALIGN_MEMORY", str(tmp_path / "after"))
    answer = {"decision": "edit", "value": False, "rationale": "Say sorry first."}
    end = await drive.invoke(graph, Command(resume=answer), thread)
    assert len(end["alignment"]["stored"]) == 1
    assert len(source.memory_of(JudgeContext(**chosen)).judges()) == 1


def test_the_servers_key_is_for_its_own_memory_only(source, context, monkeypatch, socket_enabled):
    server = RestServer(api_key="key-of-the-memory")
    monkeypatch.setenv("QDRANT_API_KEY", "key-of-the-memory")
    there = JudgeContext(**context | {"memory": server.url})
    try:
        with pytest.raises(MemAlignError):
            source.judge_of(there, tenant=None).episodes()
        monkeypatch.setenv("MEMALIGN_MEMORY", server.url)
        assert source.judge_of(there, tenant=None).episodes() == []
    finally:
        source.close()
        server.close()


def test_no_tenant_spells_anothers_judge():
    names = [within(t, j) for t in ("a", "a/b", "a%2Fb", "") for j in ("c", "b/c", "/c", "../a/c")]
    assert len(set(names)) == len(names)
    assert own("a", names) == ["c", "b/c", "/c", "../a/c"]


def test_every_field_has_a_default_and_a_description():
    assert JudgeContext().model_dump()["name"] == "support_tone"
    fields = JudgeContext.model_json_schema()["properties"]
    assert all(field["description"] and field["langgraph_nodes"] for field in fields.values())
    assert fields["instructions"]["langgraph_type"] == "prompt"


def test_what_a_form_leaves_blank_is_the_default():
    blank = dict.fromkeys(JudgeContext.model_fields, "")
    assert JudgeContext(**blank) == JudgeContext()


def test_a_form_may_give_the_value_type_as_text():
    assert JudgeContext(value_type='{"enum": ["a", "b"]}').value_type == {"enum": ["a", "b"]}
    with pytest.raises(ValidationError, match="value_type"):
        JudgeContext(value_type="yes or no")


@pytest.mark.parametrize(
    ("key", "model"), [(None, "precedent"), ("", "precedent"), ("x", "openai:gpt-4.1-mini")]
)
def test_without_a_key_the_model_is_the_offline_one(monkeypatch, key, model):
    if key is not None:
        monkeypatch.setenv("OPENAI_API_KEY", key)
    assert JudgeContext().model == model


def test_the_server_finds_every_graph():
    configured = json.loads((ROOT / "langgraph.json").read_text())["graphs"]
    assert set(configured) == {"judge", "review", "align", "guardrail"}
    for name, entry in configured.items():
        path, variable = entry["path"].split(":")
        serve = getattr(importlib.import_module(f"graphs.{Path(path).stem}"), variable)
        graph = serve(SimpleNamespace(execution_runtime=None))
        assert (graph.name, graph.checkpointer, graph.store) == (name, None, None)
        assert entry["description"]
        nodes = set(graph.get_graph().nodes)
        assert nodes & set(shown_at(graph)), f"Studio shows no field of the context at {nodes}"


def shown_at(graph):
    fields = graph.get_context_jsonschema()["properties"].values()
    return [node for field in fields for node in field["langgraph_nodes"]]


def test_a_context_may_say_what_values_mean_and_what_people_are_asked(source, context):
    written = '{"true": "appropriate", "no": "not appropriate"}'
    asked = JudgeContext(**context, value_meanings=written, question="Fit to send?")
    spec = source.judge_of(asked, tenant=None).spec
    assert spec.value_in_words(False) == "not appropriate (false)"
    assert spec.asked == "Fit to send?"
