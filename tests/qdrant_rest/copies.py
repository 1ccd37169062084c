"""A collection as a cluster keeps it: a copy on each of several peers, which may differ.

What is answered and refused follows what was measured on Qdrant 1.18.3 with three nodes, word for
word where a client can see it.
"""

import itertools
import json
from collections import Counter

from .strict import Refused

ACTIVE, DEAD = "Active", "Dead"

_LOST = (
    "Tonic status error: code: 'The service is currently unavailable', message: "
    '"Failed to connect to http://127.0.0.1:6335/, error: transport error"'
)


class Copies:
    """The copies of one collection, of one shard.

    Attributes:
        states: What the cluster holds each copy for; a peer that died is `Dead` only once a write
            has missed it.
    """

    def __init__(self, cluster, name, copies):
        self._cluster = cluster
        self._name = name
        self._copies = copies
        self.states = dict.fromkeys(copies, ACTIVE)
        self._writes = itertools.count(1)

    @property
    def config(self):
        return self._first.config

    def copy(self, peer):
        return self._copies[peer]

    def each(self, change):
        """Do something to every copy, those of dead peers included: they would catch up with it."""
        for copy in self._copies.values():
            change(copy)

    def info(self):
        return self._first.info()

    def cluster_info(self):
        """Where the copies are, and what the cluster holds them for."""
        here = self._cluster.entry
        shards = [
            {"shard_id": 0, "peer_id": peer, "state": state, "points_count": 0}
            for peer, state in self.states.items()
        ]
        return {
            "peer_id": here,
            "shard_count": 1,
            "local_shards": [shard for shard in shards if shard["peer_id"] == here],
            "remote_shards": [shard for shard in shards if shard["peer_id"] != here],
            "shard_transfers": [],
        }

    # Reading

    def read(self, method, body, consistency):
        """What a read returns.

        Args:
            method: Name of a method of `Collection`.
            body: Its argument.
            consistency: `majority`, `quorum`, `all`, or a number of copies; 1 if there is none.
        """
        asked, needed = self._asked(consistency or "1")
        if len(asked) == 1:
            return getattr(asked[0], method)(body)
        if method == "scroll":
            return _scrolled(asked, body, needed)
        return _resolved([getattr(copy, method)(body) for copy in asked], needed)

    def _asked(self, consistency):
        """The copies that are asked, and how many of them must agree on a point."""
        number = len(self._copies)
        readable = [peer for peer in self._copies if self.states[peer] == ACTIVE]
        named = {"majority": (number, number // 2 + 1), "all": (number, number)}
        named["quorum"] = (number // 2 + 1,) * 2
        factor = min(int(consistency), number) if consistency.isdigit() else 1
        wanted, needed = named.get(consistency, (factor, factor))
        if len(readable) < wanted:
            raise Refused(
                500,
                "Service internal error: The replica set for shard 0 on peer "
                f"{self._cluster.entry} does not have enough active replicas",
            )
        living = [peer for peer in readable if self._cluster.is_alive(peer)]
        if len(living) < wanted:
            failed = len(readable) - len(living)
            raise Refused(
                500,
                f"Service internal error: {failed} of {wanted} read operations failed: "
                f"Service internal error: {_LOST}",
            )
        here = self._cluster.entry
        # The node that was asked answers itself; which others do is chance, here the highest.
        order = sorted(living, key=lambda peer: (peer != here, -peer))
        return [self._copies[peer] for peer in order[:wanted]], needed

    # Writing

    def write(self, method, body, ordering, **more):
        """Write to all copies that live.

        Args:
            method: Name of a method of `Collection`.
            body: Its argument.
            ordering: `weak` if it is none, `medium` or `strong`.
            more: Further arguments of the method.
        """
        if ordering == "strong":
            leader = max(self._copies)
            if not self._cluster.is_alive(leader):
                raise Refused(
                    500,
                    "Service internal error: Failed to apply update with Strong ordering via "
                    f"leader peer {leader}: {_LOST}",
                )
        meant = [peer for peer in self._copies if self.states[peer] == ACTIVE]
        reached = [peer for peer in meant if self._cluster.is_alive(peer)]
        misses = self._cluster.lagging if next(self._writes) % 3 == 0 else None
        needed = min(self._first.config.get("write_consistency_factor") or 1, len(self._copies))
        refusals, asked = [], [peer for peer in reached if peer != misses]
        for peer in asked:
            try:
                # Each copy resolves a filter by itself.
                getattr(self._copies[peer], method)(body, **more)
            except Refused as refusal:  # such as of a point that this copy lacks
                refusals.append(refusal)
        if refusals and len(asked) - len(refusals) < needed:
            raise refusals[0]
        if not reached or len(reached) < needed:
            # Those that were reached have it all the same.
            raise Refused(500, f"Service internal error: {_LOST}")
        for peer in set(meant) - set(reached):
            self._cluster.check_consensus()
            self.states[peer] = DEAD

    # Nodes

    def come_back(self, peer, *, behind):
        """A peer lives again: its copy is made like the others, or stays as it was by mistake."""
        if peer not in self._copies:
            return
        if not behind and self.states[peer] == DEAD:
            others = [p for p, state in self.states.items() if state == ACTIVE]
            source = next((p for p in others if self._cluster.is_alive(p)), None)
            if source is None:
                return
            self._copies[peer].resemble(self._copies[source])
        self.states[peer] = ACTIVE

    def close(self):
        for copy in self._copies.values():
            copy.close()

    def drop(self):
        for copy in self._copies.values():
            copy.drop()

    @property
    def _first(self):
        return next(iter(self._copies.values()))


def _scrolled(asked, body, needed):
    """A page, agreed on.

    As the server does, one point more is asked for than is wanted, and there is no next page
    where fewer are left: also where that is so only because the copies do not agree.
    """
    limit = body.get("limit", 10)
    pages = [copy.scroll(body, more=1)["points"] for copy in asked]
    points = sorted(_agreed(pages, needed), key=lambda point: point["id"])
    offset = points[limit]["id"] if len(points) > limit else None
    return {"points": points[:limit], "next_page_offset": offset}


def _resolved(answers, needed):
    """One answer of several."""
    first = answers[0]
    if isinstance(first, list) and first and "points" in first[0]:  # several searches
        return [_resolved(list(of_one), needed) for of_one in zip(*answers, strict=True)]
    if isinstance(first, list):
        return _agreed(answers, needed)
    if "points" in first:
        return {"points": _agreed([answer["points"] for answer in answers], needed)}
    if "count" in first:
        return {"count": _middle([answer["count"] for answer in answers], needed)}
    counts = {}
    for answer in answers:
        for hit in answer["hits"]:
            counts.setdefault(hit["value"], []).append(hit["count"])
    return {
        "hits": [
            {"value": value, "count": _middle(found, needed)}
            for value, found in counts.items()
            if len(found) >= needed
        ]
    }


def _middle(counts, needed):
    return min(counts) if needed == len(counts) else sorted(counts)[len(counts) // 2]


def _agreed(lists, needed):
    """The points that enough copies say the same of, as the first one orders them."""
    said = [(_text(point), point) for points in lists for point in points]
    votes = Counter(text for text, _ in said)
    points = {point["id"]: point for text, point in said if votes[text] >= needed}
    return list(points.values())


def _text(point):
    return json.dumps({**point, "version": None}, sort_keys=True)
