"""What a human reviewer answers, in the dialect of any client of LangGraph.

Three clients, three dialects: Agent Inbox, Agent Chat UI, and the form of LangGraph Studio. All of
them, and plain text, are read by one function.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from langchain_memalign._values import ValueType
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.graph.question import value_text
from langchain_memalign.schema import Case, Feedback, Unscored, Value, Verdict

_DECISIONS = {
    "approve": "approve",
    "accept": "approve",
    "edit": "edit",
    "reject": "reject",
    "response": "reject",
    "respond": "reject",
    "ignore": "ignore",
}
_EXPECTED = 'expected one answer, such as {"decision": "edit", "value": ..., "rationale": "..."}'


def read_answer(
    answer: Any, case: Case, outcome: Verdict | Unscored, value_type: ValueType
) -> Feedback | None:
    """Read a reviewer's answer in any of the dialects.

    Approving teaches the judge that its value was right. A rejection or a free remark is feedback
    without a value, unless it comes with another one. A form comes back with the judge's own value
    and rationale in it; that rationale is not taken for the reviewer's.

    Returns:
        The feedback, or None if the reviewer chose to say nothing.

    Raises:
        InvalidInputError: It cannot be read; says what was expected.
    """
    said = _said(answer, value_type)
    decision = _decision(said)
    if decision == "ignore":
        return None
    fields = _fields(said)
    judged = outcome if isinstance(outcome, Verdict) else None
    value, rationale = _given(fields.get("value")), _given(fields.get("rationale"))
    if value is not None:
        value = value_type.read(value)
    if judged and _is_same_text(rationale, judged.rationale):
        rationale = None
    if decision == "approve":
        value = _approved(value, judged)
    if decision == "reject":
        rationale = rationale or _given(said.get("message")) or _given(said.get("args"))
        value = None if judged and value == judged.value else value
    if value is None and rationale is None:
        raise InvalidInputError("say why in a remark of your own, or give another value.")
    return Feedback(
        **dict(case),
        value=value,
        rationale=rationale,
        reviewer=fields.get("reviewer") or said.get("reviewer"),
        judge_value=judged and judged.value,
        judge_rationale=judged and judged.rationale,
        judge_sight=judged and judged.sight,
    )


def _approved(value: Value | None, judged: Verdict | None) -> Value:
    if judged is None:
        raise InvalidInputError(
            "there is no verdict to approve; edit it and give a value, or reject it with a remark."
        )
    if value not in (None, judged.value):
        raise InvalidInputError(
            f"you approve {value_text(judged.value)} but give the value {value_text(value)}; "
            "approve without a value, or edit."
        )
    return judged.value


def _said(answer: Any, value_type: ValueType) -> Mapping[str, Any]:
    """The one answer, as a mapping with a decision."""
    if isinstance(answer, str):
        answer = _of_text(answer, value_type)
    elif isinstance(answer, int | float):
        if isinstance(answer, bool):
            raise InvalidInputError(
                f"found a bare {json.dumps(answer)}, which may be a value or consent; {_EXPECTED}."
            )
        answer = {"value": answer}
    if isinstance(answer, Mapping) and isinstance(answer.get("decisions"), list):
        answer = answer["decisions"]
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if not isinstance(answer, Mapping):
        raise InvalidInputError(f"found {answer!r:.120}; {_EXPECTED}.")
    return answer


def _of_text(text: str, value_type: ValueType) -> Any:
    """Text as an answer: JSON, the word for a decision, a bare value, or else a remark."""
    word = text.strip()
    try:
        data = json.loads(word)
    except (ValueError, RecursionError):
        data = word
    if isinstance(data, Mapping | list):
        return data
    if not isinstance(data, str):
        return {"value": word}
    if _DECISIONS.get(data.casefold()) in ("approve", "ignore"):
        return {"decision": data}
    try:
        value = value_type.read(data)
    except InvalidInputError:
        return {"decision": "reject", "message": data}
    if isinstance(value, bool):
        raise InvalidInputError(
            f"{data!r} may be a value or consent; answer approve, true or false, or say why."
        )
    return {"value": value}


def _decision(said: Mapping[str, Any]) -> str:
    kind = said.get("type") or said.get("decision")
    if kind is None and ("value" in said or "rationale" in said):
        return "edit"
    decision = _DECISIONS.get(kind.strip().casefold()) if isinstance(kind, str) else None
    if decision is None:
        raise InvalidInputError(
            f"found the decision {kind!r:.60}; expected approve, edit, reject or ignore."
        )
    return decision


def _fields(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where an answer carries its value and rationale."""
    for nested in (said.get("edited_action"), said.get("args")):
        if isinstance(nested, Mapping):
            inner = nested.get("args")
            return inner if isinstance(inner, Mapping) else nested
    return said


def _given(value: Any) -> Any:
    return None if value is None or (isinstance(value, str) and not value.strip()) else value


def _is_same_text(text: Any, other: str) -> bool:
    # Clients change spaces and line ends when they show a text in a field.
    return isinstance(text, str) and text.split() == other.split()
