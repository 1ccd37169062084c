"""The page's desk of one judge: its cases, its review file, its worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import replace

from langchain_memalign._alignment.unlearning import Erased
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.reviews import (
    Answers,
    DeskSettings,
    DeskTable,
    Ledger,
    Mark,
    Reading,
    Readings,
    ReviewFile,
)
from langchain_memalign.reviews.forgetting import Traces, erase, traces_of
from langchain_memalign.reviews.wording import Wording
from langchain_memalign.schema import Case
from langchain_memalign.web import queue
from langchain_memalign.web.index import Index
from langchain_memalign.web.knowledge import episodes_of
from langchain_memalign.web.people import Person
from langchain_memalign.web.signals import Signals
from langchain_memalign.web.waiting import Waiting, WaitingCase
from langchain_memalign.web.wording import Words

_MARKS: tuple[Mark, ...] = ("skipped", "left", "left_by_all", "asked_again", "open")
_AGAIN: tuple[Mark, ...] = ("asked_again", "open")
_PAST = "past-"
_PRESENT_SECONDS = 900.0


class Desk:
    """All that the page has of one judge.

    Attributes:
        judge: The judge.
        waiting: Where its cases come from.
        words: What its question and values are called.
        answers: What people answered.
        readings: What the judge said of waiting cases.
        table: Drafts, reservations, marks and settings.
        ledger: What was settled and forgotten.
        index: The past cases, without text.
        signals: Wakes streams.
        forgettings: How often something was forgotten here.
        writing: Held by whatever changes the memory outside of learning.
    """

    def __init__(
        self,
        judge: MemAlignJudge,
        waiting: Waiting,
        *,
        wording: Wording | None = None,
        defaults: DeskSettings | None = None,
        model_name: str = "",
    ) -> None:
        self.judge = judge
        self.waiting = waiting
        self.words = Words(judge.spec, wording or Wording())
        self.file = ReviewFile(waiting.reviews)
        self.name = judge.spec.name
        self.answers = Answers(self.file, self.name)
        self.readings = Readings(self.file, self.name)
        self.table = DeskTable(self.file, self.name)
        self.ledger = Ledger(self.file, self.name)
        self.index = Index(judge)
        self.signals = Signals()
        self.model_name = model_name
        self.forgettings = 0
        self._defaults = defaults or DeskSettings()
        self._guard = threading.Lock()
        self._brought: dict[str, WaitingCase] = {}
        self._present: dict[str, tuple[Person, float]] = {}

    @property
    def settings(self) -> DeskSettings:
        """How cases are worked through."""
        return self.table.settings() or self._defaults

    def cases(self) -> dict[str, WaitingCase]:
        """All that waits for anybody, by id, with past cases that are asked about again."""
        waiting = {case.id: case for case in self.waiting.cases(self.judge)}
        wanted = {id_ for kind in _AGAIN for id_ in self.table.marks(kind)}
        for id_ in wanted - waiting.keys():
            is_past = id_.startswith(_PAST) and self.index.is_ready
            entries = self.index.of_case(id_.removeprefix(_PAST)) if is_past else []
            if is_past and not entries:  # forgotten, by whomever
                self._brought.pop(id_, None)
            elif id_ in self._brought:
                waiting[id_] = self._brought[id_]
            else:
                for episode in episodes_of(self.judge, [e.id for e in entries[:1]]):
                    waiting[id_] = self._bring(episode.case)
        return waiting

    def bring(self, case: Case, person: str) -> WaitingCase:
        """Let a past case wait again, for one person."""
        found = self._bring(case)
        self.table.mark(person, found.id, "open")
        return found

    def _bring(self, case: Case) -> WaitingCase:
        id_ = f"{_PAST}{case.key}"
        label = self.answers.labels().get(case.key) or case.key[:8]
        return self._brought.setdefault(id_, WaitingCase(id_, label, case))

    def standing(self, person: Person) -> queue.Standing:
        """What is known of all waiting cases, for one person."""
        given: dict[str, set[str]] = {}
        for case_id, by in self.answers.given():
            given.setdefault(case_id, set()).add(by)
        return queue.Standing(
            settings=self.settings,
            given=given,
            readings=self.readings.states(),
            marks={kind: self.table.marks(kind) for kind in _MARKS},
            reserved=self.table.reserved(),
            elsewhere=self.waiting.answered(self.judge, person.reviewer),
            undone=frozenset(self.answers.undone_by(person.id)),
        )

    def order(self, person: Person, standing: queue.Standing | None = None) -> list[WaitingCase]:
        """The cases that wait for a person, in order."""
        return queue.order([*self.cases().values()], person.id, standing or self.standing(person))

    def is_blind(self, person: Person) -> bool:
        """Whether the judge's answer is hidden from a person until they have answered."""
        return self.settings.blind or self.table.person(person.id).blind

    def swaps(self, person: Person, case_id: str) -> bool:
        """Whether the two of a pair are shown to a person in the other order."""
        return self.words.is_pair and self.is_blind(person) and queue.is_swapped(person.id, case_id)

    def saw(self, person: Person, case_keys: Iterable[str]) -> None:
        """Note that what the judge said of some cases was sent to somebody, beside the queue."""
        keys = set(case_keys)
        seen = [case.id for case in self.waiting.cases(self.judge) if case.key in keys]
        if seen:
            self.table.mark_all(person.id, seen, "shown")

    def here(self, person: Person) -> None:
        """Note that somebody is at the desk, so that the judge works ahead for them."""
        with self._guard:
            is_new = person.id not in self._present
            self._present[person.id] = (person, time.monotonic())
        if is_new:
            self.table.meet(person.id, person.name)

    def present(self) -> list[Person]:
        """Who is at the desk, the last seen first."""
        with self._guard:
            seen = sorted(self._present.values(), key=lambda entry: -entry[1])
        return [p for p, at in seen if time.monotonic() - at < _PRESENT_SECONDS]

    def label(self, case_key: str, otherwise: str = "") -> str:
        """What a case is called on screen."""
        return self.labels().get(case_key) or otherwise[:8]

    def labels(self) -> dict[str, str]:
        """What cases are called, by their content's digest."""
        waiting = {c.key: c.label for c in self.waiting.cases(self.judge)}
        return self.answers.labels() | waiting

    def reading(self, case_id: str) -> Reading | None:
        """The judge's answer to a case, if it can be shown."""
        found = self.readings.get(case_id)
        return None if found is None or found.stale else found

    def keep(self, reading: Reading, *, since: int) -> bool:
        """Keep a reading, unless it may show what was forgotten since; whether it was kept.

        Args:
            reading: The reading.
            since: `forgettings` from before it was read.
        """
        with self._guard:
            if since != self.forgettings:
                return False
            self.readings.put(reading)
        return True

    def clear(self, erased: Erased, traces: Traces) -> Traces:
        """Erase what the page holds of something that the memory forgets.

        Args:
            erased: What the memory forgets.
            traces: What more is looked for.

        Returns:
            What was erased.
        """
        with self._guard:
            self.forgettings += 1
        wanted = replace(traces, ids=traces.ids | erased.touched)
        self.index.load()
        self.waiting.forget(
            ids=set(wanted.ids),
            exist=self.judge.setup.records.existing,
            case_keys=set(wanted.case_keys),
            text=wanted.text or None,
        )
        # Only now: answers and readings go on while the memory is rewritten, and may show some.
        found = traces_of(self.file, self.name, wanted)
        erase(self.file, self.name, found)
        return found

    def close(self) -> None:
        """Close the review file; the judge's memory is its owner's to close."""
        self.signals.stop()
        self.file.close()
