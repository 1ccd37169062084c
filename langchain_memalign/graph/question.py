"""What a human reviewer is shown: the question, the case, the verdict, the form of the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_memalign._values.confidence import confidence_in_words
from langchain_memalign._values.types import JudgeSpec, value_text
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.graph.markdown import escaped, quote, unmarked
from langchain_memalign.graph.passages import FIELDS, Passage, about, passages
from langchain_memalign.schema import Case, Recalled, Unscored, Verdict, WorkingMemory

PROBLEM = "That answer could not be used:"
"""How a question begins that is asked again."""

_SHOWN_TOKENS = 2000
_RULE_TOKENS = 200
_MOST_RULES = 5
_MOST_CASES = 3
_LONGEST_PROBLEM = 90


@dataclass(frozen=True, kw_only=True)
class ReviewQuestion:
    """What a reviewer is asked.

    Attributes:
        spec: The judge.
        case: What was judged.
        outcome: What the judge concluded.
        memory: What it had before it.
        problem: What was wrong with the last answer, when asking again.
        typed: What was typed into that answer's fields.
    """

    spec: JudgeSpec
    case: Case
    outcome: Verdict | Unscored
    memory: WorkingMemory = field(default_factory=WorkingMemory)
    problem: str | None = None
    typed: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Which judge asks, and about which case, in words."""
        return titled(self._of_judge + unmarked(about(self.case)), self.problem)

    @property
    def _of_judge(self) -> str:
        return f"{unmarked(self.spec.name)}: "

    def is_other(self, title: str | None) -> bool:
        """Whether a title is that of this judge's question about another case.

        A page that was open while its thread went on sends its answer to what the thread now asks.
        """
        if title is None or title.endswith(replace(self, problem=None).title):
            return False
        return self._of_judge in title

    @property
    def request(self) -> dict[str, Any]:
        """The question in the form that Agent Inbox and Agent Chat UI draw."""
        value = value_text(self.outcome.value) if isinstance(self.outcome, Verdict) else ""
        args = {"value": value, "rationale": "", **self.typed}
        action = {
            "name": self.title,
            "args": args,
            "arguments": dict(args),  # what Agent Inbox reads
            "description": _describe(self),
        }
        allowed = [decision for decision in self._offered if decision != "ignore"]
        return {
            "action_requests": [action],
            "review_configs": [{"action_name": self.title, "allowed_decisions": allowed}],
        }

    @property
    def _offered(self) -> list[str]:
        # Inboxes approve fields that nobody touched with that word alone. Of fields that show again
        # what was typed before, this would teach the judge's value, and not the one in view.
        return [d for d in _decisions(self.outcome) if d != "approve" or not self.typed]

    def message(self, *, is_asked: bool) -> str:
        """What the judge says in a chat: its verdict, and what is asked about it, if it asks."""
        parts = [_text(self.spec.asked), *_verdict(self)]
        if is_asked:
            parts += [*_answers(self), "Answer with the buttons: a message is a case of its own."]
        return "\n\n".join(parts)

    @property
    def form(self) -> dict[str, Any]:
        """The form that LangGraph Studio draws: a flat JSON schema."""
        spec = self.spec
        value = {
            **spec.value_type.json_schema,
            "title": "The right value",
            "description": f"The value is {spec.describe_values()}.",
        }
        if isinstance(self.outcome, Verdict):
            value["default"] = self.outcome.value
        with suppress(KeyError, InvalidInputError):  # nothing was typed that the field could hold
            value["default"] = spec.read_value(self.typed["value"])
        rationale = {
            "type": "string",
            "title": "Why",
            "description": "Why, in a sentence of your own; the judge learns it.",
        }
        if "rationale" in self.typed:
            rationale["default"] = self.typed["rationale"]
        decisions = _decisions(self.outcome)
        decision = {
            "type": "string",
            "title": "Decision",
            "enum": decisions,
            "description": _choices(spec, self.outcome, decisions),
        }
        reviewer = {
            "type": "string",
            "title": "Reviewer",
            "description": "Who you are; optional.",
        }
        problem = self.problem and f"{PROBLEM} {unmarked(self.problem)}"
        return {
            "title": self.title,
            "description": problem or spec.asked,
            "type": "object",
            "properties": {
                "decision": decision,
                "value": value,
                "rationale": rationale,
                "reviewer": reviewer,
            },
            "required": ["decision"],
        }


