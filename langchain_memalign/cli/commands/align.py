"""`memalign align`: learning from experts' remarks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from langchain_memalign.cli.cases import read_feedback
from langchain_memalign.cli.exits import Left
from langchain_memalign.cli.opening import opened_judge
from langchain_memalign.cli.options import ConcurrencyOption, JsonOption, JudgeOption, MapOption
from langchain_memalign.cli.progress import AlignmentProgress, progress_bar
from langchain_memalign.cli.screen import Screen, short, worth
from langchain_memalign.importers import BadRow, Row
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.schema import AlignmentReport, Value


def align(
    feedback: Annotated[
        Path | None,
        typer.Argument(
            help="JSONL with an expert's word a line: inputs, outputs, value and/or rationale, "
            "reviewer, ...; - reads standard input. Without it, only what an earlier run left "
            "pending is learned.",
            show_default=False,
        ),
    ] = None,
    map_: MapOption = None,
    reviewer: Annotated[
        str | None,
        typer.Option(help="Who said it, for rows that do not tell.", show_default=False),
    ] = None,
    probe: Annotated[
        bool,
        typer.Option(
            "--probe",
            help="First ask the judge about each new case, so that it learns from the difference.",
        ),
    ] = False,
    concurrency: ConcurrencyOption = 32,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """Learn from experts' remarks.

    All feedback is stored first. Whatever interrupts the rest, the same
    command goes on with it.

    Exits with 1 if a line was rejected or something is still to be learned.

    Examples:
      $ memalign align feedback.jsonl
      $ memalign align rows.jsonl --map label=value,question=inputs.question
      $ memalign align rows.jsonl --map "label=value,comment?=rationale" --probe
      $ memalign align
    """
    screen = Screen(json=json)
    with opened_judge(judge_file) as (_, judging):
        rows: list[Row] = []
        bad: list[BadRow] = []
        if feedback is not None:
            rows, bad = read_feedback(feedback, map_ or [], judging.spec.value_type, screen)
        if reviewer is not None:
            rows = [
                Row(row.line, {**row.data, "reviewer": row.data.get("reviewer") or reviewer})
                for row in rows
            ]
        try:
            report = _learn(judging, rows, screen, probe=probe, concurrency=concurrency)
        except KeyboardInterrupt:
            open_ones = len(judging.episodes(status="pending"))
            raise Left(
                f"stopped; {open_ones} stored episodes wait to be learned. Run the same command "
                "again to go on."
            ) from None
        rejected = [BadRow(rows[r.index].line, r.reason) for r in report.rejected]
        bad = sorted(bad + rejected, key=lambda row: row.line)
        if json:
            told = report.model_dump(mode="json")
            told["rejected"] = [{"line": row.line, "reason": row.reason} for row in bad]
            screen.data(told)
        else:
            show_report(screen, report, [(f"line {row.line}", row.reason) for row in bad])
    if bad or report.pending:
        parts = [f"{len(bad)} of the lines were rejected: correct them."] if bad else []
        if report.pending:
            parts.append(still_waiting(report))
        raise Left(" ".join(parts))


def _learn(
    judging: MemAlignJudge, rows: Sequence[Row], screen: Screen, *, probe: bool, concurrency: int
) -> AlignmentReport:
    with progress_bar(screen.err) as progress:
        watching = AlignmentProgress(progress, probing=len(rows) if probe else 0)
        return judging.align(
            [row.data for row in rows],
            probe=probe,
            max_concurrency=concurrency,
            config={"callbacks": [watching]},
        )


def still_waiting(report: AlignmentReport) -> str:
    """What to do about episodes that an alignment left pending."""
    waiting = f"{len(report.pending)} of the episodes wait to be learned"
    return f"{waiting}: `memalign align` takes them up."


def show_report(
    screen: Screen, report: AlignmentReport, rejected: Sequence[tuple[str, str]] = ()
) -> None:
    """Show what an alignment did, as tables.

    Args:
        screen: Where.
        report: What it did.
        rejected: Where what could not be used stands, and why it could not.
    """
    counts = {
        "stored": report.stored,
        "unchanged": report.unchanged,
        "overwritten": report.overwritten,
        "distilled": report.distilled,
        "pending": report.pending,
        "rejected": rejected,
        "principles added": report.principles_added,
        "principles merged": report.principles_merged,
        "principles retired": report.principles_retired,
        "conflicts": report.conflicts,
    }
    rows = [(name, str(len(things))) for name, things in counts.items()]
    tokens = report.usage["total_tokens"] if report.usage else None
    rows += [
        ("model calls", str(report.model_calls)),
        ("texts embedded", str(report.embedded)),
        ("tokens", "-" if tokens is None else f"{tokens:,}"),
        ("seconds", f"{report.seconds:.2f}"),
    ]
    screen.table("Alignment", ("", "number"), rows)
    changed = [("added", p) for p in report.principles_added]
    changed += [("merged", p) for p in report.principles_merged]
    changed += [("retired", p) for p in report.principles_retired]
    if changed:
        screen.table(
            "Principles",
            ("", "id", "principle", "from"),
            [(what, short(p.id), p.text, str(len(p.episode_ids))) for what, p in changed],
        )
    if report.conflicts:
        screen.table(
            "Experts differ",
            ("episodes", "they say", "what counts"),
            [
                (
                    ", ".join(map(short, conflict.episode_ids)),
                    ", ".join(map(_said, conflict.reviewers, conflict.values)),
                    worth(conflict.value),
                )
                for conflict in report.conflicts
            ],
        )
    for where, reason in rejected:
        screen.note(f"{where} rejected: {reason}", style="red")
    for waiting in report.pending:
        screen.note(
            f"episode {short(waiting.episode_id)} pending: {waiting.reason}", style="yellow"
        )
    for warning in report.warnings:
        screen.note(warning, style="yellow")


def _said(reviewer: str | None, value: Value) -> str:
    return f"{worth(value)} ({reviewer})" if reviewer else worth(value)
