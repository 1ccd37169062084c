"""`memalign judge`: a case, or a file of cases."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from langchain_memalign.cli.data_files import (
    CaseRow,
    VerdictFile,
    one_case,
    read_cases,
    verdict_line,
)
from langchain_memalign.cli.interview import case_panel, verdict_panel
from langchain_memalign.cli.objects import opened_judge
from langchain_memalign.cli.options import ConcurrencyOption, JsonOption, JudgeOption, MapOption
from langchain_memalign.cli.terminal import (
    Screen,
    WorkLeft,
    clean,
    counted,
    excerpt,
    progress_bar,
    worth,
)
from langchain_memalign.errors import InvalidInputError, ModelError
from langchain_memalign.importers import BadRow
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.schema import Unscored, Verdict

Outcome = Verdict | Unscored


@dataclass
class _Tally:
    """What became of the cases."""

    judged: int = 0
    unscored: int = 0
    skipped: int = 0
    failed: list[BadRow] = field(default_factory=list)
    stopped: bool = False


def judge(
    cases: Annotated[
        Path | None,
        typer.Argument(
            help="A JSONL file with one case a line: inputs, outputs, reference_outputs, and "
            "optionally an id of yours. - reads standard input."
        ),
    ] = None,
    inputs: Annotated[str | None, typer.Option(help="What was asked; text or JSON.")] = None,
    outputs: Annotated[str | None, typer.Option(help="What was answered; text or JSON.")] = None,
    reference_outputs: Annotated[
        str | None,
        typer.Option("--reference-outputs", help="The expected answer; text or JSON."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Write the verdicts to this file, one a line. Cases that already have a line are "
            "not judged again, so the same command resumes an interrupted run.",
        ),
    ] = None,
    map_: MapOption = None,
    with_case: Annotated[
        bool, typer.Option("--with-case", help="Include the case in the line of its verdict.")
    ] = False,
    retry_unscored: Annotated[
        bool,
        typer.Option("--retry-unscored", help="Judge again the cases that are unscored in --out."),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Start --out afresh, whatever it holds.")
    ] = False,
    concurrency: ConcurrencyOption = 8,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """Judge one case, or a file of cases.

    Exits with 1 if a case could not be judged, or ended unscored.

    Examples:
      $ memalign judge --inputs "Where is it?" --outputs "It comes tomorrow."
      $ memalign judge cases.jsonl --out verdicts.jsonl
      $ memalign judge rows.jsonl -m question=inputs,answer=outputs > out.jsonl
      $ echo '{"inputs": "2 + 2?", "outputs": "4"}' | memalign judge --json
    """
    screen = Screen(json=json)
    given = any(text is not None for text in (inputs, outputs, reference_outputs))
    if cases is None and not given and not sys.stdin.isatty():
        cases = Path("-")
    if (cases is None) != given:
        raise InvalidInputError(
            f"found {'both a file and' if given else 'neither a file nor'} the options of a case; "
            "expected one of these: cases.jsonl, - for standard input, or --inputs and --outputs."
        )
    if cases and out and cases.exists() and out.exists() and cases.samefile(out):
        raise InvalidInputError(
            f"--out: found {out}, which holds the cases; expected another file."
        )
    rows, bad = (
        read_cases(cases, map_ or [], screen)
        if cases
        else ([one_case(inputs, outputs, reference_outputs)], [])
    )
    tally = _Tally(failed=bad)
    started = time.perf_counter()
    with opened_judge(judge_file) as (_, judging):
        if out is None:
            _to_screen(judging, rows, tally, screen, concurrency, with_case)
        else:
            with VerdictFile(out, judge=judging.spec.name, overwrite=overwrite) as file:
                todo = file.todo(rows, retry_unscored=retry_unscored)
                tally.skipped = len(rows) - len(todo)
                if tally.skipped:
                    again = "" if todo else "; --overwrite judges them again"
                    screen.note(
                        f"{tally.skipped} of {counted(len(rows), 'case')} already in {out}{again}."
                    )

                def write(row: CaseRow, outcome: Outcome) -> None:
                    file.add(verdict_line(judging.spec.name, row, outcome, with_case=with_case))

                _judge_all(judging, todo, write, tally, screen, concurrency)
                if not tally.stopped:
                    file.sort(rows)
                tally.unscored = sum("unscored" in line for line in file.lines)
    _report(tally, screen, out, len(rows), time.perf_counter() - started)


def _to_screen(
    judging: MemAlignJudge,
    rows: Sequence[CaseRow],
    tally: _Tally,
    screen: Screen,
    concurrency: int,
    with_case: bool,
) -> None:
    """Panels for one case, a line each for several; JSONL for scripts and pipes."""
    # Above the bar, where there is one.
    console = screen.err if screen.err.is_terminal else screen.out
    outcomes: list[Outcome] = []

    def write(row: CaseRow, outcome: Outcome) -> None:
        tally.unscored += isinstance(outcome, Unscored)
        outcomes.append(outcome)
        if not screen.is_pretty:
            screen.data(verdict_line(judging.spec.name, row, outcome, with_case=with_case))
        elif len(rows) > 1:
            said = worth(outcome.value) if isinstance(outcome, Verdict) else "unscored"
            subject = excerpt(row.case.inputs or row.case.outputs, 60)
            console.print(Text(f"{row.line:>5} {clean(said):<12} {subject}"))

    _judge_all(judging, rows, write, tally, screen, concurrency)
    if screen.is_pretty and len(rows) == 1:
        for outcome in outcomes:
            screen.show(case_panel(rows[0].case, "The case"))
            screen.show(verdict_panel(judging, outcome))


def _judge_all(
    judging: MemAlignJudge,
    rows: Sequence[CaseRow],
    write: Callable[[CaseRow, Outcome], None],
    tally: _Tally,
    screen: Screen,
    concurrency: int,
) -> None:
    """Judge cases side by side and write each verdict as it comes, in this thread alone."""
    judging = judging.embedding_ahead(row.case for row in rows)
    waiting = iter(rows)
    running: dict[Future[Outcome], CaseRow] = {}
    with (
        progress_bar(screen.err) as progress,
        ThreadPoolExecutor(concurrency, thread_name_prefix="judging") as pool,
    ):
        task = progress.add_task("Judging", total=len(rows))

        def take_up_more() -> None:
            while len(running) < concurrency and (row := next(waiting, None)) is not None:
                running[pool.submit(judging.invoke, row.case)] = row

        def write_finished() -> None:
            for row, outcome in _finished(running, tally):
                write(row, outcome)
                tally.judged += 1
                progress.advance(task)

        try:
            take_up_more()
            while running:
                write_finished()
                take_up_more()
        except KeyboardInterrupt:
            tally.stopped = True
            progress.update(task, description="Stopping")
            # What is under way was paid for. A second Ctrl-C ends the process (see `program`).
            while running:
                write_finished()


def _finished(
    running: dict[Future[Outcome], CaseRow], tally: _Tally
) -> Iterator[tuple[CaseRow, Outcome]]:
    """Wait for verdicts; a case that failed for itself alone is only noted."""
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        row = running.pop(future)
        try:
            outcome = future.result()
        except (InvalidInputError, ModelError) as error:
            if isinstance(error, ModelError) and error.is_refused_access:
                raise
            tally.failed.append(BadRow(row.line, str(error)))
        else:
            yield row, outcome


def _report(tally: _Tally, screen: Screen, out: Path | None, total: int, seconds: float) -> None:
    left = total - tally.judged - tally.skipped
    if out is not None and screen.json:
        summary: dict[str, Any] = {
            "out": str(out),
            "cases": total,
            "judged": tally.judged,
            "skipped": tally.skipped,
            "unscored": tally.unscored,
            "left": left,
            "failed": [{"line": row.line, "reason": row.reason} for row in tally.failed],
            "seconds": round(seconds, 3),
        }
        screen.data(summary)
    for row in tally.failed:
        screen.note(f"line {row.line}: {row.reason}", style="red")
    if total > 1 or out is not None or tally.failed:
        rate = f" ({tally.judged / seconds:.1f}/s)" if tally.judged else ""
        where = f" -> {out}" if out else ""
        screen.note(
            f"{tally.judged} judged in {seconds:.1f} s{rate}, {tally.unscored} unscored{where}"
        )
    if tally.stopped or left:
        again = (
            "Run the same command again to continue" if out else "With --out a run can be resumed"
        )
        raise WorkLeft(f"{left} of {counted(total, 'case')} left. {again}.")
    if tally.failed:
        raise WorkLeft(f"{counted(len(tally.failed), 'line')} not judged; see above.")
    if tally.unscored:
        raise typer.Exit(1)
