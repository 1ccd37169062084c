"""Episodes as records of other systems: what a change of mind superseded is told apart."""

from langchain_memalign.exporters import to_langsmith_examples, to_mlflow_assessments
from langchain_memalign.schema import Case, Episode, now


def episode(id, outputs):
    return Episode(
        id=id,
        case=Case(inputs="Late!", outputs=outputs),
        value=True,
        status="distilled",
        created_at=now(),
        updated_at=now(),
    )


def episodes():
    old = episode("e1", "So?").superseded("p1", reason="Say sorry first.", at=now())
    return [old, episode("e2", "Sorry.")]


def test_a_langsmith_example_of_a_superseded_episode_names_what_superseded_it():
    examples = to_langsmith_examples(episodes(), judge="tone")
    assert [e["metadata"].get("superseded_by") for e in examples] == ["p1", None]


def test_an_mlflow_assessment_of_a_superseded_episode_names_what_superseded_it():
    records = to_mlflow_assessments(episodes(), judge="tone")
    said = [record["assessments"][0].get("metadata") for record in records]
    assert said == [{"superseded_by": "p1"}, None]
