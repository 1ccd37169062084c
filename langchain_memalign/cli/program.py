"""All commands put together."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from langchain_memalign.cli.commands import (
    align,
    demo,
    episodes,
    evaluate,
    export_feedback,
    forget,
    import_feedback,
    init,
    judge,
    learning_curve,
    principles,
    review,
    transfer,
)
from langchain_memalign.cli.exits import OneLineErrors

app = typer.Typer(
    name="memalign",
    cls=OneLineErrors,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        try:
            print(version("langchain-memalign"))
        except PackageNotFoundError:
            print("unknown: not installed as a package")
        raise typer.Exit


@app.callback()
def memalign(
    show_version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """An LLM judge that learns from a handful of expert remarks, and forgets them on request.

    The judge is described in a file; `memalign init` writes one to begin with.

    Exit codes:
      0 all is done
      1 something is left to do, or failed in part: run it again
      2 the command, the judge file or the set-up has to be changed

    Examples:
      $ memalign demo
      $ memalign init
      $ memalign align feedback.jsonl
      $ memalign judge cases.jsonl --out verdicts.jsonl
      $ memalign review cases.jsonl --policy uncertain
      $ memalign evaluate labelled.jsonl
    """


app.command()(init.init)
app.command()(judge.judge)
app.command()(align.align)
app.command()(review.review)
app.command()(evaluate.evaluate)
app.command("learning-curve")(learning_curve.learning_curve)
app.add_typer(import_feedback.app, name="import-feedback")
app.command("export-feedback")(export_feedback.export_feedback)
app.add_typer(principles.app, name="principles")
app.add_typer(episodes.app, name="episodes")
app.command()(forget.forget)
app.command()(transfer.export)
app.command("import")(transfer.import_)
app.command()(transfer.copy)
app.command()(demo.demo)
