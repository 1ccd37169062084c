"""Experts' words in a source, and their way into the memory of a judge."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from langchain_core.runnables import RunnableConfig

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


def with_values(fields: Mapping[str, Any], value_type: ValueType) -> dict[str, Any]:
    """The fields with values of the judge's type, read as generously as a reviewer's answer.

    "Yes", "GOOD", " 4 " and a score of 1.0 for true are understood.

    Raises:
        InvalidInputError: A value cannot be read.
    """
    read = dict(fields)
    for name in ("value", "judge_value"):
        given = read.get(name)
        if given is not None and given != "":
            # Scores are numbers in many systems: true is 1.0 there.
            whole = isinstance(given, float) and given.is_integer()
            try:
                read[name] = value_type.read(int(given) if whole else given)
            except InvalidInputError:
                if name == "value":
                    raise
                # A judge of another scale may have been at work; the expert's word stands alone.
                read[name] = read["judge_rationale"] = None
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
            if all(item.fields.get(name) in (None, "") for name in ("value", "rationale")):
                self._skipped.append(Skipped(item.where, "it has neither value nor rationale."))
                return
            try:
                self.remarks.append(with_values(item.fields, value_type))
            except InvalidInputError as error:
                self._skipped.append(Skipped(item.where, str(error), is_unusable=True))
            else:
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
