"""Judging cases with copies of one memory, as if each case were new."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from langchain_memalign.alignment import align
from langchain_memalign.evaluation.cells import Cell, Lesson, Question, Row, Setting, Shown
from langchain_memalign.evaluation.leaving_out import Influence, leave_one_out, shown
from langchain_memalign.evaluation.resampling import Resampling
from langchain_memalign.evaluation.results import Results
from langchain_memalign.evaluation.running import (
    Progress,
    Tally,
    describe,
    judged,
    learned,
    model_name,
    own_ids,
)
from langchain_memalign.flow import Flow, off_loop, parallel
from langchain_memalign.judge import JudgeFlows, MemAlignJudge
from langchain_memalign.memory import scratch_copy
from langchain_memalign.memory.store import Point
from langchain_memalign.schema import AlignmentReport, Feedback


class Session:
    """One evaluation at work: what is judged already, and how far it is.

    Attributes:
        results: What is judged already.
        tally: How many judgements are done, of how many.
    """

    def __init__(
        self,
        judge: MemAlignJudge,
        points: Sequence[Point],
        *,
        directory: str | os.PathLike[str] | None,
        concurrency: int,
        progress: Progress | None,
        resampling: Resampling | None,
    ) -> None:
        self.results = Results(directory)
        self._judge = judge
        self._points = points
        self._embedder = judge.memory.flows.embedder.remembering()
        self._described = [*describe(judge), sorted(point.record for point in points)]
        self._concurrency = concurrency
        self._resampling = resampling
        self.tally = Tally(progress)

    def ask(
        self,
        questions: Sequence[Question],
        *,
        teach: Sequence[Feedback] = (),
        shown: Shown = "both",
        fold: int = 0,
    ) -> Flow[tuple[Row, ...]]:
        """Judge as if each case were new, in a copy of the memory."""
        setting = Setting(judge=model_name(self._judge), taught=len(teach), shown=shown, fold=fold)
        cell = Cell(setting=setting, teach=tuple(teach), ask=tuple(questions))
        key = cell.key(self._described)
        if self.results.has(key, len(questions)):
            self.tally.add(len(questions))
            return self.results.rows_of(key)
        lesson = Lesson(id=cell.lesson, setting=setting)

        def judge(flows: JudgeFlows, report: AlignmentReport | None) -> Flow[None]:
            own = yield from own_ids(flows)

            def one(question: Question) -> Flow[Row]:
                hidden = own.get(question.case.key, frozenset())
                row = yield from judged(flows, question, setting, without=hidden)
                self.tally.add(1)
                return row

            rows = yield from parallel([one(q) for q in questions], limit=self._concurrency)
            taught = lesson if report is None else learned(lesson, report)
            yield from off_loop(lambda: self.results.add(key, taught, rows))

        yield from self._aside(teach, judge)
        return self.results.rows_of(key)

    def influences(
        self,
        questions: Sequence[Question],
        rows: Sequence[Row],
        *,
        teach: Sequence[Feedback],
    ) -> Flow[list[Influence]]:
        """Judge again without each thing that was shown."""
        self.tally.total += sum(map(len, shown(rows).values()))
        found: list[Influence] = []

        def judge(flows: JudgeFlows, report: AlignmentReport | None) -> Flow[None]:
            found.extend(
                (
                    yield from leave_one_out(
                        flows,
                        {question.id: question for question in questions},
                        rows,
                        own=(yield from own_ids(flows)),
                        concurrency=self._concurrency,
                        told=self.tally.add,
                        resampling=self._resampling,
                    )
                )
            )

        yield from self._aside(teach, judge)
        return found

    def _aside(
        self,
        teach: Sequence[Feedback],
        work: Callable[[JudgeFlows, AlignmentReport | None], Flow[None]],
    ) -> Flow[None]:
        """Work with the judge over a copy of its memory, after it was taught more."""
        memory = yield from scratch_copy(self._points, self._embedder)
        try:
            flows = self._judge.flows.over(memory.flows)
            report = None
            if teach:
                learner = flows.learner(max_concurrency=self._concurrency)
                report = yield from align(learner, list(teach))
            yield from work(flows, report)
        finally:
            memory.close()
