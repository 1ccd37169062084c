"""How far a judge can be relied on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from langchain_core.runnables import RunnableConfig

from langchain_memalign._async import calibrating as acalibrating
from langchain_memalign._async import health as ahealths
from langchain_memalign._async.calibrating import Progress
from langchain_memalign._calibration.agreement import promised
from langchain_memalign._calibration.promise import AtLeast
from langchain_memalign._calibration.reading import agreement_in
from langchain_memalign._concurrency import off_loop
from langchain_memalign._health.comparing import Baseline, read_baseline
from langchain_memalign._judging.arguments import check_calibration, check_health, share
from langchain_memalign._judging.escalation import check_second
from langchain_memalign._judging.setup import known_track
from langchain_memalign._sync import calibrating
from langchain_memalign._sync import health as healths
from langchain_memalign.judge.base import CaseLike, JudgeBase
from langchain_memalign.schema import (
    AgreementReport,
    CalibrationReport,
    Case,
    HealthReport,
    Threshold,
)

if TYPE_CHECKING:
    from langchain_memalign.judge.judge import MemAlignJudge

_MOSTLY = AtLeast(agreement=0.9)


class ReliableJudge(JudgeBase):
    """A judge that says how far it can be relied on, and asks another where it cannot."""

    def calibrate(
        self,
        *,
        ask: bool = True,
        limit: int | None = None,
        max_concurrency: int = 32,
        progress: Progress | None = None,
        config: RunnableConfig | None = None,
    ) -> CalibrationReport:
        """Complete the track record, and say whether it can improve the judge's answers.

        The judge is asked about cases with an expert's value if its own answer is not known yet.
        It is not shown what experts said about the case, nor their values in its counts, nor
        principles that rest on this case alone. Principles that also rest on other cases stay, so
        it may agree a little better than on new cases. Reviews and `align(probe=True)` record the
        judge's answer by themselves. Answers are kept as they come, so after an interruption call
        this again.

        From the track record a map is fitted: from the judge's answers, their probabilities and
        the nearest past cases' values to the experts' values. It is used only if it lowers the log
        loss, with each case left out in turn, by more than that difference's standard error. Then
        a verdict's value, `probabilities` and `confidence` are the map's, and `raw_value` is the
        model's value if that differs. Without the map, the confidence is the model's own
        probability; or, if it gives none, how often experts agreed with this kind of answer, drawn
        towards how often they agree overall; or None while nothing is known.

        Args:
            ask: False asks nothing: the report's `to_ask` says how many calls it would take.
            limit: How many cases at most to ask about now; None means all.
            max_concurrency: Most model calls at the same time.
            progress: Called with the number of cases done and the number of all cases; the first
                time before anything is asked, so that it can show the cost, or raise to refuse it.
            config: Callbacks, tags and the like.

        Raises:
            ModelError: The provider refuses access. What was answered before is kept.
        """
        check_calibration(limit, max_concurrency, progress)

        def work(config: RunnableConfig) -> CalibrationReport:
            return calibrating.calibrate(
                self.setup,
                ask=ask,
                limit=limit,
                max_concurrency=max_concurrency,
                progress=progress,
                config=config,
            )

        return self._as_run("calibrate", work, config)

    async def acalibrate(
        self,
        *,
        ask: bool = True,
        limit: int | None = None,
        max_concurrency: int = 32,
        progress: Progress | None = None,
        config: RunnableConfig | None = None,
    ) -> CalibrationReport:
        """Async `calibrate`."""
        check_calibration(limit, max_concurrency, progress)

        async def work(config: RunnableConfig) -> CalibrationReport:
            return await acalibrating.calibrate(
                self.setup,
                ask=ask,
                limit=limit,
                max_concurrency=max_concurrency,
                progress=progress,
                config=config,
            )

        return await self._as_arun("calibrate", work, config)

    def agreement(self, *, confidence: float = 0.95) -> AgreementReport:
        """How far the judge agrees with experts on cases it had not seen. Asks no model.

        Args:
            confidence: The level of the intervals.
        """
        setup, level = self.setup, share("confidence", confidence)
        return agreement_in(setup.records, setup.spec, setup.said_by, level)

    async def aagreement(self, *, confidence: float = 0.95) -> AgreementReport:
        """Async `agreement`."""
        return await off_loop(self.agreement, confidence=confidence)

    def threshold(self, *, agreement: float = 0.9, confidence: float = 0.95) -> Threshold:
        """The confidence from which on experts agree with the judge this often. Asks no model.

        Args:
            agreement: How often they have to agree.
            confidence: How certain it has to be that the promise holds.
        """
        asked = AtLeast(agreement=agreement, confidence=confidence)
        return promised(known_track(self.setup, is_current=True), asked)

    async def athreshold(self, *, agreement: float = 0.9, confidence: float = 0.95) -> Threshold:
        """Async `threshold`."""
        return await off_loop(self.threshold, agreement=agreement, confidence=confidence)

    def escalating_to(self, second: MemAlignJudge, *, sure: AtLeast | float = _MOSTLY) -> Self:
        """The same judge, which asks a second one where it is not sure or reaches no verdict.

        It can be used wherever a judge can. The verdict's `decided_by` says who decided, and its
        usage is that of both. If the second reaches no verdict either, the first one's counts, if
        there is one. Only the first one learns.

        Args:
            second: The second judge, such as one with a larger model over the same memory. It may
                itself ask another one.
            sure: When the first counts as sure: if this promise covers its verdict, or from this
                confidence on. While nothing can be promised, it never does.

        Raises:
            ConfigurationError: `second` is not a judge, or gives other values.
        """
        asked = check_second(self.setup, getattr(second, "setup", second), sure)
        return self._replace(setup=replace(self.setup, second=asked))

    def health(
        self,
        data: Iterable[CaseLike] = (),
        *,
        sample: int | None = 100,
        principles: bool = False,
        ask: bool = True,
        baseline: Baseline | None = None,
        seed: int = 0,
        max_concurrency: int = 32,
        progress: Progress | None = None,
        config: RunnableConfig | None = None,
    ) -> HealthReport:
        """Whether the judge is consistent, how it errs, and whether it got worse.

        The judge is asked about cases with an expert's value as if that value were unknown: twice
        unchanged, once with its past cases in another order, and pairs once the other way round.
        The report says how often verdicts flip, how the error depends on the outputs' length, the
        TPR and TNR, and what has changed since. Nothing is written.

        Args:
            data: Cases without an expert's value; the report estimates how many would pass if
                experts judged them. One call each; for judges of true and false.
            sample: How many cases at most to ask about; None means all.
            principles: Also ask without each principle in turn, to find out which ones help or
                hurt. Costs one call for every principle shown with every case.
            ask: False asks nothing: the report's `to_ask` says how many calls it takes at most.
            baseline: An earlier report, or the JSON file it was written to. The report's `worse`
                then says what is worse, by more than chance explains.
            seed: Another seed draws another sample and other orders.
            max_concurrency: Most model calls at the same time.
            progress: Called with the number of cases done and the number of all cases; the first
                time before anything is asked.
            config: Callbacks, tags and the like.

        Raises:
            InvalidInputError: A case, a number or the baseline cannot be used.
            ModelError: The provider refuses access.
        """
        check_health(sample, seed, max_concurrency, progress)
        cases, before = [Case.of(case) for case in data], read_baseline(baseline)

        def work(config: RunnableConfig) -> HealthReport:
            return healths.check_health(
                self.setup,
                cases,
                ask=ask,
                sample=sample,
                principles=principles,
                seed=seed,
                baseline=before,
                max_concurrency=max_concurrency,
                progress=progress,
                config=config,
            )

        return self._as_run("health", work, config)

    async def ahealth(
        self,
        data: Iterable[CaseLike] = (),
        *,
        sample: int | None = 100,
        principles: bool = False,
        ask: bool = True,
        baseline: Baseline | None = None,
        seed: int = 0,
        max_concurrency: int = 32,
        progress: Progress | None = None,
        config: RunnableConfig | None = None,
    ) -> HealthReport:
        """Async `health`."""
        check_health(sample, seed, max_concurrency, progress)
        cases = [Case.of(case) for case in data]
        before = await off_loop(read_baseline, baseline)

        async def work(config: RunnableConfig) -> HealthReport:
            return await ahealths.check_health(
                self.setup,
                cases,
                ask=ask,
                sample=sample,
                principles=principles,
                seed=seed,
                baseline=before,
                max_concurrency=max_concurrency,
                progress=progress,
                config=config,
            )

        return await self._as_arun("health", work, config)
