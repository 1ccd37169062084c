"""Assessments that experts gave on MLflow traces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from langchain_memalign._models.failures import as_cause, said_by
from langchain_memalign.errors import ConfigurationError, SourceError
from langchain_memalign.importers.learning import Found, Remark, Skipped

if TYPE_CHECKING:
    from mlflow.entities import Assessment, Trace

_PAGE = 100


def from_mlflow(
    *,
    name: str,
    experiment: str,
    tracking_uri: str | None = None,
    since: datetime | None = None,
) -> Iterator[Found]:
    """Read the human assessments of one name on an experiment's traces.

    An assessment that another one overrides does not count. Of an LLM judge's assessment of the
    same name, value and rationale become `judge_value` and `judge_rationale`; the trace's
    expectations become `reference_outputs`.

    Args:
        name: The assessments' name: in MLflow, that of the judge.
        experiment: The experiment's name or id.
        tracking_uri: Where MLflow tracks; without it, as MLflow is configured.
        since: Only traces of this moment or later.

    Yields:
        A `Remark` for each trace and reviewer, `Skipped` for what is no expert's word.

    Raises:
        ConfigurationError: The extra `mlflow` is not installed.
        SourceError: MLflow does not answer, or knows no such experiment.
    """
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise ConfigurationError(
            "importing from MLflow: found no mlflow; install langchain-memalign[mlflow]."
        ) from error
    try:
        client = MlflowClient(tracking_uri)
        there = client.get_experiment_by_name(experiment)
        if there is None and experiment.isdecimal():
            there = client.get_experiment(experiment)
        if there is None:
            raise SourceError(f"MLflow: found no experiment {experiment!r}; expected its name.")
        newer = f"trace.timestamp_ms >= {since.timestamp() * 1000:.0f}" if since else None
        token = None
        while True:
            page = client.search_traces(
                locations=[there.experiment_id],
                filter_string=newer,
                max_results=_PAGE,
                order_by=["timestamp_ms ASC"],
                page_token=token,
            )
            for trace in page:
                yield from _of_trace(trace, name)
            token = page.token
            if not token:
                return
    except MlflowException as error:
        raise SourceError(
            f"MLflow: {said_by(error)} What was read so far is kept; run the same import again to "
            "go on."
        ) from as_cause(error)


def _of_trace(trace: Trace, name: str) -> Iterator[Found]:
    where = f"trace {trace.info.trace_id}"
    assessments = [a for a in trace.info.assessments if a.valid is not False]
    words = [a for a in assessments if a.name == name and a.feedback is not None]
    reviewers: dict[str | None, Assessment] = {}
    judged: Assessment | None = None
    for word in sorted(words, key=lambda a: a.create_time_ms or 0):
        if word.source.source_type == "HUMAN":
            reviewers[word.source.source_id] = word
        elif word.source.source_type == "LLM_JUDGE" and word.error is None:
            judged = word
    if not reviewers:
        yield Skipped(where, f"it has no human assessment {name!r}.")
        return
    root = next((span for span in trace.data.spans if span.parent_id is None), None)
    if root is None or (root.inputs is None and root.outputs is None):
        yield Skipped(where, "it has no root span with inputs or outputs.", is_unusable=True)
        return
    fields: dict[str, Any] = {
        "id": f"mlflow:{trace.info.trace_id}:{name}",
        "inputs": _content(root.inputs),
        "outputs": _content(root.outputs),
        "reference_outputs": _expected(assessments),
    }
    if judged is not None:
        fields |= {
            "judge_value": _scalar(_value(judged)),
            "judge_rationale": judged.rationale,
        }
    for reviewer, word in reviewers.items():
        yield Remark(
            where,
            {
                **fields,
                "value": _value(word),
                "rationale": word.rationale,
                "reviewer": reviewer,
                "created_at": datetime.fromtimestamp((word.create_time_ms or 0) / 1000, UTC),
            },
        )


def _expected(assessments: Sequence[Assessment]) -> Mapping[str, Any] | None:
    expected = {a.name: a.expectation.value for a in assessments if a.expectation is not None}
    return expected or None


def _value(assessment: Assessment) -> Any:
    return assessment.feedback and assessment.feedback.value


def _content(value: Any) -> Any:
    """What a traced function took or gave; a bare number is no case by itself."""
    return {"value": value} if isinstance(value, bool | int | float) else value


def _scalar(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str) else None
