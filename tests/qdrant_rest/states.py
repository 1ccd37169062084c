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

_NOW = STATES[os.environ.get(VARIABLE, "")]

needs_one_copy = pytest.mark.skipif(
    _NOW.peers > 1, reason="counts what is asked of a memory with one copy"
)
needs_all_nodes = pytest.mark.skipif(
    bool(_NOW.dead), reason="a node that is down keeps a memory from being scrubbed"
)
needs_sound_index = pytest.mark.skipif(
    _NOW.crashing_after == "upsert", reason="begins with a lease that its index finds"
)
