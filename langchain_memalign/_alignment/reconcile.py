"""Batches learned at the same time do not see each other's principles; this removes repetition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_memalign._alignment.learner import NO_COST, Cost, Learner
from langchain_memalign._alignment.plan import merge_into
from langchain_memalign._prompts.distilling import RECONCILE_SCHEMA, reconcile_prompt
from langchain_memalign._prompts.text import estimate_tokens
from langchain_memalign.errors import ModelError
from langchain_memalign.flow import Flow
from langchain_memalign.schema import Change, Principle, Put, now


@dataclass(frozen=True, kw_only=True)
class Reconciled:
    """Principles that gained sources, those that were retired, and what went wrong."""

    merged: tuple[Principle, ...] = ()
    retired: tuple[Principle, ...] = ()
    warning: str | None = None
    cost: Cost = NO_COST


Decision = tuple[str, str]
"""The id of the principle that goes, and of the one that stays."""


def reconcile(learner: Learner, new: Sequence[Principle]) -> Flow[Reconciled]:
    """Ask the model once which of the principles repeat or contradict each other.

    A failure only leaves the repetition in place, and is told as a warning.

    Args:
        learner: Who learns.
        new: The principles learned at the same time.
    """
    known = yield from learner.memory.knowledge(learner.judge)
    shown = _room_for(learner, new, known.principles)
    reader = _Reader(shown)
    try:
        answer = yield from learner.model.ask(
            reconcile_prompt(learner.spec, shown),
            RECONCILE_SCHEMA,
            reader.read,
            config=learner.config,
        )
    except ModelError as error:
        return Reconciled(
            warning=f"the new principles were not compared with each other: {error}",
            cost=Cost(model_calls=error.attempts),
        )
    cost = Cost(model_calls=answer.calls, usage=answer.usage)
    warning = (
        f"the new principles were not compared in full: {answer.problem}"
        if answer.problem
        else None
    )

    def plan() -> Flow[tuple[list[Change], Reconciled]]:
        there = yield from learner.memory.principles(learner.judge)
        merged, retired = _carry_out(answer.value or (), there)
        changes: list[Change] = [
            Put(judge=learner.judge, record=p) for p in (merged | retired).values()
        ]
        return changes, Reconciled(
            merged=tuple(merged.values()),
            retired=tuple(retired.values()),
            warning=warning,
            cost=cost,
        )

    return (yield from learner.memory.transact(plan))


def _carry_out(
    decisions: Sequence[Decision], there: Sequence[Principle]
) -> tuple[dict[str, Principle], dict[str, Principle]]:
    active = {principle.id: principle for principle in there}
    merged: dict[str, Principle] = {}
    retired: dict[str, Principle] = {}
    for going_id, staying_id in decisions:
        going, staying = active.get(going_id), active.get(staying_id)
        if going is None or staying is None or going is staying or going.pinned:
            continue
        active[staying_id], retired[going_id] = merge_into(staying, going, now())
        merged[staying_id] = active[staying_id]
        del active[going_id]
        merged.pop(going_id, None)
    return merged, retired


def _room_for(
    learner: Learner, new: Sequence[Principle], known: Sequence[Principle]
) -> list[Principle]:
    """The new ones, and as many of the older as the budget allows, in the order learned."""
    new_ids = {principle.id for principle in new}
    left, chosen = learner.known_tokens, set(new_ids)
    for principle in reversed(known):
        left -= estimate_tokens(principle.text)
        if left < 0:
            break
        chosen.add(principle.id)
    return [principle for principle in known if principle.id in chosen]


class _Reader:
    def __init__(self, shown: Sequence[Principle]) -> None:
        self._ids = {f"P{i}": principle.id for i, principle in enumerate(shown, 1)}

    def read(self, data: dict[str, Any]) -> tuple[tuple[Decision, ...] | None, str | None]:
        items = data.get("decisions")
        if not isinstance(items, list):
            return None, "it has no list under the key 'decisions'."
        decisions: list[Decision] = []
        for item in items:
            if not isinstance(item, dict):
                return tuple(decisions), f"{str(item)[:120]!r} is no object."
            going, staying = (self._ids.get(str(item.get(k))) for k in ("principle", "target"))
            if going and staying:  # invented ids are dropped
                decisions.append((going, staying))
        return tuple(decisions), None
