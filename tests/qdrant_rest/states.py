"""States in which the server may be while a whole suite runs.

    MEMALIGN_QDRANT_STATE=one-dead pytest tests/memory tests/faults tests/graph tests/examples

The suite passes in each. What cannot be shown in one is skipped there, and says why.
"""

import os
from dataclasses import dataclass

import pytest

VARIABLE = "MEMALIGN_QDRANT_STATE"


@dataclass(frozen=True)
class State:
    """How a server is.

    Attributes:
        peers: How many nodes it plays, each with a copy of what does not say how many it wants.
        dead: Those that are down.
        lagging: One that misses every third write, and nobody knows.
        crashing_after: The kind of write after each of which it comes back with a stale index.
    """

    peers: int = 1
    dead: tuple[int, ...] = ()
    lagging: int | None = None
    crashing_after: str | None = None


STATES = {
    "": State(),
    "one-dead": State(peers=3, dead=(1,)),
    "highest-dead": State(peers=3, dead=(3,)),
    "behind": State(peers=3, lagging=2),
    "stale-upsert": State(crashing_after="upsert"),
    "stale-set_payload": State(crashing_after="set_payload"),
    "stale-delete": State(crashing_after="delete"),
    "stale-batch": State(crashing_after="batch"),
}

NOW = STATES[os.environ.get(VARIABLE, "")]
"""The state of this run."""

HAS_COPIES = NOW.peers > 1
"""Whether a collection has several copies that is made without a word about it."""

REPEATED = 4 if HAS_COPIES else 1
"""So many requests may take the place of one: copies may break ties differently, so that more is
asked for once more, and while a node is down all copies are asked before most of them are."""

needs_all_nodes = pytest.mark.skipif(
    bool(NOW.dead), reason="shows a scrub, from which a node that is down keeps a memory"
)
needs_sound_index = pytest.mark.skipif(
    NOW.crashing_after == "upsert",
    reason="shows what a sound index allows, and each write makes it stale",
)
