"""How healthy a judge is: what moves its verdicts that should not, and whether it got worse."""

from __future__ import annotations

from langchain_core.messages.ai import UsageMetadata
from pydantic import AwareDatetime

from langchain_memalign.schema.agreement import Rate
from langchain_memalign.schema.record import Record
from langchain_memalign.schema.report_table import Report, Row, listed


class Slope(Record):
    """How a judge's error changes with the length of what it judges.

    Attributes:
        value: How much the judge's value rises above the expert's for each doubling of the outputs'
            length; 1 is the whole scale. Above 0, it favours long outputs.
        low: Lower end of the 95 % interval.
        high: Upper end.
        standard_error: The error of `value`, valid also if errors vary with the length.
        cases: Of how many cases.
    """

    value: float
    low: float
    high: float
    standard_error: float
    cases: int

    def __str__(self) -> str:
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}] (n = {self.cases})"


class Gap(Record):
    """A difference of two shares, with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


class Drift(Record):
    """The same cases asked again: what the judge said before, and what it says now.

    Attributes:
        since: What it is compared with: the judge "with another model or prompt", or "itself,
            earlier".
        before: The share in which the expert agreed before.
        now: The share in which the expert agrees now.
        gained: In how many cases it agrees now and did not before.
        lost: In how many cases it agreed before and does not now.
        chance: How likely a change at least this uneven is if nothing has changed: McNemar's exact
            test, two-sided.
    """

    since: str
    before: Rate
    now: Rate
    gained: int
    lost: int
    chance: float


class PrincipleEffect(Record):
    """What a principle does: the same cases judged with it and without it.

    Attributes:
        cases: In how many cases it was shown and both judgements gave a value.
        changed: In how many of them the value differs without it.
        helped: In how many the judge agrees with the expert only with it.
        hurt: In how many only without it.
    """

    id: str
    text: str
    cases: int
    changed: int
    helped: int
    hurt: int


class PassRate(Record):
    """How many of a data set's cases would pass if the experts judged them.

    Attributes:
        observed: The share for which the judge says true.
        value: The share corrected for the judge's errors; None if there are too many of them.
        low: Lower end of the 95 % interval.
        high: Upper end.
        why: Why there is no corrected share.
    """

    observed: Rate
    value: float | None = None
    low: float | None = None
    high: float | None = None
    why: str | None = None

    def __str__(self) -> str:
        if self.value is None:
            return f"refused: {self.why}"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


class HealthReport(Report):
    """Whether a judge is consistent, how it errs, and whether it got worse.

    All figures are about cases with an expert's value, judged as if that value were unknown. A
    figure is None if it does not apply or was not asked for.

    Attributes:
        judge: The judge's name.
        said_by: Digest of the judge with its model, prompt and values.
        created_at: When the judge was asked.
        cases: How many cases it was asked about.
        to_ask: How many model calls it takes at most, if it was only planned.
        agreement: The share in which the expert agrees.
        unscored: The share without a verdict.
        flips: How often the value changes, or is missing, when the same is asked again.
        flips_shuffled: The same when the past cases are shown in another order.
        flips_swapped: For pairs: how often the verdict does not follow when both change places.
        prefers_first: Of the pairs whose verdict did not follow: how often the first one won both
            times; in the others the second did.
        length: How the error depends on the outputs' length; for pairs, on how much longer A is.
        tpr: Of the cases that experts call true, the share that the judge calls true.
        tnr: Of those that they call false, the share that it calls false.
        agreeableness: `tpr` minus `tnr`: above 0, the judge passes more readily than it fails.
        drift: What it said about the same cases before, compared with now.
        principles: What each principle does, the most harmful first.
        pass_rate: The pass rate of the data set that was given.
        worse: What is worse than before, in sentences; empty if nothing is, or if there is nothing
            to compare with.
        notes: Why figures are missing.
    """

    judge: str
    said_by: str
    created_at: AwareDatetime
    cases: int = 0
    to_ask: int = 0
    agreement: Rate | None = None
    unscored: Rate | None = None
    flips: Rate | None = None
    flips_shuffled: Rate | None = None
    flips_swapped: Rate | None = None
    prefers_first: Rate | None = None
    length: Slope | None = None
    tpr: Rate | None = None
    tnr: Rate | None = None
    agreeableness: Gap | None = None
    drift: Drift | None = None
    principles: tuple[PrincipleEffect, ...] = ()
    pass_rate: PassRate | None = None
    worse: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    model_calls: int = 0
    usage: UsageMetadata | None = None
    seconds: float = 0.0

    @property
    def concerns(self) -> tuple[str, ...]:
        """What is wrong beyond chance, whatever it was like before, in sentences."""
        return tuple(_concerns(self))

    @property
    def rates(self) -> tuple[tuple[str, Rate | None], ...]:
        """The shares of cases, under the names that people read."""
        return (
            ("agreement", self.agreement),
            ("unscored", self.unscored),
            ("flips when asked again", self.flips),
            ("flips when shuffled", self.flips_shuffled),
            ("flips when swapped", self.flips_swapped),
            ("of these, the first wins", self.prefers_first),
            ("TPR", self.tpr),
            ("TNR", self.tnr),
        )

    def rows(self) -> list[Row]:
        """What there is to tell, most important first."""
        if not self.model_calls:
            return [("cases", str(self.cases)), ("at most", f"{self.to_ask} model calls")]
        figures: tuple[tuple[str, object], ...] = (
            *self.rates,
            ("TPR minus TNR", self.agreeableness),
            ("error by length", self.length),
            ("pass rate, as judged", self.pass_rate and self.pass_rate.observed),
            ("pass rate, corrected", self.pass_rate),
        )
        told: list[Row] = [(name, str(figure)) for name, figure in figures if figure is not None]
        if self.drift is not None:
            told += _drift_rows(self.drift)
        idle = [p.text for p in self.principles if p.cases and not p.helped and not p.hurt]
        harmful = [
            f"{p.text} (helped {p.helped}, hurt {p.hurt})"
            for p in self.principles
            if p.hurt > p.helped
        ]
        return [
            *told,
            *listed("principles that hurt", harmful),
            *listed("principles without effect", idle),
            *listed("worse than before", self.worse),
            *listed("concerns", self.concerns),
            *listed("notes", self.notes),
            ("cost", f"{self.model_calls} model calls, {self.seconds:.1f} s"),
        ]


def _drift_rows(drift: Drift) -> list[Row]:
    before, now = drift.before.value or 0.0, drift.now.value or 0.0
    said = f"{before:.3f} -> {now:.3f} (n = {drift.now.cases}), {drift.gained} gained, "
    said += f"{drift.lost} lost, p = {drift.chance:.3f}"
    return [("drift", said), ("", f"compared with {drift.since}")]


_OFTEN_UNSCORED = 0.1


def _concerns(report: HealthReport) -> list[str]:
    found = []
    first, gap, length, drift = (
        report.prefers_first,
        report.agreeableness,
        report.length,
        report.drift,
    )
    if report.unscored is not None and (report.unscored.low or 0.0) > _OFTEN_UNSCORED:
        found.append("It gives no verdict on more than one case in ten.")
    if first is not None and first.low is not None and first.high is not None:
        if first.low > 0.5:
            found.append("In pairs it favours the first one.")
        if first.high < 0.5:
            found.append("In pairs it favours the second one.")
    if length is not None and length.low > 0:
        found.append("It values longer outputs higher than experts do.")
    if length is not None and length.high < 0:
        found.append("It values longer outputs lower than experts do.")
    if gap is not None and gap.low > 0:
        found.append("It is agreeable: it passes what should fail more often than the reverse.")
    if gap is not None and gap.high < 0:
        found.append("It is severe: it fails what should pass more often than the reverse.")
    if drift is not None and drift.chance < 0.05:
        change = "less" if drift.lost > drift.gained else "more"
        found.append(f"Experts agree with it {change} than with {drift.since}.")
    return found
