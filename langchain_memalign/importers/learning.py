"""Experts' words in a source, and their way into the memory of a judge."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from langchain_core.runnables import RunnableConfig

from langchain_memalign._content import is_blank
from langchain_memalign._values.types import JudgeSpec, ValueType
from langchain_memalign._values.words import plain
from langchain_memalign.errors import ConfigurationError, InvalidInputError, SourceError
from langchain_memalign.importers.fields import NOTHING
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.schema import AlignmentReport, ForgetReport, Record, Value


@dataclass(frozen=True)
class Remark:
    """What an expert said about a case.

    Attributes:
        where: Its place in the source, for people: a run, a trace, a line.
        fields: The fields of a `Feedback`; values as the source writes them.
    """

    where: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Skipped:
    """Something in the source that no expert said, or that cannot be used, and why.

    Attributes:
        where: Its place in the source.
        reason: Why it was skipped.
        is_unusable: Whether an expert said something there that has to be corrected to be learned.
    """

    where: str
    reason: str
    is_unusable: bool = False


Found: TypeAlias = Remark | Skipped
Word: TypeAlias = tuple[str, str | None]
"""A word as its source knows it: the `source_id` of its record, and the reviewer."""


def as_content(value: Any) -> Any:
    """What was given or answered, as a case takes it: a bare number is none by itself."""
    return {"value": value} if isinstance(value, bool | int | float) else value


class Source(Iterator[Found]):
    """What an importer finds in a system that is asked; read once.

    Args:
        found: What it finds.
        withdrawn: Of words that were learned from there, those that it no longer holds. It passes
            over words of elsewhere.
    """

    def __init__(self, found: Iterator[Found], withdrawn: Callable[[set[Word]], set[Word]]) -> None:
        self._found = found
        self.withdrawn = withdrawn

    def __next__(self) -> Found:
        return next(self._found)


# A dash, or "NA", may be someone's initials or an id; it is no remark.
_NO_REMARK = {*NOTHING, "na", "n.a", "-", "--", "\u2013", "\u2014", "/"}
_SAID = ("value", "rationale", "judge_value", "judge_rationale")
_SHEET_ERRORS = {"#ref!", "#value!", "#name?", "#div/0!", "#num!", "#null!", "#spill!", "#calc!"}


_PAIR = re.compile(
    r"""\s*(?:"(?P<quoted>(?:[^"]|"")+)"|(?P<bare>[^",=]+?))\s*=\s*(?P<value>[^,]+?)\s*(?:,|\Z)"""
)


def read_words(texts: Iterable[str], value_type: ValueType) -> dict[str, Value]:
    """Read which words mean which values of a judge, for `with_values`.

    Args:
        texts: Pairs, several in a text, separated by commas: `ja=true,nein=false`. A word that
            holds a comma or an equals sign stands in quotes: `"3,5"=4`.
        value_type: The values that there are.

    Raises:
        InvalidInputError: A text is no such pair, its value is none of the judge's, or a word
            stands for two.
    """
    words: dict[str, Value] = {}
    for text in texts:
        position = 0
        while position < len(text.rstrip(" ,")):
            pair = _PAIR.match(text, position)
            if pair is None:
                raise InvalidInputError(
                    f"values: found {text[position:]!r:.80}; expected pairs of a word and a value, "
                    "such as 'ja=true,nein=false'."
                )
            position = pair.end()
            word = plain(pair["bare"] or pair["quoted"].replace('""', '"'))
            value = value_type.read(pair["value"])
            if word in words and words[word] != value:
                raise InvalidInputError(
                    f"values: found {word!r} for {words[word]!r} and {value!r}; expected one."
                )
            words[word] = value
    return words


def with_values(
    fields: Mapping[str, Any],
    value_type: ValueType,
    *,
    words: Mapping[str, Value] | None = None,
) -> dict[str, Any]:
    """The fields with values of the judge's type, read as generously as a reviewer's answer.

    "Yes", "GOOD", " 4 " and a score of 1.0 for true are understood. What is written for nothing,
    such as nan, NULL or N/A, is nothing, unless it is one of the judge's labels. A moment without a
    time zone is taken as UTC.

    Args:
        fields: The fields of a `Feedback`.
        value_type: The values that the judge may give.
        words: Further words that stand for a value, as `read_words` gives them.

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
                read[name] = _value(given, value_type, words or {})
                continue
            except InvalidInputError:
                if name == "value" and not _is_nothing(given):
                    raise
                # A judge of another scale may have been at work; the expert's word stands alone.
                read[name] = None
                if name == "judge_value":
                    read["judge_rationale"] = None
        elif name in _SAID and _is_nothing(given):
            read[name] = None
    moment = read.get("created_at")
    if moment is None:
        read.pop("created_at", None)
    else:
        read["created_at"] = _aware(moment)
    return read


def _value(given: Any, value_type: ValueType, words: Mapping[str, Value]) -> Any:
    # What a word is for people may be a number in the file.
    if isinstance(given, bool | int | float):
        number = int(given) if isinstance(given, float) and given.is_integer() else given
        if (word := plain(str(number))) in words:
            return words[word]
    return value_type.read(given, words=words)


