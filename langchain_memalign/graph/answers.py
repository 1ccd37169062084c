"""What a human reviewer is shown, and what the clients of LangGraph send back.

Three clients, three dialects: Agent Inbox, Agent Chat UI, and the form of LangGraph Studio. All of
them, and plain text, are read by one function.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.prompts.text import shorten
from langchain_memalign.schema import Case, Feedback, Unscored, Verdict
from langchain_memalign.values import ValueType

_ACTION = "review_judgment"
_SHOWN_TOKENS = 2000

_APPROVE = {"approve", "accept"}
_EDIT = {"edit"}
_REMARK = {"reject", "response", "respond"}
_IGNORE = {"ignore"}


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
        # Text, as clients edit it: a label as it is, true and numbers as JSON writes them.
        value = outcome.value
        args["value"] = value if isinstance(value, str) else json.dumps(value)
        args["rationale"] = outcome.rationale
    lines = [f"**That answer could not be used:** {problem}\n"] if problem else []
    if isinstance(outcome, Verdict):
        lines += [f"**The judge says `{args['value']}`:**", _quoted(outcome.rationale)]
    else:
        lines += ["**The judge reached no verdict:**", _quoted(outcome.reason)]
    lines.append(f"\nThe value is {value_type.describe()}. Approve, edit, or reject with a remark.")
    for field in ("inputs", "outputs", "reference_outputs"):
        if (content := getattr(case, field)) is not None:
            lines += [f"\n### {field}", _quoted(content)]
    request = {
        "name": _ACTION,
        "args": args,
        "arguments": args,  # what Agent Inbox reads
        "description": "\n".join(lines),
    }
    allowed = ["edit", "reject"]
    if isinstance(outcome, Verdict):
        allowed.insert(0, "approve")
    return {
        "action_requests": [request],
        "review_configs": [{"action_name": _ACTION, "allowed_decisions": allowed}],
    }


def response_schema(value_type: ValueType) -> dict[str, Any]:
    """The form that LangGraph Studio draws: a flat JSON schema."""
    return {
        "title": "Review",
        "type": "object",
        "properties": {
            "decision": {
                "type": "string",
                "enum": ["approve", "edit", "reject"],
                "description": "Approve the verdict, correct it, or reject it with a remark.",
            },
            "value": {
                **value_type.json_schema,
                "description": f"The right value: {value_type.describe()}. For edit.",
            },
            "rationale": {"type": "string", "description": "Why, in your own words."},
            "reviewer": {"type": "string", "description": "Who you are; optional."},
        },
        "required": ["decision"],
    }


def read_answer(
    answer: Any, case: Case, outcome: Verdict | Unscored, value_type: ValueType
) -> Feedback | None:
    """Read a reviewer's answer in any of the dialects.

    Approving teaches the judge that its value was right. A rejection or a free remark is feedback
    without a value. An edited form comes back with the judge's own rationale in it; that is not
    taken for the reviewer's.

    Returns:
        The feedback, or None if the reviewer chose to say nothing.

    Raises:
        InvalidInputError: It cannot be read; says what was expected.
    """
    said = _unwrap(answer)
    kind = said.get("type") or said.get("decision")
    if kind is None and ("value" in said or "rationale" in said):
        kind = "edit"
    if kind in _IGNORE:
        return None
    fields = _fields(said)
    reviewer = fields.get("reviewer") or said.get("reviewer")
    judged = outcome if isinstance(outcome, Verdict) else None
    value, rationale = _given(fields.get("value")), _given(fields.get("rationale"))
    if kind in _APPROVE:
        if judged is None:
            raise InvalidInputError(
                "there is no verdict to approve; edit it and give a value, or reject it with a "
                "remark."
            )
        value, rationale = judged.value, None if rationale == judged.rationale else rationale
    elif kind in _EDIT:
        value = None if value is None else value_type.read(value)
        if judged is not None and rationale == judged.rationale:
            rationale = None
        if value is None and rationale is None:
            raise InvalidInputError("the edit holds neither a value nor a remark of your own.")
    elif kind in _REMARK:
        value, rationale = (
            None,
            rationale or _given(said.get("message")) or _given(said.get("args")),
        )
        if not isinstance(rationale, str):
            raise InvalidInputError("say why in a remark, or edit the value.")
    else:
        raise InvalidInputError(
            f"found the decision {kind!r:.60}; expected approve, edit, reject or ignore."
        )
    return Feedback(
        **dict(case),
        value=value,
        rationale=rationale,
        reviewer=reviewer,
        judge_value=judged and judged.value,
        judge_rationale=judged and judged.rationale,
    )


def _unwrap(answer: Any) -> Mapping[str, Any]:
    if isinstance(answer, str):
        try:
            answer = json.loads(answer)
        except ValueError:
            answer = {"type": "response", "message": answer}
    if isinstance(answer, Mapping) and isinstance(answer.get("decisions"), list):
        answer = answer["decisions"]
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if not isinstance(answer, Mapping):
        raise InvalidInputError(
            f"found {json.dumps(answer, default=str)[:120]}; expected one answer, such as "
            '{"decision": "edit", "value": ..., "rationale": "..."}.'
        )
    return answer


def _fields(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where an answer carries its value and rationale."""
    for nested in (said.get("edited_action"), said.get("args")):
        if isinstance(nested, Mapping):
            inner = nested.get("args")
            return inner if isinstance(inner, Mapping) else nested
    return said


def _given(value: Any) -> Any:
    return None if value is None or (isinstance(value, str) and not value.strip()) else value


def _quoted(content: Any) -> str:
    """Untrusted text as a Markdown code block that it cannot close."""
    text = (
        content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1)
    )
    head, cut, tail = shorten(text, _SHOWN_TOKENS)
    if cut:
        text = f"{head}\n[… {cut} tokens left out …]\n{tail}"
    longest = max(map(len, re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}text\n{text}\n{fence}"
