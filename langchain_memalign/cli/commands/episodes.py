"""`memalign episodes`: the cases on which experts have said something."""

from __future__ import annotations

from typing import Annotated, Literal

import typer
from rich.panel import Panel
from rich.text import Text

from langchain_memalign.cli.evidence import case_panel
from langchain_memalign.cli.exits import ListByDefault
from langchain_memalign.cli.identities import full_id
from langchain_memalign.cli.moments import MomentOption, read_moment
from langchain_memalign.cli.opening import opened_judge
from langchain_memalign.cli.options import JsonOption, JudgeOption
from langchain_memalign.cli.terminal import Screen, clean, excerpt, plain, short, worth
from langchain_memalign.schema import Episode

app = typer.Typer(cls=ListByDefault, rich_markup_mode="rich")


@app.callback()
def episodes() -> None:
    """The cases on which experts have said something: list, show.

    Examples:
      $ memalign episodes
      $ memalign episodes list --status pending
      $ memalign episodes show 3f2a
    """


@app.command("list")
def list_(
    status: Annotated[
        Literal["pending", "distilled"] | None,
        typer.Option(
            help="Only those that wait to be learned from, or only those that were.",
            show_default=False,
        ),
    ] = None,
    reviewer: Annotated[
        str | None, typer.Option(help="Only what this reviewer said.", show_default=False)
    ] = None,
    as_of: MomentOption = None,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """List the episodes, oldest first."""
    screen = Screen(json=json)
    moment = read_moment(as_of, "--as-of")
    with opened_judge(judge_file, asks_model=False, creates=False) as (_, judge):
        found = judge.memory.episodes(judge.spec.name, status=status, as_of=moment)
    found = [e for e in found if reviewer is None or e.reviewer == reviewer]
    if json:
        screen.data([episode.model_dump(mode="json") for episode in found])
    elif found:
        show_episodes(screen, f"Episodes of {judge.spec.name}", found)
    else:
        screen.note(f"{judge.spec.name} has no such episodes.")


@app.command()
def show(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The id, or its beginning.")],
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
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
    words = Text(clean(episode.rationale or "(no remark)"))
    said = f"{episode.reviewer or 'The expert'} says {worth(episode.value)}"
    screen.show(Panel(words, title=Text(clean(said)), title_align="left", border_style="green"))
    if episode.judge_value is not None:
        screen.show(
            Panel(
                Text(clean(episode.judge_rationale or "")),
                title=Text(f"The judge had said {clean(worth(episode.judge_value))}"),
                title_align="left",
                border_style="blue",
            )
        )
    for principle in taught:
        screen.show(Text(f"principle {short(principle.id)}  {clean(principle.text)}"))
    screen.show(Text(f"{episode.status}, said on {episode.created_at:%Y-%m-%d %H:%M}", "dim"))


def show_episodes(screen: Screen, title: str, found: list[Episode]) -> None:
    """Show episodes, a line each."""
    columns = ("id", "expert", "judge", "case", "remark", "reviewer", "status")
    screen.table(
        title,
        columns,
        [
            (
                short(e.id),
                worth(e.value),
                worth(e.judge_value),
                excerpt(e.case.inputs or e.case.outputs, 200),
                excerpt(e.rationale, 200),
                e.reviewer or "",
                e.status,
            )
            for e in found
        ],
        cut=("case", "remark"),
    )
