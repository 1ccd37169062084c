"""`memalign principles`: the rules that a judge goes by."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from langchain_memalign.cli.exits import ListByDefault
from langchain_memalign.cli.identities import full_id
from langchain_memalign.cli.moments import MomentOption, read_moment
from langchain_memalign.cli.opening import opened_judge
from langchain_memalign.cli.options import JsonOption, JudgeOption, YesOption
from langchain_memalign.cli.terminal import Screen, short
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.schema import Principle

app = typer.Typer(cls=ListByDefault, rich_markup_mode="rich")

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The id, or its beginning.")]
TextArgument = Annotated[str, typer.Argument(help="The rule in words.")]


@app.callback()
def principles() -> None:
    """The rules that the judge goes by: list, add, edit, remove.

    Examples:
      $ memalign principles
      $ memalign principles add "Never blame the customer."
      $ memalign principles edit 3f2a "Never blame the customer, nor the carrier."
      $ memalign principles remove 3f2a
    """


@app.command("list")
def list_(
    retired: Annotated[
        bool, typer.Option("--retired", help="Also those that apply no more.")
    ] = False,
    as_of: MomentOption = None,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """List the principles, in the order in which they were learned."""
    screen = Screen(json=json)
    moment: datetime | None = read_moment(as_of, "--as-of")
    with opened_judge(judge_file, asks_model=False, creates=False) as (_, judge):
        found = judge.memory.principles(judge.spec.name, as_of=moment, retired=retired)
    if json:
        screen.data([principle.model_dump(mode="json") for principle in found])
        return
    if not found:
        screen.note(f"{judge.spec.name} has no principles yet.")
        return
    columns = ["id", "principle", "from", "since"] + (["retired"] if retired else [])
    screen.table(f"Principles of {judge.spec.name}", columns, [_row(p, retired) for p in found])


@app.command()
def add(text: TextArgument, judge_file: JudgeOption = None, json: JsonOption = False) -> None:
    """Write a principle by hand. It is always shown, and never retired by learning.

    Examples:
      $ memalign principles add "Say sorry first when a customer had to wait."
    """
    with opened_judge(judge_file, asks_model=False) as (_, judge):
        _say(Screen(json=json), "added", judge.add_principle(text))


@app.command()
def edit(
    id_: IdArgument, text: TextArgument, judge_file: JudgeOption = None, json: JsonOption = False
) -> None:
    """Put a principle in other words. The old ones stay in the history."""
    with opened_judge(judge_file, asks_model=False, creates=False) as (_, judge):
        _say(Screen(json=json), "now", judge.edit_principle(_find(judge, id_), text))


@app.command()
def remove(
    id_: IdArgument,
    erase: Annotated[
        bool, typer.Option("--erase", help="Erase it from the history too; cannot be undone.")
    ] = False,
    yes: YesOption = False,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """Let a principle apply no more. It stays in the history, unless it is erased."""
    screen = Screen(json=json)
    with opened_judge(judge_file, asks_model=False, creates=False) as (_, judge):
        found = _find(judge, id_)
        if erase:
            screen.confirm("Erase it for good?", yes=yes)
        _say(screen, "erased" if erase else "retired", judge.remove_principle(found, erase=erase))


def _find(judge: MemAlignJudge, written: str) -> str:
    return full_id(written, [p.id for p in judge.principles()], what="principle")


def _say(screen: Screen, what: str, principle: Principle) -> None:
    if screen.json:
        screen.data(principle.model_dump(mode="json"))
    else:
        screen.table("", ("", "id", "principle"), [(what, short(principle.id), principle.text)])


def _row(principle: Principle, retired: bool) -> list[str]:
    source = "a human" if principle.origin == "human" else f"{len(principle.episode_ids)} episodes"
    row = [short(principle.id), principle.text, source, f"{principle.created_at:%Y-%m-%d}"]
    if retired:
        at = principle.retired_at
        row.append(f"{at:%Y-%m-%d}" if at else "")
    return row
