"""Who is at which case: drafts, reservations, marks, and how people want to work."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Literal, TypeAlias

from langchain_memalign.reviews.file import ReviewFile
from langchain_memalign.schema import Record

Mark: TypeAlias = Literal["skipped", "left", "left_by_all", "shown", "asked_again", "open"]
"""What is noted of a person and a case. "shown": the judge's answer was sent to this person."""

RESERVED_SECONDS = 600.0


class Draft(Record):
    """What a person has chosen and written, and not saved."""

    value: str = ""
    reason: str = ""


class PersonSettings(Record):
    """How one person wants to work."""

    keys: bool = True
    blind: bool = False
    learned_first: bool = False


class DeskSettings(Record):
    """How a judge's cases are worked through.

    Attributes:
        policy: Which cases are asked about.
        spot: Of how many other cases one is drawn at random besides; 0 for none.
        needed: Answers that a case needs; 0 for one of everybody.
        blind: Whether the judge's answer is hidden from everybody until they have answered.
        look: Most waiting cases judged again after an answer; 0 for none.
    """

    policy: Literal["always", "uncertain", "never"] = "always"
    spot: int = 0
    needed: int = 1
    blind: bool = False
    look: int = 20


class DeskTable:
    """The desk of one judge in a review file."""

    def __init__(self, file: ReviewFile, judge: str) -> None:
        self._file = file
        self._judge = judge

    def draft(self, person: str, case_id: str) -> Draft | None:
        """A person's draft of a case."""
        rows = self._file.rows(
            "SELECT record FROM memalign_drafts WHERE judge = ? AND person = ? AND case_id = ?",
            self._judge,
            person,
            case_id,
        )
        return Draft.model_validate_json(rows[0][0]) if rows else None

    def keep_draft(self, person: str, case_id: str, case_key: str, draft: Draft) -> None:
        """Keep a draft; an empty one is deleted."""
        if not draft.value and not draft.reason.strip():
            self.drop_draft(person, case_id)
            return
        self._file.write(
            "INSERT OR REPLACE INTO memalign_drafts VALUES (?, ?, ?, ?, ?)",
            self._judge,
            person,
            case_id,
            case_key,
            draft.model_dump_json(),
        )

    def drop_draft(self, person: str, case_id: str) -> None:
        """Delete a draft."""
        self._file.write(
            "DELETE FROM memalign_drafts WHERE judge = ? AND person = ? AND case_id = ?",
            self._judge,
            person,
            case_id,
        )

    def reserve(self, person: str, name: str, case_id: str) -> str | None:
        """Hold a case for a person for ten minutes; who holds it already, if somebody does."""
        with self._file.writing() as connection:
            moment = time.time()
            found = connection.execute(
                "SELECT person, name FROM memalign_reservations "
                "WHERE judge = ? AND case_id = ? AND until > ?",
                (self._judge, case_id, moment),
            ).fetchone()
            if found and found[0] != person:
                return str(found[1])
            connection.execute(
                "INSERT OR REPLACE INTO memalign_reservations VALUES (?, ?, ?, ?, ?)",
                (self._judge, case_id, person, name, moment + RESERVED_SECONDS),
            )
        return None

    def release(self, person: str, case_id: str | None = None) -> None:
        """Give back what a person holds: one case, or all."""
        self._file.write(
            "DELETE FROM memalign_reservations WHERE judge = ? AND person = ? "
            "AND case_id = coalesce(?, case_id)",
            self._judge,
            person,
            case_id,
        )

    def reserved(self) -> dict[str, tuple[str, str]]:
        """By case: id and name of who holds it."""
        rows = self._file.rows(
            "SELECT case_id, person, name FROM memalign_reservations WHERE judge = ? AND until > ?",
            self._judge,
            time.time(),
        )
        return {str(case_id): (str(person), str(name)) for case_id, person, name in rows}

    def mark(self, person: str, case_id: str, kind: Mark) -> None:
        """Note something of a person and a case."""
        self._file.write(
            "INSERT OR REPLACE INTO memalign_marks VALUES (?, ?, ?, ?, ?)",
            self._judge,
            case_id,
            person,
            kind,
            time.time(),
        )

    def mark_all(self, person: str, case_ids: Iterable[str], kind: Mark) -> None:
        """Note something of a person and several cases, where it is not noted yet."""
        with self._file.writing() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO memalign_marks VALUES (?, ?, ?, ?, ?)",
                [(self._judge, case_id, person, kind, time.time()) for case_id in case_ids],
            )

    def unmark(self, person: str | None, case_id: str, kind: Mark) -> None:
        """Take a note back; of everybody where no person is given."""
        self._file.write(
            "DELETE FROM memalign_marks WHERE judge = ? AND case_id = ? AND kind = ? "
            "AND person = coalesce(?, person)",
            self._judge,
            case_id,
            kind,
            person,
        )

    def marks(self, kind: Mark) -> dict[str, dict[str, float]]:
        """By case and person: when it was noted."""
        found: dict[str, dict[str, float]] = {}
        for case_id, person, at in self._file.rows(
            "SELECT case_id, person, at FROM memalign_marks WHERE judge = ? AND kind = ?",
            self._judge,
            kind,
        ):
            found.setdefault(str(case_id), {})[str(person)] = float(at)
        return found

    def has(self, person: str, case_id: str, kind: Mark) -> bool:
        """Whether something is noted of a person and a case."""
        return bool(
            self._file.rows(
                "SELECT 1 FROM memalign_marks "
                "WHERE judge = ? AND case_id = ? AND person = ? AND kind = ?",
                self._judge,
                case_id,
                person,
                kind,
            )
        )

    def settings(self) -> DeskSettings | None:
        """How the judge's cases are worked through; None where nobody has said."""
        rows = self._file.rows("SELECT record FROM memalign_settings WHERE judge = ?", self._judge)
        return DeskSettings.model_validate_json(rows[0][0]) if rows else None

    def set(self, settings: DeskSettings) -> None:
        """Say how they are."""
        self._file.write(
            "INSERT OR REPLACE INTO memalign_settings VALUES (?, ?)",
            self._judge,
            settings.model_dump_json(),
        )

    def person(self, person: str) -> PersonSettings:
        """How a person wants to work."""
        rows = self._file.rows(
            "SELECT record FROM memalign_people WHERE judge = ? AND person = ?",
            self._judge,
            person,
        )
        return PersonSettings.model_validate_json(rows[0][0]) if rows else PersonSettings()

    def set_person(self, person: str, name: str, settings: PersonSettings) -> None:
        """Say how a person wants to work."""
        self._file.write(
            "INSERT OR REPLACE INTO memalign_people VALUES (?, ?, ?, ?)",
            self._judge,
            person,
            name,
            settings.model_dump_json(),
        )

    def meet(self, person: str, name: str) -> None:
        """Note that a person is here."""
        self._file.write(
            "INSERT INTO memalign_people VALUES (?, ?, ?, ?) "
            "ON CONFLICT (judge, person) DO UPDATE SET name = excluded.name",
            self._judge,
            person,
            name,
            PersonSettings().model_dump_json(),
        )

    def people(self) -> dict[str, str]:
        """Everybody who was here: names by id."""
        rows = self._file.rows(
            "SELECT person, name FROM memalign_people WHERE judge = ? ORDER BY name", self._judge
        )
        return {str(person): str(name) for person, name in rows}
