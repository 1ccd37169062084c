"""A gate that lets a batch pass unless there is evidence that it makes the judge worse.

Agreement with the batch alone would prove little: whoever learns wrong labels agrees with wrong
labels. So the judge as it is and the judge as it would be are compared on what experts said before,
or on cases that the user trusts.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from operator import add
from typing import Literal

import numpy as np

from langchain_memalign._alignment.context import NO_COST, Cost
from langchain_memalign._concurrency import parallel
from langchain_memalign._judging.setup import JudgeSetup
from langchain_memalign._stores.base import Selection
from langchain_memalign._sync.align import align
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.evaluation.metrics import Metric, closeness
from langchain_memalign.evaluation.resampling import Resampling, chance_of_loss
from langchain_memalign.evaluation.runner import judged, own_ids
from langchain_memalign.evaluation.trials import (
    Condition,
    EvalCase,
    Judgement,
    eval_cases,
    listed,
    parts,
    readable,
)
from langchain_memalign.judge import FeedbackLike, MemAlignJudge
from langchain_memalign.schema import Feedback, GateDecision, GateEvidence


@dataclass(frozen=True, kw_only=True)
class _Compared:
    """The same questions, answered before and after, and what teaching for that cost."""

    asked: tuple[EvalCase, ...] = ()
    before: tuple[Judgement, ...] = ()
    after: tuple[Judgement, ...] = ()
    cost: Cost = NO_COST

    def __add__(self, other: _Compared) -> _Compared:
        return _Compared(
            asked=self.asked + other.asked,
            before=self.before + other.before,
            after=self.after + other.after,
            cost=self.cost + other.cost,
        )


@dataclass(frozen=True, kw_only=True)
class EvidenceGate:
    """Compares two states of a judge's memory; for `judge.align(..., gate=EvidenceGate())`.

    Evidence is a paired comparison, of these kinds:

    - trusted cases: the `holdout`. If there are enough of them, they alone decide, and the other
      kinds are not used.
    - earlier cases, remembered: whether the judge still agrees with what experts said before. What
      the batch replaces does not count, unless it takes back more than half of what was said.
    - earlier cases, as new: the same, with the episodes on the case at hand, and all principles
      that came from them, hidden from both judges.
    - cases of the batch, as new: each part is judged by a judge that was taught the other parts.
      This says whether such feedback helps with such cases, not whether it is right.

    A batch is refused if the judge got worse on any of them: if a randomisation test over the
    cases says, with `confidence`, that the change lies below `-tolerance`. With several kinds, each
    has to be that much surer. If no kind has `least` cases, nothing can be said. By default the
    batch is then accepted with a warning, because otherwise a new judge, which has nothing to
    compare a first batch with, would never learn anything.

    It costs 2 judgements for each trusted case; without those, 4 for each earlier case and 2 for
    each case of the batch, for at most `most` cases of each kind. The last kind also distils the
    rest of the batch `folds` times.

    Attributes:
        holdout: Cases with values that you trust, ideally cases that the judge is not taught.
        tolerance: How much worse is still accepted; agreement goes from 0 to 1.
        confidence: How sure it must be that the judge got worse. With 0.95, at most 5 % of honest
            batches that change nothing are refused.
        least: A kind with fewer cases that one of the two judges scored decides nothing.
        most: How many cases of each kind are used at most; of more, a sample is drawn.
        folds: Into how many parts the batch is cut; 0 leaves this kind of evidence out.
        when_unknown: What to do if no kind of evidence has enough cases.
        concurrency: How many judgements at most run at the same time.
        seed: For whatever is drawn at random.
    """

    holdout: Sequence[FeedbackLike] = field(default=(), repr=False)
    tolerance: float = 0.0
    confidence: float = 0.95
    least: int = 10
    most: int = 50
    folds: int = 3
    when_unknown: Literal["accept", "refuse"] = "accept"
    concurrency: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "holdout", tuple(listed("gate, holdout", self.holdout)))
        counts = (self.least, self.most, self.folds, self.concurrency, self.seed)
        usable = (
            all(type(count) is int for count in counts)
            and all(type(share) in (int, float) for share in (self.tolerance, self.confidence))
            and 0 <= self.tolerance <= 1
            and 0.5 < self.confidence < 1
            and 1 <= self.least <= self.most
            and (self.folds == 0 or self.folds >= 2)
            and self.when_unknown in ("accept", "refuse")
            and self.concurrency >= 1
            and self.seed >= 0
        )
        if not usable:
            raise InvalidInputError(
                f"gate: found {self}; expected a tolerance from 0 to 1, a confidence between 0.5 "
                "and 1, whole numbers with 1 <= least <= most, folds of 0 or at least 2, "
                "when_unknown 'accept' or 'refuse', a concurrency of at least 1 and a seed."
            )

    def __call__(
        self, current: MemAlignJudge, candidate: MemAlignJudge, feedback: Sequence[Feedback]
    ) -> GateDecision:
        """Decide on a batch.

        Args:
            current: The judge as it is.
            candidate: The judge as it would be.
            feedback: The batch.

        Raises:
            InvalidInputError: A case of the holdout cannot be used.
            ModelError: The provider refuses access.
        """
        value_type, before, after = current.spec.value_type, current.setup, candidate.setup
        batch, _ = readable(value_type, feedback)
        trusted, _ = readable(value_type, self.holdout)
        kinds: dict[str, _Compared] = {}
        asked = self._sample(eval_cases(trusted))
        if asked:
            kinds["trusted cases"] = self._compare(asked, before, after)
        if _cases(asked) < self.least:
            asked = self._sample(_said_before(before, after))
            if asked:
                for name, hides in (("remembered", False), ("as new", True)):
                    found = self._compare(asked, before, after, hides=hides)
                    kinds[f"earlier cases, {name}"] = found
            asked = self._sample(eval_cases(batch))
            if self.folds and _cases(asked) >= max(self.least, self.folds):
                kinds["cases of the batch, as new"] = self._cross(batch, asked, before)
        measure = closeness(value_type)
        evidence = [self._evidence(name, kind, measure) for name, kind in kinds.items()]
        return self._decision(evidence, kinds.values())

    def _sample(self, questions: Iterable[EvalCase]) -> list[EvalCase]:
        """Questions on at most so many cases; all words on a case stay together."""
        by_case: dict[str, list[EvalCase]] = {}
        for asked in questions:
            by_case.setdefault(asked.case.key, []).append(asked)
        keys = sorted(by_case)
        random.Random(self.seed).shuffle(keys)
        return [asked for key in keys[: self.most] for asked in by_case[key]]

    def _compare(
        self,
        asked: Sequence[EvalCase],
        before: JudgeSetup,
        after: JudgeSetup,
        *,
        hides: bool = False,
    ) -> _Compared:
        """Ask both; with `hides`, neither is shown what it learned from the case at hand."""
        nothing: dict[str, frozenset[str]] = {}
        works = [
            partial(judged, setup, one, Condition(), without=own.get(one.case.key, frozenset()))
            for setup in (before, after)
            for own in [own_ids(setup) if hides else nothing]
            for one in asked
        ]
        rows = parallel(works, limit=self.concurrency)
        return _Compared(
            asked=tuple(asked), before=tuple(rows[: len(asked)]), after=tuple(rows[len(asked) :])
        )

    def _cross(
        self, batch: Sequence[Feedback], asked: Sequence[EvalCase], before: JudgeSetup
    ) -> _Compared:
        """Ask about each part of the batch a judge that was taught all other parts."""
        points = before.records.scan(Selection(judge=before.spec.name), vectors=True)
        # What waits to be learned would be learned for each part, at its price.
        points = [point for point in points if point.fields.get("status") != "pending"]
        total = _Compared()
        for held, taught in parts(batch, folds=self.folds, seed=self.seed):
            keys = {word.case.key for word in held}
            part = [question for question in asked if question.case.key in keys]
            with before.records.scratch_copy(points) as records:
                after = before.over(records)
                report = align(after.context(max_concurrency=self.concurrency), taught)
                total += self._compare(part, before, after, hides=True)
            total += _Compared(cost=Cost.told_by(report))
        return total

    def _evidence(self, name: str, kind: _Compared, measure: Metric) -> GateEvidence:
        expert = [question.expert for question in kind.asked]
        before, after = ([row.value for row in rows] for rows in (kind.before, kind.after))
        groups = [question.case.key for question in kind.asked]
        once = Resampling(count=0)
        # Only a loss decides: so sure of one side is surer of both by less.
        sides = Resampling(level=2 * self.confidence - 1, seed=self.seed)
        change = measure.change(expert, before, after, groups=groups, resampling=sides)
        value = change.value or 0.0
        # Where neither gave a value, as when the model is out of reach, nothing was compared.
        answers = zip(kind.asked, before, after, strict=True)
        told = [asked for asked, old, new in answers if not (old is None and new is None)]
        is_enough = _cases(told) >= self.least
        near = (measure.each(expert, values) for values in (before, after))
        changes: dict[str, list[float]] = {}
        for case, old, new in zip(groups, *near, strict=True):
            changes.setdefault(case, []).append(new - old)
        by_case = np.array([sum(words) / len(words) for words in changes.values()])
        return GateEvidence(
            cases=name,
            count=_cases(kind.asked),
            before=measure(expert, before, resampling=once).value or 0.0,
            after=measure(expert, after, resampling=once).value or 0.0,
            change=value,
            # Without an interval all cases changed alike.
            low=(value if change.low is None else change.low) if is_enough else None,
            high=(value if change.high is None else change.high) if is_enough else None,
            chance=chance_of_loss(by_case + self.tolerance, seed=self.seed) if is_enough else None,
        )

    def _decision(
        self, evidence: Sequence[GateEvidence], kinds: Iterable[_Compared]
    ) -> GateDecision:
        sure = [e for e in evidence if e.chance is not None]
        # Bonferroni: so many kinds are so many occasions to be unlucky.
        enough = (1 - self.confidence) / max(len(sure), 1)
        worse = [e for e in sure if e.chance is not None and e.chance < enough]
        if worse:
            reason = "It would make the judge worse on " + " and on ".join(map(_told, worse)) + "."
        elif sure:
            reason = "No sign that it makes the judge worse: " + "; ".join(map(_told, sure)) + "."
        else:
            found = "; ".join(f"{e.count} {e.cases}" for e in evidence) or "no case"
            reason = (
                f"Too little to tell whether it helps: found {found}, expected at least "
                f"{self.least} of a kind that the judge can score."
            )
        total = reduce(add, (_cost(kind) for kind in kinds), NO_COST)
        return GateDecision(
            accepted=not worse and (bool(sure) or self.when_unknown == "accept"),
            reason=reason,
            is_backed=bool(sure),
            measure="closeness to the experts' values, from 0 to 1",
            evidence=tuple(evidence),
            **dict(total),
        )


def _said_before(before: JudgeSetup, after: JudgeSetup) -> list[EvalCase]:
    """What experts said before and still say, if that is at least half of it; else all of it."""
    said = before.records.episodes(before.spec.name)
    kept = after.records.episodes(before.spec.name)
    revisions = {e.id: e.revision for e in kept if not e.is_superseded()}
    valued = [e for e in said if e.value is not None and not e.is_superseded()]
    standing = [e for e in valued if revisions.get(e.id) == e.revision]
    return [
        EvalCase(id=e.id, case=e.case, expert=e.value)
        for e in (standing if 2 * len(standing) >= len(valued) else valued)
        if e.value is not None
    ]


def _cases(asked: Iterable[EvalCase]) -> int:
    return len({question.case.key for question in asked})


def _told(evidence: GateEvidence) -> str:
    return f"{evidence.count} {evidence.cases} ({evidence.before:.2f} -> {evidence.after:.2f})"


def _cost(kind: _Compared) -> Cost:
    rows = (*kind.before, *kind.after)
    return reduce(
        add, (Cost(model_calls=row.model_calls, usage=row.usage) for row in rows), kind.cost
    )
