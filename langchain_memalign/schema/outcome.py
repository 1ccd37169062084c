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
    """What the judge concluded about one case, and on what evidence.

    Attributes:
        principle_ids: The principles that were shown to the model.
        episode_ids: The episodes that were shown to the model.
        relied_on: Which of them, of either kind, the model says that it relied on.
        usage: Tokens of the model call, or None where the model does not tell.
        cut_tokens: Estimated tokens of the case left out, marked, to keep to the token budget.
        principles_total: How many principles were active; more than shown when over budget.
        recall_problem: Why past cases could not be looked up, or not all: then it rests on what
            could be, perhaps on principles alone; None where all could.
        memory_fingerprint: Digest of the working memory; equal for equal evidence.
        probabilities: How likely each value is; None where nothing tells.
        confidence: The probability that the expert agrees, from 0 to 1; None where nothing tells.
        raw_value: What the model itself said, where its probabilities, or what experts said of its
            earlier answers, made another value of it; else None.
        decided_by: The judge that decided, where a second one may be asked; else None.
        second_problem: Why the second judge, which was asked, reached no verdict, so that the
            first one's counts; else None.
        records: What the track record keeps of this verdict, once an expert has spoken of the case;
            for `Feedback.judge_records`. Empty where the judge had an expert's word on this very
            case before it.
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
        """Ids of all that the rationale was written in sight of; for `Feedback.judge_sight`."""
        return (*self.principle_ids, *self.episode_ids)


class Unscored(Record):
    """The judge could not reach a verdict, and why; never to be counted as a failed case.

    Attributes:
        raw: The model's last reply, where there was one.
        failure: Whether the model could not be reached for now ("outage") or failed for good
            ("error"); None where it was reached and gave no verdict.
        recall_problem: Why past cases could not be looked up, or not all; None where all could.
        records: As those of a `Verdict`; empty too where the model could not be reached.
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
    """An episode that is recalled no more: which principle it contradicts, and why."""

    episode_id: str
    principle_id: str
    reason: str


class Conflict(Record):
    """A case to which experts gave different values; all of their words are kept.

    Attributes:
        episode_ids: What they said, oldest first.
        reviewers: Who said it, in the same order; None where that is not known.
        values: Which value they gave, in the same order.
        value: The value that counts: what most of them gave, or of as many the newest.
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
        low: Lower end of the change's interval; None where it was too little to tell.
        high: Upper end.
        chance: How likely so low a change is where nothing got worse; None where it was too little
            to tell.
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
        is_backed: Whether there was evidence enough to tell.
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
        unchanged: There already, with the same words; nothing was done.
        overwritten: There already, with other words, which now count.
        distilled: Learned from, together with the principles below.
        pending: Stored, but not learned from; the next alignment takes them up.
        rejected: Not usable, by position in the batch; nothing of them was stored.
        refused: Not stored, because the gate found that they would make the judge worse.
        gate: What the gate decided, and on what evidence; None without a gate, and where there
            was nothing to decide.
        principles_merged: Said already; these gained further sources.
        principles_retired: Replaced, or left without a basis by changed feedback.
        superseded: Older cases that a new principle contradicts: kept, but recalled no more.
        restored: Ids of superseded episodes that are recalled again, because what they contradicted
            was replaced in turn or lost its basis.
        remarks_covered: How many of the experts' remarks that were learned a principle accounts
            for, be it a known one: all of them, unless something was forgotten meanwhile, or its
            principle was tried and not learned. What states no rule, as "ok", is no remark.
        remarks_verbatim: For how many of them the principle is the remark as it stands, as the
            model made none of it.
        conflicts: Cases of these episodes to which experts gave different values.
        warnings: What else went less than well.
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
            or were written in sight of it or of what else is gone.
        rationales_erased: The episodes that stay, but without what the judge had said of them,
            because it was written in sight of what is gone.
        episodes_restored: Superseded episodes that are recalled again, because what they
            contradicted is gone.
        principles_redistilled: Learned anew from the sources that remain.
        pending: Sources that wait to be distilled anew, and why.
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
