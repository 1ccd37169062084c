"""What happens behind the page: judging ahead, learning, looking again, taking back."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from langchain_memalign.errors import MemAlignError, MemoryStoreError, ModelError
from langchain_memalign.graph.policy import doubts
from langchain_memalign.reviews import Answer, Draft, Looked, Reading, Turned
from langchain_memalign.schema import AlignmentReport, Feedback, Unscored, Verdict, now
from langchain_memalign.web.desk import Desk
from langchain_memalign.web.knowledge import (
    budgets_of,
    changed_ids,
    define,
    recording,
    restore,
    with_earlier,
)
from langchain_memalign.web.waiting import WaitingCase

_AHEAD = 3
_QUIET_SECONDS = 5.0
_RETRY_SECONDS = 60.0
_LOCKED_SECONDS = 5.0
_FOLLOW_SECONDS = 5.0
_UNDO_STEPS = 20

log = logging.getLogger(__name__)


class Worker:
    """Two threads of a desk: one judges ahead, one learns what was answered, in order."""

    def __init__(self, desk: Desk, *, quiet_seconds: float = _QUIET_SECONDS) -> None:
        self._desk = desk
        self._quiet = quiet_seconds
        self._changed = threading.Condition()
        self._stopped = False
        self._retry_at = 0.0
        self._follow_at = 0.0
        self._look_at: float | None = None
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin; harmless when called again."""
        with self._changed:
            if self._threads or self._stopped:
                return
            self._threads = [
                threading.Thread(target=self._run, args=(step,), name=name, daemon=True)
                for step, name in ((self._learn_step, "learning"), (self._read_step, "reading"))
            ]
        for thread in self._threads:
            thread.start()

    @property
    def is_at_work(self) -> bool:
        """Whether something is under way still, such as a model that does not answer."""
        return any(thread.is_alive() for thread in self._threads)

    def stop(self, seconds: float = 2.0) -> None:
        """End; what is under way is waited for a little, and taken up at the next start."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def wake(self, *, retry: bool = False) -> None:
        """Look for work now.

        Args:
            retry: Whether to try again what could not be learned.
        """
        with self._changed:
            if retry:
                self._retry_at = 0.0
            self._changed.notify_all()

    def _run(self, step: Callable[[], float]) -> None:
        if step == self._learn_step:
            self._load()
        while not self._stopped:
            try:
                pause = step()
            except MemAlignError:  # what it was about says so on the screen
                self._desk.signals.tell()
                pause = _LOCKED_SECONDS
            except Exception:
                if self._stopped:  # the files are closed by now
                    return
                log.exception("the page's work behind the scenes failed; it is tried again")
                pause = _LOCKED_SECONDS
            if pause > 0:
                with self._changed:
                    if not self._stopped:
                        self._changed.wait(pause)

    def _load(self) -> None:
        while not self._stopped:
            try:
                self._desk.index.load()
            except MemAlignError:  # every screen that needs them says so
                with self._changed:
                    self._changed.wait(_LOCKED_SECONDS)
            else:
                break
        with contextlib.suppress(MemAlignError):  # learning says so
            define(self._desk.judge)

    # ---- learning ----

    def _learn_step(self) -> float:
        """One piece of work; how long to wait for the next."""
        answers = self._desk.answers
        undoing = answers.next_in("undoing")
        if undoing is not None:
            self._undo(undoing)
            return 0
        answer = answers.next_in("learning", "saved")
        if answer is not None:
            self._learn(answer)
            return 0
        moment = time.monotonic()
        pending = answers.all_in("pending")
        if pending and moment >= self._retry_at:
            self._retry(pending)
            return 0
        if self._look_at is not None and moment >= self._look_at:
            self._look_at = None
            self._look()
            return 0
        if moment >= self._follow_at:
            self._follow()
            return 0
        waits = [self._follow_at - moment]
        waits += [self._retry_at - moment] if pending else []
        waits += [self._look_at - moment] if self._look_at is not None else []
        return max(0.01, min([60.0, *waits]))

    def _learn(self, answer: Answer) -> None:
        desk = self._desk
        begun = desk.answers.update(
            answer, only_in=("saved", "learning"), state="learning", problem=None
        )
        if begun is None:  # taken back, or forgotten
            return
        answer = begun
        desk.signals.tell()
        if answer.decision == "ignore" or answer.case is None:
            self._ended(answer, state="learned", learned_at=now())
            left_out = desk.cases().get(answer.case_id or "")
            if answer.for_all and left_out is not None:
                self._resume(answer, left_out)
            return
        earlier = desk.answers.images(answer.n)  # of a process that ended before it said so
        try:
            with recording(lambda images: desk.answers.keep_images(answer.n, images)):
                report = desk.judge.align([feedback_of(answer)])
            if earlier:
                report = with_earlier(desk.judge, report, earlier)
        except MemoryStoreError as error:
            desk.answers.update(answer, only_in=("learning",), state="saved", problem=str(error))
            raise
        except ModelError as error:
            self._retry_at = time.monotonic() + _RETRY_SECONDS
            self._ended(answer, state="pending", problem=str(error))
            return
        waiting = {p.episode_id: p.reason for p in report.pending}
        mine = {*report.stored, *report.overwritten, *report.unchanged}
        why = next((waiting[id_] for id_ in mine if id_ in waiting), None)
        if report.rejected:
            why = report.rejected[0].reason
        desk.index.refresh([*mine, *report.distilled, *moved_aside(report)])
        others = [id_ for id_ in report.distilled if id_ not in mine]
        self._ended(
            answer,
            state="pending" if why and not report.rejected else "learned",
            problem=why,
            report=report,
            learned_at=now(),
            joint=bool(others),
        )
        if others:
            self._others_learned(answer, set(report.distilled))
        if why:
            self._retry_at = time.monotonic() + _RETRY_SECONDS
        waiting_case = desk.cases().get(answer.case_id or "")
        if waiting_case is not None:
            self._resume(answer, waiting_case)
        self._keep_undo_steps()
        self._look_soon()

    def _resume(self, answer: Answer, waiting: WaitingCase) -> None:
        # A reason without a value is a remark, and rejects no particular answer.
        decision = "remark" if answer.decision == "reject" else answer.decision
        said: dict[str, Any] = {"decision": decision}
        if answer.decision != "approve" and answer.value is not None:
            said["value"] = answer.value
        if answer.reason:
            said["rationale"] = answer.reason
        if answer.reviewer:
            said["reviewer"] = answer.reviewer
        try:
            self._desk.waiting.answer(self._desk.judge, waiting, said)
        except MemAlignError as error:
            log.warning("what waited for the answer to %s was not told: %s", waiting.label, error)

    def _ended(self, answer: Answer, **changes: Any) -> None:
        """Say how learning went; of an answer that was taken back meanwhile only what it did."""
        answers = self._desk.answers
        if answers.update(answer, only_in=("learning", "pending"), **changes) is None:
            answers.update(answer, report=changes.get("report"))
        self._desk.signals.tell()

    def _others_learned(self, answer: Answer, distilled: set[str]) -> None:
        """Answers that waited are learned by what another one set off."""
        for other in self._desk.answers.all_in("pending"):
            stored = other.report and {
                *other.report.stored,
                *other.report.overwritten,
                *other.report.unchanged,
            }
            if other.n != answer.n and stored and stored <= distilled:
                self._ended(other, state="learned", problem=None, learned_at=now(), joint=True)

    def _retry(self, pending: list[Answer]) -> None:
        desk = self._desk
        first = pending[0]
        self._retry_at = time.monotonic() + _RETRY_SECONDS
        try:
            with recording(lambda images: desk.answers.keep_images(first.n, images)):
                assert first.case is not None
                report = desk.judge.align([feedback_of(first)])
        except ModelError as error:
            desk.answers.update(first, problem=str(error))
            desk.signals.tell()
            return
        left = {p.episode_id: p.reason for p in report.pending}
        mine = {*report.stored, *report.overwritten, *report.unchanged}
        why = next((left[id_] for id_ in mine if id_ in left), None)
        desk.index.refresh([*mine, *report.distilled, *moved_aside(report)])
        if why:
            desk.answers.update(first, problem=why)
            desk.signals.tell()
            return
        others = [id_ for id_ in report.distilled if id_ not in mine]
        self._ended(
            first,
            state="learned",
            problem=None,
            report=report,
            learned_at=now(),
            joint=bool(others),
        )
        self._others_learned(first, set(report.distilled))
        self._retry_at = 0.0
        self._look_soon()

    def _follow(self) -> None:
        """See what other processes learned or forgot, where they share the memory."""
        desk = self._desk
        self._follow_at = time.monotonic() + _FOLLOW_SECONDS
        if not desk.index.follow() or self._look_at is not None:
            return  # after an answer of ours, waiting cases are looked at anyway
        moved = []
        for waiting, reading in self._read_already():
            memory = desk.judge.recall(waiting.case)
            if memory.fingerprint != reading.memory.fingerprint:
                moved.append(waiting.id)
        desk.readings.mark_stale(moved)
        desk.signals.tell()

    # ---- taking back ----

    def _undo(self, answer: Answer) -> None:
        desk = self._desk
        images = desk.answers.images(answer.n)
        in_the_way = 0
        if answer.joint:
            in_the_way = 1
        elif images:
            in_the_way = restore(desk.judge, images)
        if in_the_way:
            desk.answers.update(answer, state="learned", problem=f"not_exact:{in_the_way}")
            desk.signals.tell()
            return
        desk.index.refresh(changed_ids(images))
        if answer.kind == "rule" and answer.case_key:
            desk.ledger.reopen(answer.case_key)
        desk.answers.update(answer, state="undone", problem=None)
        desk.answers.drop_images([answer.n])
        if answer.looked is not None:
            desk.readings.mark_stale([turned.case_id for turned in answer.looked.turned])
        desk.signals.tell()
        self.wake()

    def _keep_undo_steps(self) -> None:
        kept: dict[str, int] = {}
        dropped = []
        for n in self._desk.answers.with_images():
            answer = self._desk.answers.get(n)
            person = answer.person if answer else ""
            kept[person] = kept.get(person, 0) + 1
            if kept[person] > _UNDO_STEPS:
                dropped.append(n)
        if dropped:
            self._desk.answers.drop_images(dropped)

    # ---- looking again ----

    def _look_soon(self) -> None:
        if self._desk.settings.look:
            self._look_at = time.monotonic() + self._quiet

    def _look(self) -> None:
        """Judge waiting cases again whose evidence has changed, nearest to the answer first."""
        desk = self._desk
        done = [a for a in desk.answers.all_in("learned") if a.looked is None and a.case]
        if not done:
            return
        latest = done[-1]
        taught = set(latest.report.stored + latest.report.overwritten) if latest.report else set()
        moved: list[tuple[float, WaitingCase, Reading]] = []
        total = 0
        for waiting, reading in self._read_already():
            total += 1
            memory = desk.judge.recall(waiting.case)
            if memory.fingerprint != reading.memory.fingerprint:
                near = max(
                    (r.similarity for r in memory.episodes if r.episode.id in taught), default=-1.0
                )
                moved.append((near, waiting, reading))
        moved.sort(key=lambda entry: -entry[0])
        look = desk.settings.look
        desk.readings.mark_stale(w.id for _, w, _ in moved[look:])
        turned = []
        for _, waiting, before in moved[:look]:
            after = self._read(waiting, again=True)
            if after is not None and (type(after.value), after.value) != (
                type(before.value),
                before.value,
            ):
                turned.append(
                    Turned(
                        case_id=waiting.id,
                        label=waiting.label,
                        was=before.value,
                        now=after.value,
                    )
                )
        for answer in done:
            found = Looked(total=0, judged=0)
            if answer.n == latest.n:
                found = Looked(total=total, judged=len(moved[:look]), turned=tuple(turned))
            desk.answers.update(answer, looked=found)
        desk.signals.tell()

    def _read_already(self) -> Iterator[tuple[WaitingCase, Reading]]:
        """The cases that nobody has answered and the judge has read."""
        desk = self._desk
        known = desk.readings.states()
        gone = {case_id for case_id, _ in desk.answers.given()}
        for waiting in desk.waiting.cases(desk.judge):
            if waiting.id not in known or waiting.id in gone or self._stopped:
                continue
            reading = desk.readings.get(waiting.id)
            if reading is not None:
                yield waiting, reading

    # ---- judging ahead ----

    def _read_step(self) -> float:
        """Judge one of the next cases of somebody; how long to wait for more work."""
        for person in self._desk.present():
            standing = self._desk.standing(person)
            for waiting in self._desk.order(person, standing)[: _AHEAD + 1]:
                stale, _ = standing.readings.get(waiting.id, (True, ()))
                if stale:
                    self._read(waiting, again=waiting.id in standing.readings)
                    return 0
        return 20.0

    def _read(self, waiting: WaitingCase, *, again: bool) -> Reading | None:
        desk = self._desk
        since = desk.forgettings
        try:
            outcome, memory = desk.waiting.read(desk.judge, waiting, again=again)
        except ModelError as error:
            outcome, memory = Unscored(reason=str(error)), desk.judge.recall(waiting.case)
        reading = Reading(
            case_id=waiting.id,
            case_key=waiting.key,
            outcome=outcome,
            memory=memory,
            why=doubts(
                outcome,
                memory,
                value_type=desk.judge.spec.value_type,
                budgets=budgets_of(desk.judge),
            ),
        )
        if waiting.id not in desk.cases() or not desk.keep(reading, since=since):
            return None  # it, or something that it rests on, was forgotten meanwhile
        desk.signals.tell()
        return reading


def moved_aside(report: AlignmentReport) -> list[str]:
    """Ids of past cases that count no more, or count again."""
    return [*(s.episode_id for s in report.superseded), *report.restored]


def feedback_of(answer: Answer) -> Feedback:
    """An answer as the memory takes it.

    Raises:
        InvalidInputError: It says nothing.
    """
    case = answer.case
    assert case is not None
    outcome = answer.outcome
    return Feedback(
        **dict(case),
        value=answer.value,
        rationale=answer.reason,
        reviewer=answer.reviewer,
        created_at=answer.said_at,
        judge_value=answer.judge_value,
        judge_rationale=outcome.rationale if isinstance(outcome, Verdict) else None,
        judge_sight=(outcome.sight or None) if isinstance(outcome, Verdict) else None,
        judge_records=() if outcome is None else outcome.records,
        unseen=answer.unseen,
    )


def take_back(desk: Desk, answer: Answer) -> Answer | None:
    """Take an answer back: its case waits again at once, the memory follows behind.

    Returns:
        The answer; None if it was taken back before.
    """
    taken = desk.answers.update(answer, only_in=("saved",), state="undone", problem=None)
    if taken is None:
        taken = desk.answers.update(
            answer, only_in=("learning", "pending", "learned"), state="undoing", problem=None
        )
    if taken is None:
        return None
    if answer.kind == "left" and answer.case_id is not None:
        for mark in ("left", "left_by_all"):
            desk.table.unmark(answer.person, answer.case_id, mark)
    if answer.kind == "answer" and answer.case_id is not None and not answers_left(desk, answer):
        value = "" if answer.value is None else desk.words.key(answer.value)
        desk.table.keep_draft(
            answer.person,
            answer.case_id,
            answer.case_key,
            Draft(value=value, reason=answer.reason or ""),
        )
        waiting = desk.cases().get(answer.case_id)
        if waiting is None or not desk.waiting.reopen(desk.judge, waiting, answer.reviewer):
            desk.answers.update(taken, reopened=False)
    desk.signals.tell()
    return taken


def answers_left(desk: Desk, answer: Answer) -> bool:
    """Whether the person has given another answer to the case, which counts still."""
    given = desk.answers.on(case_id=answer.case_id) if answer.case_id else []
    return any(a.person == answer.person and a.n != answer.n for a in given)
