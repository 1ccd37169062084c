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
        """Complete the track record, and tell whether a map from it pays.

        The judge is asked about each case with an expert's value of which it is not known what it
        says unseen: without the experts' words on that case, their values in the counts, and the
        principles that rest on that case alone. Principles that rest on other cases as well stay,
        so that it may agree a little better than on new cases. Reviews, and `align(probe=True)`,
        keep what the judge said by themselves. What was asked is kept as it comes; to go on after
        an interruption, call it again.

        From the track record comes a map from the judge's answers, their probabilities and the
        nearest past cases' values to the experts' values. It is used only if it lowers the log
        loss, each case left out, by more than that difference's standard error. Then verdicts have
        the value that it makes, their `raw_value` is the model's where that differs, and
        `confidence` and `probabilities` are the map's. Otherwise the confidence is that of the
        model's own probabilities; or, where it tells none, how often experts agreed with this kind
        of answer, drawn to how often they agree at all; or None, where nothing is known.

        Args:
            ask: False asks nothing: the report's `to_ask` is the number of calls that it takes.
            limit: Most cases to ask about now; None for all.
            max_concurrency: Most model calls at the same time.
            progress: Is called with how many cases are done and how many there are, first before
                anything is asked, so that it can tell the cost, or refuse it by raising.
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
        """How far the judge agrees with experts on cases that it had not seen; asks nobody.

        Args:
            confidence: The level of the intervals.
        """
        setup, level = self.setup, share("confidence", confidence)
        return agreement_in(setup.records, setup.spec, setup.said_by, level)

    async def aagreement(self, *, confidence: float = 0.95) -> AgreementReport:
        """Async `agreement`."""
        return await off_loop(self.agreement, confidence=confidence)

    def threshold(self, *, agreement: float = 0.9, confidence: float = 0.95) -> Threshold:
        """From which confidence on experts agree with the judge at least so often; asks nobody.

        Args:
            agreement: How often they are to agree.
            confidence: How certain the promise is to hold.
        """
        asked = AtLeast(agreement=agreement, confidence=confidence)
        return promised(known_track(self.setup, is_current=True), asked)

    async def athreshold(self, *, agreement: float = 0.9, confidence: float = 0.95) -> Threshold:
        """Async `threshold`."""
        return await off_loop(self.threshold, agreement=agreement, confidence=confidence)

    def escalating_to(self, second: MemAlignJudge, *, sure: AtLeast | float = _MOSTLY) -> Self:
        """The same judge, which asks a second one where it is not sure or reaches no verdict.

        It can be used wherever a judge can. The verdict's `decided_by` says who decided, and its
        usage is that of both. Where the second reaches no verdict either, the first one's counts,
        if it had one. What is learned, is learned by the first.

        Args:
            second: The second judge, such as one with a larger model over the same memory. It may
                itself ask another one.
            sure: When the first is sure: if the promise that experts agree so often covers its
                verdict, or from this confidence on. While nothing can be promised, it never is.

        Raises:
            ConfigurationError: It is no judge, or gives other values.
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
        """What moves the judge's verdicts that should not, how it errs, and whether it got worse.

        The judge is asked about cases with an expert's value as if that word were not known: twice
        the very same, with its past cases in another order, and pairs also the other way round.
        From the answers come how often verdicts flip, how the error depends on the outputs'
        length, TPR and TNR, and how all that was before. Nothing is written.

        Args:
            data: Cases without an expert's word, of which to tell how many would pass if experts
                judged them; a call each. For judges of true and false.
            sample: Most cases to ask about; None for all.
            principles: Also ask without each principle, one at a time, which ones help or hurt; a
                call for each principle that each case was shown.
            ask: False asks nothing: the report's `to_ask` is the most calls that it takes.
            baseline: An earlier report, or the file that it was written to as JSON; the report's
                `worse` then says what is worse beyond chance.
            seed: Draws another sample, and other orders.
            max_concurrency: Most model calls at the same time.
            progress: Is called with how many cases are done and how many there are, first before
                anything is asked.
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
