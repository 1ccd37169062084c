"""What was settled, and receipts of what was forgotten: neither holds any text of a case."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from langchain_memalign.reviews.file import ReviewFile
from langchain_memalign.schema import Record, now


class Settled(Record):
    """A conflict that somebody settled without changing an answer.

    Attributes:
        said: Digest of the answers as they were; others make it a conflict again.
        how: What was done.
    """

    case_key: str
    said: str
    how: str
    by: str
    at: AwareDatetime = Field(default_factory=now)


class Receipt(Record):
    """What was forgotten, in numbers.

    Attributes:
        conditions: Which conditions were given, in kind only ("contains a text").
        anew: Rules that were written anew from what remained; None while that is under way.
        guarantee: What erasing achieved, and what it could not reach.
    """

    n: int = 0
    by: str
    at: AwareDatetime = Field(default_factory=now)
    conditions: tuple[str, ...]
    cases: int
    rules: int
    waiting: int
    drafts: int
    anew: int | None = None
    problem: str | None = None
    guarantee: str = ""

    @property
    def number(self) -> str:
        """What it is called."""
        return f"F-{self.n:04d}"


class Ledger:
    """What was settled and forgotten for one judge, in a review file."""

    def __init__(self, file: ReviewFile, judge: str) -> None:
        self._file = file
        self._judge = judge

    def settle(self, settled: Settled) -> None:
        """Note that a conflict is settled."""
        self._file.write(
            "INSERT OR REPLACE INTO memalign_settled VALUES (?, ?, ?)",
            self._judge,
            settled.case_key,
            settled.model_dump_json(),
        )

    def reopen(self, case_key: str) -> None:
        """Note that it is not."""
        self._file.write(
            "DELETE FROM memalign_settled WHERE judge = ? AND case_key = ?", self._judge, case_key
        )

    def settled(self) -> dict[str, Settled]:
        """What is settled, by case."""
        rows = self._file.rows(
            "SELECT case_key, record FROM memalign_settled WHERE judge = ?", self._judge
        )
        return {str(key): Settled.model_validate_json(record) for key, record in rows}

    def write(self, receipt: Receipt) -> Receipt:
        """Keep a receipt, or what became of it."""
        if receipt.n:
            self._file.write(
                "UPDATE memalign_receipts SET record = ? WHERE n = ?",
                receipt.model_dump_json(),
                receipt.n,
            )
            return receipt
        n = self._file.write(
            "INSERT INTO memalign_receipts (judge, record) VALUES (?, ?)",
            self._judge,
            receipt.model_dump_json(),
        )
        return receipt.model_copy(update={"n": n})

    def receipt(self, n: int | None = None) -> Receipt | None:
        """The receipt of a number, or the last one."""
        rows = self._file.rows(
            "SELECT n, record FROM memalign_receipts WHERE judge = ? AND n = coalesce(?, n) "
            "ORDER BY n DESC LIMIT 1",
            self._judge,
            n,
        )
        if not rows:
            return None
        return Receipt.model_validate_json(rows[0][1]).model_copy(update={"n": int(rows[0][0])})
