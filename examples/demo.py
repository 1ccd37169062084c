"""A judge that is taught a house rule, applies it to a similar case, and forgets it again.

Run it with `make demo`. It needs no key: without OPENAI_API_KEY the judge votes by precedent,
offline; with it, gpt-4.1-mini judges.
"""

import os

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from langchain_memalign import Case, MemAlignJudge, Memory, Unscored, Verdict

# What experts had said before: labels without a word of explanation.
EARLIER = [
    {
        "inputs": "My parcel is four days late. Where is it?",
        "outputs": "It left our warehouse on Monday and will reach you on Friday.",
        "value": True,
    },
    {
        "inputs": "I forgot my password. How do I get back into my account?",
        "outputs": "Click 'Forgot password' on the sign-in page; our mail has a link.",
        "value": True,
    },
    {
        "inputs": "Why was I charged twice this month?",
        "outputs": "Read the terms of your contract.",
        "value": False,
    },
]
LATE_PARCEL = Case(
    inputs="My parcel is a week late and nobody answers! Where is it?",
    outputs="It left our warehouse on Tuesday and will reach you tomorrow.",
)
LATE_FRIDGE = Case(
    inputs="My new fridge is two weeks late and nobody answers the phone! Where is it?",
    outputs="It left our warehouse yesterday and will reach you on Monday.",
)
PASSWORD = Case(
    inputs="I lost my password. How do I reset my account?",
    outputs="Click 'Forgot password' on the sign-in page and follow the link that we mail you.",
)
REMARK = "Correct, but cold: say sorry first when a customer had to wait."


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
    with Memory.open(":memory:", embeddings="local") as memory:
        judge = MemAlignJudge(
            name="support_tone",
            instructions="Is the reply appropriate for an upset customer?",
            value_type=bool,
            model=model,
            memory=memory,
        )
        judge.align(EARLIER)
        cases = {
            "the case itself: a late parcel": LATE_PARCEL,
            "a similar case: a late fridge": LATE_FRIDGE,
            "an unrelated case: a lost password": PASSWORD,
        }
        before = judge.batch(list(cases.values()))
        console.print(Panel(f"{LATE_PARCEL.inputs}\n[bold]{LATE_PARCEL.outputs}[/]", title="Case"))
        console.print(f"The judge says: {show(before[0])}\n")

        console.print(Panel(REMARK, title="An expert disagrees", border_style="cyan"))
        report = judge.align([{**dict(LATE_PARCEL), "value": False, "rationale": REMARK}])
        for principle in report.principles_added:
            learned = f"Principle learned in {report.seconds:.2f} s"
            console.print(f"{learned}: [bold]{principle.text}[/]\n")
        taught = judge.batch(list(cases.values()))
        if isinstance(taught[1], Verdict):
            console.print(f"On the late fridge it now says: {taught[1].rationale}\n")

        forgotten = judge.forget(report.stored)
        console.print(
            f"The expert takes it back: {len(forgotten.episodes_removed)} episode and "
            f"{len(forgotten.principles_removed)} principle erased; {len(judge.principles())} "
            "principles left.\n"
        )
        after = judge.batch(list(cases.values()))

    table = Table(title="What the judge said")
    for heading in ("", "before", "after the remark", "after forgetting"):
        table.add_column(heading)
    for name, *outcomes in zip(cases, before, taught, after, strict=True):
        table.add_row(name, *map(show, outcomes))
    console.print(table)


if __name__ == "__main__":
    main()
