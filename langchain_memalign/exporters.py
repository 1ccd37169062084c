"""Episodes as records of other systems, so that nobody is locked in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from langchain_memalign.schema import Episode

__all__ = ["to_langsmith_examples", "to_mlflow_assessments"]


def to_langsmith_examples(episodes: Iterable[Episode], *, judge: str) -> list[dict[str, Any]]:
    """Episodes as examples of a LangSmith dataset.

    Pass them to `client.create_examples(dataset_id=..., examples=...)`. Their ids are those of the
    episodes, so the same episode is always the same example. `from_langsmith_dataset` reads them
    back. If a change of mind superseded an episode, `superseded_by` in its metadata names the
    principle.

    Args:
        episodes: Such as `judge.episodes()`.
        judge: The judge's name, for the metadata.
    """
    return [
        {
            "id": episode.id,
            "inputs": episode.case.model_dump(mode="json", exclude_none=True),
            "outputs": _words(episode),
            "metadata": {
                "judge": judge,
                **_given(reviewer=episode.reviewer, superseded_by=_superseded_by(episode)),
            },
            "created_at": episode.created_at.isoformat(),
        }
        for episode in episodes
    ]


def to_mlflow_assessments(episodes: Iterable[Episode], *, judge: str) -> list[dict[str, Any]]:
    """Episodes as traced inputs and outputs with MLflow assessments.

    Each has `inputs`, `outputs` and `assessments`, the latter in the form that
    `mlflow.entities.Assessment.from_dictionary` reads: the expert's as HUMAN, the judge's own as
    LLM_JUDGE, the reference as an expectation. `mlflow.log_assessment` adds them to a trace. If a
    change of mind superseded the expert's, `superseded_by` in its metadata names the principle.

    Args:
        episodes: Such as `judge.episodes()`.
        judge: The assessments' name.
    """
    return [
        {
            "inputs": episode.case.inputs,
            "outputs": episode.case.outputs,
            "assessments": list(_assessments(episode, judge)),
        }
        for episode in episodes
    ]


def _assessments(episode: Episode, judge: str) -> Iterable[dict[str, Any]]:
    moment = episode.created_at.isoformat()
    common = {"create_time": moment, "last_update_time": moment}
    human = {"source_type": "HUMAN", "source_id": episode.reviewer or "unknown"}
    yield {
        "assessment_name": judge,
        "source": human,
        "feedback": {"value": episode.value},
        **_given(rationale=episode.rationale),
        **_given(metadata=_given(superseded_by=_superseded_by(episode)) or None),
        **common,
    }
    if episode.judge_value is not None:
        yield {
            "assessment_name": judge,
            "source": {"source_type": "LLM_JUDGE", "source_id": judge},
            "feedback": {"value": episode.judge_value},
            **_given(rationale=episode.judge_rationale),
            **common,
        }
    if episode.case.reference_outputs is not None:
        yield {
            "assessment_name": "expected_response",
            "source": human,
            "expectation": {"value": episode.case.reference_outputs},
            **common,
        }


def _superseded_by(episode: Episode) -> str | None:
    return episode.superseded_by if episode.is_superseded() else None


def _words(episode: Episode) -> dict[str, Any]:
    return _given(
        value=episode.value,
        rationale=episode.rationale,
        judge_value=episode.judge_value,
        judge_rationale=episode.judge_rationale,
    )


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None and value != ""}
