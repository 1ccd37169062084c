"""`memalign forget`: erasing what an expert said, and everything that was learned from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from langchain_memalign.cli.commands.episodes import show_episodes
from langchain_memalign.cli.identities import full_id
from langchain_memalign.cli.judgefile import JudgeFile
from langchain_memalign.cli.moments import read_moment
from langchain_memalign.cli.opening import opened_judge
from langchain_memalign.cli.options import JsonOption, JudgeOption, YesOption
from langchain_memalign.cli.selecting import Selection
from langchain_memalign.cli.terminal import Screen, WorkLeft, short
from langchain_memalign.cli.threads import ReviewThreads
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.schema import Episode, ForgetReport, Principle


def forget(
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID]...", help="Episodes, by id or its beginning.", show_default=False
        ),
    ] = None,
    reviewer: Annotated[
        str | None, typer.Option(help="All that this reviewer said.", show_default=False)
    ] = None,
    before: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="All that was said before.", show_default=False),
    ] = None,
    contains: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="All in which this text occurs, in any case of letters.",
            show_default=False,
        ),
    ] = None,
    redistill: Annotated[
        bool,
        typer.Option(
            "--redistill/--no-redistill",
            help="Learn what else fed the lost principles anew, now; or leave it to `align`.",
        ),
    ] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    yes: YesOption = False,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """Erase episodes, and every principle that was learned from them.

    An episode goes if it fits all that is given. Unfinished reviews that show
    something forgotten are erased too. Verdict files and exports are out of
    reach.

    Examples:
      $ memalign forget 3f2a91 --yes
      $ memalign forget --reviewer ann --before 2026-01-31
      $ memalign forget --contains "jane.doe@example.org" --dry-run
    """
    screen = Screen(json=json)
    wanted = Selection(
        ids=ids, reviewer=reviewer, before=read_moment(before, "--before"), contains=contains
    )
    with opened_judge(judge_file, asks_model=redistill and not dry_run, creates=False) as (
        file,
        judge,
    ):
        there = judge.episodes()
        if ids:
            known = [episode.id for episode in there]
            wanted = wanted.of_ids([full_id(id_, known, what="episode") for id_ in ids])
        found = [episode for episode in there if wanted.fits(episode)]
        if not json or not yes:
            _preview(screen, judge, found)
        if dry_run:
            if json:
                screen.data({"episodes": [episode.id for episode in found]})
            return
        if found:
            screen.confirm(f"Erase {len(found)} episodes for good?", yes=yes)
        report = judge.forget([e.id for e in found], redistill=redistill)
        cleared = _clear_reviews(file, found, report, contains)
        left = _still_containing(judge, contains)
        if json:
            screen.data(report.model_dump(mode="json") | {"reviews_cleared": cleared})
        else:
            _show(screen, report, cleared)
    if left:
        raise WorkLeft(
            f"{len(left)} principles, written by hand or learned from others, still contain the "
            f"text: {', '.join(short(p.id) for p in left)}. `memalign principles remove --erase` "
            "erases them."
        )
    if report.pending:
        raise WorkLeft(
            f"{len(report.pending)} other episodes wait to be learned anew: "
            f"{report.pending[0].reason} `memalign align` takes them up."
        )


def _preview(screen: Screen, judge: MemAlignJudge, found: Sequence[Episode]) -> None:
    if not found:
        screen.note("No episode fits.")
        return
    going = {episode.id for episode in found}
    everything = judge.memory.principles(judge.spec.name, retired=True)
    lost = [p for p in everything if not going.isdisjoint(p.episode_ids)]
    show_episodes(screen, "To be erased", list(found))
    if lost:
        screen.table(
            "And the principles learned from them",
            ("id", "principle", "from"),
            [(short(p.id), p.text, str(len(p.episode_ids))) for p in lost],
        )


def _clear_reviews(
    file: JudgeFile, found: Sequence[Episode], report: ForgetReport, text: str | None
) -> int:
    if not file.review_path.exists():
        return 0
    with ReviewThreads(file.review_path) as threads:
        return threads.forget(
            ids={*report.episodes_removed, *report.principles_removed},
            case_keys={episode.case.key for episode in found},
            text=text,
        )


def _still_containing(judge: MemAlignJudge, text: str | None) -> list[Principle]:
    """Principles that say what was to be forgotten, though they come from elsewhere."""
    if text is None:
        return []
    everything = judge.memory.principles(judge.spec.name, retired=True)
    return [p for p in everything if text.casefold() in p.text.casefold()]


def _show(screen: Screen, report: ForgetReport, cleared: int) -> None:
    rows: list[tuple[str, Any]] = [
        ("episodes erased", len(report.episodes_removed)),
        ("principles erased", len(report.principles_removed)),
        ("principles learned anew", len(report.principles_redistilled)),
        ("reviews cleared", cleared),
        ("pending", len(report.pending)),
        ("model calls", report.model_calls),
        ("seconds", f"{report.seconds:.2f}"),
    ]
    screen.table("Forgotten", ("", "number"), [(name, str(count)) for name, count in rows])
    screen.note(report.guarantee, style="dim")
