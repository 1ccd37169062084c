"""Assessments that experts gave on MLflow traces, on single spans and on whole sessions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from langchain_memalign._content import is_blank
from langchain_memalign._models.failures import as_cause, said_by
from langchain_memalign.errors import ConfigurationError, SourceError
from langchain_memalign.importers.learning import Found, Remark, Skipped, Source, Word, as_content

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Assessment, Span, Trace, TraceInfo

_PAGE = 100
# MLflow's own mark: on a trace it names its session, on an assessment the session that it is about.
_SESSION = "mlflow.trace.session"


def from_mlflow(
    *,
    name: str,
    experiment: str,
    tracking_uri: str | None = None,
    since: datetime | None = None,
) -> Source:
    """Read the human assessments of one name on an experiment's traces.

    An assessment of a span is about that span's inputs and outputs; one of a session is about the
    whole conversation, with the messages of all its traces as outputs. One that another overrides
    does not count. The value and rationale of an LLM judge's assessment, of the same name and
    place, become `judge_value` and `judge_rationale`; expectations become `reference_outputs`.

    Args:
        name: The name of the assessments; in MLflow, that of the judge.
        experiment: The experiment's name or id.
        tracking_uri: The tracking server. The default is MLflow's own setting.
        since: Only traces of this moment or later.

    Returns:
        A `Remark` for each assessed trace, span or session and reviewer, `Skipped` for what no
        expert said.

    Raises:
        ConfigurationError: The extra `mlflow` is not installed. Raised when the result is read, as
            below.
        SourceError: MLflow does not answer, or knows no such experiment.
    """
    reading = _Reading(name, experiment, tracking_uri, since)
    return Source(reading.found(), reading.withdrawn)


@dataclass
class _Reading:
    name: str
    experiment: str
    tracking_uri: str | None
    since: datetime | None

    def found(self) -> Iterator[Found]:
        newer = f"trace.timestamp_ms >= {self.since.timestamp() * 1000:.0f}" if self.since else None
        with self._asking() as (client, scope, experiment_id):

            def session(id_: str) -> list[Trace]:
                of_it = f"metadata.`{_SESSION}` = '{id_}'"
                # MLflow's filters cannot hold a quote.
                found = _traces(client, experiment_id, of_it, spans=True) if "'" not in id_ else ()
                return list(found)

            for trace in _traces(client, experiment_id, newer, spans=True):
                yield from _of_trace(trace, self.name, scope, session)

    def withdrawn(self, known: set[Word]) -> set[Word]:
        """The words among the known ones that the experiment no longer holds."""
        with self._asking() as (client, scope, experiment_id):
            begin, end = f"mlflow:{scope}:", f":{self.name}"
            here = {word for word in known if word[0].startswith(begin) and word[0].endswith(end)}
            if here:
                for trace in _traces(client, experiment_id, None, spans=False):
                    for words in _words(trace.info, self.name).values():
                        source_id = f"{begin}{words.place}"
                        here -= {(source_id, reviewer) for reviewer in words.said}
            return here

    @contextmanager
    def _asking(self) -> Iterator[tuple[MlflowClient, str, str]]:
        """A client, what names the experiment wherever it is tracked, and its id there."""
        try:
            from mlflow import MlflowClient
            from mlflow.exceptions import MlflowException
        except ImportError as error:
            raise ConfigurationError(
                "importing from MLflow: found no mlflow; install langchain-memalign[mlflow]."
            ) from error
        try:
            client = MlflowClient(self.tracking_uri)
            there = client.get_experiment_by_name(self.experiment)
            if there is None and self.experiment.isdecimal():
                there = client.get_experiment(self.experiment)
            if there is None:
                raise SourceError(
                    f"MLflow: found no experiment {self.experiment!r}; expected its name."
                )
            # Many servers have an experiment 1.
            yield client, f"{there.experiment_id}@{there.creation_time}", there.experiment_id
        except MlflowException as error:
            raise SourceError(
                f"MLflow: {said_by(error)} What was read so far is kept; run the same import "
                "again to continue."
            ) from as_cause(error)


def _traces(
    client: MlflowClient, experiment_id: str, filter_string: str | None, *, spans: bool
) -> Iterator[Trace]:
    token = None
    while True:
        page = client.search_traces(
            locations=[experiment_id],
            filter_string=filter_string,
            max_results=_PAGE,
            order_by=["timestamp_ms ASC"],
            page_token=token,
            include_spans=spans,
        )
        yield from page
        token = page.token
        if not token:
            return


@dataclass
class _Words:
    """What was said of one trace, span or session.

    Attributes:
        place: What is assessed, and the assessments' name.
        reviewers: Reviewer to their last word.
    """

    place: str
    session: str | None
    span: str | None
    reviewers: dict[str | None, Assessment] = field(default_factory=dict)
    judged: Assessment | None = None
    expected: dict[str, Any] = field(default_factory=dict)

    @property
    def said(self) -> list[str | None]:
        """The reviewers who gave a value or a rationale."""
        return [
            reviewer
            for reviewer, word in self.reviewers.items()
            if not (is_blank(_value(word)) and is_blank(word.rationale))
        ]


def _words(info: TraceInfo, name: str) -> dict[str, _Words]:
    places: dict[str, _Words] = {}
    for item in sorted(info.assessments, key=lambda a: a.create_time_ms or 0):
        if item.valid is False:
            continue
        session = (item.metadata or {}).get(_SESSION)
        place = ":".join(
            [f"session:{session}"] if session else [info.trace_id, *filter(None, [item.span_id])]
        )
        span = None if session else item.span_id
        words = places.setdefault(place, _Words(f"{place}:{name}", session, span))
        if item.expectation is not None:
            words.expected[item.name] = item.expectation.value
        elif item.name != name or item.feedback is None:
            continue
        elif item.source.source_type == "HUMAN":
            words.reviewers[item.source.source_id] = item
        elif item.source.source_type == "LLM_JUDGE" and item.error is None:
            words.judged = item
    return places


def _of_trace(
    trace: Trace, name: str, scope: str, session: Callable[[str], list[Trace]]
) -> Iterator[Found]:
    places = [words for words in _words(trace.info, name).values() if words.reviewers]
    if not places:
        yield Skipped(f"trace {trace.info.trace_id}", f"it has no human assessment {name!r}.")
    for words in places:
        where = f"trace {trace.info.trace_id}"
        if words.session is not None:
            where = f"session {words.session}"
            case: Mapping[str, Any] = {"outputs": _conversation(session(words.session))}
            lacking = "none of its traces holds inputs or outputs."
        else:
            root = next((span for span in trace.data.spans if span.parent_id is None), None)
            by_id = {span.span_id: span for span in trace.data.spans}
            span = root if words.span is None else by_id.get(words.span)
            where = where if words.span is None else f"{where}, span {words.span}"
            case = _case(span)
            kind = "root span" if words.span is None else "such span"
            lacking = f"it has no {kind} with inputs or outputs."
        if all(is_blank(content) for content in case.values()):
            yield Skipped(where, lacking, is_unusable=True)
        else:
            yield from _remarks(words, scope, where, case)


def _remarks(words: _Words, scope: str, where: str, case: Mapping[str, Any]) -> Iterator[Found]:
    fields: dict[str, Any] = {
        "id": f"mlflow:{words.place}",
        "source_id": f"mlflow:{scope}:{words.place}",
        **case,
        "reference_outputs": words.expected or None,
    }
    if words.judged is not None:
        fields |= {
            "judge_value": _scalar(_value(words.judged)),
            "judge_rationale": words.judged.rationale,
        }
    for reviewer, word in words.reviewers.items():
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


def _case(span: Span | None) -> dict[str, Any]:
    if span is None:
        return {"inputs": None, "outputs": None}
    return {"inputs": as_content(span.inputs), "outputs": as_content(span.outputs)}


def _conversation(traces: list[Trace]) -> list[Any]:
    """The messages of a session, each once, though a turn's trace may repeat those before it."""
    messages: list[Any] = []
    for trace in sorted(traces, key=lambda trace: trace.info.timestamp_ms):
        root = next((span for span in trace.data.spans if span.parent_id is None), None)
        if root is not None:
            messages += _new(_messages(root.inputs, "user"), messages)
            messages += _new(_messages(root.outputs, "assistant"), messages)
    return messages


def _new(given: list[Any], known: list[Any]) -> list[Any]:
    """The messages after those that are known, in their order, from before."""
    if len(given) < 2:
        return given
    position = repeated = 0
    for message in given:
        if message not in known[position:]:
            break
        position = known.index(message, position) + 1
        repeated += 1
    return given[repeated:]


def _messages(content: Any, role: str) -> list[Any]:
    """What a turn took or gave, as messages."""
    if isinstance(content, Mapping) and content:
        for name in ("messages", "input", "output"):  # LangChain's and OpenAI's names
            if isinstance(content.get(name), list):
                return list(content[name])
        if isinstance(content.get("choices"), list):  # a completion of OpenAI's
            return [c["message"] for c in content["choices"] if "message" in c]
        if "role" in content or "type" in content:
            return [content]
        values = list(content.values())
        text = values[0] if len(values) == 1 and isinstance(values[0], str) else content
        content = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
    if isinstance(content, list):
        return content
    return [] if is_blank(content) else [{"role": role, "content": str(content)}]


def _value(assessment: Assessment) -> Any:
    return assessment.feedback and assessment.feedback.value


def _scalar(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str) else None
