"""What judging, aligning and forgetting report."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from langchain_core.messages.ai import UsageMetadata
from pydantic import Field

from langchain_memalign.schema.judge_record import JudgeRecord
from langchain_memalign.schema.memory import Principle
from langchain_memalign.schema.probabilities import Probabilities
from langchain_memalign.schema.record import Record, Value
from langchain_memalign.schema.report_table import Report, Row, counted, listed


class Latency(Record):
    """Where a judgement's time went, in milliseconds."""

    recall_ms: float = 0.0
    model_ms: float = 0.0


class Verdict(Record):
    """What the judge concluded about a case, and on what evidence.

    Attributes:
        principle_ids: The principles that were shown to the model.
        episode_ids: The episodes that were shown to the model.
        relied_on: Those of either kind that the model says it relied on.
        usage: Tokens of the model call; None if the model does not say.
        cut_tokens: About how many tokens of the case were cut to keep to the budget.
        principles_total: How many principles were active, including those not shown.
        recall_problem: Why some or all past cases could not be looked up; None if all could. The
            verdict then rests on the rest, perhaps on principles alone.
        memory_fingerprint: Digest of the working memory; equal for equal evidence.
        probabilities: How likely each value is; None if nothing is known.
        confidence: The probability that the expert agrees, from 0 to 1; None if nothing is known.
        raw_value: What the model itself said, if its probabilities, or experts' answers to its
            earlier verdicts, led to another value; else None.
        decided_by: The judge that decided, if a second one may be asked; else None.
        second_problem: Why a second judge that was asked reached no verdict, so that the first
            one's counts; else None.
        records: What the track record keeps of this verdict once an expert has answered the case,
            for `Feedback.judge_records`. Empty if the judge was shown an expert's answer to this
            very case.
    """

    value: Value
    rationale: str
    principle_ids: tuple[str, ...] = ()
    episode_ids: tuple[str, ...] = ()
    relied_on: tuple[str, ...] = ()
    usage: UsageMetadata | None = None
    latency: Latency = Latency()
    cut_tokens: int = 0
    principles_total: int = 0
    recall_problem: str | None = None
    memory_fingerprint: str = ""
    probabilities: Probabilities | None = None
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    raw_value: Value | None = None
    decided_by: str | None = None
    second_problem: str | None = None
    records: tuple[JudgeRecord, ...] = ()

    @property
    def sight(self) -> tuple[str, ...]:
        """Ids of all that the model was shown with the case, for `Feedback.judge_sight`."""
        return (*self.principle_ids, *self.episode_ids)


class Unscored(Record):
    """The judge could not reach a verdict, and why. It never counts as a failed case.

    Attributes:
        raw: The model's last reply, if there was one.
        failure: Whether the model could not be reached for now ("outage") or failed for good
            ("error"); None if it replied but gave no verdict.
        recall_problem: Why some or all past cases could not be looked up; None if all could.
        records: As in a `Verdict`; also empty if the model could not be reached.
    """

    reason: str
    raw: str | None = None
    failure: Literal["outage", "error"] | None = None
    principle_ids: tuple[str, ...] = ()
    episode_ids: tuple[str, ...] = ()
    usage: UsageMetadata | None = None
    latency: Latency = Latency()
    recall_problem: str | None = None
    principles_total: int = 0
    memory_fingerprint: str = ""
    records: tuple[JudgeRecord, ...] = ()

    @property
    def value(self) -> None:
        """None: there is no value, so that `outcome.value` can be asked of every outcome."""
        return None


class Pending(NamedTuple):
    """An episode that is stored but not yet learned from, and why."""

    episode_id: str
    reason: str


class Rejected(NamedTuple):
    """The position of a feedback that could not be stored, and why."""

    index: int  # type: ignore[assignment]  # shadows a method of tuple that nobody needs here
    reason: str


class Superseded(NamedTuple):
    """An episode that is no longer recalled: which principle it contradicts, and why."""

    episode_id: str
    principle_id: str
    reason: str


class Conflict(Record):
    """A case to which experts gave different values. Everything they said is kept.

    Attributes:
        episode_ids: What they said, oldest first.
        reviewers: Who said it, in the same order; None if not known.
        values: Which value they gave, in the same order.
        value: The value that counts: the one most of them gave, or on a tie the newest.
    """

    episode_ids: tuple[str, ...]
    reviewers: tuple[str | None, ...]
    values: tuple[Value, ...]
    value: Value


class GateEvidence(Record):
    """How a judge did on some cases with the memory as it is, and as it would be.

    Attributes:
        cases: What they are, such as "earlier cases".
        count: How many.
        before: The measure with the memory as it is.
        after: The measure with the memory as it would be.
        change: The difference; above 0 is better.
        low: Lower end of the change's interval; None if there were too few cases.
        high: Upper end.
        chance: How likely so low a change is if nothing got worse; None if there were too few
            cases.
    """

    cases: str
    count: int
    before: float
    after: float
    change: float
    low: float | None = None
    high: float | None = None
    chance: float | None = None


class GateDecision(Record):
    """Whether what was learned from a batch may enter the memory, and why.

    Attributes:
        reason: Why, in a sentence.
        is_backed: Whether there was enough evidence to decide on.
        measure: What the evidence measures.
        model_calls: What it took to decide, besides learning the batch itself.
    """

    accepted: bool
    reason: str
    is_backed: bool = True
    measure: str = ""
    evidence: tuple[GateEvidence, ...] = ()
    model_calls: int = 0
    embedded: int = 0
    usage: UsageMetadata | None = None


