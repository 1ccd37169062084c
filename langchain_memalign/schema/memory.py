"""What memory holds, what it gives back, and how it is changed."""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal, TypeAlias

from pydantic import AwareDatetime, Field, field_validator

from langchain_memalign._content import canonical, is_blank
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema.case import Case, Feedback
from langchain_memalign.schema.judge_record import JudgeRecord
from langchain_memalign.schema.record import Record, Text, Value, now

_NAMESPACE = uuid.UUID("5b0f3c3e-6d9a-4d53-9f0e-4d656d416c67")


class Episode(Record):
    """A case with what an expert said about it, as memory keeps it.

    Attributes:
        source_id: Its id in the system it was collected in.
        judge_rationale: Why the judge had said so, if known; empty if it was erased.
        judge_sight: Ids of the episodes and principles that the judge was shown when it wrote
            `judge_rationale`; None if not known.
        superseded_by: Id of the principle that this episode contradicts since experts changed their
            minds: it is kept, but no longer recalled. None while it counts. For a pending episode
            this will be decided again.
        superseded_reason: Why it contradicts that principle.
        superseded_at: Since when; or, if it counts again, since when it does.
        judge_records: What the judge, with one or several models, said before it saw what the
            expert said; the newest last.
    """

    id: str
    source_id: str | None = None
    case: Case
    value: Value | None = None
    rationale: str | None = None
    reviewer: str | None = None
    judge_value: Value | None = None
    judge_rationale: str | None = None
    judge_sight: tuple[str, ...] | None = None
    judge_records: tuple[JudgeRecord, ...] = ()
    unseen: bool = False
    status: Literal["pending", "distilled"] = "pending"
    created_at: AwareDatetime
    updated_at: AwareDatetime
    superseded_by: str | None = None
    superseded_reason: str | None = None
    superseded_at: AwareDatetime | None = None

    @classmethod
    def from_feedback(cls, judge: str, feedback: Feedback) -> Episode:
        """The pending episode that `feedback` becomes in the memory of `judge`."""
        case = feedback.case
        identity = canonical([judge, feedback.id or f"case:{case.key}", feedback.reviewer])
        return cls(
            id=str(uuid.uuid5(_NAMESPACE, identity)),
            source_id=feedback.source_id or feedback.id,
            case=case,
            value=feedback.value,
            rationale=feedback.rationale,
            reviewer=feedback.reviewer,
            judge_value=feedback.judge_value,
            judge_rationale=feedback.judge_rationale,
            judge_sight=feedback.judge_sight,
            judge_records=feedback.judge_records,
            unseen=feedback.unseen,
            created_at=feedback.created_at,
            updated_at=feedback.created_at,
        )

    @property
    def revision(self) -> str:
        """Digest of what the expert said about what; a change of it means: learn this anew."""
        # `1`, `1.0` and `True` are equal in Python but are different words of an expert.
        said = [self.case.key, type(self.value).__name__, self.value, self.rationale]
        return hashlib.sha256(canonical(said).encode()).hexdigest()[:32]

    def is_superseded(self, at: datetime | None = None) -> bool:
        """Whether a change of the experts' mind keeps it from being recalled: now, or at `at`."""
        if self.superseded_by is None or self.status == "pending":
            return False
        return at is None or self.superseded_at is None or self.superseded_at <= at

    def superseded(self, by: str, *, reason: str | None, at: datetime) -> Episode:
        """The episode, superseded by the principle with the id `by`."""
        change = {"superseded_by": by, "superseded_reason": reason, "superseded_at": at}
        return self.model_copy(update=change)

    def restored(self) -> Episode:
        """The episode as it was before it was superseded; it remembers since when it counts again.

        An older copy of it, that is imported, must not supersede it once more.
        """
        if self.superseded_by is None:
            return self
        return self.model_copy(
            update={"superseded_by": None, "superseded_reason": None, "superseded_at": now()}
        )


class Principle(Record):
    """One rule that applies to every case.

    Attributes:
        episode_ids: The episodes it was distilled from; empty for one written by a human.
        sight: Ids of the other episodes and principles that the model was shown when it wrote the
            text, each standing also for what that one's text was written from; None if not known.
        pinned: Shown before all others and never retired by distillation.
        retired_at: When it stopped applying; None while it is active.
        replaced_by: The id of the principle that took its place.
    """

    id: str
    text: Text
    episode_ids: tuple[str, ...] = ()
    sight: tuple[str, ...] | None = None
    origin: Literal["distilled", "human"] = "distilled"
    pinned: bool = False
    created_at: AwareDatetime
    retired_at: AwareDatetime | None = None
    replaced_by: str | None = None

    @field_validator("text")
    @classmethod
    def _not_blank(cls, text: str) -> str:
        if is_blank(text):
            raise InvalidInputError("found nothing; expected the rule in words.")
        return text

    @property
    def normalised_text(self) -> str:
        """The text without case, spacing and closing punctuation; equal text is the same rule."""
        return " ".join(self.text.casefold().split()).rstrip(".!;: ")

    def is_active(self, at: datetime | None = None) -> bool:
        """Whether the principle applies: now, or at the moment `at`.

        Raises:
            InvalidInputError: `at` has no time zone.
        """
        if at is None:
            return self.retired_at is None
        if at.tzinfo is None:
            raise InvalidInputError(
                f"found the time {at.isoformat()} without a time zone; expected an aware datetime, "
                "such as datetime.now(UTC)."
            )
        return self.created_at <= at and (self.retired_at is None or self.retired_at > at)


