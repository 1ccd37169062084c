"""`memalign review`: a reviewer goes through cases in the terminal, and the judge learns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command
from rich.rule import Rule
from rich.text import Text

from langchain_memalign.cli.data_files import CaseRow, read_cases
from langchain_memalign.cli.interview import (
    Interviewer,
    Pause,
    case_panel,
    problem_of,
    verdict_panel,
)
from langchain_memalign.cli.objects import opened_judge
from langchain_memalign.cli.options import JsonOption, JudgeOption, MapOption
from langchain_memalign.cli.terminal import Screen, WorkLeft, clean, counted, short
from langchain_memalign.graph import create_review_graph
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.reviews.threads import ReviewThreads
from langchain_memalign.schema import AlignmentReport, Unscored, Verdict

Policy = Literal["always", "uncertain", "never"]

_DONE_BEFORE = "done before"
_NOT_SELECTED = "not selected"


def review(
    cases: Annotated[
        Path,
        typer.Argument(help="JSONL with a case a line: inputs, outputs, reference_outputs, id."),
    ],
    policy: Annotated[
        Policy | None,
        typer.Option(
            help="Which verdicts are asked about: always; uncertain (few, disagreeing or distant "
            "past cases, or unscored); never. Without it, what the judge file says."
        ),
    ] = None,
    reviewer: Annotated[
        str | None,
        typer.Option(
            "--reviewer",
            "-r",
            envvar="MEMALIGN_REVIEWER",
            help="Who is answering; kept with each answer.",
        ),
    ] = None,
    map_: MapOption = None,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """Go through cases: the judge judges, you approve or correct, the judge learns.

    Stop at any time and go on later with the same command: what is answered is
    not asked again, and what waits for an answer is not judged again.

    Exits with 1 while questions are open.

    Examples:
      $ memalign review cases.jsonl --reviewer ann
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
        walk = _Walk(judge, threads, screen, policy or file.review, reviewer)
        stopped = False
        try:
            stopped = not walk.through(rows)
        except KeyboardInterrupt:
            stopped = True
        left = len(rows) - sum(walk.tally.values()) + walk.tally[Pause.SKIP.value]
        _report(screen, walk, len(rows), left)
    if left or bad or walk.pending:
        raise WorkLeft(_left(left, len(bad), len(walk.pending), stopped=stopped))


class _Walk:
    """One walk through the cases.

    Attributes:
        tally: How many cases ended in which way.
        learned: The principles that came of it.
        pending: Reasons why an answer could not be learned from at once.
    """

    def __init__(
        self,
        judge: MemAlignJudge,
        threads: ReviewThreads,
        screen: Screen,
        policy: Policy,
        reviewer: str | None,
    ) -> None:
        self.tally: Counter[str] = Counter()
        self.learned: dict[str, str] = {}
        self.pending: dict[str, str] = {}
        self._judge = judge
        self._threads = threads
        self._screen = screen
        self._policy = policy
        self._reviewer = reviewer
        self._interviewer = Interviewer(screen, judge.spec.value_type, reviewer)
        self._graph: CompiledStateGraph[Any, Any, Any, Any] = create_review_graph(
            judge, review=policy, checkpointer=threads.saver
        )

    def through(self, rows: Sequence[CaseRow]) -> bool:
        """Go through the cases; False if the reviewer stopped before the last."""
        for number, row in enumerate(rows, 1):
            thread = self._threads.thread(self._judge.spec, self._reviewer, row.case)
            if self._is_done(thread):
                self.tally[_DONE_BEFORE] += 1
                continue
            ended = self._one(row, thread, f"Case {number} of {len(rows)}")
            if ended is Pause.QUIT:
                return False
            self.tally[ended.value if isinstance(ended, Pause) else ended] += 1
        return True

    def _is_done(self, thread: RunnableConfig) -> bool:
        decision = self._threads.decision(thread)
        # What one policy passed over, "always" does not.
        return decision is not None and (decision, self._policy) != (_NOT_SELECTED, "always")

    def _one(self, row: CaseRow, thread: RunnableConfig, title: str) -> str | Pause:
        """Judge a case, or take it up where it waits, and ask for as long as the graph does."""
        self._threads.begin(thread, row.case)
        with self._screen.working("Judging"):
            state = self._graph.get_state(thread)
            if not state.values:
                self._graph.invoke(row.case.model_dump(), thread, durability="sync")
            elif state.next and not state.interrupts:  # the process ended in the middle of a node
                self._graph.invoke(None, thread, durability="sync")
            state = self._graph.get_state(thread)
        decision = _NOT_SELECTED
        shown = False
        while state.interrupts:
            verdict = state.values["verdict"]
            outcome = Verdict.of(verdict) if "value" in verdict else Unscored.of(verdict)
            if not shown:
                self._show(row, outcome, title)
                shown = True
            request = state.interrupts[0].value
            answer = self._interviewer.ask(
                outcome,
                request["review_configs"][0]["allowed_decisions"],
                problem_of(request),
            )
            if isinstance(answer, Pause):
                return answer
            decision = answer["decision"]
            with self._screen.working("Learning"):
                self._graph.invoke(Command(resume=answer), thread, durability="sync")
                state = self._graph.get_state(thread)
        self._learn(state.values.get("alignment"))
        self._threads.finish(thread, decision)
        return decision

    def _learn(self, alignment: Any) -> None:
        if not alignment:
            return
        report = AlignmentReport.of(alignment)
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

    def _show(self, row: CaseRow, outcome: Verdict | Unscored, title: str) -> None:
        name = f"{title} · {row.id}" if row.id is not None else title
        self._screen.show(Rule(style="dim"))
        self._screen.show(case_panel(row.case, name))
        self._screen.show(verdict_panel(self._judge, outcome))


def _left(cases: int, lines: int, answers: int, *, stopped: bool) -> str:
    parts = ["stopped."] if stopped else []
    if cases:
        parts.append(f"{counted(cases, 'case')} without an answer: the same command goes on.")
    if lines:
        parts.append(f"{counted(lines, 'line')} not usable, to be corrected.")
    if answers:
        parts.append(f"{counted(answers, 'answer')} still to be learned: `memalign align` does it.")
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
    words = {"reject": "remark", "ignore": "no comment"}
    counted = [(words.get(name, name), str(count)) for name, count in walk.tally.items()]
    screen.table("Review", ("", "cases"), [*counted, ("open", str(left))])
    if walk.learned:
        screen.table(
            "Principles learned",
            ("id", "principle"),
            [(short(id_), text) for id_, text in walk.learned.items()],
        )
