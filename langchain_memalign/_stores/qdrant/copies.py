"""How many copies of a collection are asked, while some of them may be on nodes that are down.

Measured on Qdrant 1.18.3 with three copies. `majority` asks all of them and takes what most say: a
copy that came back without some of what it had acknowledged is outvoted, but while a node is down
every such read fails. `quorum` asks more than half and takes what all of those say the same of: it
outlives a node, and is silent about what one of them lacks. So the former is asked first each time;
only where its time ran out, as with a node that is frozen, it is left out for a moment. (A node
whose process is gone is known to be so, and may be back, and behind, soon after.)
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_MOMENT = 2.0  # seconds after which a level whose time ran out is tried again
_RECENT = 5.0  # seconds for which a copy that was missing counts as missing


@dataclass(frozen=True)
class Consistency:
    """How many copies must answer.

    Attributes:
        asked: What the server is told.
        seconds: How long it may take to ask the others; None for as long as it likes.
    """

    asked: Any
    seconds: int | None


class Copies:
    """What is known of the copies, by how reads of them went.

    Attributes:
        short_since: When it was first seen, in the clock's seconds, that copies are missing, as
            long as they are.
    """

    def __init__(self) -> None:
        self._failed: dict[Any, float] = {}
        self._missing_at = self.short_since = -math.inf
        self._doubtful_since: float | None = None

    @property
    def doubt(self) -> str | None:
        """Why what was read last may lack something."""
        if self._doubtful_since is None:
            return None
        return (
            "only one copy of the memory answered, as nodes of the server are down; what it does "
            "not know is missing"
        )

    @property
    def are_short(self) -> bool:
        """Whether not all copies answered a moment ago."""
        return time.monotonic() < self._missing_at + _RECENT

    def levels(self, *, needs_most: bool) -> Iterator[Consistency]:
        """How many copies to ask, one after the other until it succeeds.

        Args:
            needs_most: One copy is not enough.
        """
        from qdrant_client import models

        majority = Consistency(models.ReadConsistencyType.MAJORITY, 1)
        quorum = Consistency(models.ReadConsistencyType.QUORUM, 1)
        now, levels = time.monotonic(), [majority, quorum]
        well = [x for x in levels if now > self._failed.get(x.asked, -_MOMENT) + _MOMENT]
        # What failed just now is asked all the same before an error is raised, and last.
        yield from well if not needs_most else [*well, *(x for x in levels if x not in well)]
        if not needs_most:
            yield Consistency(1, None)

    def failed(self, level: Consistency, *, seconds: float) -> None:
        """Remember that too few copies answered, and of which level where its time ran out."""
        was_short, self._missing_at = self.are_short, time.monotonic()
        if not was_short:
            self.short_since = self._missing_at
        if level.seconds is not None and seconds > 0.9 * level.seconds:
            self._failed[level.asked] = self._missing_at

    def answered(self, level: Consistency) -> None:
        """Remember that enough copies answered, and whether they were the most."""
        if level.asked == 1:
            self._doubtful_since = time.monotonic()
        else:
            self._doubtful_since = None
            self._failed.pop(level.asked, None)


def is_given_up(status: int | None, *, is_last: bool = False) -> bool:
    """Whether fewer copies are asked for what a server refused with this status.

    Args:
        status: The status.
        is_last: Whether no fewer can be asked. Then what failed at once is asked again, as it may
            succeed soon, and only what ran out of time is given up.
    """
    if is_last:
        return status in (408, 504)
    return status is not None and (status >= 500 or status == 408)


def missing_copies(info: Any, cluster: Any) -> tuple[int, int] | None:
    """How many copies are not there, and how many there should be.

    Args:
        info: What the server says of the collection's copies.
        cluster: What it says of its nodes.

    Returns:
        The numbers for the worst shard; None where none is missing as far as the server knows.
    """
    unreachable = set(getattr(cluster, "message_send_failures", None) or {})
    peers = getattr(cluster, "peers", None) or {}
    down = {int(peer) for peer, said in peers.items() if said.uri in unreachable}
    copies: dict[int, list[bool]] = {}
    for shard in [*info.local_shards, *info.remote_shards]:
        peer = getattr(shard, "peer_id", None)
        is_there = str(getattr(shard.state, "value", shard.state)) == "Active" and peer not in down
        copies.setdefault(shard.shard_id, []).append(is_there)
    worst = max(copies.values(), key=lambda there: there.count(False), default=[])
    return (worst.count(False), len(worst)) if False in worst else None
