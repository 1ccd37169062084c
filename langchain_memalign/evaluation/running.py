"""Running cells: a memory aside for each lesson, cases side by side, what is finished kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby
from typing import Any, TypeAlias

from langchain_memalign._alignment import align
from langchain_memalign._models import Embedder
from langchain_memalign._scratch import scratch_memory
from langchain_memalign.errors import ModelError
from langchain_memalign.evaluation.cells import Cell, Lesson, Question, Row, Setting, Shown
from langchain_memalign.evaluation.results import Results
from langchain_memalign.flow import Flow, off_loop, parallel
from langchain_memalign.judge import JudgeFlows, MemAlignJudge
from langchain_memalign.schema import AlignmentReport, Unscored, WorkingMemory

Progress: TypeAlias = Callable[[int, int], None]
"""Is told how many judgements are done, of how many. Called from several threads, one at a time."""


class Tally:
    """Counts judgements as threads finish them, and tells a progress.

    Attributes:
        total: How many there will be.
    """

    def __init__(self, progress: Progress | None, total: int = 0) -> None:
        self.total = total
        self._progress = progress
        self._done = 0
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        """So many more are done."""
        # Told under the lock: else a thread that was held up would tell of less than another did.
        with self._lock:
            self._done += count
            if self._progress is not None:
                self._progress(self._done, self.total)


def run_cells(
    cells: Sequence[Cell],
    judges: Mapping[str, MemAlignJudge],
    *,
    results: Results,
    concurrency: int = 8,
    progress: Progress | None = None,
) -> Flow[None]:
    """Run the cells that `results` has not yet; each is kept as soon as it is finished.

    The judges' own memories are neither read nor written: each lesson gets a memory aside.

    Args:
        cells: What to run; those of one lesson should stand together, to be taught once.
        judges: The judges, by the label in a cell's setting.
        results: Where rows go.
        concurrency: Most judgements at the same time.
        progress: Told after each judgement.

    Raises:
        ModelError: The provider refuses access. Finished cells are kept.
    """
    described = {label: describe(judge) for label, judge in judges.items()}
    keys = {id(cell): cell.key(described[cell.setting.judge]) for cell in cells}
    tally = Tally(progress, sum(len(cell.ask) for cell in cells))
    todo = [cell for cell in cells if not results.has(keys[id(cell)], len(cell.ask))]
    tally.add(tally.total - sum(len(cell.ask) for cell in todo))
    embedders = {label: j.memory.flows.embedder.remembering() for label, j in judges.items()}
    for _, alike in groupby(todo, key=lambda cell: cell.lesson):
        lesson = list(alike)
        label = lesson[0].setting.judge

        def finished(cell: Cell, taught: Lesson, rows: list[Row]) -> None:
            results.add(keys[id(cell)], taught, rows)

        yield from _run_lesson(
            judges[label], lesson, embedders[label], concurrency, finished, tally.add
        )


def _run_lesson(
    judge: MemAlignJudge,
    cells: Sequence[Cell],
    embedder: Embedder,
    concurrency: int,
    finished: Callable[[Cell, Lesson, list[Row]], None],
    told: Callable[[int], None],
) -> Flow[None]:
    """Teach a judge with an empty memory, and ask it all that the cells of one lesson ask."""
    memory = yield from off_loop(lambda: scratch_memory(embedder))
    try:
        flows = judge.flows.over(memory.flows)
        taught = Lesson(id=cells[0].lesson, setting=cells[0].setting)
        if cells[0].teach:
            report = yield from align(
                flows.learner(max_concurrency=concurrency), list(cells[0].teach)
            )
            taught = learned(taught, report)
        for cell in cells:
            rows = yield from judged_all(
                flows, cell.ask, cell.setting, concurrency=concurrency, told=told
            )
            yield from off_loop(lambda cell=cell, rows=rows: finished(cell, taught, rows))  # type: ignore[misc]
    finally:
        memory.close()


def judged_all(
    flows: JudgeFlows,
    questions: Sequence[Question],
    setting: Setting,
    *,
    concurrency: int,
    told: Callable[[int], None],
    own: Mapping[str, AbstractSet[str]] | None = None,
) -> Flow[list[Row]]:
    """Ask a judge questions side by side, their cases embedded many in one call.

    Args:
        flows: The judge.
        questions: What it is asked.
        setting: Which memories it is shown.
        concurrency: Most judgements at the same time.
        told: Is told of each judgement.
        own: By case, the ids of what it must not be shown; see `judged`.

    Raises:
        ModelError: The provider refuses access.
    """
    ahead = flows.embedding_ahead(question.case for question in questions)
    own = own or {}

    def one(question: Question) -> Flow[Row]:
        without = own.get(question.case.key, frozenset())
        row = yield from judged(ahead, question, setting, without=without)
        told(1)
        return row

    return parallel([one(question) for question in questions], limit=concurrency)


def judged(
    flows: JudgeFlows,
    question: Question,
    setting: Setting,
    *,
    without: AbstractSet[str] = frozenset(),
) -> Flow[Row]:
    """Ask a judge one question, with as much of its memory as the setting shows.

    Args:
        flows: The judge.
        question: What it is asked.
        setting: Which memories it is shown.
        without: Ids of episodes and principles that it must not be shown. Principles that came
            from such an episode are not shown either: they may repeat the answer.

    Raises:
        ModelError: The provider refuses access. Any other failure is an abstention.
    """
    try:
        memory = yield from flows.recall(question.case, exclude=without)
        memory = hidden(memory, setting.shown, without)
        outcome, cost = yield from flows.decide(memory, question.case)
    except ModelError as error:  # the case could not be embedded
        if error.is_refused_access:
            raise
        outcome, calls = Unscored(reason=str(error)), 0
    else:
        calls = cost.model_calls
    answered: dict[str, Any] = (
        {"reason": outcome.reason}
        if isinstance(outcome, Unscored)
        else {
            "value": outcome.value,
            "reason": outcome.rationale,
            "relied_on": outcome.relied_on,
        }
    )
    return Row(
        setting=setting,
        split=question.split,
        id=question.id,
        case=question.case.key,
        expert=question.expert,
        principle_ids=outcome.principle_ids,
        episode_ids=outcome.episode_ids,
        model_calls=calls,
        usage=outcome.usage,
        latency=outcome.latency,
        **answered,
    )


def own_ids(flows: JudgeFlows) -> Flow[dict[str, frozenset[str]]]:
    """By case, the ids of all episodes on it."""
    found: dict[str, set[str]] = {}
    for episode in (yield from flows.memory.episodes(flows.spec.name)):
        found.setdefault(episode.case.key, set()).add(episode.id)
    return {key: frozenset(ids) for key, ids in found.items()}


def hidden(memory: WorkingMemory, shown: Shown, without: AbstractSet[str]) -> WorkingMemory:
    """Working memory with only what may be shown; pure."""
    changed: dict[str, Any] = {}
    if without:
        kept = [p for p in memory.principles if not without & {p.id, *p.episode_ids}]
        gone = len(memory.principles) - len(kept)
        changed["principles"] = tuple(kept)
        changed["principles_total"] = memory.principles_total - gone
    if shown in ("episodic", "none"):
        changed |= {"principles": (), "principles_total": 0}
    if shown in ("semantic", "none"):
        changed |= {"episodes": (), "value_counts": {}}
    return memory.model_copy(update=changed)


def model_name(judge: MemAlignJudge) -> str:
    """The name of a judge's model, as its maker calls it."""
    for name in ("model_name", "model"):
        if isinstance(named := getattr(judge.model, name, None), str):
            return named
    return judge.model._llm_type


# What a chat model calls its address and what changes its answers.
_SETTINGS = (
    *("base_url", "openai_api_base", "endpoint", "azure_endpoint", "azure_deployment"),
    *("temperature", "top_p", "top_k", "seed", "reasoning_effort", "max_tokens"),
)


def _plain(setting: Any) -> str | None:
    return None if setting is None else str(setting)


def describe(judge: MemAlignJudge) -> list[Any]:
    """What makes a judge answer as it does, as far as it can be told from outside."""
    return [
        judge.spec.model_dump(mode="json"),
        vars(judge.flows.budgets),
        type(judge.model).__name__,
        model_name(judge),
        [_plain(getattr(judge.model, name, None)) for name in _SETTINGS],
        judge.memory.embeddings_id,
    ]


def learned(begun: Lesson, report: AlignmentReport) -> Lesson:
    """A lesson with what an alignment says of it."""
    return begun.model_copy(
        update={
            "distilled": len(report.distilled),
            "pending": len(report.pending),
            "rejected": len(report.rejected),
            "principles": len(report.principles_added),
            "model_calls": report.model_calls,
            "embedded": report.embedded,
            "usage": report.usage,
            "seconds": report.seconds,
        }
    )
