"""How a judgement is told to LangSmith, openevals and their like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NotRequired

from typing_extensions import TypedDict

from langchain_memalign.schema import Probabilities, Unscored, Verdict

_EVIDENCE = ("memory_fingerprint", "principle_ids", "episode_ids", "relied_on")
_SURENESS = ("confidence", "probabilities", "raw_value", "decided_by", "second_problem")


class EvaluatorResult(TypedDict):
    """What an evaluator returns; LangSmith forbids other keys, and text as a score.

    Attributes:
        key: What the feedback is called: the judge's name.
        score: True or false, or a number; None for a label, and where there is no verdict.
        value: The label, where the judge gives labels.
        comment: The rationale, or why there is no verdict.
        metadata: The evidence, as JSON: the verdict's fields, and the judge's name.
    """

    key: str
    score: bool | int | float | None
    value: NotRequired[str]
    comment: str
    metadata: dict[str, Any]


def evaluator_result(judge: str, outcome: Verdict | Unscored) -> EvaluatorResult:
    """Tell an outcome as an evaluator does; `Unscored` abstains, it scores nothing."""
    evidence = outcome.model_dump(mode="json", exclude={"rationale", "reason", "records"})
    unknown = {name for name in _SURENESS if evidence.get(name) is None}
    told = {name: held for name, held in evidence.items() if name not in unknown}
    metadata = {"judge": judge, **told}
    if isinstance(outcome, Unscored):
        comment = f"Unscored: {outcome.reason}"
        return {"key": judge, "score": None, "comment": comment, "metadata": metadata}
    said: EvaluatorResult = {
        "key": judge,
        "score": None,
        "comment": outcome.rationale,
        "metadata": metadata,
    }
    if isinstance(outcome.value, str):
        said["value"] = outcome.value
    else:
        said["score"] = outcome.value
    return said


def is_without_outputs(outputs: object) -> bool:
    """Whether LangSmith shows a run so that put out nothing, as one that failed."""
    if isinstance(outputs, Mapping):
        return all(value is None for value in outputs.values())
    return outputs == []


def run_metadata(judge: str, evidence: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The metadata of a run that judges, by which traces can be filtered.

    Args:
        judge: The judge's name.
        evidence: What the verdict rests on, as far as it is known.
    """
    known = evidence or {}
    told = {name: known[name] for name in _EVIDENCE if name in known}
    told |= {name: known[name] for name in _SURENESS if known.get(name) is not None}
    return {
        "memalign_judge": judge,
        **{f"memalign_{name}": _plain(held) for name, held in told.items()},
    }


def _plain(held: Any) -> Any:
    if isinstance(held, Probabilities):
        return held.as_json
    return list(held) if isinstance(held, tuple) else held


@contextmanager
def no_upload_in_local_mode() -> Iterator[None]:
    """Trace nothing while LangSmith is asked to keep everything local, `upload_results=False`.

    LangChain's tracer does not know that mode and would upload all the same.
    """
    from langsmith.run_helpers import get_tracing_context, tracing_context

    if get_tracing_context()["enabled"] == "local":
        with tracing_context(enabled=False):
            yield
    else:
        yield
