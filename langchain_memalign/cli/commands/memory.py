"""`memalign principles`, `episodes` and `forget`: what a judge remembers, shown and erased."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

import typer
from rich.text import Text
from typer.core import TyperGroup

from langchain_memalign._alignment.sight import written_in_sight
from langchain_memalign._alignment.unlearning import Erased, plan_erasing
from langchain_memalign._content import canonical
from langchain_memalign.cli.interview import case_panel, panel
from langchain_memalign.cli.objects import clear_reviews, opened_judge
from langchain_memalign.cli.options import (
    AsOfOption,
    IdArgument,
    JsonOption,
    JudgeOption,
    YesOption,
    full_id,
    read_date,
)
from langchain_memalign.cli.terminal import (
    Screen,
    WorkLeft,
    clean,
    counted,
    excerpt,
    plain,
    short,
    worth,
)
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.reviews.forgetting import forget_everywhere
from langchain_memalign.schema import Episode, ForgetReport, Principle


class _ListByDefault(TyperGroup):
    """A group of commands of which `list` is meant when none is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


principles_app = typer.Typer(cls=_ListByDefault, rich_markup_mode="rich")
episodes_app = typer.Typer(cls=_ListByDefault, rich_markup_mode="rich")

TextArgument = Annotated[str, typer.Argument(help="The rule in words.")]


@principles_app.callback()
def principles() -> None:
    """Show or change the rules that the judge follows: list, add, edit, remove.

    Examples:
      $ memalign principles
      $ memalign principles add "Never blame the customer."
      $ memalign principles edit 3f2a "Never blame the customer, nor the carrier."
      $ memalign principles remove 3f2a
    """


