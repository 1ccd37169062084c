"""Experts' words in a source, and their way into the memory of a judge."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from langchain_core.runnables import RunnableConfig

from langchain_memalign._content import is_blank
from langchain_memalign._values import ValueType
from langchain_memalign.errors import ConfigurationError, InvalidInputError, SourceError
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.schema import AlignmentReport, Record


@dataclass(frozen=True)
class Remark:
    """An expert's word.

    Attributes:
        where: Its place in the source, for people: a run, a trace, a line.
        fields: The fields of a `Feedback`; values as the source writes them.
    """

    where: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Skipped:
    """Something in the source that is no expert's word, or cannot be used, and why.

    Attributes:
        where: Its place in the source.
        reason: Why it was left there.
        is_unusable: Whether an expert's word is there that has to be corrected to be learned;
            false where there simply is none.
    """

    where: str
    reason: str
    is_unusable: bool = False


Found: TypeAlias = Remark | Skipped


# How tables and people write that there is nothing; "NA" and a dash may also be someone's initials
# or an id, but are no remark.
_NOTHING = {"nan", "-nan", "nat", "null", "none", "n/a", "<na>", "#n/a", "#na", "\\n"}
_NO_REMARK = {*_NOTHING, "na", "n.a", "-", "--", "\u2013", "\u2014", "/"}
_NOTHING_SAID = {
    **dict.fromkeys(("id", "reviewer", "created_at"), _NOTHING),
    **dict.fromkeys(("value", "rationale", "judge_value", "judge_rationale"), _NO_REMARK),
}
_SHEET_ERRORS = {"#ref!", "#value!", "#name?", "#div/0!", "#num!", "#null!", "#spill!", "#calc!"}


def with_values(fields: Mapping[str, Any], value_type: ValueType) -> dict[str, Any]:
    """The fields with values of the judge's type, read as generously as a reviewer's answer.

    "Yes", "GOOD", " 4 " and a score of 1.0 for true are understood. What is written for nothing,
    such as nan, NULL or N/A, is nothing, unless it is one of the judge's labels. A moment without a
    time zone is taken as UTC.

    Raises:
        InvalidInputError: A value cannot be read, or a field is a spreadsheet's error.
    """
    read = dict(fields)
    for name, given in fields.items():
        if isinstance(given, str) and given.strip().casefold() in _SHEET_ERRORS:
            raise InvalidInputError(
                f"{name}: found the spreadsheet's error {given.strip()}; correct the cell."
            )
        if name in ("value", "judge_value") and not is_blank(given):
            try:
                read[name] = _value(given, value_type)
                continue
            except InvalidInputError:
                if name == "value" and not _is_nothing(name, given):
                    raise
                # A judge of another scale may have been at work; the expert's word stands alone.
                read[name] = None
                if name == "judge_value":
                    read["judge_rationale"] = None
        elif _is_nothing(name, given):
            read[name] = None
    moment = read.get("created_at")
    if moment is None:
        read.pop("created_at", None)
    else:
        read["created_at"] = _aware(moment)
    return read


def _value(given: Any, value_type: ValueType) -> Any:
    # Scores are numbers in many systems: true is 1.0 there.
    whole = isinstance(given, float) and given.is_integer()
    return value_type.read(int(given) if whole else given)


def _is_nothing(name: str, given: Any) -> bool:
    """Whether a field of this name says that there is nothing."""
    if isinstance(given, str):
        return given.strip().casefold().rstrip(".") in _NOTHING_SAID.get(name, ())
    return name in _NOTHING_SAID and isinstance(given, float) and math.isnan(given)


def _aware(moment: Any) -> Any:
    try:
        read = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    except ValueError:
        return moment  # refused, with its reason, where it is to be used
    if isinstance(read, datetime) and read.tzinfo is None:
        return read.replace(tzinfo=UTC)
    return read


class ImportReport(Record):
    """What an import did.

    Attributes:
        alignment: What was learned. Imported again, the same words are `unchanged` and cost
            nothing.
        skipped: What was left in the source: where, why, and whether it is an expert's word that
            has to be corrected.
        incomplete: Why the source could not be read to its end, if it could not. What had been
            read is learned; the same import goes on from there.
    """

    alignment: AlignmentReport
    skipped: tuple[Skipped, ...] = ()
    incomplete: str | None = None

    @property
    def unusable(self) -> tuple[Skipped, ...]:
        """Experts' words that could not be used."""
        return tuple(item for item in self.skipped if item.is_unusable)


def import_feedback(
    judge: MemAlignJudge,
    found: Iterable[Found],
    *,
    probe: bool = False,
    max_concurrency: int = 32,
    config: RunnableConfig | None = None,
) -> ImportReport:
    """Read a source and learn what experts said in it.

    Importing is incremental: every remark carries the id that its source gave it, so what is
    known already is neither stored nor learned twice, and what was edited there is learned anew.

    Args:
        judge: The judge that learns.
        found: A source, such as `from_langsmith(...)`.
        probe: As for `MemAlignJudge.align`.
        max_concurrency: Most model calls at the same time.
        config: Callbacks, tags and the like.

    Raises:
        SourceError: The source failed before anything was read from it.
        ConfigurationError: It refused the key before anything was read from it.
        ModelError: The judge's provider refuses access. The feedback is stored, pending.
    """
    read = _Reading(found, judge.spec.value_type)
    alignment = judge.align(
        read.remarks, probe=probe, max_concurrency=max_concurrency, config=config
    )
    return read.report(alignment)


async def aimport_feedback(
    judge: MemAlignJudge,
    found: Iterable[Found],
    *,
    probe: bool = False,
    max_concurrency: int = 32,
    config: RunnableConfig | None = None,
) -> ImportReport:
    """Async `import_feedback`; the source is read in a thread."""
    read = await asyncio.to_thread(_Reading, found, judge.spec.value_type)
    alignment = await judge.aalign(
        read.remarks, probe=probe, max_concurrency=max_concurrency, config=config
    )
    return read.report(alignment)


class _Reading:
    """A source read to its end, or to where it broke."""

    def __init__(self, found: Iterable[Found], value_type: ValueType) -> None:
        self.remarks: list[dict[str, Any]] = []
        self._places: list[str] = []
        self._skipped: list[Skipped] = []
        self._incomplete: str | None = None
        try:
            for item in found:
                self._take(item, value_type)
        # A key may expire in the middle.
        except (SourceError, ConfigurationError) as error:
            if not self.remarks:
                raise
            self._incomplete = str(error)

    def _take(self, item: Found, value_type: ValueType) -> None:
        if isinstance(item, Remark):
            try:
                read = with_values(item.fields, value_type)
            except InvalidInputError as error:
                self._skipped.append(Skipped(item.where, str(error), is_unusable=True))
                return
            if all(is_blank(read.get(name)) for name in ("value", "rationale")):
                self._skipped.append(Skipped(item.where, "it has neither value nor rationale."))
            else:
                self.remarks.append(read)
                self._places.append(item.where)
        elif isinstance(item, Skipped):
            self._skipped.append(item)
        else:
            raise InvalidInputError(
                f"found a {type(item).__name__} in the source; expected what an importer yields, "
                "such as from_langsmith(...). Feedback itself goes to judge.align."
            )

    def report(self, alignment: AlignmentReport) -> ImportReport:
        rejected = [
            Skipped(self._places[r.index], r.reason, is_unusable=True) for r in alignment.rejected
        ]
        return ImportReport(
            alignment=alignment.model_copy(update={"rejected": ()}),
            skipped=(*self._skipped, *rejected),
            incomplete=self._incomplete,
        )
