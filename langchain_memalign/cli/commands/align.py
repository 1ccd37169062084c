"""`memalign align`: learning from experts' remarks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from langchain_memalign.cli.data_files import read_feedback, read_labelled
from langchain_memalign.cli.objects import opened_judge
from langchain_memalign.cli.options import (
    ConcurrencyOption,
    JsonOption,
    JudgeOption,
    MapOption,
    ValuesOption,
)
from langchain_memalign.cli.terminal import (
    AlignmentProgress,
    Screen,
    WorkLeft,
    counted,
    progress_bar,
    short,
    worth,
)
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.importers import BadRow, Row, read_words
from langchain_memalign.judge import Gate, MemAlignJudge
from langchain_memalign.schema import AlignmentReport, GateDecision, GateEvidence, Value


def align(
    feedback: Annotated[
        Path | None,
        typer.Argument(
            help="A file with one expert's feedback per row: inputs, outputs, value and/or "
            "rationale, reviewer, ... It may be JSONL, JSON, CSV or .xlsx; - reads standard input. "
            "Without a file, only what an earlier run left pending is learned."
        ),
    ] = None,
    map_: MapOption = None,
    values: ValuesOption = None,
    sheet: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which sheet of a workbook to read.")
    ] = None,
    reviewer: Annotated[
        str | None,
        typer.Option(help="Who gave the feedback, for rows that do not say."),
    ] = None,
    probe: Annotated[
        bool,
        typer.Option(
            "--probe",
            help="Ask the judge about each new case first, so that it learns from the difference.",
        ),
    ] = False,
    only_effective: Annotated[
        bool,
        typer.Option(
            "--only-effective",
            help="Try each new principle on the judge, and learn only those that change a verdict "
            "on the cases of their batch. Costs up to 400 model calls a batch.",
        ),
    ] = False,
    gate: Annotated[
        bool,
        typer.Option(
            "--gate",
            help="Learn in a copy first. The result enters the memory only if the judge does not "
            "get worse on what experts said before. Needs the extra `eval`.",
        ),
    ] = False,
    holdout: Annotated[
        Path | None,
        typer.Option(
            help="With --gate: a file like the feedback, with values that you trust. Its cases "
            "then decide."
        ),
    ] = None,
    concurrency: ConcurrencyOption = 32,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """Learn from experts' remarks.

    All feedback is stored before anything is learned from it, unless --gate has
    to decide first. If the command is interrupted, run it again to continue.

    Exits with 1 if a line was rejected, something is still to be learned, or
    the gate refused the batch.

    Examples:
      $ memalign align feedback.jsonl
      $ memalign align rows.jsonl --map label=value,question=inputs.question
      $ memalign align rows.jsonl --map "label=value,comment?=rationale" --probe
      $ memalign align feedback.jsonl --gate --holdout trusted.jsonl
      $ memalign align
    """
    screen = Screen(json=json)
    if holdout is not None and not gate:
        raise InvalidInputError(
            "--holdout: found no --gate; expected both, since only the gate uses it. Add --gate."
        )
    with opened_judge(judge_file) as (_, judging):
        rows: list[Row] = []
        bad: list[BadRow] = []
        value_type = judging.spec.value_type
        words = {**judging.spec.meaning_words, **read_words(values or (), value_type)}
        if feedback is not None:
            rows, bad = read_feedback(
                feedback, map_ or [], value_type, screen, words=words, sheet=sheet
            )
        if reviewer is not None:
            rows = [
                Row(row.line, {**row.data, "reviewer": row.data.get("reviewer") or reviewer})
                for row in rows
            ]
        before: Gate | None = None
        if gate:
            from langchain_memalign.evaluation import EvidenceGate  # numpy is an extra

            trusted = None
            if holdout is not None:
                trusted = read_labelled(holdout, map_ or [], value_type, screen, words=words)
            before = EvidenceGate() if trusted is None else EvidenceGate(holdout=trusted)
        try:
            report = _learn(
                judging,
                rows,
                screen,
                probe=probe,
                gate=before,
                only_effective=only_effective,
                concurrency=concurrency,
            )
        except KeyboardInterrupt:
            waiting = counted(len(judging.episodes(status="pending")), "stored episode")
            raise WorkLeft(
                f"stopped; {waiting} still to be learned. Run the same command again to continue."
            ) from None
        rejected = [BadRow(rows[r.index].line, r.reason) for r in report.rejected]
        bad = sorted(bad + rejected, key=lambda row: row.line)
        if json:
            told = report.model_dump(mode="json")
            told["rejected"] = [{"line": row.line, "reason": row.reason} for row in bad]
            screen.data(told)
        else:
            show_report(screen, report, [(f"line {row.line}", row.reason) for row in bad])
    if report.gate and not report.gate.accepted:
        raise WorkLeft(
            f"the gate refused {counted(len(report.refused), 'remark')}; the memory is as it was. "
            f"{report.gate.reason}"
        )
    if bad or report.pending:
        parts = (
            [f"{counted(len(bad), 'line')} rejected: correct them and run it again."] if bad else []
        )
        if report.pending:
            parts.append(still_waiting(report))
        raise WorkLeft(" ".join(parts))


def _learn(
    judging: MemAlignJudge,
    rows: Sequence[Row],
    screen: Screen,
    *,
    probe: bool,
    gate: Gate | None,
    only_effective: bool,
    concurrency: int,
) -> AlignmentReport:
    with progress_bar(screen.err) as progress:
        watching = AlignmentProgress(progress, probing=len(rows) if probe else 0)
        return judging.align(
            [row.data for row in rows],
            probe=probe,
            gate=gate,
            only_effective=only_effective,
            max_concurrency=concurrency,
            config={"callbacks": [watching]},
        )


def still_waiting(report: AlignmentReport) -> str:
    """What to do about episodes that an alignment left pending."""
    waiting = counted(len(report.pending), "episode")
    return f"{waiting} still to be learned: `memalign align` continues."


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
        "refused": report.refused,
        "principles added": report.principles_added,
        "principles merged": report.principles_merged,
        "principles retired": report.principles_retired,
        "superseded": report.superseded,
        "restored": report.restored,
        "conflicts": report.conflicts,
    }
    tokens = report.usage["total_tokens"] if report.usage else None
    shown = {name: len(things) for name, things in counts.items() if things}
    rows = [(name, str(number)) for name, number in (shown or {"stored": 0}).items()]
    rows += [
        ("model calls", str(report.model_calls)),
        ("texts embedded", str(report.embedded)),
        *([] if tokens is None else [("tokens", f"{tokens:,}")]),
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
    if report.superseded:
        screen.table(
            "Past cases that are no longer recalled",
            ("episode", "contradicts", "because"),
            [(short(e.episode_id), short(e.principle_id), e.reason) for e in report.superseded],
        )
        screen.note("`memalign episodes restore ID` brings one back.", style="dim")
    if report.gate is not None:
        _show_decision(screen, report.gate)
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


def _show_decision(screen: Screen, decision: GateDecision) -> None:
    said = "accepted" if decision.accepted else "refused"
    if decision.evidence:
        screen.table(
            f"The gate {said} it: {decision.measure}",
            ("", "number", "before", "after", "change"),
            [
                (e.cases, str(e.count), f"{e.before:.2f}", f"{e.after:.2f}", _change(e))
                for e in decision.evidence
            ],
        )
    screen.note(f"The gate {said} it. {decision.reason}", style="" if decision.accepted else "red")


def _change(evidence: GateEvidence) -> str:
    if evidence.low is None or evidence.high is None:
        return f"{evidence.change:+.2f} (too few scored)"
    return f"{evidence.change:+.2f} [{evidence.low:+.2f}, {evidence.high:+.2f}]"


def _said(reviewer: str | None, value: Value) -> str:
    return f"{worth(value)} ({reviewer})" if reviewer else worth(value)