@principles_app.command("list")
def list_principles(
    retired: Annotated[
        bool, typer.Option("--retired", help="Also list those that no longer apply.")
    ] = False,
    as_of: AsOfOption = None,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """List the principles in the order in which they were learned."""
    screen = Screen(json=json)
    moment = read_date(as_of, "--as-of")
    with opened_judge(judge_file, asks_model=False, creates=False) as (_, judge):
        there = judge.memory.principles(judge.spec.name, as_of=moment, retired=retired)
    if json:
        screen.data([principle.model_dump(mode="json") for principle in there])
    elif there:
        columns = ["id", "principle", "from", "since"] + (["retired"] if retired else [])
        rows = [_principle_row(p)[: len(columns)] for p in there]
        screen.table(f"Principles of {judge.spec.name}", columns, rows)
    else:
        screen.note(f"{judge.spec.name} has no principles yet.")


@principles_app.command()
def add(text: TextArgument, judge_file: JudgeOption = None, json: JsonOption = False) -> None:
    """Write a principle by hand. It is always shown to the model, and learning never retires it.

    Examples:
      $ memalign principles add "Say sorry first when a customer had to wait."
    """
    with opened_judge(judge_file, asks_model=False) as (_, judge):
        _show_change(Screen(json=json), "added", judge.add_principle(text))


@principles_app.command()
def edit(
    id_: IdArgument, text: TextArgument, judge_file: JudgeOption = None, json: JsonOption = False
) -> None:
    """Reword a principle. The old wording stays in the history."""
    with opened_judge(judge_file, asks_model=False, creates=False) as (_, judge):
        changed = judge.edit_principle(_principle_id(judge, id_), text)
        _show_change(Screen(json=json), "now", changed)


@principles_app.command()
def remove(
    id_: IdArgument,
    erase: Annotated[
        bool, typer.Option("--erase", help="Erase it from the history too. This cannot be undone.")
    ] = False,
    yes: YesOption = False,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """Retire a principle. It stays in the history, unless you --erase it."""
    screen = Screen(json=json)
    with opened_judge(judge_file, asks_model=False, creates=False) as (file, judge):
        wanted = _principle_id(judge, id_)
        if erase:
            screen.confirm("Erase it for good?", yes=yes)
        if not erase:
            removed = judge.remove_principle(wanted)
        else:
            # Before it, which alone tells what must go, and once more for what was begun meanwhile.
            gone = {wanted, *written_in_sight({wanted}, judge.episodes(), [])}
            clear_reviews(file, judge, gone)
            removed = judge.remove_principle(wanted, erase=True)
            clear_reviews(file, judge, gone)
        _show_change(screen, "erased" if erase else "retired", removed)


@episodes_app.callback()
def episodes() -> None:
    """Show the past cases and what experts said about them: list, show, restore.

    Examples:
      $ memalign episodes
      $ memalign episodes list --status pending
      $ memalign episodes show 3f2a
      $ memalign episodes restore 3f2a
    """


@episodes_app.command("list")
def list_episodes(
    status: Annotated[
        Literal["pending", "distilled", "superseded"] | None,
        typer.Option(
            help="Only those that wait to be learned from, those that were learned, or those that "
            "a change of mind has superseded."
        ),
    ] = None,
    reviewer: Annotated[str | None, typer.Option(help="Only what this reviewer said.")] = None,
    as_of: AsOfOption = None,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """List the episodes, oldest first."""
    screen = Screen(json=json)
    moment = read_date(as_of, "--as-of")
    with opened_judge(judge_file, asks_model=False, creates=False) as (_, judge):
        there = judge.memory.episodes(judge.spec.name, status=status, as_of=moment)
    there = [e for e in there if reviewer is None or e.reviewer == reviewer]
    if json:
        screen.data([episode.model_dump(mode="json") for episode in there])
    elif there:
        _show_episodes(screen, f"Episodes of {judge.spec.name}", there)
    else:
        screen.note(f"{judge.spec.name} has no such episodes.")


@episodes_app.command()
def show(id_: IdArgument, judge_file: JudgeOption = None, json: JsonOption = False) -> None:
    """Show one episode in full, and the principles that were learned from it."""
    screen = Screen(json=json)
    with opened_judge(judge_file, asks_model=False, creates=False) as (_, judge):
        there = {episode.id: episode for episode in judge.episodes()}
        episode = there[full_id(id_, there, what="episode")]
        taught = [p for p in judge.principles() if episode.id in p.episode_ids]
    if json:
        screen.data(episode.model_dump(mode="json") | {"principle_ids": [p.id for p in taught]})
        return
    if not screen.is_pretty:
        fields = episode.model_dump(mode="json", exclude_none=True)
        fields |= fields.pop("case")
        screen.table("", ("", ""), [(name, plain(value)) for name, value in fields.items()])
        return
    screen.show(case_panel(episode.case, f"Episode {episode.id}"))
    said = f"{episode.reviewer or 'The expert'} says {worth(episode.value)}"
    words = Text(clean(episode.rationale or "(no remark)"))
    screen.show(panel(said, words, style="green"))
    if episode.judge_value is not None:
        said = f"The judge had said {worth(episode.judge_value)}"
        screen.show(panel(said, Text(clean(episode.judge_rationale or "")), style="blue"))
    for principle in taught:
        screen.show(Text(f"principle {short(principle.id)}  {clean(principle.text)}"))
    if episode.is_superseded():
        by = short(episode.superseded_by or "")
        said = f"superseded by principle {by}: {episode.superseded_reason or 'no reason is kept'}"
        screen.show(Text(clean(said), "yellow"))
    screen.show(Text(f"{episode.status}, said on {episode.created_at:%Y-%m-%d %H:%M}", "dim"))


@episodes_app.command()
def restore(id_: IdArgument, judge_file: JudgeOption = None, json: JsonOption = False) -> None:
    """Bring back an episode that a change of mind has superseded."""
    screen = Screen(json=json)
    with opened_judge(judge_file, asks_model=False, creates=False) as (_, judge):
        known = [episode.id for episode in judge.episodes(status="superseded")]
        restored = judge.restore_episode(full_id(id_, known, what="superseded episode"))
    if json:
        screen.data(restored.model_dump(mode="json"))
    else:
        _show_episodes(screen, "Recalled again", [restored])


def forget(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="The ids of episodes, or the beginnings of ids."),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="The id it has in the system it was imported from."),
    ] = None,
    reviewer: Annotated[
        str | None, typer.Option(help="Everything that this reviewer said.")
    ] = None,
    before: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Everything that was said before this moment."),
    ] = None,
    contains: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Everything that contains this text, in upper or lower case."
        ),
    ] = None,
    redistill: Annotated[
        bool,
        typer.Option(
            "--redistill/--no-redistill",
            help="Learn the other sources of the lost principles again now, or leave it to "
            "`align`.",
        ),
    ] = True,
    scrub: Annotated[
        bool,
        typer.Option(
            "--scrub",
            help="Leave no byte of it in a server's files, even if the memory is large. Given "
            "alone, it does so for what was forgotten earlier.",
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    yes: YesOption = False,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """Erase episodes, and every principle that was learned from them.

    Erases the episodes that meet every condition given. Unfinished reviews that
    show any of it are erased too; files of verdicts and exports are yours to clean.

    Examples:
      $ memalign forget 3f2a91 --yes
      $ memalign forget --reviewer ann --before 2026-01-31
      $ memalign forget --contains "jane.doe@example.org" --dry-run
      $ memalign forget --scrub
    """
    screen = Screen(json=json)
    earlier = read_date(before, "--before")
    if not ids and not source and reviewer is None and earlier is None and not contains:
        if scrub:
            _scrub(screen, judge_file, json=json)
            return
        raise InvalidInputError(
            "found nothing that says what to forget; expected ids, --source, --reviewer, --before "
            "or --contains, or --scrub alone."
        )
    with opened_judge(judge_file, asks_model=redistill and not dry_run, creates=False) as (
        file,
        judge,
    ):
        there = judge.episodes()
        known = [episode.id for episode in there]
        named = {full_id(id_, known, what="episode") for id_ in ids or ()}
        going = [
            episode
            for episode in there
            if (not named or episode.id in named)
            and (not source or episode.source_id in source)
            and (reviewer is None or episode.reviewer == reviewer)
            and (earlier is None or episode.created_at < earlier)
            and (not contains or _says(episode, contains))
        ]
        if not json or not yes:
            _preview(screen, judge, going)
        if dry_run:
            if json:
                screen.data({"episodes": [episode.id for episode in going]})
            return
        if going:
            screen.confirm(f"Erase {counted(len(going), 'episode')} for good?", yes=yes)
        cleared = 0

        def clear(erased: Erased) -> None:
            nonlocal cleared
            cleared += clear_reviews(
                file,
                judge,
                erased.touched,
                case_keys={episode.case.key for episode in going},
                text=contains,
                reviewer=None if ids or source or before or contains else reviewer,
            )

        report = forget_everywhere(judge, [e.id for e in going], clear, redistill=redistill)
        if scrub:
            report = report.model_copy(update={"guarantee": judge.memory.scrub()})
        left = [
            principle
            for principle in judge.memory.principles(judge.spec.name, retired=True)
            if contains is not None and contains.casefold() in principle.text.casefold()
        ]
        if json:
            screen.data(report.model_dump(mode="json") | {"reviews_cleared": cleared})
        else:
            _show_forgotten(screen, report, cleared)
    if left:
        raise WorkLeft(
            f"{counted(len(left), 'principle')} written by hand or learned from others still "
            f"contain the text: {', '.join(short(p.id) for p in left)}. `memalign principles "
            "remove --erase ID` erases one."
        )
    if report.pending:
        raise WorkLeft(
            f"{counted(len(report.pending), 'other episode')} still to be learned again: "
            f"{report.pending[0].reason} `memalign align` continues."
        )


def _says(episode: Episode, text: str) -> bool:
    """Whether a text occurs in a case or in what was said about it."""
    case = episode.case
    contents = [case.inputs, case.outputs, case.reference_outputs]
    judged = [episode.judge_value, episode.judge_rationale]
    said = [*contents, *judged, episode.value, episode.rationale, episode.reviewer]
    # Text that is compared as JSON is found across no quotation mark and no line break of its own.
    return canonical(text)[1:-1].casefold() in canonical(said).casefold()


def _scrub(screen: Screen, judge_file: JudgeOption, *, json: bool) -> None:
    with opened_judge(judge_file, asks_model=False, creates=False) as (_, judge):
        guarantee = judge.memory.scrub()
    if json:
        screen.data({"guarantee": guarantee})
    else:
        screen.note(guarantee)


def _preview(screen: Screen, judge: MemAlignJudge, going: Sequence[Episode]) -> None:
    if not going:
        screen.note("No episode matches.")
        return
    ids = {episode.id for episode in going}
    _, planned = plan_erasing(judge.setup.records, judge.spec.name, lambda e: e.id in ids)
    everything = judge.memory.principles(judge.spec.name, retired=True)
    _show_episodes(screen, "To be erased", going)
    if lost := [p for p in everything if p.id in planned.principle_ids]:
        rows = [(short(p.id), p.text, len(p.episode_ids)) for p in lost]
        screen.table(
            "With them go the principles learned from them, or while they were shown",
            ("id", "principle", "from"),
            rows,
        )


def _show_forgotten(screen: Screen, report: ForgetReport, cleared: int) -> None:
    counts = {
        "episodes erased": len(report.episodes_removed),
        "principles erased": len(report.principles_removed),
        "judge's rationales erased": len(report.rationales_erased),
        "episodes restored": len(report.episodes_restored),
        "principles learned again": len(report.principles_redistilled),
        "reviews cleared": cleared,
        "pending": len(report.pending),
        "model calls": report.model_calls,
    }
    shown = {name: number for name, number in counts.items() if number}
    screen.table("Forgotten", ("", "number"), (shown or {"episodes erased": 0}).items())
    screen.note(report.guarantee, style="dim")


def _show_episodes(screen: Screen, title: str, there: Iterable[Episode]) -> None:
    screen.table(
        title,
        ("id", "expert", "judge", "case", "remark", "reviewer", "status"),
        [
            (
                short(e.id),
                worth(e.value),
                worth(e.judge_value),
                excerpt(e.case.inputs or e.case.outputs, 200),
                excerpt(e.rationale, 200),
                e.reviewer or "",
                "superseded" if e.is_superseded() else e.status,
            )
            for e in there
        ],
        cut=("case", "remark"),
    )


def _principle_row(principle: Principle) -> list[str]:
    days = (f"{at:%Y-%m-%d}" if at else "" for at in (principle.created_at, principle.retired_at))
    source = (
        "a human" if principle.origin == "human" else counted(len(principle.episode_ids), "episode")
    )
    return [short(principle.id), principle.text, source, *days]


def _principle_id(judge: MemAlignJudge, written: str) -> str:
    return full_id(written, [p.id for p in judge.principles()], what="principle")


def _show_change(screen: Screen, what: str, principle: Principle) -> None:
    if screen.json:
        screen.data(principle.model_dump(mode="json"))
    else:
        screen.table("", ("", "id", "principle"), [(what, short(principle.id), principle.text)])
