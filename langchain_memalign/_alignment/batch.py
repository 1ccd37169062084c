"""Learning one batch of pending episodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from langchain_memalign._alignment.commit import Learned, commit
from langchain_memalign._alignment.distil import distil
from langchain_memalign._alignment.embed import embed_episodes, embed_rules
from langchain_memalign._alignment.learner import Learner
from langchain_memalign._memory.search import rank_principles
from langchain_memalign._memory.selection import fit, over_budget
from langchain_memalign._models import Vector
from langchain_memalign.flow import Flow, both
from langchain_memalign.schema import Episode


def learn_batch(
    learner: Learner, episodes: Sequence[Episode], *, embedded: Mapping[str, Vector]
) -> Flow[Learned]:
    """Learn pending episodes and commit them together with their principles.

    Embedding runs beside distilling.

    Args:
        learner: Who learns.
        episodes: The batch; not empty.
        embedded: The vectors of those that are embedded already, by episode id.

    Raises:
        ModelError: The provider refuses access; the episodes stay pending.
    """
    memory, judge = learner.memory, learner.judge
    known = yield from memory.knowledge(judge)
    new = [episode for episode in episodes if episode.id not in embedded]
    if over_budget(known.principles, learner.known_tokens):
        # Only then must the vectors be there first: they nominate the principles to show.
        cases = yield from embed_episodes(memory, new)
        near = [*embedded.values(), *map(tuple, cases.vectors.values())]
        ranked = yield from rank_principles(memory, judge, near, len(known.principles))
        nominees = fit(known.principles, ranked, learner.known_tokens)
        distilled = yield from distil(learner, episodes, known=known, shown=nominees)
    else:
        cases, distilled = yield from both(
            embed_episodes(memory, new),
            distil(learner, episodes, known=known, shown=known.principles),
        )
    fresh = [c.text for c in distilled.candidates if c.relation != "same"]
    rules = yield from embed_rules(memory, list(dict.fromkeys(fresh)))
    return (
        yield from commit(memory, judge, episodes, distilled=distilled, cases=cases, rules=rules)
    )
