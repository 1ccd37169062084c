"""What a human reviewer is shown: the judgement, and the form of the answer."""

from __future__ import annotations

import json
import re
from typing import Any

from langchain_memalign._prompts.text import shorten, visible
from langchain_memalign._values import ValueType
from langchain_memalign.schema import Case, Unscored, Value, Verdict

_ACTION = "review_judgment"
_SHOWN_TOKENS = 2000


def review_request(
    case: Case, outcome: Verdict | Unscored, value_type: ValueType, problem: str | None = None
) -> dict[str, Any]:
    """What the reviewer is shown, in the form that Agent Inbox and Agent Chat UI draw.

    Args:
        case: What was judged.
        outcome: What the judge concluded.
        value_type: The values that it may give.
        problem: What was wrong with the last answer, when asking again.
    """
    args = {"value": "", "rationale": ""}
    if isinstance(outcome, Verdict):
        args = {"value": value_text(outcome.value), "rationale": outcome.rationale}
    request = {
        "name": _ACTION,
        "args": args,
        "arguments": dict(args),  # what Agent Inbox reads
        "description": _describe(case, outcome, value_type, problem),
    }
    allowed = [decision for decision in _decisions(outcome) if decision != "ignore"]
    return {
        "action_requests": [request],
        "review_configs": [{"action_name": _ACTION, "allowed_decisions": allowed}],
    }


def response_schema(outcome: Verdict | Unscored, value_type: ValueType) -> dict[str, Any]:
    """The form that LangGraph Studio draws: a flat JSON schema."""
    value = {
        **value_type.json_schema,
        "description": f"The right value: {value_type.describe()}.",
    }
    if isinstance(outcome, Verdict):
        value["default"] = outcome.value
    return {
        "title": "Review",
        "type": "object",
        "properties": {
            "decision": {
                "type": "string",
                "enum": _decisions(outcome),
                "description": "Approve the verdict, edit it, reject it with a remark, or ignore "
                "it: then nothing is learned.",
            },
            "value": value,
            "rationale": {"type": "string", "description": "Why, in your own words."},
            "reviewer": {"type": "string", "description": "Who you are; optional."},
        },
        "required": ["decision"],
    }


def value_text(value: Value) -> str:
    """A value as text, as clients edit it: a label as it is, true and numbers as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _decisions(outcome: Verdict | Unscored) -> list[str]:
    return [*(["approve"] if isinstance(outcome, Verdict) else []), "edit", "reject", "ignore"]


def _describe(
    case: Case, outcome: Verdict | Unscored, value_type: ValueType, problem: str | None
) -> str:
    lines = [f"**That answer could not be used:** {_in_line(problem)}\n"] if problem else []
    if isinstance(outcome, Verdict):
        lines += [f"**The judge says `{value_text(outcome.value)}`:**", _quoted(outcome.rationale)]
        choice = "Approve, edit, or reject with a remark."
    else:
        lines += ["**The judge reached no verdict:**", _quoted(outcome.reason)]
        choice = "Edit, or reject with a remark."
    if outcome.recall_problem:
        lines += ["**Not all past cases could be looked up:**", _quoted(outcome.recall_problem)]
    lines.append(f"\nThe value is {value_type.describe()}. {choice}")
    for field in ("inputs", "outputs", "reference_outputs"):
        if (content := getattr(case, field)) is not None:
            lines += [f"\n### {field}", _quoted(content)]
    return "\n".join(lines)


def _in_line(text: str) -> str:
    """Text as one line of Markdown that marks nothing up; a problem quotes the answer it is of."""
    return re.sub(r"([\\`*_\[\]<>#!&~|])", r"\\\1", " ".join(visible(text).split()))


def _quoted(content: Any) -> str:
    """Untrusted text as a Markdown code block that it cannot close."""
    text = (
        content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1)
    )
    head, cut, tail = shorten(visible(text), _SHOWN_TOKENS)
    text = f"{head}\n[… {cut} tokens left out …]\n{tail}" if cut else head
    longest = max(map(len, re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}text\n{text}\n{fence}"
