"""Experts' words in files of other tools: few-shots of openevals, Label Studio, Argilla."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, TypeAlias

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.importers.fields import FEEDBACK_FIELDS, FieldMap
from langchain_memalign.importers.learning import Found, Remark, Skipped, as_content
from langchain_memalign.importers.tables import BadRow, Row

_REMARKS = {
    *("rationale", "reason", "reasons", "reasoning", "explanation", "justification", "why"),
    *("comment", "comments", "remark", "remarks", "note", "notes", "feedback", "critique"),
}
_OUTPUTS = {
    *("output", "outputs", "response", "answer", "reply", "completion", "generation"),
    *("model_output", "model_response", "model_answer", "llm_output", "generated_text"),
}
_REFERENCES = {
    *("reference", "reference_output", "reference_outputs", "reference_answer", "ground_truth"),
    *("expected", "expected_output", "expected_response", "expected_answer", "gold"),
}
# What Label Studio adds to each row of its short and flat exports.
_OF_ANNOTATION = ("id", "annotation_id", "annotator", "created_at", "updated_at", "lead_time")
# Where an answer is about a part of a task: characters, a region, a second.
_OF_PART = {"start", "end", "x", "y", "startOffset", "globalOffsets", "points"}
_KINDS = {"choices", "text", "rating", "number", "selected", "datetime", "taxonomy"}
# What Argilla's flat exports hold beside fields, responses and suggestions.
_OF_ARGILLA = re.compile(
    r"\.(responses|suggestion)\.\w+$|-suggestion-metadata$|^(id|_server_id|external_id|status)$"
    r"|^metadata$|^vectors$"
)
_CASE = {"inputs", "outputs", "reference_outputs"}
_NOT_SUBMITTED = {"draft": "it is a draft.", "discarded": "its annotator discarded it."}


def from_few_shots(examples: Iterable[Mapping[str, Any]]) -> Iterator[Found]:
    """Read the `few_shot_examples` of `openevals.llm.create_llm_as_judge`.

    Args:
        examples: Mappings with `inputs`, `outputs`, `score` and optionally `reasoning`.

    Yields:
        A `Remark` for each; `Skipped` for what is not an example.
    """
    for number, example in enumerate(examples, 1):
        where = f"example {number}"
        if not isinstance(example, Mapping):
            reason = f"found a {type(example).__name__}; expected a mapping."
            yield Skipped(where, reason, is_unusable=True)
            continue
        fields = {name: example[name] for name in ("inputs", "outputs") if name in example}
        yield Remark(
            where,
            {**fields, "value": example.get("score"), "rationale": example.get("reasoning")},
        )


def from_label_studio(
    tasks: Iterable[Mapping[str, Any] | Row | BadRow], *, mapping: Sequence[str] = ()
) -> Iterator[Found]:
    """Read the tasks of a Label Studio project, as it exports them as JSON or short JSON.

    Without a mapping, the only control that is not a text area gives the value, and the only text
    area the rationale. In a task's data, a field named like an output (`response`, `answer`, ...)
    is the case's outputs, one named like a reference its reference, and the rest its inputs.
    Predictions of the value are taken for the judge's own. Answers about parts of a task, such as
    marked words, are left out. The short form does not tell answers from data, so it needs a
    mapping.

    Args:
        tasks: As `json.load` or `read_rows` gives them.
        mapping: Which field is which, in the task's data and, by the name of their control, its
            answers: `quality=value,comment=rationale,prompt=inputs,response=outputs`, as for
            `FieldMap.parse`.

    Yields:
        A `Remark` for each annotation, `Skipped` for what no expert said.

    Raises:
        InvalidInputError: The mapping cannot be read, or several controls may give the value or
            the rationale.
    """
    return _found(tasks, _label_studio_task, mapping)


def from_argilla(
    records: Iterable[Mapping[str, Any] | Row | BadRow], *, mapping: Sequence[str] = ()
) -> Iterator[Found]:
    """Read the records of an Argilla dataset, in any form in which Argilla exports them.

    Without a mapping, the only question gives the value; if there are two, the one named like a
    remark (`comment`, `rationale`, ...) gives the rationale. A record's fields are read as those of
    a task in `from_label_studio`. Suggestions for the value are taken for the judge's own.

    Args:
        records: As `dataset.records.to_list()`, `json.load` or `read_rows` gives them.
        mapping: Which field is which, in the record's fields and, by the name of their question,
            its answers, as for `FieldMap.parse`.

    Yields:
        A `Remark` for each record and annotator, `Skipped` for what no expert said.

    Raises:
        InvalidInputError: The mapping cannot be read, or several questions may give the value or
            the rationale.
    """
    return _found(records, _argilla_record, mapping)


@dataclass(frozen=True)
class _Annotation:
    """What one annotator said of one task.

    Attributes:
        answers: Question to answer.
        fields: Fields of the feedback that the tool tells itself.
        problem: Why it is no word.
    """

    where: str
    answers: Mapping[str, Any]
    fields: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True)
class _Task:
    """A task, its annotations, and what a model had answered.

    Attributes:
        id: Its own, in words that also say where it comes from.
        texts: The questions that were answered in words of the annotator's own.
    """

    where: str
    id: str | None
    data: Mapping[str, Any]
    annotations: Sequence[_Annotation]
    predicted: Mapping[str, Any] = field(default_factory=dict)
    texts: frozenset[str] = frozenset()


def _found(
    items: Iterable[Mapping[str, Any] | Row | BadRow],
    read: Callable[[str, Mapping[str, Any]], _Task],
    mapping: Sequence[str],
) -> Iterator[Found]:
    given = FieldMap.parse(mapping, fields=FEEDBACK_FIELDS)
    tasks: list[_Task | Skipped] = []
    for number, item in enumerate(items, 1):
        if isinstance(item, BadRow):
            tasks.append(Skipped(f"line {item.line}", item.reason, is_unusable=True))
            continue
        data = item.data if isinstance(item, Row) else item
        where = f"task {number}"
        if isinstance(data, Mapping):
            tasks.append(read(where, data))
        else:
            reason = f"found a {type(data).__name__}; expected an object."
            tasks.append(Skipped(where, reason, is_unusable=True))
    read_ones = [task for task in tasks if isinstance(task, _Task)]
    questions = _questions(given, read_ones)
    # A question that an annotator passed over is blank, not missing.
    told = [part for t in read_ones for part in (t.data, *(a.answers for a in t.annotations))]
    blank = dict.fromkeys(name for part in told for name in part)
    for task in tasks:
        if isinstance(task, Skipped):
            yield task
        else:
            yield from _words(task, given, questions, blank)


def _questions(given: FieldMap, tasks: Sequence[_Task]) -> dict[str, str]:
    """Which question gives the value, and which the rationale."""
    answers = [a.answers for task in tasks for a in task.annotations if not a.problem]
    names = dict.fromkeys(name for answered in answers for name in answered)
    texts = {name for task in tasks for name in task.texts}
    free = [name for name in names if name not in given.sources]
    remarks = [name for name in free if name in texts or name.casefold() in _REMARKS]
    candidates = {"value": [name for name in free if name not in remarks], "rationale": remarks}
    questions: dict[str, str] = {}
    for target, fitting in candidates.items():
        if (mapped := given.source_of(target)) is not None:
            questions[target] = mapped
        elif len(fitting) > 1:
            raise InvalidInputError(
                f"found the questions {', '.join(map(repr, fitting))}; expected one for the "
                f"{target}. Map it, such as '{fitting[0]}={target}', and leave the others out with "
                f"'{fitting[1]}='."
            )
        elif fitting:
            questions[target] = fitting[0]
    if not questions and not all(answers):
        raise InvalidInputError(
            "found no answers apart from the data; map them, such as "
            f"'{next(iter(tasks[0].data), 'quality')}=value'."
        )
    return questions


def _words(
    task: _Task, given: FieldMap, questions: Mapping[str, str], blank: Mapping[str, None]
) -> Iterator[Found]:
    if not task.annotations:
        yield Skipped(task.where, "it has no annotation.")
    for annotation in task.annotations:
        if annotation.problem:
            yield Skipped(annotation.where, annotation.problem)
            continue
        row = {"data": task.data, **blank, **task.data, **annotation.answers}
        try:
            mapped = given.apply(row)
        except InvalidInputError as error:
            yield Skipped(annotation.where, str(error), is_unusable=True)
            continue
        fields: dict[str, Any] = {"id": task.id, **annotation.fields}
        if not given.targets & _CASE:
            fields |= _case(task.data, used=given.sources)
        for target, question in questions.items():
            fields[target] = annotation.answers.get(question)
            if question in task.predicted:
                fields[f"judge_{target}"] = task.predicted[question]
        # A task's own `id` or `value` is data of someone's, but its `inputs` are what they say.
        fields |= {n: v for n, v in mapped.items() if n in _CASE | given.targets}
        yield Remark(annotation.where, fields)


def _case(data: Mapping[str, Any], *, used: set[str]) -> dict[str, Any]:
    """A task's data as a case, by the names that its fields have."""
    rest = {name: value for name, value in data.items() if name not in used}
    case: dict[str, Any] = {}
    for target, names in (("outputs", _OUTPUTS), ("reference_outputs", _REFERENCES)):
        fitting = [name for name in rest if name.casefold() in names]
        if len(fitting) == 1:
            case[target] = as_content(rest.pop(fitting[0]))
    (only,) = rest.values() if len(rest) == 1 else (rest,)
    return {"inputs": rest if as_content(only) is not only else only, **case}


