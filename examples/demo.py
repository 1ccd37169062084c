"""A judge that is taught a house rule, applies it to a similar case, and forgets it again.

Run it with `make demo`. It needs no key: without OPENAI_API_KEY the judge votes by precedent,
offline; with it, gpt-4.1-mini judges. What is played is `langchain_memalign.cli.commands.demo`,
the script of `memalign demo`.
"""

import os

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from langchain_memalign import Unscored, Verdict
from langchain_memalign.cli.commands.demo import CASES, LATE_FRIDGE, LATE_PARCEL, REMARK, run_demo


def show(outcome: Verdict | Unscored) -> str:
    """A verdict as one coloured word."""
    if isinstance(outcome, Unscored):
        return "[yellow]unscored[/]"
    return "[green]appropriate[/]" if outcome.value else "[red]not appropriate[/]"


def main() -> None:
    """Judge, teach, judge again, forget, and judge once more."""
    console = Console(highlight=False)
    model = "openai:gpt-4.1-mini" if os.environ.get("OPENAI_API_KEY") else "precedent"
    console.print(f"Model: [bold]{model}[/]. Memory: Qdrant Edge, in a temporary directory.\n")
    report = run_demo(model, "local")
    taught_case, similar_case = (
        next(name for name, case in CASES.items() if case is wanted)
        for wanted in (LATE_PARCEL, LATE_FRIDGE)
    )

    console.print(Panel(f"{LATE_PARCEL.inputs}\n[bold]{LATE_PARCEL.outputs}[/]", title="Case"))
    console.print(f"The judge says: {show(report.before[taught_case])}\n")
    console.print(Panel(REMARK, title="An expert disagrees", border_style="cyan"))
    for principle in report.taught.principles_added:
        learned = f"Principle learned in {report.taught.seconds:.2f} s"
        console.print(f"{learned}: [bold]{principle.text}[/]\n")
    if isinstance(verdict := report.after[similar_case], Verdict):
        console.print(f"On the late fridge it now says: {verdict.rationale}\n")
    console.print(
        f"The expert takes it back: {len(report.forgotten.episodes_removed)} episode and "
        f"{len(report.forgotten.principles_removed)} principle erased.\n"
    )

    table = Table(title="What the judge said")
    for heading in ("", "before", "after the remark", "after forgetting"):
        table.add_column(heading)
    for name in CASES:
        outcomes = (report.before[name], report.after[name], report.at_last[name])
        table.add_row(name, *map(show, outcomes))
    console.print(table)


if __name__ == "__main__":
    main()
