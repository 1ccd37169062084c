"""Past cases in a prompt: what was judged, and what was said of it."""

from __future__ import annotations

from typing import Any

from langchain_memalign._prompts.content import render_case
from langchain_memalign._prompts.text import attribute, clip
from langchain_memalign._values.types import value_key
from langchain_memalign.schema import Case, Episode, Value, WorkingMemory

_FIELDS = ("inputs", "outputs", "reference_outputs")
_AS_IN_THE_CASE = "(as in the case)"


def render_episodes(
    memory: WorkingMemory, tokens: int, distant: float, *, beside: Case | None = None
) -> str:
    """Render the recalled episodes with the short ids E1, E2, ..., nearest first.

    Args:
        memory: What was recalled.
        tokens: Token budget of the texts of each.
        distant: Below this similarity an episode is called distant.
        beside: For a small model: the case that they are shown beside. What an episode has in
            common with it is left out, and so is what a judge said that the expert agreed with.
    """
    episodes = memory.episodes
    if memory.recall_problem is not None and not episodes:
        # The problem itself is the provider's text, and nothing to judge by.
        return (
            "<episodes>Earlier cases could not be looked up this time: judge without them, by the "
            "instructions and the principles.</episodes>"
        )
    if not episodes:
        return "<episodes>No earlier case is known.</episodes>"
    note = ""
    if episodes[0].similarity < distant:
        note = "\nNone of these is near this case: they are no precedent for it."
    rendered = []
    for i, recalled in enumerate(episodes, 1):
        shown, words = recalled.episode.case, (recalled.episode, *recalled.also)
        if beside is not None:
            shown, words = differing(shown, beside), tuple(map(_without_agreement, words))
        case, _ = render_case(shown, tokens)
        said = "\n".join(render_said(episode, tokens) for episode in words)
        counts = _value_attribute(recalled.value if recalled.is_contested else None)
        start = f'<episode id="E{i}" similarity="{recalled.similarity:.2f}"{counts}>'
        rendered.append(f"{start}\n{case}{said}\n</episode>")
    return f"<episodes>{note}\n" + "\n".join(rendered) + "\n</episodes>"


def render_said(episode: Episode, tokens: int) -> str:
    """Render what a judge and then the expert said of an episode's case."""
    lines = []
    if episode.judge_value is not None:
        why = clip(episode.judge_rationale or "", tokens)
        lines.append(f"<judge{_value_attribute(episode.judge_value)}>{why}</judge>")
    reviewer = f" reviewer={attribute(episode.reviewer)}" if episode.reviewer else ""
    why = clip(episode.rationale or "", tokens)
    lines.append(f"<expert{reviewer}{_value_attribute(episode.value)}>{why}</expert>")
    return "\n".join(lines)


def differing(episode: Case, case: Case) -> Case:
    """An episode's case without what it shares with the case: whole fields, and keys of mappings.

    Texts are not compared word by word: half a sentence says something else.
    """
    shown: dict[str, Any] = {}
    for name in _FIELDS:
        there, here = getattr(episode, name), getattr(case, name)
        if there is not None and there == here:
            there = _AS_IN_THE_CASE
        elif isinstance(there, dict) and isinstance(here, dict):
            common = [key for key in there if key in here and here[key] == there[key]]
            there = {**there, **dict.fromkeys(common, _AS_IN_THE_CASE)}
        shown[name] = there
    return Case.model_construct(**shown)


def _without_agreement(episode: Episode) -> Episode:
    """The episode without what a judge had said, unless the expert gave another value."""
    if episode.judge_value is not None and episode.judge_value == episode.value:
        return episode.model_copy(update={"judge_value": None, "judge_rationale": None})
    return episode


def _value_attribute(value: Value | None) -> str:
    return "" if value is None else f" value={attribute(value_key(value))}"
