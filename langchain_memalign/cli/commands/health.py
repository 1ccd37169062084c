"""`memalign health`: what moves a judge's verdicts that should not, and whether it got worse."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from langchain_memalign._files import replacing
from langchain_memalign._health.comparing import read_baseline
from langchain_memalign.cli.data_files import read_cases
from langchain_memalign.cli.judge_file import JudgeFile
from langchain_memalign.cli.objects import opened_judge
from langchain_memalign.cli.options import (
    ConcurrencyOption,
    JsonOption,
    JudgeOption,
    MapOption,
    SeedOption,
)
from langchain_memalign.cli.terminal import Screen, WorkLeft, counted, progress_bar
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import HealthReport


def health(
    cases: Annotated[
        Path | None,
        typer.Argument(
            metavar="[CASES]",
            help="Cases without experts' values; the report estimates how many would pass if "
            "experts judged them.",
        ),
    ] = None,
    sample: Annotated[
        int,
        typer.Option(min=0, help="Ask about at most this many cases in the memory; 0 means all."),
    ] = 100,
    principles: Annotated[
        bool,
        typer.Option(
            "--principles",
            help="Also find out which principles help or hurt. Costs one call for every principle "
            "shown with every case.",
        ),
    ] = False,
    baseline: Annotated[
        Path | None,
        typer.Option(
            help="An earlier report, as JSON, to compare with. The default is the last one."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Where to keep the report. The default is beside the memory."
        ),
    ] = None,
    accept: Annotated[
        bool,
        typer.Option(
            "--accept",
            help="Keep the report for later comparisons even if something is worse.",
        ),
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw the figures into this .png or .svg file. Needs the extra `eval`."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would cost.")
    ] = False,
    map_: MapOption = None,
    seed: SeedOption = 0,
    concurrency: ConcurrencyOption = 8,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """Check whether a judge is consistent, how it errs, and whether it got worse.

    Asks the judge about cases in its memory as if experts had not answered them: twice unchanged,
    once with the past cases shuffled, and pairs once the other way round. The memory is only read.
    Exits with 1 if something is worse than before, by more than chance explains.

    Examples:
      $ memalign health --dry-run
      $ memalign health --sample 50
      $ memalign health traffic.jsonl --plot health.png
      $ memalign health --baseline health-of-the-old-model.json --principles
    """
    screen = Screen(json=json)
    if plot is not None:
        from langchain_memalign.evaluation.health_figure import check_health_figure

        check_health_figure(plot)  # before anything is paid
    rows = read_cases(cases, map_ or [], screen)[0] if cases else []
    with opened_judge(judge_file, creates=False) as (file, judging):
        kept = out or _kept(file)
        before = read_baseline(baseline)
        if before is None and kept is not None and kept.exists():
            before = read_baseline(kept)
        options = {"sample": sample or None, "principles": principles, "seed": seed}
        data = [row.case for row in rows]
        planned = judging.health(data, ask=False, **options)  # type: ignore[arg-type]
        screen.note(
            f"{counted(planned.cases + len(data), 'case')}: at most "
            f"{counted(planned.to_ask, 'model call')}."
        )
        if dry_run:
            if json:
                screen.data(planned.model_dump(mode="json"))
            return
        if not planned.to_ask:
            raise InvalidInputError(
                f"{judging.spec.name} knows no case with an expert's value; `memalign align` "
                "teaches it some."
            )
        with _bar(screen) as on_progress:
            report = judging.health(
                data,
                baseline=before,
                max_concurrency=concurrency,
                progress=on_progress,
                **options,  # type: ignore[arg-type]
            )
    if kept is not None and (accept or not report.worse):
        _keep(report, kept)
    if plot is not None:
        from langchain_memalign.evaluation.health_figure import write_health_figure

        write_health_figure(report, plot, before=before)
    if json:
        screen.data(report.model_dump(mode="json"))
    else:
        _show(screen, report, before)
    if report.worse and not accept:
        raise WorkLeft(
            f"{report.judge} is worse than before: {' '.join(report.worse)} `--accept` makes this "
            "report the one to compare with."
        )


def _kept(file: JudgeFile) -> Path | None:
    """Where the last report is kept, if the memory is in a directory."""
    if file.memory.directory is None:
        return None
    name = re.sub(r"[^\w.-]+", "_", file.name)
    return Path(f"{file.memory.location}.{name}.health.json")


def _keep(report: HealthReport, path: Path) -> None:
    # Without the principles' words: forgetting does not reach this file.
    text = report.model_dump_json(exclude={"principles"}, indent=1)
    try:
        with replacing(path) as to:
            to.write(text)
    except OSError as error:
        raise InvalidInputError(
            f"--out: cannot write {path}: {error}; expected a file that can be written."
        ) from error


@contextmanager
def _bar(screen: Screen) -> Iterator[Callable[[int, int], None]]:
    with progress_bar(screen.err) as progress:
        task = progress.add_task("Asking the judge", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _figures(report: HealthReport) -> Iterator[tuple[str, str]]:
    """The rows of a report but those of sentences, which stand in full below the table."""
    is_figure = True
    for name, value in report.rows():
        if name:  # a row without a name goes on with the one above
            is_figure = name not in ("worse than before", "concerns", "notes")
        if is_figure:
            yield name, value


def _show(screen: Screen, report: HealthReport, before: HealthReport | None) -> None:
    said = dict(before.rows()) if before is not None and before.model_calls else {}
    rows = [
        (name, value, said.get(name, "") if name not in ("", "cost") else "")
        for name, value in _figures(report)
    ]
    columns = ("", "figure, 95 % interval", "before")
    screen.table(
        f"Health of {report.judge}, {counted(report.cases, 'case')}",
        columns if said else columns[:2],
        rows if said else [row[:2] for row in rows],
    )
    for line in report.worse:
        screen.note(f"Worse than before: {line}", style="red")
    for line in report.concerns:
        screen.note(line, style="yellow")
    for line in report.notes:
        screen.note(line, style="dim")
