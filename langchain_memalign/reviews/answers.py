"""What people answered and did, in order, with what came of it and what it would take back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias, get_args

from pydantic import AwareDatetime, ConfigDict, Field

from langchain_memalign.reviews.file import ReviewFile
from langchain_memalign.schema import (
    AlignmentReport,
    Case,
    OptionalText,
    Record,
    Unscored,
    Value,
    Verdict,
    now,
)

State: TypeAlias = Literal["saved", "learning", "learned", "pending", "undoing", "undone"]
"""How far an answer is: durable; being learned; learned; stored but not learned; taken back."""


Kind: TypeAlias = Literal["answer", "left", "rule"]


class Turned(Record):
    """A waiting case that the judge answers otherwise since an answer was learned; no text of it.

    Once it is answered, it may be forgotten.
    """

    model_config = ConfigDict(extra="ignore")  # former files hold how the case begins

    case_id: str
    label: str
    was: Value | None
    now: Value | None


class Looked(Record):
    """What looking at the waiting cases after an answer found.

    Attributes:
        total: How many were looked at.
        judged: How many of them were judged again.
        turned: Those whose answer is another one now.
    """

    total: int
    judged: int
    turned: tuple[Turned, ...] = ()


class Answer(Record):
    """One deed of a person: an answer to a case, leaving one out, or a change of the rules.

    Attributes:
        n: Its number in the file; 0 before it is there.
        kind: What was done.
        person: The person's id; "" for somebody without a name.
        name: The name that it was given under.
        reviewer: Who said it, as the memory has it; None for nobody's name.
        case_id: The waiting case; None for one that no longer waits, or for a change of rules.
        label: What the case is called on screen, or what was changed.
        outcome: What the judge had said.
        unseen: Whether the judge's answer had not been shown to the person before.
        asked: Why the case was asked about, as `web.words.WHY` names it; "" where it was not.
        for_all: Whether a case was left out for everybody.
        rule_id: The rule that was written.
        revises: The number of the answer that this one changes.
        joint: Whether it was learned in one go with others, so that it cannot be undone alone.
        problem: Why it is not learned yet, or why it could not be taken back.
        reopened: Whether the case waits again since the answer was taken back.
    """

    n: int = 0
    judge: str
    kind: Kind = "answer"
    person: str = ""
    name: str = ""
    reviewer: OptionalText = None
    case_id: str | None = None
    case_key: str = ""
    label: str = ""
    case: Case | None = None
    decision: Literal["approve", "edit", "reject", "ignore"] = "edit"
    value: Value | None = None
    reason: OptionalText = None
    outcome: Verdict | Unscored | None = None
    unseen: bool = False
    asked: str = ""
    for_all: bool = False
    rule_id: str = ""
    revises: int | None = None
    state: State = "saved"
    joint: bool = False
    problem: str | None = None
    reopened: bool = True
    said_at: AwareDatetime = Field(default_factory=now)
    learned_at: AwareDatetime | None = None
    report: AlignmentReport | None = None
    looked: Looked | None = None

    @property
    def judge_value(self) -> Value | None:
        """The value that the judge had given; None where it gave none."""
        return self.outcome.value if isinstance(self.outcome, Verdict) else None

    @property
    def seconds(self) -> float | None:
        """How long learning took, from the moment it was saved."""
        if self.learned_at is None:
            return None
        return (self.learned_at - self.said_at).total_seconds()


class Answers:
    """The answers of one judge in a review file."""

    def __init__(self, file: ReviewFile, judge: str) -> None:
        self._file = file
        self._judge = judge

    def add(self, answer: Answer) -> Answer:
        """Keep an answer; durable when it returns, with its number."""
        n = self._file.write(
            "INSERT INTO memalign_answers (judge, person, kind, state, case_id, case_key, record) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            self._judge,
            answer.person,
            answer.kind,
            answer.state,
            answer.case_id,
            answer.case_key,
            answer.model_dump_json(),
        )
        return answer.model_copy(update={"n": n})

    def update(
        self, answer: Answer, *, only_in: Sequence[State] | None = None, **changes: Any
    ) -> Answer | None:
        """Change fields of an answer as it stands in the file by now.

        Args:
            answer: The answer.
            only_in: Only if it is in one of these states.
            changes: The fields.

        Returns:
            The answer; None if it is in another state, or was forgotten.
        """
        with self._file.writing() as connection:
            found = self.get(answer.n)
            if found is None or (only_in is not None and found.state not in only_in):
                return None
            changed = found.model_copy(update=changes)
            connection.execute(
                "UPDATE memalign_answers SET state = ?, case_id = ?, record = ? WHERE n = ?",
                (changed.state, changed.case_id, changed.model_dump_json(), answer.n),
            )
        return changed

    def get(self, n: int) -> Answer | None:
        """The answer of a number."""
        found = self._read("n = ?", n)
        return found[0] if found else None

    def next_in(self, *states: State) -> Answer | None:
        """The oldest answer in one of these states."""
        marks = ", ".join("?" * len(states))
        found = self._read(f"state IN ({marks}) ORDER BY n LIMIT 1", *states)
        return found[0] if found else None

    def all_in(self, *states: State) -> list[Answer]:
        """All answers in one of these states, oldest first."""
        marks = ", ".join("?" * len(states))
        return self._read(f"state IN ({marks}) ORDER BY n", *states)

    def ahead_of(self, n: int) -> int:
        """How many answers are to be learned before the one of a number."""
        found = self._file.rows(
            "SELECT count(*) FROM memalign_answers WHERE judge = ? AND n < ? "
            "AND state IN ('saved', 'learning')",
            self._judge,
            n,
        )
        return int(found[0][0])

    def last_of(
        self, person: str, *, limit: int = 20, kinds: Sequence[Kind] = get_args(Kind)
    ) -> list[Answer]:
        """The last deeds of a person that were not taken back, newest first."""
        marks = ", ".join("?" * len(kinds))
        return self._read(
            f"person = ? AND state NOT IN ('undoing', 'undone') AND kind IN ({marks}) "
            "ORDER BY n DESC LIMIT ?",
            person,
            *kinds,
            limit,
        )

    def on(self, *, case_id: str | None = None, case_key: str | None = None) -> list[Answer]:
        """The answers to a case that were not taken back, oldest first."""
        where = "case_id = ?" if case_id is not None else "case_key = ?"
        return self._read(
            f"{where} AND kind = 'answer' AND state NOT IN ('undoing', 'undone') ORDER BY n",
            case_id if case_id is not None else case_key,
        )

    def undone_by(self, person: str) -> set[str]:
        """The cases of which a person's last answer, or leaving it out, was taken back."""
        rows = self._file.rows(
            "SELECT case_id FROM memalign_answers WHERE judge = ? AND person = ? AND "
            "kind IN ('answer', 'left') AND case_id IS NOT NULL "
            "GROUP BY case_id HAVING max(n * (state IN ('undoing', 'undone'))) = max(n)",
            self._judge,
            person,
        )
        return {str(case_id) for (case_id,) in rows}

    def given(self) -> list[tuple[str, str]]:
        """Case and person of every answer that was not taken back."""
        return [
            (str(case_id), str(person))
            for case_id, person in self._file.rows(
                "SELECT case_id, person FROM memalign_answers WHERE judge = ? AND "
                "kind = 'answer' AND state NOT IN ('undoing', 'undone') AND case_id IS NOT NULL",
                self._judge,
            )
        ]

    def labels(self) -> dict[str, str]:
        """What cases are called, by their content's digest."""
        rows = self._file.rows(
            "SELECT case_key, json_extract(record, '$.label') FROM memalign_answers "
            "WHERE judge = ? AND kind = 'answer'",
            self._judge,
        )
        return {str(key): str(label) for key, label in rows if label}

    def authors(self) -> dict[str, str]:
        """Who wrote which rule on the page: names by the rule's id."""
        rows = self._file.rows(
            "SELECT json_extract(record, '$.rule_id'), json_extract(record, '$.name') "
            "FROM memalign_answers WHERE judge = ? AND kind = 'rule' "
            "AND json_extract(record, '$.rule_id') <> ''",
            self._judge,
        )
        return {str(rule): str(name) for rule, name in rows}

    def abstained(self) -> list[Answer]:
        """The answers to cases for which the judge had given none."""
        return self._read(
            "kind = 'answer' AND state NOT IN ('undoing', 'undone') AND "
            "json_type(record, '$.outcome.reason') IS NOT NULL ORDER BY n"
        )

    def spot_checks(self) -> list[tuple[Value | None, Value | None]]:
        """What was said of cases that were drawn at random, and what the judge had said."""
        found = self._read(
            "kind = 'answer' AND state NOT IN ('undoing', 'undone') AND "
            "json_extract(record, '$.asked') = 'spot' ORDER BY n"
        )
        return [(answer.value, answer.judge_value) for answer in found]

    def keep_images(self, n: int, images: Iterable[str]) -> None:
        """Keep what an answer is about to change, before it is changed."""
        with self._file.writing() as connection:
            connection.executemany(
                "INSERT INTO memalign_images VALUES (?, ?)", [(n, image) for image in images]
            )

    def images(self, n: int) -> list[str]:
        """What an answer changed, in order."""
        rows = self._file.rows(
            "SELECT record FROM memalign_images WHERE answer = ? ORDER BY rowid", n
        )
        return [str(record) for (record,) in rows]

    def has_images(self, n: int) -> bool:
        """Whether it is known what an answer changed."""
        return bool(self._file.rows("SELECT 1 FROM memalign_images WHERE answer = ? LIMIT 1", n))

    def drop_images(self, numbers: Sequence[int]) -> None:
        """Delete what can no longer be undone."""
        with self._file.writing() as connection:
            connection.executemany(
                "DELETE FROM memalign_images WHERE answer = ?", [(n,) for n in numbers]
            )

    def with_images(self) -> list[int]:
        """Numbers of the answers of which images are kept, newest first."""
        rows = self._file.rows(
            "SELECT DISTINCT answer FROM memalign_images JOIN memalign_answers ON n = answer "
            "WHERE judge = ? ORDER BY answer DESC",
            self._judge,
        )
        return [int(n) for (n,) in rows]

    def _read(self, where: str, *values: Any) -> list[Answer]:
        rows = self._file.rows(
            f"SELECT n, record FROM memalign_answers WHERE judge = ? AND {where}",
            self._judge,
            *values,
        )
        return [
            Answer.model_validate_json(record).model_copy(update={"n": int(n)})
            for n, record in rows
        ]
