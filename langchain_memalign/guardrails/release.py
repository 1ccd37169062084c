"""The question whether something is sent, and what an answer to it does and teaches."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from langchain_core.messages import BaseMessage
from pydantic import BaseModel, ValidationError

from langchain_memalign._values.answers import Answer, read_release, typed_in
from langchain_memalign._values.types import JudgeSpec
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.graph.markdown import escaped, quote, unmarked
from langchain_memalign.graph.passages import FIELDS, Passage, passages
from langchain_memalign.graph.question import PROBLEM, titled
from langchain_memalign.guardrails.messages import is_text, plain
from langchain_memalign.guardrails.node_run import Question
from langchain_memalign.guardrails.policy import GuardrailPolicy
from langchain_memalign.judge import CaseLike
from langchain_memalign.schema import Case, Feedback, Unscored, Value, Verdict

_SHOWN_TOKENS = 4000
# "message" is where inboxes carry a remark.
_ARGUMENTS = {"reply": "reply", "message": "user_message"}
_QUESTIONS = {
    "reply": "Send this reply?",
    "message": "Let this message in?",
}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What is sent if it passes.

    Attributes:
        given: What it is.
        case: From what it is, or what a person has made of it, to the case.
        kind: Whether it is a reply, or what a user says.
    """

    given: Any
    case: Callable[[Any], CaseLike]
    kind: Literal["reply", "message"] = "reply"


