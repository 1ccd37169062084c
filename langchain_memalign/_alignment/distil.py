"""Distilling episodes into candidate principles; a batch that fails is halved to find out why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_memalign._alignment.learner import NO_COST, Cost, Learner
from langchain_memalign._alignment.plan import Candidate
from langchain_memalign._memory.cache import Knowledge
from langchain_memalign._models import NO_RETRY
from langchain_memalign._prompts.distilling import DISTIL_SCHEMA, distil_prompt
from langchain_memalign.errors import ModelError
from langchain_memalign.flow import Flow
from langchain_memalign.schema import Episode, Pending, Principle

# Halving stops when, at this depth, no part of a batch has ever succeeded: then it is not the
# records. Two bad records leave at least two of four quarters good.
_HOPELESS_DEPTH = 2


@dataclass(frozen=True, kw_only=True)
class Distilled:
    """What came of distilling some episodes.

    Attributes:
        candidates: The principles proposed; their sources are episode ids.
        learned: Ids of the episodes that the model dealt with.
        pending: Episodes that it could not deal with, and why.
    """

    candidates: tuple[Candidate, ...] = ()
    learned: frozenset[str] = frozenset()
    pending: tuple[Pending, ...] = ()
    cost: Cost = NO_COST

    def __add__(self, other: Distilled) -> Distilled:
        return Distilled(
            candidates=self.candidates + other.candidates,
            learned=self.learned | other.learned,
            pending=self.pending + other.pending,
            cost=self.cost + other.cost,
        )


def distil(
    learner: Learner,
    episodes: Sequence[Episode],
    *,
    known: Knowledge,
    shown: Sequence[Principle],
) -> Flow[Distilled]:
    """Distil a batch; what fails is split in halves until the records to blame stand alone.

    Args:
        learner: Who learns.
        episodes: The batch.
        known: What the memory holds so far.
        shown: The principles of it that the model sees.

    Raises:
        ModelError: The provider refuses access, so that no record could succeed.
    """
    total = Distilled()
    parts, depth = [list(episodes)], 0
    while parts:
        failed: list[list[Episode]] = []
        reason = ""
        for part in parts:
            prompt = distil_prompt(
                learner.spec,
                part,
                shown,
                known_total=len(known.principles),
                value_counts=known.value_counts,
                record_tokens=learner.record_tokens,
            )
            result = yield from _attempt(learner, part, shown, prompt, is_first=depth == 0)
            total += replace(result, pending=())
            left_ids = {pending.episode_id for pending in result.pending}
            left = [episode for episode in part if episode.id in left_ids]
            if left:
                reason = result.pending[0].reason
            if len(left) > 1 and not isinstance(result, _Unreachable):
                failed.append(left)
            else:
                total += Distilled(pending=result.pending)
        if failed and depth >= _HOPELESS_DEPTH and not total.learned:
            everything = [episode for part in failed for episode in part]
            return total + _all_pending(everything, reason)
        parts = [half for part in failed for half in _halves(part)]
        depth += 1
    return total


class _Unreachable(Distilled):
    """The model could not be reached at all; smaller parts would fare no better."""


def _attempt(
    learner: Learner,
    part: Sequence[Episode],
    known: Sequence[Principle],
    prompt: Any,
    *,
    is_first: bool,
) -> Flow[Distilled]:
    reader = _Reader(part, known)
    try:
        answer = yield from learner.model.ask(
            prompt,
            DISTIL_SCHEMA,
            reader.read,
            config=learner.config,
            # Parts of a batch that was retried already are tried once each.
            retry=None if is_first else NO_RETRY,
        )
    except ModelError as error:
        if error.is_refused_access:
            raise
        unreachable = error.transient and error.status in (None, 429)
        failed = _all_pending(part, str(error))
        cost = Cost(model_calls=error.attempts)
        if unreachable:
            return _Unreachable(pending=failed.pending, cost=cost)
        return replace(failed, cost=cost)
    cost = Cost(model_calls=answer.calls, usage=answer.usage)
    candidates = answer.value or ()
    if answer.problem is None:
        return Distilled(candidates=candidates, learned=frozenset(e.id for e in part), cost=cost)
    # What was understood of a partly malformed reply is kept, together with the records it cites.
    learned = frozenset(id_ for candidate in candidates for id_ in candidate.sources)
    left = [episode for episode in part if episode.id not in learned]
    failed = _all_pending(left, f"the distilling reply could not be used: {answer.problem}")
    return replace(failed, candidates=candidates, learned=learned, cost=cost)


class _Reader:
    """Reads a reply whose records and principles have short ids."""

    def __init__(self, records: Sequence[Episode], known: Sequence[Principle]) -> None:
        self._records = {f"R{i}": episode.id for i, episode in enumerate(records, 1)}
        self._known = {f"P{i}": principle.id for i, principle in enumerate(known, 1)}

    def read(self, data: dict[str, Any]) -> tuple[tuple[Candidate, ...] | None, str | None]:
        items = data.get("principles")
        if not isinstance(items, list):
            return None, "it has no list under the key 'principles'."
        read = [self._item(item) for item in items]
        candidates = tuple(c for c in read if isinstance(c, Candidate))
        problems = [problem for problem in read if isinstance(problem, str)]
        if not problems:
            return candidates, None
        # Without citations there is no telling which records a broken reply has dealt with.
        cited = tuple(c for c in candidates if len(c.sources) < len(self._records))
        return cited or None, f"item {problems[0]}"

    def _item(self, item: Any) -> Candidate | str:
        if not isinstance(item, dict) or not isinstance(text := item.get("text"), str):
            return f"{str(item)[:120]!r} is no object with a 'text'."
        # Models also write half a character, which nothing could store.
        text = " ".join(text.encode("utf-8", errors="replace").decode("utf-8").split())
        sources, relation = item.get("sources", []), item.get("relation", "add")
        target = item.get("target") or ""
        if not text or not isinstance(sources, list) or not isinstance(target, str):
            return f"{text[:80]!r} needs a text, a list 'sources' and a text 'target'."
        if relation not in ("add", "same", "replaces"):
            return f"{text[:80]!r} has the relation {relation!r:.40}."
        # Invented ids are dropped; without any source, the whole batch is the source, and what
        # repeats or replaces nothing that is known is new.
        cited = [self._records[s] for s in sources if isinstance(s, str) and s in self._records]
        known = self._known.get(target, "")
        return Candidate(
            text=text,
            sources=tuple(dict.fromkeys(cited or self._records.values())),
            relation=relation if known else "add",
            target=known,
        )


def _all_pending(episodes: Sequence[Episode], reason: str) -> Distilled:
    return Distilled(pending=tuple(Pending(episode.id, reason) for episode in episodes))


def _halves(part: list[Episode]) -> tuple[list[Episode], list[Episode]]:
    middle = len(part) // 2
    return part[:middle], part[middle:]
