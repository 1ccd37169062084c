"""`memalign demo`: watch a judge learn and forget."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.panel import Panel
from rich.text import Text

from langchain_memalign.cli.evidence import case_panel
from langchain_memalign.cli.options import JsonOption
from langchain_memalign.cli.story import CASES, LATE_PARCEL, REMARK, Outcomes, Story, tell
from langchain_memalign.cli.terminal import Screen, clean
from langchain_memalign.schema import Unscored, Verdict


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
        story = tell(model, embeddings)
    if json:
        screen.data(
            {
                "before": _told(story.before),
                "taught": story.taught.model_dump(mode="json"),
                "after": _told(story.after),
                "forgotten": story.forgotten.model_dump(mode="json"),
                "at_last": _told(story.at_last),
            }
        )
        return
    screen.note(f"Model: {model}. Memory: Qdrant Edge, in a temporary directory.", style="dim")
    if screen.is_pretty:
        _show_words(screen, story)
    screen.table(
        "What the judge said",
        ("", "before", "after the remark", "after forgetting"),
        [(name, *(_word(outcomes[name]) for outcomes in _moments(story))) for name in CASES],
    )


def _show_words(screen: Screen, story: Story) -> None:
    screen.show(case_panel(LATE_PARCEL, "A case"))
    screen.show(Panel(REMARK, title="An expert disagrees with the judge", title_align="left"))
    for principle in story.taught.principles_added:
        learned = f"Learned in {story.taught.seconds:.2f} s: "
        screen.show(Text.assemble((learned, "green"), clean(principle.text)))
    if isinstance(similar := list(story.after.values())[1], Verdict):
        screen.show(Text(f"Of the late fridge it says: {clean(similar.rationale)}"))
    forgotten = story.forgotten
    screen.show(
        Text(
            f"The expert takes it back: {len(forgotten.episodes_removed)} episode and "
            f"{len(forgotten.principles_removed)} principle erased.\n"
        )
    )


def _moments(story: Story) -> tuple[Outcomes, Outcomes, Outcomes]:
    return story.before, story.after, story.at_last


def _word(outcome: Verdict | Unscored) -> Text:
    if isinstance(outcome, Unscored):
        return Text("unscored", "yellow")
    return Text("appropriate", "green") if outcome.value else Text("not appropriate", "red")


def _told(outcomes: Outcomes) -> dict[str, Any]:
    return {name: outcome.model_dump(mode="json") for name, outcome in outcomes.items()}
