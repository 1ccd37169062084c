"""From what a model distilled, or compared, to changes of the semantic memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from langchain_memalign._alignment.superseding import (
    NOTHING_ASKED,
    Superseding,
    SupersedingPlan,
    plan_superseding,
)
from langchain_memalign._memory.records import Records
from langchain_memalign._models import Vector
from langchain_memalign.schema import Change, Principle, Put, now


class Decision(NamedTuple):
    """The id of the principle that goes, of the one that stays, and how they stand to each other.

    One that is replaced holds no more; one that says the same goes on in the one that stays.
    """

    going: str
    staying: str
    relation: Literal["same", "replaced"] = "same"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A principle as a model proposed it.

    Attributes:
        sources: Ids of the episodes that it came from.
        relation: How it stands to what was known.
        target: Id of the known principle that it repeats or replaces; "" for none.
        is_cited: Whether the model named the sources; else they are all that it was shown.
    """

    text: str
    sources: tuple[str, ...]
    relation: Literal["add", "same", "replaces"] = "add"
    target: str = ""
    is_cited: bool = True

    @property
    def cited(self) -> tuple[str, ...]:
        """The sources that the model named."""
        return self.sources if self.is_cited else ()


@dataclass(kw_only=True)
class PrinciplePlan:
    """What becomes of the principles; by id, in the order in which it was decided."""

    added: dict[str, Principle] = field(default_factory=dict)
    merged: dict[str, Principle] = field(default_factory=dict)
    retired: dict[str, Principle] = field(default_factory=dict)

    def puts(self, judge: str, vectors: Mapping[str, Vector]) -> list[Put]:
        """The changes to apply; `vectors` holds the embeddings of new texts, by text."""
        # One that was added or merged and then replaced is written once, as retired.
        final = {**self.added, **self.merged, **self.retired}
        return [
            Put(judge=judge, record=p, vector=vectors.get(p.text) if p.id in self.added else None)
            for p in final.values()
        ]


def plan_principles(
    candidates: Sequence[Candidate],
    *,
    known: Sequence[Principle],
    sight: tuple[str, ...],
    ids: Iterable[str],
    moment: datetime,
) -> PrinciplePlan:
    """Decide what becomes of candidates: new, merged with one that says the same, or a replacement.

    Equal normalised text merges whatever the model said. Human-written principles are never
    retired here and take no sources, so that forgetting an episode cannot erase a human's rule.
    What replaces a principle takes over its sources: its text was written in sight of the old one.

    Args:
        candidates: What was distilled.
        known: The active principles of the judge.
        sight: Ids of all records and principles that the model saw.
        ids: For those that are new, one for each candidate.
        moment: When it takes effect.
    """
    plan = PrinciplePlan()
    active = {p.id: p for p in known}
    by_text = {p.normalised_text: p.id for p in active.values()}
    for candidate, new_id in zip(candidates, ids, strict=True):
        fresh = Principle(
            id=new_id,
            text=candidate.text,
            episode_ids=candidate.sources,
            # One holds what they all were written in sight of, and stands for it with the others:
            # else each of a batch of fifty would carry hundreds of ids.
            sight=(next(iter(plan.added)),) if plan.added else sight,
            # Those of one batch keep the order in which the model gave them.
            created_at=moment + timedelta(microseconds=len(plan.added)),
        )
        target = active.get(candidate.target) if candidate.relation != "add" else None
        standing = active.get(by_text.get(fresh.normalised_text, ""))
        if candidate.relation == "same" and target is not None:
            standing = target
        going = target if candidate.relation == "replaces" and target is not standing else None
        if going is not None and going.pinned:
            going = None
        sources = _united(candidate.sources, going.episode_ids if going else ())
        if standing is None:
            standing = fresh.model_copy(update={"episode_ids": sources})
            plan.added[new_id] = standing
        else:
            standing = _with_sources(standing, sources)
            (plan.added if standing.id in plan.added else plan.merged)[standing.id] = standing
        active[standing.id] = standing
        by_text[standing.normalised_text] = standing.id
        if going is not None:
            retired = {"retired_at": moment, "replaced_by": standing.id}
            plan.retired[going.id] = going.model_copy(update=retired)
            del active[going.id]
            by_text.pop(going.normalised_text, None)
    return plan


def plan_reconciling(
    records: Records, judge: str, decisions: Sequence[Decision], said: Superseding = NOTHING_ASKED
) -> tuple[list[Change], tuple[tuple[Principle, ...], tuple[Principle, ...], SupersedingPlan]]:
    """Let one principle stand for two, as decided.

    Says which gained sources, which retired, and what became of the cases of those replaced.
    """
    active = {principle.id: principle for principle in records.principles(judge)}
    merged: dict[str, Principle] = {}
    retired: dict[str, Principle] = {}
    moment = now()
    for going_id, staying_id, _ in decisions:
        going, staying = active.get(going_id), active.get(staying_id)
        if going is None or staying is None or going is staying or going.pinned:
            continue
        active[staying_id], retired[going_id] = merge_into(staying, going, moment)
        merged[staying_id] = active[staying_id]
        del active[going_id]
        merged.pop(going_id, None)
    episodes = plan_superseding(records, judge, retired.values(), said, moment=moment)
    changes: list[Change] = [Put(judge=judge, record=p) for p in (merged | retired).values()]
    changes += episodes.puts(judge)
    return changes, (tuple(merged.values()), tuple(retired.values()), episodes)


def merge_into(
    target: Principle, going: Principle, moment: datetime
) -> tuple[Principle, Principle]:
    """Let one principle stand for two: the target with all sources, the other one retired."""
    retired = going.model_copy(update={"retired_at": moment, "replaced_by": target.id})
    return _with_sources(target, going.episode_ids), retired


def _with_sources(principle: Principle, sources: tuple[str, ...]) -> Principle:
    if principle.origin == "human":
        return principle
    return principle.model_copy(update={"episode_ids": _united(principle.episode_ids, sources)})


def _united(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))
