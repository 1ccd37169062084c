"""The prompt that finds the cases that a change of the experts' mind has overtaken.

A replaced principle is shown no more, but the cases that it came from would go on being shown as
right. Which of them the new principle contradicts is asked where a principle is replaced, and only
there.
"""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from langchain_memalign._prompts.content import render_case
from langchain_memalign._prompts.distilling import MATERIAL, objects_schema
from langchain_memalign._prompts.episodes import render_said
from langchain_memalign._prompts.text import escape, fill
from langchain_memalign._values.types import JudgeSpec
from langchain_memalign.schema import Episode

_SUPERSEDE = """\
You keep the past cases of a judge in step with its rules. Its experts have changed or refined a \
rule: a principle was replaced.

What the judge is asked:
<instructions>
{instructions}
</instructions>
Its value is {scale}.

What you get:
- <replaced>, where it is still known: the principle that holds no more.
- <replacement>: what holds in its place.
- <cases>: cases from before the change, with what an expert said (<expert>) then.

Find the cases of which the expert's word is no longer right: going by the replacement, the expert \
would now give the case another value, or the remark says what the replacement contradicts. A case \
that would get the same value as before, or of which you are not sure, stays.

{material}

Reply with one JSON object {"superseded": [...]}, an item for each case whose word is no longer \
right, with the keys:
- "case": its id, such as "C2".
- "reason": in one short sentence, what of the replacement it contradicts.
An empty list is a good answer.
"""

SUPERSEDE_SCHEMA = objects_schema(
    "superseded",
    "The cases whose word is no longer right.",
    "superseded",
    {"case": {"type": "string"}, "reason": {"type": "string"}},
)
"""Structured output of the call that finds superseded cases."""


def supersede_prompt(
    spec: JudgeSpec,
    replaced: str | None,
    replacement: Sequence[str],
    cases: Sequence[Episode],
    *,
    record_tokens: int,
) -> list[BaseMessage]:
    """Render the prompt that finds which cases (C1, C2, ...) a new principle contradicts.

    Args:
        spec: The judge.
        replaced: The text of the principle that was replaced; None where it is not known any more.
        replacement: The texts of what replaced it.
        cases: The episodes that it came from.
        record_tokens: Token budget of the case texts of each, and of each remark.
    """
    system = fill(
        _SUPERSEDE,
        instructions=spec.instructions,
        scale=spec.describe_values(),
        material=MATERIAL,
    )
    sections = [
        *([] if replaced is None else [f"<replaced>{escape(replaced)}</replaced>"]),
        *(f"<replacement>{escape(text)}</replacement>" for text in replacement),
        "<cases>",
        *(_render(f"C{i}", e, record_tokens) for i, e in enumerate(cases, 1)),
        "</cases>",
    ]
    return [SystemMessage(system), HumanMessage("\n".join(sections))]


def _render(name: str, episode: Episode, tokens: int) -> str:
    case, _ = render_case(episode.case, tokens)
    # What a judge had said before has no part in what the experts think.
    said = episode.model_copy(update={"judge_value": None})
    return f'<past id="{name}">\n{case}{render_said(said, tokens)}\n</past>'
