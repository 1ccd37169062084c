"""Running trials: a memory aside for each training, cases side by side, what is finished kept.

`run_trials` begins with an empty memory for each training; a `CopiedJudge` with a copy of what the
judge remembers. The judges' own memories are only read.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from itertools import groupby
from typing import Any, Self, TypeAlias

from langchain_memalign._calibration.promise import AtLeast
from langchain_memalign._concurrency import parallel
from langchain_memalign._judging.setup import JudgeSetup
from langchain_memalign._memory.records import Records
from langchain_memalign._models import StructuredModel
from langchain_memalign._stores.base import Selection
from langchain_memalign._sync import judging
from langchain_memalign._sync.align import align
from langchain_memalign.errors import ModelError
from langchain_memalign.evaluation.trials import (
    Condition,
    EvalCase,
    Judgement,
    MemoryUsed,
    Results,
    Training,
    Trial,
)
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.schema import Feedback, Unscored, WorkingMemory

Progress: TypeAlias = Callable[[int, int], None]
"""Is told how many judgements are done, of how many. Called from several threads, one at a time."""


class ProgressCounter:
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
        """Tell that so many more are done."""
        # Told under the lock: else a thread that was held up would tell of less than another did.
        with self._lock:
            self._done += count
            if self._progress is not None:
                self._progress(self._done, self.total)


def run_trials(
    trials: Sequence[Trial],
    judges: Mapping[str, MemAlignJudge],
    *,
    results: Results,
    concurrency: int = 8,
    progress: Progress | None = None,
) -> None:
    """Run the trials that `results` has not yet; each is kept as soon as it is finished.

    The judges' own memories are neither read nor written: each training gets a memory aside.

    Args:
        trials: What to run; those of one training should stand together, to be taught once.
        judges: The judges, by the label in a trial's setting.
        results: Where judgements go.
        concurrency: Most judgements at the same time.
        progress: Told after each judgement.

    Raises:
        ModelError: The provider refuses access. Finished trials are kept.
    """
    described = {label: describe(judge) for label, judge in judges.items()}
    keyed = [(trial.key(described[trial.setting.judge]), trial) for trial in trials]
    todo = [(key, trial) for key, trial in keyed if not results.has(key, len(trial.ask))]
    counter = ProgressCounter(progress, sum(len(trial.ask) for trial in trials))
    counter.add(counter.total - sum(len(trial.ask) for _, trial in todo))
    embedders = {label: j.memory.records.embedder.remembering() for label, j in judges.items()}
    for _, alike in groupby(todo, key=lambda pair: pair[1].training_id):
        together = list(alike)
        _, first = together[0]
        label = first.setting.judge
        with judges[label].setup.records.scratch(embedders[label]) as records:
            setup = judges[label].setup.over(records)
            training = _train(setup, first, concurrency)
            for key, trial in together:
                rows = judged_all(
                    setup,
                    trial.ask,
                    trial.setting,
                    concurrency=concurrency,
                    on_progress=counter.add,
                )
                results.add(key, training, rows)


def _train(setup: JudgeSetup, trial: Trial, concurrency: int) -> Training:
    """Teach a judge what a trial teaches, if anything."""
    training = Training(id=trial.training_id, setting=trial.setting)
    if not trial.teach:
        return training
    report = align(setup.context(max_concurrency=concurrency), trial.teach)
    return training.model_copy(
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


def judged_all(
    setup: JudgeSetup,
    questions: Sequence[EvalCase],
    condition: Condition,
    *,
    concurrency: int,
    on_progress: Callable[[int], None],
    own: Mapping[str, AbstractSet[str]] | None = None,
) -> list[Judgement]:
    """Ask a judge about cases side by side, many of them embedded in one call.

    Args:
        setup: The judge.
        questions: What it is asked.
        condition: Which memories it is shown.
        concurrency: Most judgements at the same time.
        on_progress: Called with how many more are judged.
        own: By case, the ids of what it must not be shown; see `judged`.

    Raises:
        ModelError: The provider refuses access.
    """
    cases = [question.case for question in questions]
    ahead = setup.over(setup.records.embedding_ahead(cases))
    own = own or {}

    def one(question: EvalCase) -> Judgement:
        without = own.get(question.case.key, frozenset())
        row = judged(ahead, question, condition, without=without)
        on_progress(1)
        return row

    return parallel([partial(one, question) for question in questions], limit=concurrency)


def judged(
    setup: JudgeSetup,
    question: EvalCase,
    condition: Condition,
    *,
    without: AbstractSet[str] = frozenset(),
) -> Judgement:
    """Ask a judge about one case, with as much of its memory as the condition says.

    Args:
        setup: The judge.
        question: What it is asked.
        condition: Which memories it is shown.
        without: Ids of episodes and principles that it must not be shown. Principles that came
            from such an episode are not shown either: they may repeat the answer.

    Raises:
        ModelError: The provider refuses access. Any other failure is an abstention.
    """
    try:
        outcome, cost = judging.judge(
            setup,
            question.case,
            exclude=without,
            hide=lambda _, memory: hidden(memory, condition.shown, without),
        )
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
    return Judgement(
        setting=condition,
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


def own_ids(setup: JudgeSetup) -> dict[str, frozenset[str]]:
    """By case, the ids of all episodes on it."""
    found: dict[str, set[str]] = {}
    for episode in setup.records.episodes(setup.spec.name):
        found.setdefault(episode.case.key, set()).add(episode.id)
    return {key: frozenset(ids) for key, ids in found.items()}


def hidden(memory: WorkingMemory, shown: MemoryUsed, without: AbstractSet[str]) -> WorkingMemory:
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
    return getattr(judge.model, "_llm_type", type(judge.model).__name__)


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
        vars(judge.setup.budgets),
        type(judge.model).__name__,
        model_name(judge),
        [_plain(getattr(judge.model, name, None)) for name in _SETTINGS],
        judge.memory.embeddings_id,
        *_told_by(judge),
        *(["compact"] if judge.setup.is_compact else []),
        *_asked_next(judge.setup),
    ]


def _told_by(judge: MemAlignJudge) -> list[Any]:
    """Who learns and which value is told, where it is not the usual: a list of one, or of none."""
    setup = judge.setup
    own = type(setup.distiller.chat_model).__name__ if setup.distiller else None
    learns = [setup.distiller_name, own] if setup.has_distiller else None
    told = [learns, setup.probabilities, setup.aggregate]
    return [told] if any(told) else []


def _asked_next(setup: JudgeSetup) -> list[Any]:
    """Who is asked after a judge, when, and what they know that it does not; empty for nobody."""
    if setup.second is None:
        return []
    second, sure = setup.second.setup, setup.second.sure
    model = second.model
    asked = model.chat_model if isinstance(model, StructuredModel) else model.runnable
    knows: list[str] = []
    if not setup.remembers_as(second):
        points = second.records.scan(Selection(judge=second.spec.name))
        knows = sorted(point.record for point in points)
    return [
        second.said_by,
        [_plain(getattr(asked, name, None)) for name in _SETTINGS],
        vars(second.budgets),
        sure.model_dump() if isinstance(sure, AtLeast) else sure,
        knows,
        *_asked_next(second),
    ]


class CopiedJudge:
    """A judge over copies of its memory, asked as if each case were new; a context manager.

    Attributes:
        results: What is judged already.
        counter: How many judgements are done, of how many.
        described: What its answers depend on, its memory included.
        concurrency: Most judgements at the same time.
    """

    def __init__(
        self,
        judge: MemAlignJudge,
        *,
        directory: str | os.PathLike[str] | None,
        concurrency: int,
        progress: Progress | None,
    ) -> None:
        self.results = Results(directory)
        self.counter = ProgressCounter(progress)
        self.concurrency = concurrency
        self._label = model_name(judge)
        self._setup = judge.setup
        self._points = judge.setup.records.scan(Selection(judge=judge.spec.name), vectors=True)
        self._embedder = judge.setup.records.embedder.remembering()
        self.described = [*describe(judge), sorted(point.record for point in self._points)]
        self._copy: Records | None = None
        self._taught: tuple[JudgeSetup, Training] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._give_up_copy()

    @property
    def knows(self) -> bool:
        """Whether the judge's memory holds anything."""
        return bool(self._points)

    def ask(
        self,
        questions: Sequence[EvalCase],
        *,
        teach: Sequence[Feedback] = (),
        shown: MemoryUsed = "both",
        fold: int = 0,
    ) -> tuple[Judgement, ...]:
        """Judge as if each case were new, in a copy of the memory."""
        condition = Condition(judge=self._label, taught=len(teach), shown=shown, fold=fold)
        trial = Trial(setting=condition, teach=tuple(teach), ask=tuple(questions))
        key = trial.key(self.described)
        if self.results.has(key, len(questions)):
            self.counter.add(len(questions))
            return self.results.rows_of(key)
        setup, training = self.taught(teach)
        rows = judged_all(
            setup,
            questions,
            condition,
            concurrency=self.concurrency,
            on_progress=self.counter.add,
            own=own_ids(setup),
        )
        self.results.add(key, training.model_copy(update={"setting": condition}), rows)
        return self.results.rows_of(key)

    def taught(self, teach: Sequence[Feedback]) -> tuple[JudgeSetup, Training]:
        """The judge over a copy of its memory, after it was taught more; the last one is kept.

        To teach it once more would cost as much again, and a model might find other principles.
        """
        condition = Condition(judge=self._label, taught=len(teach))
        trial = Trial(setting=condition, teach=tuple(teach))
        if self._taught is None or self._taught[1].id != trial.training_id:
            self._give_up_copy()
            self._copy = self._setup.records.scratch_copy(self._points, self._embedder)
            setup = self._setup.over(self._copy)
            self._taught = setup, _train(setup, trial, self.concurrency)
        return self._taught

    def _give_up_copy(self) -> None:
        if self._copy is not None:
            self._copy.close()
        self._copy, self._taught = None, None
