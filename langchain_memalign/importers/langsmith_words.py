"""What a run's LangSmith feedback says: the expert's value and words, and the judge's own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langsmith.schemas import Feedback

_VALUES = ("score", "value", "label")
_REASONS = ("comment", "explanation", "rationale", "reasoning")
_NEVER = datetime.min.replace(tzinfo=UTC)

NOT_HUMAN = "its feedback is a model's own, and nobody corrected it."
COMPARES = "its feedback compares runs of several experiments; expected a word on one run."


def words_of(
    feedback: Sequence[Feedback], *, sources: Collection[str]
) -> tuple[list[dict[str, Any]], str | None]:
    """Join what each reviewer said of one run under one key.

    A correction counts before the score or value that it corrects. A model's feedback is what a
    judge said; it counts as an expert's only where it was corrected, and then by the correction.

    Args:
        feedback: All feedback on the run under the key.
        sources: The source types that are people's: "app" is LangSmith's own pages, "api" is
            whatever the application sends, such as its users' thumbs.

    Returns:
        Fields of a `Feedback` for each reviewer, without the case; and, where there is none, why.
    """
    ordered = sorted(feedback, key=lambda f: _aware(f.modified_at or f.created_at))
    single = [f for f in ordered if f.comparative_experiment_id is None]
    said_by_judge: dict[str, Any] = {}
    reviewers: dict[str | None, dict[str, Any]] = {}
    for item in single:
        human = item.feedback_source is None or item.feedback_source.type in sources
        own = _given(item.value if item.value is not None else item.score)
        value, reason = _correction(item)
        if human:
            value, reason = (own if value is None else value), reason or item.comment
        else:
            said_by_judge = {"judge_value": own, "judge_rationale": item.comment}
        if value is not None or reason:
            words = reviewers.setdefault(_reviewer(item) if human else None, {})
            words |= {"created_at": _aware(item.created_at)}
            words |= {"value": value} if value is not None else {}
            words |= {"rationale": reason} if reason else {}
    if not reviewers:
        return [], COMPARES if len(single) < len(ordered) else NOT_HUMAN
    told = [
        {**said_by_judge, "reviewer": reviewer, **words} for reviewer, words in reviewers.items()
    ]
    return told, None


def _correction(item: Feedback) -> tuple[Any, str | None]:
    correction = item.correction
    if not isinstance(correction, Mapping):
        return _given(correction or None), None
    value = next(
        (correction[n] for n in (*_VALUES, item.key) if correction.get(n) is not None), None
    )
    reason = next((correction[n] for n in _REASONS if correction.get(n)), None)
    return _given(value), reason if isinstance(reason, str) else None


def _given(value: Any) -> Any:
    """A value as the reviewer gave it; a mapping is none."""
    return None if isinstance(value, Mapping) else value


def _reviewer(item: Feedback) -> str | None:
    source = item.feedback_source
    if source is None:
        return None
    return source.user_name or (str(source.user_id) if source.user_id else None)


def _aware(moment: datetime | None) -> datetime:
    if moment is None:
        return _NEVER
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