def _is_nothing(said: Any) -> bool:
    if isinstance(said, str):
        return said.strip().casefold().rstrip(".") in _NO_REMARK
    return isinstance(said, float) and math.isnan(said)


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
        alignment: What was learned. Imported again, the same feedback is `unchanged` and costs
            nothing.
        skipped: What was not imported: where, why, and whether it has to be corrected.
        incomplete: Why the source could not be read to its end, if so. What had been read is
            learned; the same import continues from there.
        withdrawn: Ids of episodes that the source no longer holds, because the feedback, or what it
            is about, was deleted or emptied there.
        forgotten: What forgetting these did, if that was asked for.
    """

    alignment: AlignmentReport
    skipped: tuple[Skipped, ...] = ()
    incomplete: str | None = None
    withdrawn: tuple[str, ...] = ()
    forgotten: ForgetReport | None = None

    @property
    def unusable(self) -> tuple[Skipped, ...]:
        """What experts said that could not be used."""
        return tuple(item for item in self.skipped if item.is_unusable)


def import_feedback(
    judge: MemAlignJudge,
    found: Iterable[Found],
    *,
    words: Mapping[str, Value] | None = None,
    forget_withdrawn: bool = False,
    probe: bool = False,
    max_concurrency: int = 32,
    config: RunnableConfig | None = None,
) -> ImportReport:
    """Read a source and learn what experts said in it.

    Importing is incremental: every remark carries the id that its source gave it, so what is
    known is neither stored nor learned twice, and what was edited there is learned again. LangSmith
    and MLflow are also asked about everything learned from them earlier: what they no longer hold
    is reported.

    Args:
        judge: The judge that learns.
        found: A source, such as `from_langsmith(...)`.
        words: Further words that stand for a value, as `read_words` gives them.
        forget_withdrawn: Whether to forget what the source no longer holds.
        probe: As for `MemAlignJudge.align`.
        max_concurrency: How many model calls at most run at the same time.
        config: Callbacks, tags and the like.

    Raises:
        SourceError: The source failed before anything was read from it.
        ConfigurationError: It refused the key before anything was read from it.
        ModelError: The judge's provider refuses access. The feedback is stored, pending.
    """
    read = _Reading(found, judge.spec, words)
    alignment = judge.align(
        read.remarks, probe=probe, max_concurrency=max_concurrency, config=config
    )
    withdrawn = read.withdrawn(judge)
    forgotten = None
    if forget_withdrawn and withdrawn:
        forgotten = judge.forget(episode_ids=withdrawn, config=config)
    return read.report(alignment, withdrawn, forgotten)


async def aimport_feedback(
    judge: MemAlignJudge,
    found: Iterable[Found],
    *,
    words: Mapping[str, Value] | None = None,
    forget_withdrawn: bool = False,
    probe: bool = False,
    max_concurrency: int = 32,
    config: RunnableConfig | None = None,
) -> ImportReport:
    """Async `import_feedback`; the source is read in a thread."""
    read = await asyncio.to_thread(_Reading, found, judge.spec, words)
    alignment = await judge.aalign(
        read.remarks, probe=probe, max_concurrency=max_concurrency, config=config
    )
    withdrawn = await asyncio.to_thread(read.withdrawn, judge)
    forgotten = None
    if forget_withdrawn and withdrawn:
        forgotten = await judge.aforget(episode_ids=withdrawn, config=config)
    return read.report(alignment, withdrawn, forgotten)


class _Reading:
    """A source read to its end, or to where it broke."""

    def __init__(
        self, found: Iterable[Found], spec: JudgeSpec, words: Mapping[str, Value] | None
    ) -> None:
        meant = {**spec.meaning_words, **(words or {})}
        self.remarks: list[dict[str, Any]] = []
        self._source = found if isinstance(found, Source) else None
        self._said: set[Word] = set()
        self._places: list[str] = []
        self._skipped: list[Skipped] = []
        self._incomplete: str | None = None
        try:
            for item in found:
                self._take(item, spec.value_type, meant)
        # A key may expire in the middle.
        except (SourceError, ConfigurationError) as error:
            if not self.remarks:
                raise
            self._incomplete = str(error)

    def _take(self, item: Found, value_type: ValueType, words: Mapping[str, Value] | None) -> None:
        if isinstance(item, Remark):
            word = (str(item.fields.get("source_id")), item.fields.get("reviewer"))
            try:
                read = with_values(item.fields, value_type, words=words)
            except InvalidInputError as error:
                self._said.add(word)
                self._skipped.append(Skipped(item.where, str(error), is_unusable=True))
                return
            if all(is_blank(read.get(name)) for name in ("value", "rationale")):
                self._skipped.append(Skipped(item.where, "it has neither value nor rationale."))
            else:
                self._said.add(word)
                self.remarks.append(read)
                self._places.append(item.where)
        elif isinstance(item, Skipped):
            self._skipped.append(item)
        else:
            raise InvalidInputError(
                f"found a {type(item).__name__} in the source; expected what an importer yields, "
                "such as from_langsmith(...). Feedback itself goes to judge.align."
            )

    def withdrawn(self, judge: MemAlignJudge) -> list[str]:
        """Ids of the judge's episodes of which the source no longer holds the word."""
        if self._source is None or self._incomplete is not None:
            return []
        known = {(e.source_id, e.reviewer): e.id for e in judge.episodes() if e.source_id}
        try:
            gone = self._source.withdrawn(known.keys() - self._said)
        except (SourceError, ConfigurationError) as error:
            self._incomplete = str(error)
            return []
        return [known[word] for word in known if word in gone]

    def report(
        self, alignment: AlignmentReport, withdrawn: Iterable[str], forgotten: ForgetReport | None
    ) -> ImportReport:
        rejected = [
            Skipped(self._places[r.index], r.reason, is_unusable=True) for r in alignment.rejected
        ]
        return ImportReport(
            alignment=alignment.model_copy(update={"rejected": ()}),
            skipped=(*self._skipped, *rejected),
            incomplete=self._incomplete,
            withdrawn=tuple(withdrawn),
            forgotten=forgotten,
        )