def titled(name: str, problem: str | None) -> str:
    """A question's title, which inboxes show at once: first of all, why it is asked again."""
    if not problem:
        return name
    why = unmarked(problem)
    if len(why) > _LONGEST_PROBLEM:
        why = why[: _LONGEST_PROBLEM - 1].rstrip() + "…"
    return f"Please answer again ({why.rstrip('.')}): {name}"


def _decisions(outcome: Verdict | Unscored) -> list[str]:
    return [*(["approve"] if isinstance(outcome, Verdict) else []), "edit", "reject", "ignore"]


def _choices(spec: JudgeSpec, outcome: Verdict | Unscored, decisions: Iterable[str]) -> str:
    """What each answer does."""
    told = {
        "edit": "Edit it: give the right value, and why.",
        "reject": "Reject it: say in a sentence what is wrong.",
        "ignore": "Ignore it, or say “ignore” as the reason, and nothing is learned.",
    }
    if isinstance(outcome, Unscored):
        told["reject"] = "Reject it: give a remark alone."
    else:
        told["approve"] = f"Approve it: {spec.value_in_words(outcome.value)} is right."
        if isinstance(outcome.value, bool):
            told["reject"] = f"Reject it: {spec.value_in_words(not outcome.value)} is right."
    return " ".join(told[decision] for decision in decisions)


def _describe(asked: ReviewQuestion) -> str:
    spec, outcome = asked.spec, asked.outcome
    parts = [f"{PROBLEM} {unmarked(asked.problem)}"] if asked.problem else []
    # Inboxes list questions with the beginning of this, unrendered.
    first = f"{_conclusion(asked)} “{about(asked.case)}”"
    parts += [unmarked(first), "**The question**", _text(spec.asked)]
    for name, label in FIELDS.items():
        if (content := getattr(asked.case, name)) is not None:
            parts += [f"**{label}**", quote(passages(content), _SHOWN_TOKENS)]
    parts += _verdict(asked)
    if isinstance(outcome, Verdict):
        parts += _grounds(spec, outcome, asked.memory)
    if outcome.recall_problem:
        parts += ["**Not all past cases could be looked up**", _text(outcome.recall_problem)]
    return "\n\n".join([*parts, *_answers(asked)])


def _conclusion(asked: ReviewQuestion) -> str:
    if isinstance(asked.outcome, Unscored):
        return "The judge reached no verdict."
    return f"The judge says: {asked.spec.value_in_words(asked.outcome.value)}."


def _verdict(asked: ReviewQuestion) -> list[str]:
    outcome = asked.outcome
    heading = f"**{escaped(_conclusion(asked).removesuffix('.'))}**"
    if isinstance(outcome, Unscored):
        return [heading, _text(outcome.reason)]
    sure = " ".join(confidence_in_words(asked.spec, outcome))
    said = [heading, _text(outcome.rationale)]
    return [*said, escaped(sure)] if sure else said


def _answers(asked: ReviewQuestion) -> list[str]:
    spec = asked.spec
    choices = _choices(spec, asked.outcome, asked._offered)
    return ["**Your answer**", escaped(f"{choices} The value is {spec.describe_values()}.")]


def _grounds(spec: JudgeSpec, verdict: Verdict, memory: WorkingMemory) -> list[str]:
    """What the verdict rests on: what the judge names, or else what it was shown first."""
    cited = set(verdict.relied_on)
    rules = [p for p in memory.principles if p.id in cited] or memory.principles[:_MOST_RULES]
    cases = [
        r for r in memory.episodes if cited & {e.id for e in (r.episode, *r.also)}
    ] or memory.episodes[:_MOST_CASES]
    parts = []
    if rules:
        told = [Passage("", principle.text) for principle in rules]
        parts += ["**Rules it was shown**", quote(told, _RULE_TOKENS)]
    if cases:
        told = [_precedent(spec, recalled) for recalled in cases]
        parts += ["**Past cases it was shown**", quote(told, _RULE_TOKENS)]
    return parts


def _precedent(spec: JudgeSpec, recalled: Recalled) -> Passage:
    said = []
    for episode in (recalled.episode, *recalled.also):
        value = spec.value_in_words(episode.value) if episode.value is not None else ""
        said.append(": ".join(filter(None, [value, episode.rationale])))
    return Passage(about(recalled.episode.case), "\n".join(said))


def _text(text: str) -> str:
    return quote([Passage("", text)], _SHOWN_TOKENS)
