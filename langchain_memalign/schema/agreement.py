"""How far a judge agrees with experts, and what can be promised of it."""

from __future__ import annotations

from langchain_core.messages.ai import UsageMetadata

from langchain_memalign.schema.outcome import Unscored, Verdict
from langchain_memalign.schema.record import Record
from langchain_memalign.schema.report_table import Report, Row


class Rate(Record):
    """A share of some cases, with its exact interval (Clopper and Pearson, 1934).

    Attributes:
        name: What it is the share of.
        count: How many.
        cases: Of how many.
        value: The share; None where there are no cases.
        low: Lower end of the interval; None where there are no cases.
        high: Upper end.
    """

    name: str
    count: int
    cases: int
    value: float | None = None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.value is None:
            return "unknown (n = 0)"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] (n = {self.cases})"


class AgreementReport(Report):
    """How far a judge agrees with experts on cases whose expert's answer it had not seen.

    Agreement means the expert's value or, on a scale of more than 11 values, a value at most a
    tenth of the scale's width away from it. A case that several experts answered counts once.

    Attributes:
        agreement: The share of the cases with a verdict in which the expert agrees with the judge.
        confidence: The level of all intervals.
        kappa: Cohen's kappa: agreement beyond chance; None if it is not defined.
        by_value: Of the cases to which experts gave a value, the share to which the judge gave the
            same: "TPR" and "TNR" for true and false, "recall of X" for labels and short scales.
        always_yes: The agreement of a judge that always says true; None if the values are not true
            and false.
        majority: The agreement of a judge that always gives the experts' most frequent value.
        is_calibrated: Whether the track record's map is in use. Then the figures are about the
            mapped answers, each mapped without the case itself.
        as_said: What `agreement` would be without the map; the same if none is in use.
        unscored: In how many further cases the judge reached no verdict.
        unasked: For how many further cases with an expert's value the judge's own answer is not
            known; `judge.calibrate()` asks for it.
        outdated: For how many of these an answer is known from another model, prompt or value
            type.
    """

    agreement: Rate
    confidence: float
    kappa: float | None = None
    by_value: tuple[Rate, ...] = ()
    always_yes: Rate | None = None
    majority: Rate
    is_calibrated: bool = False
    as_said: Rate
    unscored: int = 0
    unasked: int = 0
    outdated: int = 0

    def rows(self) -> list[Row]:
        """What there is to tell, most important first."""
        kappa = "undefined" if self.kappa is None else f"{self.kappa:.3f}"
        told: list[Row] = [("agreement", str(self.agreement)), ("kappa", kappa)]
        if self.is_calibrated:
            told.append(("without calibration", str(self.as_said)))
        told += [(rate.name, str(rate)) for rate in self.by_value]
        if self.always_yes is not None:
            told.append(("always yes", str(self.always_yes)))
        told.append(("always the majority", str(self.majority)))
        counts = (
            ("unscored", self.unscored),
            ("not asked unseen", self.unasked),
            ("of these, outdated", self.outdated),
        )
        return [*told, *((name, str(count)) for name, count in counts if count)]


class Threshold(Report):
    """The confidence from which on a judge agrees with experts at least this often.

    Attributes:
        agreement: The agreement that was asked for.
        confidence: How certain it is that the promise holds, over samples of the cases that experts
            might have answered.
        value: The threshold: a verdict whose `confidence` is at least this is covered. None if
            nothing can be promised.
        coverage: The share of the recorded cases that are covered; those without a verdict count
            as not covered. 0 if nothing can be promised.
        agreed: Of the covered recorded cases, the share in which the expert agrees.
        cases: How many recorded cases there are, those without a verdict included.
        most: The highest agreement that these cases allow to be promised, with the same confidence,
            for every verdict; None if there are no cases.
        needed: How many cases it takes to promise this much, if the expert agrees in all of them.
    """

    agreement: float
    confidence: float
    value: float | None = None
    coverage: float = 0.0
    agreed: Rate | None = None
    cases: int = 0
    most: float | None = None
    needed: int

    def covers(self, outcome: Verdict | Unscored) -> bool:
        """Whether the promise holds for an outcome."""
        if isinstance(outcome, Unscored) or outcome.confidence is None or self.value is None:
            return False
        return outcome.confidence >= self.value

    def rows(self) -> list[Row]:
        """What there is to tell, most important first."""
        asked = f"{self.agreement:.0%} of experts' answers, with {self.confidence:.0%} confidence"
        most = "nothing" if self.most is None else f"{self.most:.3f}, for every verdict"
        told: list[Row] = [("promised agreement", asked)]
        if self.value is None:
            told.append(("threshold", f"none: {self.needed} agreeing cases are needed at least"))
        else:
            told.append(("threshold", f"confidence >= {self.value:g}"))
            told.append(("coverage", f"{self.coverage:.0%} of {self.cases} cases"))
            told.append(("agreed there", str(self.agreed)))
        return [*told, ("the most for all", most), ("cases", str(self.cases))]


class CalibrationReport(Report):
    """What is known of a judge's answers, and whether mapping them to experts' answers helps.

    Attributes:
        asked: How many cases the judge was asked about now, each without its experts' answers.
        to_ask: How many are left to ask about; each costs at least one model call.
        cases: For how many cases the judge's own verdict is known.
        unscored: In how many it reached no verdict.
        is_used: Whether the map is used from now on.
        log_loss_before: Mean log loss of the experts' values, in nats, without the map; None if
            there are too few cases.
        log_loss_after: The same with the map, with each case left out of the fit.
        gain: How much it falls.
        standard_error: The standard error of `gain`; the map is used if the gain is larger.
        why: What was decided and why, in a sentence.
    """

    asked: int = 0
    to_ask: int = 0
    cases: int = 0
    unscored: int = 0
    is_used: bool = False
    log_loss_before: float | None = None
    log_loss_after: float | None = None
    gain: float | None = None
    standard_error: float | None = None
    why: str = ""
    model_calls: int = 0
    embedded: int = 0
    usage: UsageMetadata | None = None
    seconds: float = 0.0

    def rows(self) -> list[Row]:
        """What there is to tell, most important first."""
        told: list[Row] = [("calibrated", f"{'yes' if self.is_used else 'no'}: {self.why}")]
        if self.gain is not None:
            losses = f"{self.log_loss_before:.3f} -> {self.log_loss_after:.3f}"
            told.append(("log loss", f"{losses}, gain {self.gain:.3f} ± {self.standard_error:.3f}"))
        counts = (
            ("cases", self.cases),
            ("unscored", self.unscored),
            ("asked now", self.asked),
            ("left to ask", self.to_ask),
        )
        told += [(name, str(count)) for name, count in counts if count]
        cost = f"{self.model_calls} model calls, {self.seconds:.1f} s"
        return [*told, ("cost", cost)]
