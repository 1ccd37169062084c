"""`memalign demo`: a judge is taught a house rule, applies it, and forgets it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.text import Text

from langchain_memalign.cli.interview import case_panel, panel
from langchain_memalign.cli.options import JsonOption
from langchain_memalign.cli.terminal import Screen, clean
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.memory import Memory
from langchain_memalign.schema import AlignmentReport, Case, ForgetReport, Unscored, Verdict

Outcomes = Mapping[str, Verdict | Unscored]

# What experts had said before: labels without a word of explanation.
EARLIER = [
    {
        "inputs": "My parcel is four days late. Where is it?",
        "outputs": "It left our warehouse on Monday and will reach you on Friday.",
        "value": True,
    },
    {
        "inputs": "I forgot my password. How do I get back into my account?",
        "outputs": "Click 'Forgot password' on the sign-in page; our link works an hour.",
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
CASES = {
    "the case itself: a late parcel": LATE_PARCEL,
    "a similar case: a late fridge": LATE_FRIDGE,
    "an unrelated case: a lost password": PASSWORD,
}
REMARK = "Correct, but cold: say sorry first when a customer had to wait."


@dataclass(frozen=True)
class DemoReport:
    """What happened in a demo.

    Attributes:
        before: What the judge said of each of `CASES` at first.
        taught: What it learned from `REMARK` on the late parcel.
        after: What it said then.
        forgotten: What went when the remark was taken back.
        at_last: What it said after that.
    """

    before: Outcomes
    taught: AlignmentReport
    after: Outcomes
    forgotten: ForgetReport
    at_last: Outcomes


def run_demo(model: str, embeddings: str) -> DemoReport:
    """Teach a judge a house rule and take it back, in a memory that is gone afterwards."""
    with Memory.open(":memory:", embeddings=embeddings) as memory:
        judge = MemAlignJudge(
            name="support_tone",
            instructions="Is the reply appropriate for an upset customer?",
            value_type=bool,
            model=model,
            memory=memory,
        )

        def outcomes() -> Outcomes:
            return dict(zip(CASES, judge.batch(list(CASES.values())), strict=True))

        judge.align(EARLIER)
        before = outcomes()
        taught = judge.align([{**dict(LATE_PARCEL), "value": False, "rationale": REMARK}])
        after = outcomes()
        forgotten = judge.forget(taught.stored)
        return DemoReport(before, taught, after, forgotten, outcomes())


def demo(
    model: Annotated[
        str, typer.Option(help="provider:name, or precedent, which needs no key and no network.")
    ] = "precedent",
    embeddings: Annotated[str, typer.Option(help="provider:name, or local.")] = "local",
    json: JsonOption = False,
) -> None:
    """Watch a judge learn a house rule, apply it to a similar case, and forget it again.

    Examples:
      $ memalign demo
      $ memalign demo --model openai:gpt-4.1-mini
    """
    screen = Screen(json=json)
    with screen.working("Judging, learning, forgetting"):
        report = run_demo(model, embeddings)
    if json:
        screen.data({name: _plain(value) for name, value in vars(report).items()})
        return
    screen.note(f"Model: {model}. Memory: Qdrant Edge, in a temporary directory.", style="dim")
    if screen.is_pretty:
        _show_steps(screen, report)
    screen.table(
        "What the judge said",
        ("", "before", "after the remark", "after forgetting"),
        [
            (name, *(_word(said[name]) for said in (report.before, report.after, report.at_last)))
            for name in CASES
        ],
    )


def _show_steps(screen: Screen, report: DemoReport) -> None:
    screen.show(case_panel(LATE_PARCEL, "A case"))
    screen.show(panel("An expert disagrees with the judge", Text(REMARK), style="green"))
    for principle in report.taught.principles_added:
        learned = f"Learned in {report.taught.seconds:.2f} s: "
        screen.show(Text.assemble((learned, "green"), clean(principle.text)))
    if isinstance(similar := list(report.after.values())[1], Verdict):
        screen.show(Text(f"Of the late fridge it says: {clean(similar.rationale)}"))
    gone = report.forgotten
    screen.show(
        Text(
            f"The expert takes it back: {len(gone.episodes_removed)} episode and "
            f"{len(gone.principles_removed)} principle erased.\n"
        )
    )


def _word(outcome: Verdict | Unscored) -> Text:
    if isinstance(outcome, Unscored):
        return Text("unscored", "yellow")
    return Text("appropriate", "green") if outcome.value else Text("not appropriate", "red")


def _plain(value: Outcomes | AlignmentReport | ForgetReport) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {name: outcome.model_dump(mode="json") for name, outcome in value.items()}
    return value.model_dump(mode="json")
