"""What each part of a judge contributes: the same judge, taught the same, with one part left out.

Most parts are what a judge shows its model when it judges: one judge is taught, and asked with each
part hidden. Two are what the distilling model sees. They have no switch in the library, so a judge
is taught anew while the function or text that writes the part into the prompt is replaced.

The judge's own earlier verdict takes part in both: with a probe it is shown while distilling and in
recalled episodes, or in one of the two. Hidden in both, it is "all of it", which has no probe.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from unittest.mock import patch

from langchain_memalign import Episode, Memory
from langchain_memalign._prompts import distilling
from langchain_memalign._prompts.episodes import render_said
from langchain_memalign._sync import judging
from langchain_memalign.evaluation.metrics import metrics_for
from langchain_memalign.evaluation.resampling import Estimate

POOL = 4
"""So many times more episodes are recalled where the nearest alone are wanted."""

ALL = "all of it"
UNJUDGED = {"judge_value": None, "judge_rationale": None}


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
NO_ANCHORS = "no scale anchors while distilling"
PROBED = {
    "with probe: the judge's verdict while distilling and in episodes": without(),
    "with probe, no judge's verdict in episodes": lambda memory, k: memory.model_copy(
        update={"episodes": tuple(map(_unjudged, memory.episodes))}
    ),
}
NOT_DISTILLED = "with probe, no judge's verdict while distilling"


def no_anchors():
    """Distilling prompts of ordered scales do not ask what separates neighbouring values."""
    return patch.object(distilling, "_ANCHORS", "")


def no_verdict_distilled():
    """Distilling prompts do not say what the judge had said; those of judging, with a name of their
    own for the function, still do.
    """
    return patch.object(
        distilling,
        "render_said",
        lambda episode, tokens: render_said(episode.model_copy(update=UNJUDGED), tokens),
    )


@dataclass(frozen=True, kw_only=True)
class Way:
    """What a judge with one part left out, or added, came to on unseen cases.

    Attributes:
        name: What was left out or added.
        principles: How many were learned; a part of distilling shows in these alone.
        estimates: By metric.
        changes: By metric, against the whole judge; empty for that one.
    """

    name: str
    principles: int
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
    values, principles = {}, {}

    def learn(ways, words, *, leaving_out=nullcontext, probe=False):
        with Memory.open(":memory:", embeddings=embeddings) as memory:
            judge = judge_on(memory)
            with leaving_out():
                judge.align(words, probe=probe, max_concurrency=concurrency)
            for name, shown in ways.items():
                values[name] = _judged(judge, shown, unseen, concurrency)
                principles[name] = len(judge.principles())
            return judge.spec, judge.episodes()

    spec, _ = learn(WAYS, taught)
    value_type = spec.value_type
    if value_type.is_ordered:
        learn({NO_ANCHORS: without()}, taught, leaving_out=no_anchors)
    _, probed = learn(PROBED, taught, probe=True)
    # With the verdicts of that probe, so that only where they are shown differs.
    known = _with_verdicts(taught, probed, spec.name)
    learn({NOT_DISTILLED: without()}, known, leaving_out=no_verdict_distilled)
    expert = [value_type.check(word.value) for word in unseen]
    return [
        Way(
            name=name,
            principles=principles[name],
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
    budgets = judge.setup.budgets
    wanted = POOL * budgets.k if shown is without_contrast else budgets.k

    def value(word):
        memory = judge.memory.recall(
            judge.name, word.case, k=wanted, principle_tokens=budgets.principle_tokens
        )
        outcome, _ = judging.decide(judge.setup, shown(memory, budgets.k), word.case)
        return getattr(outcome, "value", None)

    with ThreadPoolExecutor(concurrency) as pool:
        return list(pool.map(value, unseen))


def _unjudged(recalled):
    said = (recalled.episode, *recalled.also)
    first, *others = [episode.model_copy(update=UNJUDGED) for episode in said]
    return recalled.model_copy(update={"episode": first, "also": tuple(others)})


def _with_verdicts(taught, probed, judge):
    """Experts' words, each with what the judge said of its case when it was probed."""
    said = {e.id: {name: getattr(e, name) for name in UNJUDGED} for e in probed}
    return [word.model_copy(update=said[Episode.from_feedback(judge, word).id]) for word in taught]