def principle_id(*parts: str) -> str:
    """A principle's id, the same for the same parts, so that redoing work writes no second one."""
    return str(uuid.uuid5(_NAMESPACE, canonical(["principle", *parts])))


def deciding(episodes: Sequence[Episode]) -> Episode:
    """The episode whose word counts, of those on one case.

    Its value is the one that most of them give, or of as many the newest; where none gives a
    value, the newest episode counts.

    Args:
        episodes: All on the same case; at least one.
    """
    # `1` and `True` are equal in Python but are different words of an expert; None has no vote.
    votes: Counter[tuple[type, Value | None]] = Counter(
        (type(e.value), e.value) for e in episodes if e.value is not None
    )
    return max(episodes, key=lambda e: (votes[type(e.value), e.value], e.updated_at, e.id))


class Recalled(Record):
    """A past case that was recalled for a new one, and how near it is (cosine, -1 to 1).

    `also` holds what other reviewers said about the very same case.
    """

    episode: Episode
    similarity: float
    also: tuple[Episode, ...] = ()

    @property
    def value(self) -> Value | None:
        """The value that counts for the case: the one most experts give, or on a tie the newest."""
        return deciding((self.episode, *self.also)).value

    @property
    def is_contested(self) -> bool:
        """Whether experts gave the case different values."""
        values = (e.value for e in (self.episode, *self.also) if e.value is not None)
        return len({(type(value), value) for value in values}) > 1


class WorkingMemory(Record):
    """What the judge is shown with a case: principles, and recalled episodes, nearest first.

    Attributes:
        recall_problem: Why some or all past cases could not be looked up; None if all could.
        principles_total: How many are active; `principles` are those that are shown.
        value_counts: How often the experts gave each value, over the judge's whole memory; keys
            are JSON text.
    """

    principles: tuple[Principle, ...] = ()
    episodes: tuple[Recalled, ...] = ()
    principles_total: int = 0
    value_counts: dict[str, int] = Field(default_factory=dict)
    recall_problem: str | None = None

    @property
    def fingerprint(self) -> str:
        """Digest of all this; equal for two judgements exactly when they had the same before them.

        Similarities do not count: they also differ where only the case does.
        """
        shown = [
            [(p.id, p.text) for p in self.principles],
            [(e.id, e.revision) for r in self.episodes for e in (r.episode, *r.also)],
            self.principles_total,
            self.value_counts,
        ]
        return hashlib.sha256(canonical(shown).encode()).hexdigest()[:16]


class JudgeDefinition(Record):
    """What a memory knows of a judge itself: how it was set up when it last learned.

    Attributes:
        id: Made of the judge's name.
        spec: Instructions, value type and what belongs to them, as JSON.
        k: Most episodes shown.
        principle_tokens: Token budget of the principles.
        model: The model, where it was given by name.
        distiller: The chat model that learns, where it is one of its own and was given by name.
        has_distiller: Whether it is one of its own.
        probabilities: Where a chat model's come from, if they are asked for.
        aggregate: Which value they make.
        updated_at: When it was written.
    """

    DEFINING: ClassVar = ("instructions", "value_type", "value_meanings")
    """What of the spec a judge is asked and may answer; the rest, how it is shown, may change."""

    id: str
    spec: dict[str, Any]
    k: int
    principle_tokens: int
    model: str | None = None
    distiller: str | None = None
    has_distiller: bool = False
    probabilities: Literal["logprobs"] | None = None
    aggregate: Literal["mode", "mean"] | None = None
    updated_at: AwareDatetime

    @classmethod
    def id_of(cls, judge: str) -> str:
        """The id of the record, of which a judge has one."""
        return str(uuid.uuid5(_NAMESPACE, canonical(["definition", judge])))


class Put(Record):
    """Write one record of a judge, replacing the one with its id.

    Attributes:
        vector: Its embedding; None keeps the stored one, () drops it.
    """

    judge: str
    record: Episode | Principle | JudgeDefinition
    vector: tuple[float, ...] | None = None


class Erase(Record):
    """Remove one record of a judge so that nothing of it remains."""

    judge: str
    kind: Literal["episode", "principle"]
    id: str


Change: TypeAlias = Put | Erase
"""What alignment computes and `Memory.apply`, alone, writes."""
