"""What the graphs look like: nodes, edges, drawings, and the forms of their inputs."""

import pytest
from pydantic import TypeAdapter, ValidationError

from langchain_memalign import (
    ConfigurationError,
    create_alignment_graph,
    create_judge_graph,
    create_review_graph,
)
from langchain_memalign.graph import FixedJudge
from langchain_memalign.graph.state import (
    AlignmentInput,
    AlignmentState,
    JudgeState,
    ReviewState,
)

CREATE = {
    "judge": create_judge_graph,
    "review": create_review_graph,
    "align": create_alignment_graph,
}
JUDGING = {
    ("__start__", "retrieve_episodes"),
    ("__start__", "load_principles"),
    ("retrieve_episodes", "judge"),
    ("load_principles", "judge"),
}
EDGES = {
    "judge": JUDGING | {("judge", "__end__")},
    "review": JUDGING
    | {
        ("judge", "human_review"),
        ("judge", "__end__"),
        ("human_review", "align"),
        ("human_review", "__end__"),
        ("align", "__end__"),
    },
    "align": {
        ("__start__", "store_feedback"),
        ("store_feedback", "learn_batch"),
        ("store_feedback", "report"),
        ("learn_batch", "report"),
        ("report", "__end__"),
    },
}
each_graph = pytest.mark.parametrize("name", CREATE)


@each_graph
def test_nodes_and_edges_are_exactly_these(bench, name):
    drawing = CREATE[name](bench.judge).get_graph()
    assert {(edge.source, edge.target) for edge in drawing.edges} == EDGES[name]
    assert set(drawing.nodes) == {end for edge in EDGES[name] for end in edge}


@each_graph
def test_the_drawing(bench, name, snapshot):
    assert CREATE[name](bench.judge).get_graph().draw_mermaid() == snapshot


@each_graph
def test_a_graph_has_its_name_and_may_have_another(bench, name):
    assert CREATE[name](bench.judge).name == name
    assert CREATE[name](bench.judge, name="mine").name == "mine"


@each_graph
def test_a_fixed_judge_has_nothing_to_configure(bench, name):
    assert CREATE[name](bench.judge).context_schema is None


@pytest.mark.parametrize("name", ["judge", "review"])
def test_the_form_of_a_case(bench, name):
    schema = CREATE[name](bench.judge).get_input_jsonschema()
    fields = dict(schema["properties"])
    if name == "review":  # what makes it a chat
        assert fields.pop("messages")["type"] == "array"
    assert list(fields) == ["inputs", "outputs", "reference_outputs"]
    # Studio draws a number field for what has no type.
    assert all(field["anyOf"][0] == {"type": "string"} for field in fields.values())
    assert all(field["description"] for field in fields.values())
    assert "required" not in schema


def test_the_form_of_feedback(bench):
    schema = create_alignment_graph(bench.judge).get_input_jsonschema()
    fields = schema["$defs"]["FeedbackInput"]["properties"]
    assert all(field["description"] for field in fields.values())


def test_feedback_of_every_form_fits():
    fits = TypeAdapter(AlignmentInput).validate_python
    said = {"inputs": "a", "outputs": {"b": 1}, "value": True, "rationale": "c"}
    assert fits({"feedback": [said, {"outputs": [{"role": "user", "content": "d"}]}]})
    assert fits({}) == {}
    with pytest.raises(ValidationError):
        fits({"feedback": "text"})


@pytest.mark.parametrize(
    ("name", "state"), [("judge", JudgeState), ("review", ReviewState), ("align", AlignmentState)]
)
async def test_what_comes_out_fits_the_output_schema(bench, name, state):
    graph = CREATE[name](bench.judge, **({"review": "never"} if name == "review" else {}))
    given = {"feedback": [{"outputs": "a", "rationale": "b"}], "outputs": "a"}

    out = await graph.ainvoke(given)

    assert TypeAdapter(state).validate_python(out, strict=True) == out
    assert set(out) <= set(graph.get_output_jsonschema()["properties"])


@each_graph
def test_something_that_is_no_judge_is_told(bench, name):
    with pytest.raises(ConfigurationError, match="judge: found a Memory; expected a MemAlignJudge"):
        CREATE[name](bench.memory)


def test_a_source_has_its_own_policy(bench):
    with pytest.raises(ConfigurationError, match="review: a JudgeSource has its own"):
        create_review_graph(FixedJudge(bench.judge), review="never")
