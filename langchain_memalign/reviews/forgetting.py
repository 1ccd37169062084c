"""Finding and erasing in the review file whatever shows something that was forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from langchain_memalign._alignment.unlearning import Erased, plan_erasing
from langchain_memalign._sync.forget import forget
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.reviews.file import ReviewFile
from langchain_memalign.schema import Episode, ForgetReport

# Which tables may show some of it, by the column that names a case; readings are judged anew.
_READINGS = ("memalign_readings",)
_OTHERS = ("memalign_answers", "memalign_drafts")


@dataclass(frozen=True, kw_only=True)
class Traces:
    """What is looked for, and what was found.

    Attributes:
        ids: Ids of past cases and rules that go.
        case_keys: Their cases.
        text: A text that must not remain, in any case of letters; "" for none.
        reviewer: Of whom no answer or draft must remain; "-" for nobody's name, None for no one.
        found: By table: rows that hold some of it.
    """

    ids: frozenset[str] = frozenset()
    case_keys: frozenset[str] = frozenset()
    text: str = ""
    reviewer: str | None = None
    found: tuple[tuple[str, tuple[int, ...]], ...] = ()

    @property
    def readings_count(self) -> int:
        """How many readings of waiting cases show some of it."""
        return sum(len(rows) for table, rows in self.found if table in _READINGS)

    @property
    def others_count(self) -> int:
        """How many drafts and undo steps do."""
        return sum(len(rows) for table, rows in self.found if table not in _READINGS)


def forget_everywhere(
    judge: MemAlignJudge,
    ids: Collection[str],
    clear: Callable[[Erased], object],
    *,
    redistill: bool = True,
) -> ForgetReport:
    """Forget episodes, with what reviews keep of them.

    Args:
        judge: Whose they are.
        ids: Ids of the episodes.
        clear: Erases it from the reviews. Called before the memory forgets, which alone tells what
            reviews must not hold, so that all of it can be repeated, whatever stops it; and once
            more afterwards, before any model is asked, for what was begun meanwhile.
        redistill: As for `MemAlignJudge.forget`.
    """
    gone = frozenset(ids)

    def goes(episode: Episode) -> bool:
        return episode.id in gone

    _, planned = plan_erasing(judge.setup.records, judge.spec.name, goes)
    clear(planned)
    return forget(judge.setup.context(), goes, redistill=redistill, on_erased=clear)


def traces_of(file: ReviewFile, judge: str | None, wanted: Traces) -> Traces:
    """Find what shows some of it; of one judge, or of all."""
    found = []
    by = _rows_by(file, judge, wanted.reviewer)
    for table in (*_READINGS, *_OTHERS):
        rows = file.rows(
            f"SELECT rowid, case_key, record FROM {table} WHERE judge = coalesce(?, judge)", judge
        )
        hits = [
            int(rowid)
            for rowid, key, record in rows
            if int(rowid) in by.get(table, ()) or _holds(wanted, str(key or ""), str(record))
        ]
        found.append((table, tuple(hits)))
    answers = dict(found)["memalign_answers"]
    images = [
        int(rowid)
        for rowid, answer, record in file.rows("SELECT rowid, answer, record FROM memalign_images")
        if answer in answers or _holds(wanted, "", str(record))
    ]
    found.append(("memalign_images", tuple(images)))
    return replace(wanted, found=tuple(found))


def _rows_by(
    file: ReviewFile, judge: str | None, reviewer: str | None
) -> dict[str, frozenset[int]]:
    """By table, the rows that a reviewer has written."""
    if reviewer is None:
        return {}
    answers = [
        (int(rowid), str(person))
        for rowid, person, record in file.rows(
            "SELECT rowid, person, record FROM memalign_answers WHERE judge = coalesce(?, judge)",
            judge,
        )
        if _is_by(reviewer, record)
    ]
    people = {person for _, person in answers}
    people.update(
        str(person)
        for (person,) in file.rows(
            "SELECT person FROM memalign_people WHERE name = ? AND judge = coalesce(?, judge)",
            reviewer,
            judge,
        )
    )
    drafts = file.rows(
        "SELECT rowid, person FROM memalign_drafts WHERE judge = coalesce(?, judge)", judge
    )
    return {
        "memalign_answers": frozenset(rowid for rowid, _ in answers),
        "memalign_drafts": frozenset(int(rowid) for rowid, person in drafts if person in people),
    }


def _is_by(reviewer: str | None, record: object) -> bool:
    return reviewer is not None and (json.loads(str(record))["reviewer"] or "-") == reviewer


def erase(file: ReviewFile, judge: str | None, found: Traces) -> None:
    """Erase what was found, and every copy of it in the file's pages.

    An answer that is still to be learned stays, if nothing but what the judge had said before it
    shows some of it: that goes, but for the judge's value.
    """
    for table, rows in found.found:
        if table == "memalign_answers":
            rows = tuple(row for row in rows if not _keep_what_was_said(file, row, found))
        file.erase(table, rows)
    for key in found.case_keys:
        file.write(
            "DELETE FROM memalign_settled WHERE case_key = ? AND judge = coalesce(?, judge)",
            key,
            judge,
        )
    file.shrink()


def _keep_what_was_said(file: ReviewFile, row: int, found: Traces) -> bool:
    """Strip an answer that is still to be learned of what the judge had said; whether it stays."""
    with file.writing() as connection:
        present = connection.execute(
            "SELECT case_key, record FROM memalign_answers "
            "WHERE rowid = ? AND state IN ('saved', 'learning')",
            (row,),
        ).fetchone()
        if present is None or _is_by(found.reviewer, present[1]):
            return False
        record = json.loads(present[1])
        outcome = record["outcome"] or {}
        record["outcome"] = (
            {"value": outcome["value"], "rationale": ""} if "value" in outcome else None
        )
        stripped = json.dumps(record, ensure_ascii=False)
        if _holds(found, str(present[0] or ""), stripped):
            return False
        connection.execute(
            "UPDATE memalign_answers SET record = ? WHERE rowid = ?", (stripped, row)
        )
    return True


def _holds(wanted: Traces, key: str, record: str) -> bool:
    if key in wanted.case_keys or _any_in(wanted.ids, record):
        return True
    return bool(wanted.text) and _in_json(wanted.text) in record.casefold()


def _any_in(ids: Iterable[str], record: str) -> bool:
    return any(id_ in record for id_ in ids)


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1].casefold()
