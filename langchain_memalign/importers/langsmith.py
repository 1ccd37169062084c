"""Feedback that experts gave in LangSmith: on runs, in annotation queues, in datasets."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import (
    Callable,
    Collection,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from langchain_core.utils.iter import batch_iterate

from langchain_memalign._models.failures import as_cause, said_by
from langchain_memalign.errors import (
    ConfigurationError,
    InvalidInputError,
    MemAlignError,
    SourceError,
)
from langchain_memalign.importers.fields import FEEDBACK_FIELDS, FieldMap
from langchain_memalign.importers.learning import Found, Remark, Skipped, Source, Word

if TYPE_CHECKING:
    from langsmith import Client
    from langsmith.schemas import Feedback
    from langsmith.types.run import Run

_PAGE = 100
_EXPORTED = (
    "inputs.inputs?=inputs,inputs.outputs?=outputs,inputs.reference_outputs?=reference_outputs",
    "outputs.value?=value,outputs.rationale?=rationale,outputs.judge_value?=judge_value",
    "outputs.judge_rationale?=judge_rationale,metadata.reviewer?=reviewer",
)
# A connection belongs to its event loop, and the client keeps it after that loop has ended.
_ONCE = {"Connection": "close"}
_STATUSES = ("needs_my_review", "needs_others_review", "archived")
# Without a lower bound the service looks back one day only.
_BEGINNING = datetime(2022, 1, 1, tzinfo=UTC)
_VALUES = ("score", "value", "label")
_REASONS = ("comment", "explanation", "rationale", "reasoning")
_NEVER = datetime.min.replace(tzinfo=UTC)
_NOT_HUMAN = "its feedback is a model's own, and nobody corrected it."
_COMPARES = "its feedback compares runs of several experiments; expected a word on one run."


@dataclass(frozen=True)
class _Target:
    """A run that may have feedback, and where the service keeps it."""

    run_id: str
    project_id: str | None
    started: datetime | None


def from_langsmith(
    client: Client,
    *,
    key: str,
    project: str | None = None,
    queue: str | None = None,
    run_ids: Iterable[str] | None = None,
    since: datetime | None = None,
    sources: Collection[str] = ("app", "api"),
) -> Source:
    """Read the feedback that experts gave on runs.

    A correction counts as the expert's value, rather than the score that it corrects; the judge's
    own score, if there is one, becomes `judge_value`. For a run that belongs to a dataset, its
    example's outputs become `reference_outputs`.

    Args:
        client: A `langsmith.Client`.
        key: The feedback key, such as the judge's name.
        project: All runs of the project of this name that have feedback.
        queue: All runs in the annotation queue of this name or id.
        run_ids: These runs.
        since: For a project: only runs with feedback given at this moment or later.
        sources: Which feedback counts as a person's: "app" is given on LangSmith's own pages, "api"
            is sent by applications.

    Returns:
        A `Remark` for each run and reviewer, `Skipped` for what no expert said.

    Raises:
        InvalidInputError: Not exactly one of project, queue and run_ids is given.
        ConfigurationError: LangSmith refuses the key. Raised when the result is read, as below.
        SourceError: LangSmith does not answer, or knows no such project or queue.
    """
    places = 3 - [project, queue, run_ids].count(None)
    if places != 1:
        raise InvalidInputError(
            f"LangSmith: expected one of project, queue and run_ids; found {places} of them."
        )
    projects: set[str] = set()

    def found() -> Iterator[Found]:
        with _asking(client) as ask:
            if project is not None:
                targets: Iterable[_Target] = _of_project(client, project, key, since, projects)
            elif queue is not None:
                targets = yield from _of_queue(client, queue, ask)
            else:
                targets = [_Target(str(run_id), None, None) for run_id in run_ids or ()]
            for page in batch_iterate(_PAGE, targets):
                yield from _read(client, page, key, sources, ask, projects)

    return Source(found(), lambda known: _withdrawn(client, key, sources, projects, known))


def from_langsmith_dataset(client: Client, dataset: str, *, mapping: Sequence[str] = ()) -> Source:
    """Read a dataset whose examples hold what experts said.

    Args:
        client: A `langsmith.Client`.
        dataset: Its name.
        mapping: Which field is which, in an example's `inputs`, `outputs` and `metadata`, as for
            `FieldMap.parse`: `outputs.label=value,inputs.question=inputs.question`. The default is
            the form in which `to_langsmith_examples` writes episodes.

    Raises:
        InvalidInputError: The mapping cannot be read.
        ConfigurationError: LangSmith refuses the key.
        SourceError: LangSmith does not answer, or knows no such dataset.
    """
    fields = FieldMap.parse(mapping or _EXPORTED, fields=FEEDBACK_FIELDS)
    there: set[str] = set()
    datasets: list[str] = []

    def found() -> Iterator[Found]:
        with _mapped_errors():
            dataset_id = client.read_dataset(dataset_name=dataset).id
            datasets.append(f"langsmith:{dataset_id}:")
            for example in client.list_examples(dataset_id=dataset_id):
                row = {
                    "inputs": example.inputs,
                    "outputs": example.outputs,
                    "metadata": example.metadata or {},
                }
                where, name = f"example {example.id}", f"langsmith:{example.id}"
                source_id = f"langsmith:{dataset_id}:{example.id}"
                there.add(source_id)
                try:
                    yield Remark(where, {"id": name, "source_id": source_id, **fields.apply(row)})
                except InvalidInputError as error:
                    yield Skipped(where, str(error), is_unusable=True)

    def withdrawn(known: set[Word]) -> set[Word]:
        here = {word for word in known if word[0].startswith(tuple(datasets))}
        return {word for word in here if word[0] not in there}

    return Source(found(), withdrawn)


Ask = Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]


@contextmanager
def _asking(client: Client) -> Iterator[Ask]:
    """Drive the client's async resources from sync code, also where a loop runs already.

    LangSmith offers the lasting ways to read runs and queue items as coroutines only: one loop, in
    a thread of its own, serves them all.
    """
    with _mapped_errors(), ThreadPoolExecutor(1, "langsmith") as thread:
        runner = asyncio.Runner()
        try:
            yield lambda call: thread.submit(lambda: runner.run(call())).result()
        finally:
            thread.submit(runner.close).result()


@contextmanager
def _mapped_errors() -> Iterator[None]:
    from langsmith.utils import LangSmithAuthError

    try:
        yield
    except MemAlignError:
        raise
    except Exception as error:  # the client's two halves share no root for their errors
        status = getattr(error, "status_code", None)
        said = said_by(error) or type(error).__name__
        if isinstance(error, LangSmithAuthError) or status in (401, 403):
            raise ConfigurationError(
                f"LangSmith refuses the key: {said} Set LANGSMITH_API_KEY to one that may read "
                "this workspace."
            ) from as_cause(error)
        raise SourceError(
            f"LangSmith: {said} What was read so far is kept; run the same import again to "
            "continue."
        ) from as_cause(error)


def _of_project(
    client: Client, project: str, key: str, since: datetime | None, projects: set[str]
) -> Iterator[_Target]:
    """The runs of a project that have feedback, each once; adds its id to `projects`."""
    session = str(client.read_project(project_name=project).id)
    projects.add(session)
    newer: dict[str, Any] = {} if since is None else {"min_created_at": since.isoformat()}
    seen: set[str] = set()
    for item in client.list_feedback(feedback_key=[key], session=[session], **newer):
        run_id = str(item.run_id)
        if item.run_id is not None and run_id not in seen:
            seen.add(run_id)
            yield _Target(run_id, session, item.start_time)


def _of_queue(client: Client, queue: str, ask: Ask) -> Generator[Skipped, None, list[_Target]]:
    """The runs in a queue, whatever their state of review."""
    queue_id = _queue_id(client, queue)
    targets: dict[str, _Target] = {}
    for status in _STATUSES:

        async def items(status: Any = status) -> list[Any]:
            pages = client.annotation_queues.items.list(
                queue_id, status=status, extra_headers=_ONCE
            )
            return [item async for item in pages]

        for item in ask(items):
            if item.run_id is None:
                yield Skipped(f"queue item {item.id}", "it is a thread; expected a run.")
            else:
                started = None if item.start_time is None else _moment(item.start_time)
                targets[item.run_id] = _Target(item.run_id, item.project_id, started)
    return list(targets.values())


def _queue_id(client: Client, queue: str) -> str:
    try:
        return str(UUID(queue))
    except ValueError:
        pass
    for found in client.list_annotation_queues(name=queue):
        return str(found.id)
    raise SourceError(f"LangSmith: found no annotation queue {queue!r}; expected its name or id.")


def _read(
    client: Client,
    page: Sequence[_Target],
    key: str,
    sources: Collection[str],
    ask: Ask,
    projects: set[str],
) -> Iterator[Found]:
    """Read a page of runs with their feedback and examples; adds their projects to `projects`."""
    feedback = _feedback(client, [target.run_id for target in page], key)
    words = {id_: _words_of(given, sources=sources) for id_, given in feedback.items()}
    placed = {target.run_id: _placed(target, feedback[target.run_id]) for target in page}
    wanted = [placed[id_] for id_, (said, _) in words.items() if said and id_ in placed]
    projects |= {target.project_id for target in placed.values() if target.project_id}
    runs = ask(lambda: _runs(client, wanted))
    references = _references(client, runs.values())
    for target in page:
        where = f"run {target.run_id}"
        said, why_not = words.get(target.run_id, ([], f"it has no feedback {key!r} yet."))
        run = runs.get(target.run_id)
        if not said:
            yield Skipped(where, why_not or _NOT_HUMAN)
        elif run is None:
            gone = "LangSmith no longer has the run itself; expected its inputs."
            yield Skipped(where, gone, is_unusable=True)
        else:
            case = {
                "inputs": run.inputs or None,
                "outputs": run.outputs or None,
                "reference_outputs": references.get(run.reference_example_id or ""),
            }
            place = f"{target.run_id}:{key}"
            ids = {
                "id": f"langsmith:{place}",
                "source_id": f"langsmith:{placed[target.run_id].project_id}:{place}",
            }
            for fields in said:
                yield Remark(where, {**ids, **case, **fields})


def _feedback(client: Client, run_ids: Sequence[str], key: str) -> dict[str, list[Feedback]]:
    """The feedback on runs, by run."""
    feedback: dict[str, list[Feedback]] = defaultdict(list)
    for item in client.list_feedback(run_ids=run_ids, feedback_key=[key]):
        feedback[str(item.run_id)].append(item)
    return feedback


def _withdrawn(
    client: Client, key: str, sources: Collection[str], projects: set[str], known: set[Word]
) -> set[Word]:
    """The words among the known ones that the projects no longer hold."""
    here: dict[str, set[Word]] = defaultdict(set)
    for word in known:
        match word[0].split(":", 3):
            case ["langsmith", project, run_id, of_key] if project in projects and of_key == key:
                here[run_id].add(word)
    gone: set[Word] = set()
    with _mapped_errors():
        for page in batch_iterate(_PAGE, here):
            feedback = _feedback(client, page, key)
            for run_id in page:
                said, _ = _words_of(feedback.get(run_id, []), sources=sources)
                reviewers = {words["reviewer"] for words in said}
                gone |= {word for word in here[run_id] if word[1] not in reviewers}
    return gone


def _placed(target: _Target, feedback: Sequence[Feedback]) -> _Target:
    """The target with its project, of which the feedback knows too."""
    project = target.project_id or next((str(f.session_id) for f in feedback if f.session_id), None)
    started = target.started or next((f.start_time for f in feedback if f.start_time), None)
    return _Target(target.run_id, project, started)


async def _runs(client: Client, targets: Sequence[_Target]) -> dict[str, Run]:
    by_project: dict[str, list[_Target]] = defaultdict(list)
    for target in targets:
        if target.project_id is not None:
            by_project[target.project_id].append(target)
    found: dict[str, Run] = {}
    for project, members in by_project.items():
        pages = client.runs.query(
            project_ids=[project],
            ids=[target.run_id for target in members],
            min_start_time=min(target.started or _BEGINNING for target in members),
            selects=["ID", "INPUTS", "OUTPUTS", "REFERENCE_EXAMPLE_ID"],
            extra_headers=_ONCE,
        )
        async for run in pages:
            found[str(run.id)] = run
    return found


def _references(client: Client, runs: Iterable[Run]) -> dict[str, Any]:
    ids = sorted({run.reference_example_id for run in runs if run.reference_example_id})
    if not ids:
        return {}
    return {str(e.id): e.outputs for e in client.list_examples(example_ids=ids)}


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _words_of(
    feedback: Sequence[Feedback], *, sources: Collection[str]
) -> tuple[list[dict[str, Any]], str | None]:
    """Join what each reviewer said of one run under one key.

    A correction counts before the score or value that it corrects. A model's feedback is what a
    judge said; it counts as an expert's only where it was corrected, and then by the correction.

    Args:
        feedback: All feedback on the run under the key.
        sources: The source types that are people's: "app" is LangSmith's own pages, "api" is
            whatever the application sends, such as its users' thumbs.

    Returns:
        Fields of a `Feedback` for each reviewer, without the case; and, where there is none, why.
    """
    ordered = sorted(feedback, key=lambda f: _aware(f.modified_at or f.created_at))
    single = [f for f in ordered if f.comparative_experiment_id is None]
    said_by_judge: dict[str, Any] = {}
    reviewers: dict[str | None, dict[str, Any]] = {}
    for item in single:
        human = item.feedback_source is None or item.feedback_source.type in sources
        own = _given(item.value if item.value is not None else item.score)
        value, reason = _correction(item)
        if human:
            value, reason = (own if value is None else value), reason or item.comment
        else:
            said_by_judge = {"judge_value": own, "judge_rationale": item.comment}
        if value is not None or reason:
            words = reviewers.setdefault(_reviewer(item) if human else None, {})
            words |= {"created_at": _aware(item.created_at)}
            words |= {"value": value} if value is not None else {}
            words |= {"rationale": reason} if reason else {}
    if not reviewers:
        return [], _COMPARES if len(single) < len(ordered) else _NOT_HUMAN
    told = [
        {**said_by_judge, "reviewer": reviewer, **words} for reviewer, words in reviewers.items()
    ]
    return told, None


def _correction(item: Feedback) -> tuple[Any, str | None]:
    correction = item.correction
    if not isinstance(correction, Mapping):
        return _given(correction or None), None
    value = next(
        (correction[n] for n in (*_VALUES, item.key) if correction.get(n) is not None), None
    )
    reason = next((correction[n] for n in _REASONS if correction.get(n)), None)
    return _given(value), reason if isinstance(reason, str) else None


def _given(value: Any) -> Any:
    """A value as the reviewer gave it; a mapping is none."""
    return None if isinstance(value, Mapping) else value


def _reviewer(item: Feedback) -> str | None:
    source = item.feedback_source
    if source is None:
        return None
    return source.user_name or (str(source.user_id) if source.user_id else None)


def _aware(moment: datetime | None) -> datetime:
    if moment is None:
        return _NEVER
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
