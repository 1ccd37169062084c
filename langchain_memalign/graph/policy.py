"""Which judgements a human is asked about."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias, get_args

from langchain_memalign._calibration.promise import AtLeast
from langchain_memalign._judging.escalation import is_sure
from langchain_memalign._judging.setup import Budgets, JudgeSetup
from langchain_memalign._values.types import ValueType
from langchain_memalign.errors import ConfigurationError
from langchain_memalign.schema import Case, Unscored, Value, Verdict, WorkingMemory

_Named: TypeAlias = Literal["always", "never", "uncertain"]

ReviewPolicy: TypeAlias = (
    _Named | AtLeast | Callable[[Case, Verdict | Unscored, WorkingMemory], bool]
)
"""Which judgements a human is asked about."""

Doubt: TypeAlias = Literal["unscored", "few", "one", "differ"]
"""Why a judgement stands on little."""

_FEW_EPISODES = 3
# Numbers disagree when they lie further apart than this share of the scale.
_APART_SHARE = 0.25


def check_policy(review: object) -> None:
    """Refuse what is no review policy.

    Raises:
        ConfigurationError: It is none.
    """
    if inspect.iscoroutinefunction(review):
        found = "an async function"
    elif isinstance(review, AtLeast) or review in get_args(_Named) or callable(review):
        return
    else:
        found = f"{review!r:.60}"
    raise ConfigurationError(
        f"review: found {found}; expected 'always', 'never', 'uncertain', AtLeast(agreement=...) "
        "or a function of (case, verdict, working memory) that returns a bool."
    )


def needs_review(
    policy: ReviewPolicy,
    case: Case,
    outcome: Verdict | Unscored,
    memory: WorkingMemory,
    *,
    setup: JudgeSetup,
) -> bool:
    """Whether a human is asked about a judgement; may read the memory, and so blocks.

    Args:
        policy: The policy.
        case: What was judged.
        outcome: What the judge concluded.
        memory: What the judge had before it.
        setup: The judge.
    """
    if isinstance(policy, AtLeast):
        return not is_sure(setup, policy, outcome)
    if callable(policy):
        return bool(policy(case, outcome, memory))
    if policy == "uncertain":
        value_type, budgets = setup.spec.value_type, setup.budgets
        return is_uncertain(outcome, memory, value_type=value_type, budgets=budgets)
    return policy == "always"


def is_uncertain(
    outcome: Verdict | Unscored,
    memory: WorkingMemory,
    *,
    value_type: ValueType,
    budgets: Budgets,
) -> bool:
    """Whether a judgement stands on little; see `doubts`."""
    return bool(doubts(outcome, memory, value_type=value_type, budgets=budgets))


def doubts(
    outcome: Verdict | Unscored,
    memory: WorkingMemory,
    *,
    value_type: ValueType,
    budgets: Budgets,
) -> tuple[Doubt, ...]:
    """Why a judgement stands on little; nothing where it does not.

    There is no verdict; few past cases are near (fewer than 3, or than the judge is shown at all),
    or only one; or what experts said of those near differs: labels, at all; numbers, by a quarter
    of the scale.
    """
    near = [r for r in memory.episodes if r.similarity >= budgets.distant]
    said = [e.value for r in near for e in (r.episode, *r.also) if e.value is not None]
    found: list[Doubt] = ["unscored"] if isinstance(outcome, Unscored) else []
    if len(near) < max(1, min(_FEW_EPISODES, budgets.k)):
        found.append("one" if len(near) == 1 else "few")
    if _differ(said, value_type):
        found.append("differ")
    return tuple(found)


def _differ(values: Sequence[Value], value_type: ValueType) -> bool:
    if value_type.kind == "number":
        numbers = [float(v) for v in values if isinstance(v, int | float)]
        apart = _APART_SHARE * (value_type.maximum - value_type.minimum)
        return bool(numbers) and max(numbers) - min(numbers) > apart
    return len({(type(value), value) for value in values}) > 1
