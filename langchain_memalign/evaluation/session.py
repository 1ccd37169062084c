"""Judging cases with copies of one memory, as if each case were new."""

from __future__ import annotations

import os
from collections.abc import Sequence

from langchain_memalign._alignment import align
from langchain_memalign._scratch import scratch_copy
from langchain_memalign._stores.base import Point
from langchain_memalign.evaluation.cells import Cell, Lesson, Question, Row, Setting, Shown
from langchain_memalign.evaluation.leaving_out import Influence, Kept, leave_one_out, shown
from langchain_memalign.evaluation.resampling import Resampling
from langchain_memalign.evaluation.results import Results
from langchain_memalign.evaluation.running import (
    Progress,
    Tally,
    describe,
    judged_all,
    learned,
    model_name,
    own_ids,
)
from langchain_memalign.flow import Flow, off_loop
from langchain_memalign.judge import JudgeFlows, MemAlignJudge
from langchain_memalign.memory import Memory
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
        self._copy: Memory | None = None
        self._lesson: tuple[str, JudgeFlows, AlignmentReport | None] | None = None

    @property
    def knows(self) -> bool:
        """Whether the judge's memory holds anything."""
        return bool(self._points)

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
        flows, report = yield from self._taught(teach)
        own = yield from own_ids(flows)
        rows = yield from judged_all(
            flows,
            questions,
            setting,
            concurrency=self._concurrency,
            told=self.tally.add,
            own=own,
        )
        lesson = Lesson(id=cell.lesson, setting=setting)
        taught = lesson if report is None else learned(lesson, report)
        yield from off_loop(lambda: self.results.add(key, taught, rows))
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
        flows, _ = yield from self._taught(teach)
        found = yield from leave_one_out(
            flows,
            {question.id: question for question in questions},
            rows,
            own=(yield from own_ids(flows)),
            kept=Kept(
                self.results, [*self._described, Cell(setting=Setting(), teach=teach).lesson]
            ),
            concurrency=self._concurrency,
            told=self.tally.add,
            resampling=self._resampling,
        )
        return found

    def close(self) -> None:
        """Give up the copy of the memory."""
        if self._copy is not None:
            self._copy.close()
        self._copy, self._lesson = None, None

    def _taught(self, teach: Sequence[Feedback]) -> Flow[tuple[JudgeFlows, AlignmentReport | None]]:
        """The judge over a copy of its memory, after it was taught more; the last one is kept.

        To teach it once more would cost as much again, and a model might find other principles.
        """
        lesson = Cell(setting=Setting(), teach=tuple(teach)).lesson
        if self._lesson is None or self._lesson[0] != lesson:
            self.close()
            self._copy = yield from scratch_copy(self._points, self._embedder)
            flows = self._judge.flows.over(self._copy.flows)
            report = None
            if teach:
                learner = flows.learner(max_concurrency=self._concurrency)
                report = yield from align(learner, list(teach))
            self._lesson = (lesson, flows, report)
        return self._lesson[1:]
