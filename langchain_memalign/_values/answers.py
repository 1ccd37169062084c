"""What a person answers, wherever they type or click it: a decision, a value, a remark.

One reader serves Agent Inbox, Agent Chat UI, LangGraph Studio's form, plain text, the terminal and
guardrails. What is little more than a value is that value; what is assent or dissent and nothing
else approves or rejects; a remark is a sentence. What could be two of these is not guessed: it is
asked again, with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from langchain_memalign._values.claims import Claim, Is, Outcome, Text, outcomes
from langchain_memalign._values.types import JudgeSpec, value_text
from langchain_memalign._values.words import ASSENT, DISSENT, plain
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Value

Decision: TypeAlias = Literal["approve", "edit", "reject", "remark", "ignore"]

_DECISIONS: Mapping[str, Decision] = {
    "approve": "approve",
    "accept": "approve",
    "edit": "edit",
    "reject": "reject",
    "response": "remark",
    "respond": "remark",
    "remark": "remark",
    "ignore": "ignore",
}
_EXPECTED = 'expected one answer, such as {"decision": "edit", "value": ..., "rationale": "..."}'
_OWN_FIELDS = {"value", "rationale", "reviewer"}
_DIALECTS = {"type", "decision", "message", "args", "edited_action"}
_NO_VERDICT = (
    "there is no verdict to approve; edit it and give a value, or reject it with a remark."
)
_RELEASE_EXPECTED = (
    "expected approve (it goes out as it is), reject (it is withheld), or an edited text; and why, "
    "in a sentence, if you like."
)


@dataclass(frozen=True)
class Answer:
    """What a person answered.

    Attributes:
        decision: To approve, edit or reject what was shown, to remark on it only, or to ignore it.
        value: The value that they gave, in words or in a field.
        remark: Why, in their own words.
        reviewer: Who they say they are.
        arguments: Whatever else of what was shown came back, perhaps edited, by its name.
    """

    decision: Decision
    value: Value | None = None
    remark: str | None = None
    reviewer: Any = None
    arguments: Mapping[str, Any] = field(default_factory=dict)


def read_answer(
    answer: Any, spec: JudgeSpec, judged: Value | None, *, judge_rationale: str = ""
) -> Answer:
    """Read a person's answer to a judge's verdict.

    To reject a verdict of true or false is to give the other value. To reject any other takes the
    right value, or a remark.

    Args:
        answer: What a client sent, or what was typed.
        spec: The judge.
        judged: The verdict's value; None if there is no verdict.
        judge_rationale: The judge's own words, which are never taken for the person's.

    Raises:
        InvalidInputError: It cannot be read, or could mean two things; says what was expected.
    """
    said = _said(answer)
    if said.decision == "ignore":
        return Answer("ignore", reviewer=said.reviewer)
    if isinstance(said.text, str) and said.text.split() == judge_rationale.split():
        said = replace(said, text=None)  # clients change blanks when they show a text in a field
    if said.decision == "approve" and judged is None:
        raise InvalidInputError(_NO_VERDICT)
    slot = _value_given(said, spec)
    if said.decision != "approve" and slot in (None, judged) and _is_ignored(said):
        return Answer("ignore", reviewer=said.reviewer)
    text = Text.read(said.text, spec, may_be_consent=True)
    _check_clear(said, slot, text, spec, judged)
    given: list[Claim] = [] if slot is None else [{Is(slot)}]
    if said.decision == "reject" and slot == judged:
        given = []  # the form came back as it was shown
    if said.decision in ("approve", "reject"):
        given.append({said.decision})
    claims: list[Claim] = [*given, *text.claims]
    found = outcomes(claims, spec, judged)
    if len(found) != 1 and not text.is_said_in_full:
        text = text.without_claims
        claims, found = given, outcomes(given, spec, judged)
    if len(found) != 1:
        raise InvalidInputError(_disagreement(said, slot, found, spec, judged))
    (outcome,) = found
    remark = text.remark(is_alone=not isinstance(outcome, Is))
    decision: Decision = "edit"
    if outcome == "any":
        if remark is None:
            raise InvalidInputError(_NO_VERDICT if text.claims else _unsaid(text, spec))
        decision = "remark"
    elif outcome == "other" and remark is None:
        which = "which value is right" + ("" if judged is None else f", if not {_shown(judged)}")
        raise InvalidInputError(
            f"{which}? Give it ({spec.describe_values()}), or say why in a sentence."
        )
    elif any("approve" in claim for claim in claims) and outcome == Is(judged):
        decision = "approve"
    elif any("reject" in claim for claim in claims) and outcome != Is(judged):
        decision = "reject"
    value = outcome.value if isinstance(outcome, Is) else None
    return Answer(decision, value, remark, said.reviewer, said.arguments)


def read_release(answer: Any, spec: JudgeSpec) -> Answer:
    """Read a person's answer to the question whether something is released.

    Yes and no, assent and dissent decide about that, and are no values of the judge.

    Args:
        answer: What a client sent, or what was typed.
        spec: The judge that objects.

    Raises:
        InvalidInputError: It cannot be read, or could mean two things; says what was expected.
    """
    said = _said(answer)
    if said.decision == "ignore":
        return Answer("ignore", reviewer=said.reviewer)
    slot = _value_given(said, spec)
    if said.decision in (None, "reject") and slot is None and _is_ignored(said):
        return Answer("ignore", reviewer=said.reviewer)
    text = Text.read(said.text, spec, may_be_consent=False)
    claims = [*text.claims, *([{Is(slot)}] if slot is not None else [])]
    if said.decision in ("approve", "reject"):
        claims.append({said.decision})
    meant = {alternative for claim in claims for alternative in claim}
    values = [alternative.value for alternative in meant if isinstance(alternative, Is)]
    decisions: list[Decision] = [d for d in ("approve", "reject") if d in meant]
    if len(decisions) > 1 or len(values) > 1 or text.trouble:
        raise InvalidInputError(
            f"found {_excerpt(said)}, which may mean two things; {_RELEASE_EXPECTED}"
        )
    decision = decisions[0] if decisions else said.decision or "remark"
    remark = text.remark(is_alone=decision == "remark")
    if decision == "remark" and not values and remark is None:
        raise InvalidInputError(f"found {_excerpt(said)}; {_RELEASE_EXPECTED}")
    return Answer(decision, next(iter(values), None), remark, said.reviewer, said.arguments)


def typed_in(answer: Any, *names: str) -> dict[str, str]:
    """What was typed into an answer that cannot be used, so that it can be shown again.

    Args:
        answer: What a client sent.
        names: Further arguments that were shown, and may have been edited.
    """
    try:
        form = _form(answer)
    except InvalidInputError:
        return {"rationale": answer} if isinstance(answer, str) and answer.strip() else {}
    said = form if isinstance(form, _Said) else _of_mapping(form, None)
    found = {"value": said.value, "rationale": said.text}
    if isinstance(said.value, int | float):
        found["value"] = value_text(said.value)
    found |= {name: said.arguments.get(name) for name in names}
    return {name: text for name, text in found.items() if isinstance(text, str) and text.strip()}


def question_of(answer: Any) -> str | None:
    """The title of the question that an answer is to, where a client sends it back."""
    try:
        form = _form(answer)
    except InvalidInputError:
        return None
    if isinstance(form, _Said):
        return None
    edited, args = form.get("edited_action"), form.get("args")
    title = edited.get("name") if isinstance(edited, Mapping) else None
    if title is None and isinstance(args, Mapping):
        title = args.get("action")
    return title if isinstance(title, str) else None


@dataclass(frozen=True)
class _Said:
    """An answer of any dialect in one form; nothing in it is read yet."""

    decision: Decision | None
    value: Any = None
    text: Any = None
    reviewer: Any = None
    arguments: Mapping[str, Any] = field(default_factory=dict)


def _said(answer: Any) -> _Said:
    form = _form(answer)
    return form if isinstance(form, _Said) else _of_mapping(form, _decision(form))


def _form(answer: Any) -> _Said | Mapping[str, Any]:
    """What was typed, or the one form that came back."""
    if isinstance(answer, bool):
        return _Said(None, text="yes" if answer else "no")
    if isinstance(answer, int | float):
        return _Said(None, value=answer)
    if isinstance(answer, str):
        try:
            data = json.loads(answer)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, Mapping | list):
            return _Said(None, text=answer if answer.strip() else None)
        answer = data
    if isinstance(answer, Mapping) and isinstance(answer.get("decisions"), list):
        answer = answer["decisions"]
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if not isinstance(answer, Mapping):
        raise InvalidInputError(f"found {answer!r:.120}; {_EXPECTED}.")
    return answer


def _of_mapping(said: Mapping[str, Any], decision: Decision | None) -> _Said:
    fields: Mapping[str, Any] = said
    for nested in (said.get("edited_action"), said.get("args")):
        if isinstance(nested, Mapping):
            inner = nested.get("args")
            fields = inner if isinstance(inner, Mapping) else nested
            break
    texts = (fields.get("rationale"), said.get("message"), said.get("args"))
    value = fields.get("value")
    return _Said(
        decision,
        value=None if _is_blank(value) else value,
        text=next((t for t in texts if not isinstance(t, Mapping) and not _is_blank(t)), None),
        reviewer=fields.get("reviewer") or said.get("reviewer"),
        arguments={
            name: given
            for name, given in fields.items()
            if name not in _OWN_FIELDS and (fields is not said or name not in _DIALECTS)
        },
    )


def _decision(said: Mapping[str, Any]) -> Decision | None:
    kind = said.get("type") or said.get("decision")
    if kind is None and ("value" in said or "rationale" in said):
        return None
    word = plain(kind) if isinstance(kind, str) else ""
    if word in _DECISIONS:
        return None if _DECISIONS[word] == "remark" else _DECISIONS[word]
    if word in ASSENT:
        return "approve"
    if word in DISSENT:
        return "reject"
    raise InvalidInputError(
        f"found the decision {kind!r:.60}; expected approve, edit, reject or ignore."
    )


def _is_ignored(said: _Said) -> bool:
    """Whether that is all that was said: inboxes have no button for it."""
    return isinstance(said.text, str) and plain(said.text) in ("ignore", "no comment")


def _value_given(said: _Said, spec: JudgeSpec) -> Value | None:
    return None if said.value is None else spec.read_value(said.value)


def _check_clear(
    said: _Said, slot: Value | None, text: Text, spec: JudgeSpec, judged: Value | None
) -> None:
    """Refuse words that tell neither value nor reason, unless what is beside them tells enough."""
    if text.trouble:
        raise InvalidInputError(f"found {_excerpt(said)}: {text.trouble}; {_expected(spec)}")
    is_rejected = said.decision == "reject" and slot in (None, judged)
    if is_rejected and any(Is(judged) in claim for claim in text.claims):
        # "No." may reject the verdict, or what was judged; then the verdict is right.
        raise InvalidInputError(
            f"you reject {_shown(judged)}, but {_excerpt(said)} may give that very value; "
            f"{_expected(spec)}"
        )
    if not text.is_said_in_full or text.claims:
        return
    is_changed = slot is not None and slot != judged
    is_enough = said.decision == "approve" and not text.is_negated
    if not (is_changed or is_enough or said.decision == "reject"):
        raise InvalidInputError(
            f"found {_excerpt(said)}, which may be said of the verdict, or of what was judged; "
            f"{_expected(spec)}"
        )


def _disagreement(
    said: _Said,
    slot: Value | None,
    found: Set[Outcome],
    spec: JudgeSpec,
    judged: Value | None,
) -> str:
    if found:
        return f"{_excerpt(said)} may be a value or consent; {_expected(spec)}"
    if said.text is None and slot is not None:
        return (
            f"you approve {_shown(judged)} but give the value {_shown(slot)}; approve without a "
            "value, or edit."
        )
    beside = f"the value {_shown(slot)}" if slot is not None else said.decision or "the verdict"
    return f"found {_excerpt(said)} beside {beside}: these differ; {_expected(spec)}"


def _unsaid(text: Text, spec: JudgeSpec) -> str:
    if text.text is None or not text.text.strip():
        return "say why in a remark of your own, or give another value."
    return f"found {text.text!r:.60}, which is no value and no sentence; {_expected(spec)}"


def _expected(spec: JudgeSpec) -> str:
    return (
        f"expected {spec.describe_values()}; or approve or reject the verdict; or say why in a "
        "sentence."
    )


def _excerpt(said: _Said) -> str:
    return f"{said.text!r:.60}"


def _shown(value: Value | None) -> str:
    return "none" if value is None else value_text(value)


def _is_blank(given: Any) -> bool:
    return given is None or (isinstance(given, str) and not given.strip())
