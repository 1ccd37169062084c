"""An experiment as data: cells to run, and the rows that running them gives.

    plan -> cells -> run -> rows (JSONL) -> figures -> report

A cell is a judge that was taught something, shows some of its memory, and judges some cases.
Everything that sets it apart stands in it, so that a finished one can be found again.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

from langchain_core.messages.ai import UsageMetadata

from langchain_memalign._content import canonical
from langchain_memalign._values import value_key
from langchain_memalign.schema import Case, Feedback, Latency, Record, Value

Split = Literal["seen", "unseen"]
Teaching = Literal["label", "text", "both"]
Shown = Literal["both", "semantic", "episodic", "none"]

SHOWN: tuple[Shown, ...] = ("none", "semantic", "episodic", "both")
TEACHING: tuple[Teaching, ...] = ("label", "text", "both")


class Question(Record):
    """A case, what the expert said its value is, and whether the judge was taught it."""

    id: str
    case: Case
    expert: Value
    split: Split = "unseen"


class Setting(Record):
    """What sets a cell apart; what figures are grouped by.

    Attributes:
        judge: The judge's label, such as its model.
        taught: How many remarks it was taught.
        teaching: What of them: the label, the text, or both.
        shown: Which of its memories it is shown when it judges.
        repeat: Which of several runs with different samples.
        fold: Which part of the data is held out.
    """

    judge: str = "judge"
    taught: int = 0
    teaching: Teaching = "both"
    shown: Shown = "both"
    repeat: int = 0
    fold: int = 0


class Cell(Record):
    """One judge, what it is taught, and what it is asked."""

    setting: Setting
    teach: tuple[Feedback, ...] = ()
    ask: tuple[Question, ...] = ()

    @property
    def lesson(self) -> str:
        """Digest of what is taught to whom; cells of one lesson can share a memory."""
        said = [
            [word.id, word.case.key, word.reviewer, word.rationale, word.judge_rationale]
            + [None if v is None else value_key(v) for v in (word.value, word.judge_value)]
            for word in self.teach
        ]
        return _digest([self.setting.judge, self.setting.teaching, said])

    def key(self, judge: Any) -> str:
        """Digest of the whole cell, and of what `judge` describes the judge by."""
        asked = [[q.id, q.case.key, q.split, value_key(q.expert)] for q in self.ask]
        return _digest([self.setting.model_dump(), self.lesson, asked, judge])


class Row(Record):
    """One judgement: everything a figure may need.

    Attributes:
        case: The case's key; several experts may speak of one.
        value: The judge's; None where it abstained.
        reason: Why it abstained, or its rationale.
    """

    setting: Setting
    split: Split
    id: str
    case: str = ""
    expert: Value
    value: Value | None = None
    reason: str = ""
    principle_ids: tuple[str, ...] = ()
    episode_ids: tuple[str, ...] = ()
    relied_on: tuple[str, ...] = ()
    model_calls: int = 0
    usage: UsageMetadata | None = None
    latency: Latency = Latency()

    @property
    def unit(self) -> str:
        """What rows that tell of one and the same thing share."""
        return self.case or self.id

    @property
    def is_correct(self) -> bool:
        """Whether the judge gave the expert's value; true, 1 and "1" are three."""
        return self.value is not None and value_key(self.value) == value_key(self.expert)


class Lesson(Record):
    """What teaching cost; the same for all cells that share it."""

    id: str
    setting: Setting
    distilled: int = 0
    pending: int = 0
    rejected: int = 0
    principles: int = 0
    model_calls: int = 0
    embedded: int = 0
    usage: UsageMetadata | None = None
    seconds: float = 0.0


def taught_by(feedback: Feedback, teaching: Teaching) -> Feedback | None:
    """The part of an expert's word that is taught; None where nothing is left of it."""
    if teaching == "label":
        kept = feedback.model_copy(update={"rationale": None})
        return kept if kept.value is not None else None
    if teaching == "text":
        kept = feedback.model_copy(update={"value": None})
        return kept if kept.rationale is not None else None
    return feedback


def question(feedback: Feedback, split: Split = "unseen") -> Question | None:
    """The case as a question; None where the expert gave no value to compare with."""
    if feedback.value is None:
        return None
    identity = feedback.id or f"{feedback.case.key}:{feedback.reviewer or ''}"
    return Question(id=identity, case=feedback.case, expert=feedback.value, split=split)


def _digest(data: Any) -> str:
    return hashlib.sha256(canonical(data).encode()).hexdigest()[:16]