def _listed(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


# Label Studio: https://labelstud.io/guide/task_format


def _label_studio_task(where: str, task: Mapping[str, Any]) -> _Task:
    number = task.get("id")
    where = where if number is None else f"task {number}"
    place = number if task.get("project") is None else f"{task['project']}/{number}"
    id_ = None if number is None else f"label-studio:{place}"
    annotations = task.get("annotations", task.get("completions"))
    if not isinstance(annotations, list) or not isinstance(task.get("data"), Mapping):
        flat = {n: _unwrapped(v) for n, v in task.items() if n not in _OF_ANNOTATION}
        said = _Annotation(where, {}, _who_and_when(task, task.get("annotator")))
        return _Task(where, id_, flat, [said])
    predictions = _listed(task.get("predictions"))
    results = [item.get("result") for item in _listed(annotations)]
    texts = frozenset(
        str(part.get("from_name"))
        for result in results
        for part in _listed(result)
        if part.get("type") == "textarea"
    )
    said_of_it = [_label_studio_annotation(where, item) for item in _listed(annotations)]
    # Of one annotator's several, the newest counts: the last that is learned.
    said_of_it.sort(key=lambda said: str(said.fields.get("created_at", "")))
    predicted = _answers(predictions[-1].get("result"))[0] if predictions else {}
    return _Task(where, id_, task["data"], said_of_it, predicted, texts)


def _label_studio_annotation(where: str, item: Mapping[str, Any]) -> _Annotation:
    if item.get("id") is not None:
        where = f"{where}, annotation {item['id']}"
    answers, parts = _answers(item.get("result"))
    problem = ""
    if item.get("was_cancelled"):
        problem = "its annotator skipped the task."
    elif parts and not answers:
        problem = "its answers are about parts of the task; expected one about the whole."
    elif not answers:
        problem = "it holds no answer."
    return _Annotation(where, answers, _who_and_when(item, item.get("completed_by")), problem)


def _who_and_when(item: Mapping[str, Any], annotator: Any) -> dict[str, Any]:
    if isinstance(annotator, Mapping):
        annotator = annotator.get("email") or annotator.get("id")
    return {
        "reviewer": None if annotator is None else str(annotator),
        "created_at": item.get("updated_at") or item.get("created_at"),
    }


def _answers(result: Any) -> tuple[dict[str, Any], int]:
    """What controls hold about a whole task, and how many answers are about parts of it."""
    answers: dict[str, list[Any]] = {}
    parts = 0
    for item in _listed(result):
        value = item.get("value")
        kind = next((kind for kind in _KINDS if isinstance(value, Mapping) and kind in value), None)
        if kind is None or not isinstance(value, Mapping):
            continue
        if _OF_PART & value.keys():
            parts += 1
        else:
            name, answer = str(item.get("from_name")), value[kind]
            told = answers.setdefault(name, [])
            told += answer if isinstance(answer, list) else [answer]
            if kind == "text":
                told[:] = ["\n".join(map(str, told))]
    return {name: told[0] if len(told) == 1 else told for name, told in answers.items()}, parts


def _unwrapped(value: Any) -> Any:
    """An answer of the short form, where some kinds stand in an object that names the kind."""
    inner = value[0] if isinstance(value, list) and len(value) == 1 else value
    if isinstance(inner, Mapping) and len(inner) == 1 and _KINDS & inner.keys():
        return _answers([{"from_name": "it", "value": inner}])[0].get("it")
    return value


# Argilla: https://docs.argilla.io/latest/how_to_guides/query_export; before 2.0, in other forms.


def _argilla_record(where: str, record: Mapping[str, Any]) -> _Task:
    name = record.get("id") or record.get("external_id")
    where = where.replace("task", "record") if name is None else f"record {name}"
    id_ = record.get("_server_id") or name
    said: dict[str, dict[str, Any]] = {}
    states: dict[str, str] = {}
    data, responses, suggested = _argilla_parts(record)
    for question, user, value, state in responses:
        said.setdefault(user, {})[question] = value
        states[user] = state or states.get(user, "")
    annotations = [
        _Annotation(
            where if not user else f"{where}, annotator {user}",
            answers,
            {"reviewer": user or None},
            _NOT_SUBMITTED.get(states[user], ""),
        )
        for user, answers in said.items()
    ]
    return _Task(where, id_ and f"argilla:{id_}", data, annotations, suggested)


_Response: TypeAlias = tuple[str, str, Any, str]
"""Question, annotator, answer, and whether it was submitted."""


def _argilla_parts(
    record: Mapping[str, Any],
) -> tuple[Mapping[str, Any], list[_Response], dict[str, Any]]:
    """A record's data, responses and suggestions, in whichever form they are."""
    responses: list[_Response] = []
    suggested: dict[str, Any] = {}
    fields, given = record.get("fields"), record.get("responses")
    if isinstance(fields, Mapping):
        if isinstance(given, Mapping):
            for question, items in given.items():
                responses += [_response(question, item, item) for item in _listed(items)]
        for item in _listed(given):
            for question, answer in (item.get("values") or {}).items():
                responses.append(_response(question, item, answer))
        there = record.get("suggestions")
        if isinstance(there, Mapping):
            suggested = {name: item.get("value") for name, item in there.items()}
        for item in _listed(there):
            suggested[str(item.get("question_name"))] = item.get("value")
        return fields, responses, suggested
    data: dict[str, Any] = {}
    for name, value in record.items():
        question, _, part = name.rpartition(".")
        of_users = _listed(value) and all("user_id" in item for item in _listed(value))
        if part == "responses":
            users = record.get(f"{name}.users") or []
            states = record.get(f"{name}.status") or []
            rows = zip_longest(value or [], users, states)
            responses += [(question, str(u or ""), v, str(s or "")) for v, u, s in rows]
        elif of_users:
            responses += [_response(name, item, item) for item in _listed(value)]
        elif part == "suggestion" or name.endswith("-suggestion"):
            suggested[question or name.removesuffix("-suggestion")] = value
        elif not _OF_ARGILLA.search(name):
            data[name] = value
    return data, responses, suggested


def _response(question: str, said: Mapping[str, Any], answer: Mapping[str, Any]) -> _Response:
    user, state = said.get("user_id"), said.get("status")
    return question, str(user or ""), answer.get("value"), str(state or "")
