"""`memalign review`: a reviewer goes through cases in the terminal, and the judge learns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command
from rich.rule import Rule
from rich.text import Text

from langchain_memalign._alignment.unlearning import Erased
from langchain_memalign.cli.data_files import CaseRow, read_cases
from langchain_memalign.cli.interview import (
    Answer,
    Interviewer,
    Pause,
    case_panel,
    problem_of,
    question_panel,
    verdict_panel,
)
from langchain_memalign.cli.objects import opened_judge
from langchain_memalign.cli.options import JsonOption, JudgeOption, MapOption
from langchain_memalign.cli.terminal import Screen, WorkLeft, clean, counted, short
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.graph import create_review_graph
from langchain_memalign.graph.answer import read_feedback
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.reviews.forgetting import forget_everywhere
from langchain_memalign.reviews.threads import ReviewThreads
from langchain_memalign.schema import AlignmentReport, Unscored, Verdict

Policy = Literal["always", "uncertain", "never"]

_DONE_BEFORE = "done before"
_NOT_SELECTED = "not selected"
_COUNTED_AS = {"remark": "reject"}


def review(
    cases: Annotated[
        Path,
        typer.Argument(
            help="A JSONL file with one case a line: inputs, outputs, reference_outputs, id."
        ),
    ],
    policy: Annotated[
        Policy | None,
        typer.Option(
            help="Which verdicts you are asked about; uncertain means those with few, disagreeing "
            "or distant past cases, and unscored ones. The default is in the judge file."
        ),
    ] = None,
    reviewer: Annotated[
        str | None,
        typer.Option(
            "--reviewer",
            "-r",
            envvar="MEMALIGN_REVIEWER",
            help="Who is answering. Kept with each answer.",
        ),
    ] = None,
    blind: Annotated[
        bool,
        typer.Option(
            "--blind",
            help="Show only the case. The verdict, which may rest on what others said about it, "
            "is shown once you have answered.",
        ),
    ] = False,
    map_: MapOption = None,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """Go through cases in the terminal: approve or correct each verdict, and the judge learns.

    Stop at any time and continue later with the same command: you are not asked
    again what you have answered, and no case is judged twice.

    Exits with 1 while questions are open.

    Examples:
      $ memalign review cases.jsonl --reviewer ann
      $ memalign review cases.jsonl --reviewer bob --blind
      $ memalign review cases.jsonl --policy uncertain
      $ memalign review rows.jsonl --map question=inputs.question,answer=outputs
    """
    screen = Screen(json=json)
    rows, bad = read_cases(cases, map_ or [], screen)
    for row in bad:
        screen.note(f"line {row.line} cannot be used: {row.reason}", style="red")
    with (
        opened_judge(judge_file) as (file, judge),
        ReviewThreads(file.review_path) as threads,
    ):
        asking = Interviewer(screen, judge.spec, reviewer, blind=blind)
        walk = _Walk(judge, threads, screen, policy or file.review, asking)
        stopped = False
        try:
            stopped = not walk.through(rows)
        except KeyboardInterrupt:
            stopped = True
        left = len(rows) - sum(walk.tally.values()) + walk.tally[Pause.SKIP.value]
        _report(screen, walk, len(rows), left)
    if left or bad or walk.pending:
        raise WorkLeft(_left(left, len(bad), len(walk.pending), stopped=stopped))


@dataclass
class _Visit:
    """A case that was come to in this walk.

    Attributes:
        outcome: What the judge concluded; None until somebody was asked about it.
        ended: How it ended; None while it has not.
        is_over: Whether its thread has come to its end, and holds nothing any more.
        learned: The ids of the episodes that an answer to it made.
    """

    row: CaseRow
    thread: RunnableConfig
    title: str
    outcome: Verdict | Unscored | None = None
    ended: str | None = None
    is_over: bool = False
    learned: tuple[str, ...] = ()


class _Walk:
    """One walk through the cases.

    Attributes:
        visits: The cases that it has come to, in their order.
        learned: The principles that came of it.
        pending: Reasons why an answer could not be learned from at once.
    """

    def __init__(
        self,
        judge: MemAlignJudge,
        threads: ReviewThreads,
        screen: Screen,
        policy: Policy,
        interviewer: Interviewer,
    ) -> None:
        self.visits: list[_Visit] = []
        self.learned: dict[str, str] = {}
        self.pending: dict[str, str] = {}
        self._judge = judge
        self._threads = threads
        self._screen = screen
        self._policy = policy
        self._interviewer = interviewer
        self._graph: CompiledStateGraph[Any, Any, Any, Any] = create_review_graph(
            judge, review=policy, checkpointer=threads.saver
        )

    @property
    def tally(self) -> Counter[str]:
        """How many cases ended in which way."""
        return Counter(visit.ended for visit in self.visits if visit.ended is not None)

    def through(self, rows: Sequence[CaseRow]) -> bool:
        """Go through the cases; False if the reviewer stopped before the last."""
        at = 0
        while at < len(rows):
            if at == len(self.visits):
                thread = self._threads.thread(
                    self._judge.spec, self._interviewer.reviewer, rows[at].case
                )
                self.visits.append(_Visit(rows[at], thread, f"Case {at + 1} of {len(rows)}"))
            visit = self.visits[at]
            if visit.ended is None and self._is_done(visit.thread):
                visit.ended = _DONE_BEFORE
                at += 1
                continue
            ended = self._again(visit) if visit.is_over else self._one(visit)
            match ended:
                case Pause.QUIT:
                    return False
                case Pause.BACK:
                    at = self._last(at, lambda v: v.outcome is not None)
                case Pause.UNDO:
                    at = self._undone(at)
                case _:
                    visit.ended = ended.value if isinstance(ended, Pause) else ended
                    at = next(
                        (n for n in range(at + 1, len(self.visits)) if not self.visits[n].ended),
                        len(self.visits),
                    )
        return True

    def _last(self, at: int, fits: Callable[[_Visit], bool]) -> int:
        """The last case before `at` that fits; `at` itself if there is none."""
        for place in range(at - 1, -1, -1):
            if fits(self.visits[place]):
                return place
        self._screen.show(Text("There is none before this one.", "yellow"))
        return at

    def _undone(self, at: int) -> int:
        """Take the last answer back, and ask about its case again."""
        place = self._last(at + 1, lambda visit: bool(visit.learned))
        visit = self.visits[place]
        if visit.learned:
            with self._screen.working("Forgetting"):
                report = forget_everywhere(self._judge, visit.learned, self._clear)
                self._threads.reopen(visit.thread)
            for gone in report.principles_removed:
                self.learned.pop(gone, None)
            for episode in visit.learned:
                self.pending.pop(episode, None)
            visit.ended, visit.learned = None, ()
            self._screen.show(Text("Your last answer was taken back.", "green"))
        return place

    def _clear(self, erased: Erased) -> None:
        exist = self._judge.setup.records.existing
        self._threads.forget(
            ids=erased.touched, exist=exist, case_keys=(), judge=self._judge.spec.name
        )

    def _is_done(self, thread: RunnableConfig) -> bool:
        decision = self._threads.decision(thread)
        # What one policy passed over, "always" does not.
        return decision is not None and (decision, self._policy) != (_NOT_SELECTED, "always")

    def _one(self, visit: _Visit) -> str | Pause:
        """Judge a case, or take it up where it waits, and ask for as long as the graph does."""
        thread = visit.thread
        self._threads.begin(thread, visit.row.case)
        with self._screen.working("Judging"):
            state = self._graph.get_state(thread)
            if not state.values:
                self._graph.invoke(visit.row.case.model_dump(), thread, durability="sync")
            elif state.next and not state.interrupts:  # the process ended in the middle of a node
                self._graph.invoke(None, thread, durability="sync")
            state = self._graph.get_state(thread)
        decision = _NOT_SELECTED
        problem = None
        while state.interrupts:
            verdict = state.values["verdict"]
            outcome = Verdict.of(verdict) if "value" in verdict else Unscored.of(verdict)
            answer = self._asked(visit, outcome, problem)
            if isinstance(answer, Pause):
                return answer
            decision = answer["decision"]
            with self._screen.working("Learning"):
                self._graph.invoke(Command(resume=answer), thread, durability="sync")
                state = self._graph.get_state(thread)
            problem = problem_of(state.interrupts[0].value) if state.interrupts else None
        if alignment := state.values.get("alignment"):
            self._learn(visit, AlignmentReport.of(alignment))
        self._threads.finish(thread, decision)
        visit.is_over = True
        return _COUNTED_AS.get(decision, decision)

    def _again(self, visit: _Visit) -> str | Pause:
        """Ask about a case that was answered before; another answer replaces the first."""
        outcome, problem = visit.outcome, None
        assert outcome is not None, "nobody was asked about it"
        while True:
            answer = self._asked(visit, outcome, problem)
            if isinstance(answer, Pause):
                # What was answered once is not left open.
                return (visit.ended or answer) if answer is Pause.SKIP else answer
            try:
                _, feedback = read_feedback(answer, self._judge.spec, visit.row.case, outcome)
            except InvalidInputError as error:
                problem = str(error)
                continue
            if feedback is None and visit.ended:
                return visit.ended
            if feedback is not None:
                with self._screen.working("Learning"):
                    self._learn(visit, self._judge.align([feedback]))
            decision: str = answer["decision"]
            self._threads.finish(visit.thread, decision)
            return _COUNTED_AS.get(decision, decision)

    def _asked(self, visit: _Visit, outcome: Verdict | Unscored, problem: str | None) -> Answer:
        if problem is None:
            self._show(visit, outcome)
        visit.outcome = outcome
        answer = self._interviewer.ask(outcome, problem)
        if self._interviewer.blind and not isinstance(answer, Pause):
            self._screen.show(verdict_panel(self._judge, outcome, with_ids=False))
        return answer

    def _learn(self, visit: _Visit, report: AlignmentReport) -> None:
        visit.learned = (*report.stored, *report.overwritten, *report.unchanged)
        for principle in report.principles_added:
            self.learned[principle.id] = principle.text
            self._screen.show(Text.assemble(("Learned: ", "green"), clean(principle.text)))
        for waiting in report.pending:
            self.pending[waiting.episode_id] = waiting.reason
            self._screen.show(
                Text.assemble(("Stored, to be learned later: ", "yellow"), clean(waiting.reason))
            )
        for distilled in report.distilled:
            self.pending.pop(distilled, None)

    def _show(self, visit: _Visit, outcome: Verdict | Unscored) -> None:
        row, title = visit.row, visit.title
        self._screen.show(Rule(style="dim"))
        self._screen.show(question_panel(self._judge.spec))
        self._screen.show(
            case_panel(row.case, f"{title} · {row.id}" if row.id is not None else title)
        )
        if not self._interviewer.blind:
            self._screen.show(verdict_panel(self._judge, outcome, with_ids=False))


def _left(cases: int, lines: int, answers: int, *, stopped: bool) -> str:
    parts = ["stopped."] if stopped else []
    if cases:
        parts.append(f"{counted(cases, 'case')} without an answer: the same command continues.")
    if lines:
        parts.append(f"{counted(lines, 'line')} not usable: correct them and run it again.")
    if answers:
        parts.append(
            f"{counted(answers, 'answer')} still to be learned: `memalign align` continues."
        )
    return " ".join(parts)


def _report(screen: Screen, walk: _Walk, total: int, left: int) -> None:
    if screen.json:
        screen.data(
            {
                "cases": total,
                "left": left,
                "decisions": dict(walk.tally),
                "principles_added": [
                    {"id": id_, "text": text} for id_, text in walk.learned.items()
                ],
                "pending": [
                    {"episode_id": id_, "reason": why} for id_, why in walk.pending.items()
                ],
            }
        )
        return
    words = {"reject": "remark or rejection", "ignore": "no comment"}
    counted = [(words.get(name, name), str(count)) for name, count in walk.tally.items()]
    screen.table("Review", ("", "cases"), [*counted, ("open", str(left))])
    if walk.learned:
        screen.table(
            "Principles learned",
            ("id", "principle"),
            [(short(id_), text) for id_, text in walk.learned.items()],
        )