@dataclass(frozen=True, kw_only=True)
class Release:
    """What a person has decided.

    Attributes:
        sends: Whether it goes out.
        given: What goes out.
        feedback: What the judge learns.
    """

    sends: bool
    given: Any
    feedback: tuple[Feedback, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReleaseQuestion:
    """Asks whether something is sent that a judge objects to.

    Attributes:
        spec: The judge.
        policy: Which of its values pass.
        outcome: What it concluded.
        case: What it judged.
        candidate: What is held back.
        problem: What was wrong with the last answer, when asking again.
        typed: What was typed into that answer's fields.
    """

    spec: JudgeSpec
    policy: GuardrailPolicy
    outcome: Verdict | Unscored
    case: Case
    candidate: Candidate
    problem: str | None = None
    typed: Mapping[str, str] = field(default_factory=dict)

    def again(self, answer: Any, problem: InvalidInputError) -> ReleaseQuestion:
        """The question after an answer that could not be used."""
        return replace(self, problem=str(problem), typed=typed_in(answer, self._argument))

    @property
    def question(self) -> Question:
        """What the person is shown."""
        return Question(request=self._request(), form=self._form())

    def read(self, answer: Any) -> Release:
        """What an answer does, and teaches.

        Raises:
            InvalidInputError: It cannot be read, or could mean two things; says what was expected.
        """
        word = read_release(answer, self.spec)
        if word.decision == "ignore":
            return Release(sends=False, given=self.candidate.given)
        text = self._edited(word)
        match self._decision(word, is_edited=text is not None):
            case "approve":
                return self._decided(word, sends=True)
            case "reject":
                return self._decided(word, sends=False)
        return self._sent_instead(word, text or "")

    def _edited(self, word: Answer) -> str | None:
        """The text that came back, if it is another than was shown."""
        text = word.arguments.get(self._argument)
        if text is None:
            return None
        if not isinstance(text, str):
            text = json.dumps(text, ensure_ascii=False)
        # Clients change blanks when they show a text in a field.
        return None if text.split() == text_of(self.candidate.given).split() else text

    def _decision(self, word: Answer, *, is_edited: bool) -> str:
        passes = None if word.value is None else self.policy.allows(word.value)
        if word.decision in ("approve", "reject"):
            if is_edited:
                raise InvalidInputError(
                    f"you {word.decision} it, but the {self.candidate.kind} came back changed; "
                    "edit sends your text, approve and reject decide about the text as it was."
                )
            if passes is not None and passes is (word.decision == "reject"):
                which = "passes" if passes else "does not pass"
                raise InvalidInputError(
                    f"you {word.decision} it, but the value {self._words(word.value)} {which}; "
                    "give a value that fits, or none."
                )
            return word.decision
        if is_edited:
            return "edit"
        if passes is None:
            raise InvalidInputError(
                f"nothing tells whether the {self.candidate.kind} is sent: approve, reject (“No.” "
                "and why) or edit it."
            )
        return "approve" if passes else "reject"

    def _decided(self, word: Answer, *, sends: bool) -> Release:
        value = self._boolean(passes=sends) if word.value is None else word.value
        told = self._feedback(word, value, word.remark)
        return Release(sends=sends, given=self.candidate.given, feedback=told)

    def _sent_instead(self, word: Answer, text: str) -> Release:
        given = with_text(self.candidate.given, text)
        before, after = self._boolean(passes=False), self._boolean(passes=True)
        if word.value is not None and self.policy.allows(word.value):
            after = word.value
        elif word.value is not None:
            before = word.value
        told = list(self._feedback(word, before, word.remark))
        if after is not None:
            case = dict(Case.of(self.candidate.case(given)))
            told.append(Feedback(**case, value=after, reviewer=word.reviewer))
        return Release(sends=True, given=given, feedback=tuple(told))

    def _feedback(
        self, word: Answer, value: Value | None, remark: str | None
    ) -> tuple[Feedback, ...]:
        """What is said of what was judged."""
        if value is None and remark is None:
            return ()
        judged = self.outcome if isinstance(self.outcome, Verdict) else None
        return (
            Feedback(
                **dict(self.case),
                value=value,
                rationale=remark,
                reviewer=word.reviewer,
                judge_value=judged and judged.value,
                judge_rationale=(judged and judged.rationale) or None,
            ),
        )

    def _boolean(self, *, passes: bool) -> Value | None:
        """The value that passes, or does not, of a judge that has one of each."""
        if self.spec.value_type.kind != "boolean":
            return None
        found = [value for value in (True, False) if self.policy.allows(value) is passes]
        return found[0] if len(found) == 1 else None

    def _request(self) -> dict[str, Any]:
        args = self._shown
        asked = {
            "name": self._title,
            "args": args,
            "arguments": dict(args),  # what Agent Inbox reads
            "description": self._description(),
        }
        allowed = [decision for decision in self._offered if decision != "ignore"]
        return {
            "action_requests": [asked],
            "review_configs": [{"action_name": self._title, "allowed_decisions": allowed}],
        }

    @property
    def _title(self) -> str:
        name = f"{_QUESTIONS[self.candidate.kind]} {unmarked(self._objection)}"
        return titled(name, self.problem)

    @property
    def _untouched(self) -> dict[str, str]:
        """The fields as inboxes show them first."""
        text = {self._argument: text_of(self.candidate.given)}
        return text | ({"value": ""} if self._takes_value else {})

    @property
    def _shown(self) -> dict[str, str]:
        return {name: self.typed.get(name, text) for name, text in self._untouched.items()}

    @property
    def _offered(self) -> list[str]:
        # Inboxes approve fields that nobody touched with that word alone. Of fields that show again
        # what was typed before, this would send the first text, and not the one in view.
        is_as_first = self._shown == self._untouched
        return [decision for decision in self._decisions if decision != "approve" or is_as_first]

    def _form(self) -> dict[str, Any]:
        properties: dict[str, Any] = {
            "decision": {
                "type": "string",
                "title": "Decision",
                "enum": self._decisions,
                "description": " ".join(self._choices(self._decisions)),
            }
        }
        if "edit" in self._decisions:
            properties[self._argument] = {
                "type": "string",
                "title": f"The {self.candidate.kind}",
                "default": self._shown[self._argument],
            }
        if self._takes_value:
            properties["value"] = {
                **self.spec.value_type.json_schema,
                "title": "The right value",
                "description": f"{self.spec.describe_values()}; optional.",
            }
        properties["rationale"] = {
            "type": "string",
            "title": "Why",
            "description": "Why, in a sentence of your own; the judge learns it. Optional.",
            **({"default": self.typed["rationale"]} if "rationale" in self.typed else {}),
        }
        problem = self.problem and f"{PROBLEM} {unmarked(self.problem)}"
        return {
            "title": self._title,
            "description": problem or self._objection,
            "type": "object",
            "properties": properties,
            "required": ["decision"],
        }

    @property
    def _argument(self) -> str:
        return _ARGUMENTS[self.candidate.kind]

    @property
    def _takes_value(self) -> bool:
        return self.spec.value_type.kind != "boolean"

    @property
    def _decisions(self) -> list[str]:
        edit = ["edit"] if is_editable(self.candidate.given) else []
        return ["approve", *edit, "reject", "ignore"]

    @property
    def _objection(self) -> str:
        judge = unmarked(self.spec.name)
        if isinstance(self.outcome, Unscored):
            return f"The judge {judge} reached no verdict."
        return f"The judge {judge} says: {self._words(self.outcome.value)}."

    def _description(self) -> str:
        parts = [f"{PROBLEM} {unmarked(self.problem)}"] if self.problem else []
        parts += [_QUESTIONS[self.candidate.kind], f"**{escaped(self._objection)}**"]
        why = self.outcome.rationale if isinstance(self.outcome, Verdict) else self.outcome.reason
        parts += [
            quote([Passage("", why)], _SHOWN_TOKENS),
            "**What the judge is asked**",
            quote([Passage("", self.spec.asked)], _SHOWN_TOKENS),
        ]
        for name, label in FIELDS.items():
            if (content := getattr(self.case, name)) is not None:
                parts += [f"**{label}**", quote(passages(content), _SHOWN_TOKENS)]
        choices = "\n".join(f"- {escaped(choice)}" for choice in self._choices(self._offered))
        return "\n\n".join([*parts, "**What each answer does**", choices])

    def _choices(self, decisions: Sequence[str]) -> list[str]:
        passing, failing = self._boolean(passes=True), self._boolean(passes=False)
        learns = "" if passing is None else f"; the judge learns {self._words(passing)}"
        fails = "" if failing is None else f"; the judge learns {self._words(failing)}"
        sent, held = (
            ("sent", "withheld") if self.candidate.kind == "reply" else ("let in", "kept out")
        )
        both = " that the first did not pass, and that yours does" if learns else ""
        edit = f"Edit: your text is {sent} instead" + (
            f"; the judge learns{both}." if both else "."
        )
        value = f" The value may be given: {self.spec.describe_values()}." * self._takes_value
        told = {
            "approve": f"Approve: it is {sent} as it is{learns}.",
            "reject": f"Reject, or say “No.” and why: it is {held}{fails}.",
            "edit": edit,
            "ignore": f"Ignore, or say “ignore” as the reason: it is {held}, nothing is learned.",
        }
        why = f"A sentence with any of them says why, and is learned.{value}"
        return [*(told[decision] for decision in decisions), why]

    def _words(self, value: Value | None) -> str:
        return "none" if value is None else self.spec.value_in_words(value)


def text_of(given: Any) -> str:
    """What would be sent, as people read and edit it: text as it is, all else as JSON."""
    content = plain(given)
    if isinstance(content, str):
        return content
    try:
        content = Case(outputs=content).outputs
    except InvalidInputError:
        return str(content)
    return json.dumps(content, ensure_ascii=False, indent=1)


def is_editable(given: Any) -> bool:
    """Whether another text can be put in the place of this one."""
    if isinstance(given, list) and len(given) == 1:
        return isinstance(given[0], BaseMessage) and is_text(given[0])
    if isinstance(given, BaseMessage):
        return is_text(given)
    return isinstance(given, str | BaseModel)


def with_text(given: Any, text: str) -> Any:
    """What is sent instead: of the same kind, with a text that a person has edited.

    Raises:
        InvalidInputError: There can be none.
    """
    if not text.strip():
        raise InvalidInputError("found an empty text; reject it, if nothing is to be sent.")
    if not is_editable(given):
        raise InvalidInputError("found an edited text, but this is not text; approve or reject it.")
    if isinstance(given, list):
        return [with_text(given[0], text)]
    if isinstance(given, BaseMessage):
        return given.model_copy(update={"content": text})
    if isinstance(given, BaseModel):
        try:
            return type(given).model_validate_json(text)
        except ValidationError as error:
            raise InvalidInputError(
                f"found a text that does not fit this object: {error}"
            ) from error
    return text
