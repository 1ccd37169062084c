"""What a chat shows last: the answer that counted, and what the judge learned from it."""

from __future__ import annotations

from uuid import uuid4

from langchain_core.messages import AIMessage

from langchain_memalign._values.types import JudgeSpec
from langchain_memalign.graph.markdown import escaped, quote
from langchain_memalign.graph.passages import Passage
from langchain_memalign.schema import AlignmentReport, Feedback

_SHOWN_TOKENS = 2000


def said(text: str) -> AIMessage:
    """What the judge says, as a message of its own."""
    return AIMessage(text, id=str(uuid4()))


def conclusion(spec: JudgeSpec, feedback: Feedback, report: AlignmentReport) -> str:
    """What was answered, by whoever was first, and what became of it."""
    value = "" if feedback.value is None else f": {escaped(spec.value_in_words(feedback.value))}"
    parts = [f"**The answer{value}**"]
    if feedback.rationale:
        parts.append(_quoted(feedback.rationale))
    became = {
        "The judge learned": [rule.text for rule in report.principles_added],
        "The judge knew already": [rule.text for rule in report.principles_merged],
        "Kept, to be learned later": [pending.reason for pending in report.pending],
        "Not learned": [rejected.reason for rejected in report.rejected],
    }
    for heading, texts in became.items():
        if texts:
            parts += [f"**{heading}**", _quoted(*texts)]
    if report.unchanged:
        parts.append("The judge has it already.")
    elif not any(became.values()):
        parts.append("The judge keeps the case.")
    return "\n\n".join(parts)


def _quoted(*texts: str) -> str:
    return quote([Passage("", text) for text in texts], _SHOWN_TOKENS)