class AlignmentReport(Report):
    """What one alignment did; episodes by id.

    Attributes:
        stored: New in memory.
        unchanged: In memory already, with the same content; nothing was done.
        overwritten: In memory already, with other content, which was replaced.
        distilled: Learned from, together with the principles below.
        pending: Stored, but not learned from yet; the next alignment tries again.
        rejected: Not usable, by position in the batch; none of it was stored.
        refused: Not stored, because the gate found that they would make the judge worse.
        gate: What the gate decided, and on what evidence; None without a gate, or if there was
            nothing to decide.
        principles_merged: Known already; they gained further sources.
        principles_retired: Replaced, or left without a basis by changed feedback.
        superseded: Older cases that a new principle contradicts: kept, but no longer recalled.
        restored: Ids of superseded episodes that are recalled again, because what they contradicted
            was itself replaced or lost its basis.
        remarks_covered: How many of the learned remarks are in a principle, new or known: all of
            them, unless something was forgotten in the meantime, or `only_effective` left their
            principle out. What states no rule, such as "ok", is not a remark.
        remarks_verbatim: How many of them became a principle word for word, because the model
            made nothing of them.
        conflicts: Cases among these to which experts gave different values.
        warnings: What else did not go well.
        embedded: How many texts were embedded.
    """

    stored: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    overwritten: tuple[str, ...] = ()
    distilled: tuple[str, ...] = ()
    pending: tuple[Pending, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    refused: tuple[str, ...] = ()
    gate: GateDecision | None = None
    principles_added: tuple[Principle, ...] = ()
    principles_merged: tuple[Principle, ...] = ()
    principles_retired: tuple[Principle, ...] = ()
    superseded: tuple[Superseded, ...] = ()
    restored: tuple[str, ...] = ()
    remarks_covered: int = 0
    remarks_verbatim: int = 0
    conflicts: tuple[Conflict, ...] = ()
    warnings: tuple[str, ...] = ()
    model_calls: int = 0
    embedded: int = 0
    usage: UsageMetadata | None = None
    seconds: float = 0.0

    def rows(self) -> list[Row]:
        """What there is to tell, most important first."""
        fed = (
            ("stored", self.stored),
            ("overwritten", self.overwritten),
            ("unchanged", self.unchanged),
            ("distilled", self.distilled),
        )
        refusal = f"{len(self.refused)}: {self.gate.reason}" if self.gate and self.refused else ""
        return [
            *counted(fed),
            *listed("rejected", [f"{r.index}: {r.reason}" for r in self.rejected]),
            *listed("pending", [f"{p.episode_id[:8]}: {p.reason}" for p in self.pending]),
            *([("refused", refusal)] if refusal else counted([("refused", self.refused)])),
            *listed("principles added", [p.text for p in self.principles_added]),
            *listed("principles merged", [p.text for p in self.principles_merged]),
            *listed("principles retired", [p.text for p in self.principles_retired]),
            *listed("superseded", [f"{s.episode_id[:8]}: {s.reason}" for s in self.superseded]),
            *_remarks(self.remarks_covered, self.remarks_verbatim),
            *counted([("restored", self.restored), ("conflicts", self.conflicts)]),
            *listed("warnings", self.warnings),
            *_cost(self.model_calls, self.embedded, self.seconds),
        ]


class ForgetReport(Report):
    """What one forgetting did; episodes and principles by id.

    Attributes:
        principles_removed: Erased, active or retired, because they came from a forgotten episode,
            or were written while the model was shown it, or something else that is gone.
        rationales_erased: Episodes that stay, but without what the judge had said about them,
            because it was shown something that is gone.
        episodes_restored: Superseded episodes that are recalled again, because what they
            contradicted is gone.
        principles_redistilled: Learned again from the sources that remain.
        pending: Sources that wait to be distilled again, and why.
        guarantee: What is gone, and what this memory cannot reach.
    """

    episodes_removed: tuple[str, ...] = ()
    principles_removed: tuple[str, ...] = ()
    rationales_erased: tuple[str, ...] = ()
    episodes_restored: tuple[str, ...] = ()
    principles_redistilled: tuple[Principle, ...] = ()
    pending: tuple[Pending, ...] = ()
    model_calls: int = 0
    embedded: int = 0
    seconds: float = 0.0
    guarantee: str = ""

    def rows(self) -> list[Row]:
        """What there is to tell, most important first."""
        gone = (
            ("episodes removed", self.episodes_removed),
            ("principles removed", self.principles_removed),
            ("episodes restored", self.episodes_restored),
        )
        return [
            *counted(gone),
            *listed("principles redistilled", [p.text for p in self.principles_redistilled]),
            *listed("pending", [f"{p.episode_id[:8]}: {p.reason}" for p in self.pending]),
            *_cost(self.model_calls, self.embedded, self.seconds),
            *([("guarantee", self.guarantee)] if self.guarantee else []),
        ]


def _remarks(covered: int, verbatim: int) -> list[Row]:
    if not covered:
        return []
    said = f"{covered}, {verbatim} of them word for word" if verbatim else str(covered)
    return [("remarks covered", said)]


def _cost(model_calls: int, embedded: int, seconds: float) -> list[Row]:
    said = f"{model_calls} model calls, {embedded} texts embedded, {seconds:.1f} s"
    return [("cost", said.replace("1 model calls", "1 model call") if model_calls == 1 else said)]
