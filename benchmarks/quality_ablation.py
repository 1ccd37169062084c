"""What each part of a judge contributes: the same judge, taught the same, with one part left out.

The parts are those that a judge shows its model. What is left out while it is taught, such as the
words between neighbouring levels of a scale, has no switch, and is not measured here.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from langchain_memalign import Memory
from langchain_memalign.evaluation.metrics import metrics_for
from langchain_memalign.evaluation.resampling import Estimate
from langchain_memalign.flow import run

POOL = 4
"""So many times more episodes are recalled where the nearest alone are wanted."""

ALL = "all of it"


def without_contrast(memory, k):
    # Contrast puts another value in the last place only, here of a far longer list.
    return memory.model_copy(update={"episodes": memory.episodes[:k]})


def without(**empty):
    return lambda memory, k: memory.model_copy(update=empty)


NO_EPISODES = {"episodes": ()}
NO_PRINCIPLES = {"principles": (), "principles_total": 0}
NO_SPREAD = {"value_counts": {}}
WAYS = {
    ALL: without(),
    "no principles": without(**NO_PRINCIPLES),
    "no episodes": without(**NO_EPISODES),
    "no spread of values over the scale": without(**NO_SPREAD),
    "no contrast in recall": without_contrast,
    "no memory": without(**NO_PRINCIPLES, **NO_EPISODES, **NO_SPREAD),
}
PROBED = {
    "with probe: its earlier verdict is shown": without(),
    "with probe, but that verdict hidden from the judge": lambda memory, k: memory.model_copy(
        update={"episodes": tuple(map(_unjudged, memory.episodes))}
    ),
}


@dataclass(frozen=True, kw_only=True)
class Way:
    """What a judge with one part left out, or added, came to on unseen cases.

    Attributes:
        name: What was left out or added.
        estimates: By metric.
        changes: By metric, against the whole judge; empty for that one.
    """

    name: str
    estimates: Mapping[str, Estimate]
    changes: Mapping[str, Estimate] = field(default_factory=dict)


def ablated(judge_on, taught, unseen, *, embeddings, concurrency):
    """Measure all ways.

    Args:
        judge_on: From a memory to the judge.
        taught: The experts' words that it learns.
        unseen: Those that it is compared with.
        embeddings: Of its memory.
        concurrency: Most judgements at the same time.
    """
    values, value_type = {}, None
    for ways, probe in ((WAYS, False), (PROBED, True)):
        with Memory.open(":memory:", embeddings=embeddings) as memory:
            judge = judge_on(memory)
            value_type = judge.spec.value_type
            judge.align(taught, probe=probe, max_concurrency=concurrency)
            for name, shown in ways.items():
                values[name] = _judged(judge, shown, unseen, concurrency)
    expert = [value_type.check(word.value) for word in unseen]
    return [
        Way(
            name=name,
            estimates={m.name: m(expert, given) for m in metrics_for(value_type)},
            changes={
                m.name: m.change(expert, values[ALL], given)
                for m in metrics_for(value_type)
                if name != ALL
            },
        )
        for name, given in values.items()
    ]


def _judged(judge, shown, unseen, concurrency):
    """The judge's values, None where it abstained."""
    budgets = judge.flows.budgets
    wanted = POOL * budgets.k if shown is without_contrast else budgets.k

    def value(word):
        memory = judge.memory.recall(
            judge.name, word.case, k=wanted, principle_tokens=budgets.principle_tokens
        )
        outcome, _ = run(judge.flows.decide(shown(memory, budgets.k), word.case))
        return getattr(outcome, "value", None)

    with ThreadPoolExecutor(concurrency) as pool:
        return list(pool.map(value, unseen))


def _unjudged(recalled):
    said = (recalled.episode, *recalled.also)
    blank = {"judge_value": None, "judge_rationale": None}
    first, *others = [episode.model_copy(update=blank) for episode in said]
    return recalled.model_copy(update={"episode": first, "also": tuple(others)})
