"""Leases as points, for keys that may not rename aliases: they change by conditional updates.

A lease is a point of kind `meta`, and a change is carried out only where its `stamp` is still the
one that was read. A server applies updates of a point one after the other, so of several that
compete for a stamp one succeeds. Of the proof in `alias_leases` this holds on one server whose
index and payload agree. It is weaker in two cases, measured on Qdrant 1.18:

- An update by a filter is resolved by the index of the field. After a crash that can be ahead of
  the payload, and then no update finds its point any more. So `stamp` has no index, unless the
  strict mode of the collection demands one.
- Each copy resolves a filter by itself, and copies that came to differ stay so.

Either way a lease cannot be taken, and never by two: who waits is told so after `lease_wait`.

Memories made by older versions have these leases too. Who opens one with a key that may manage
moves it to aliases (`moved`); older versions then find every lease held for good.
"""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime
from typing import Any

from langchain_memalign._concurrency import pause
from langchain_memalign._stores.qdrant.client import Requests
from langchain_memalign._stores.qdrant.convert import RESTORE
from langchain_memalign._stores.qdrant.failures import vanished
from langchain_memalign._stores.qdrant.lease_state import MOVED, LeaseState
from langchain_memalign.errors import MemoryCorruptError

STAMP = "stamp"
"""The payload field by which conditional updates are told apart."""

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:langchain-memalign:lease")
_GLANCES = 5  # copies of a point may differ for a moment


def lease_id(name: str) -> str:
    """The id of a lease's point."""
    return str(uuid.uuid5(_NAMESPACE, name))


class UpdateLeases:
    """The leases of a memory that are points.

    Attributes:
        memory: The memory's id; set once it is known.
    """

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self.memory = ""

    def find(self, name: str) -> LeaseState | None:
        """A lease, if it exists.

        Raises:
            MemoryUnavailableError: It is one of another memory.
            MemoryCorruptError: It cannot be read.
        """
        for glance in range(_GLANCES if self._requests.is_replicated else 1):
            if glance:
                pause(0.05)
            found = self._requests.read(
                "retrieve", ids=[lease_id(name)], with_payload=["record", STAMP, "beat"]
            )
            if found:
                state = _read(found[0].payload, self._requests)
                if state.memory != self.memory:
                    raise vanished(self._requests.server)
                return state
        return None

    def swap(self, before: LeaseState, after: LeaseState) -> bool:
        """Change a lease if it is still as it was read; tells whether it was changed."""
        self.offer(before, after)
        now = self.find(before.name)
        return now is not None and now.stamp == after.stamp

    def offer(self, before: LeaseState, after: LeaseState) -> None:
        """As `swap`, for those who need not know whether it was changed."""
        from qdrant_client import models

        stamp = models.FieldCondition(key=STAMP, match=models.MatchValue(value=before.stamp))
        point = models.HasIdCondition(has_id=[lease_id(before.name)])
        where = models.Filter(must=[point, stamp])
        self._requests.write("set_payload", payload=_payload(after), points=where)

    def create(self, name: str) -> None:
        """Make a lease that nobody holds, unless there is one."""
        from qdrant_client import models

        free = LeaseState(name=name, memory=self.memory, stamp=secrets.token_hex(8))
        point = models.PointStruct(id=lease_id(name), vector={}, payload=_payload(free))
        self._requests.write("upsert", points=[point], update_mode=models.UpdateMode.INSERT_ONLY)

    def withdraw(self, unborn: LeaseState) -> None:
        """Nothing: a point is there or it is not."""

    def journal(self, name: str) -> str:
        """The text of the write that an older version kept in a lease itself."""
        found = self._requests.read("retrieve", ids=[lease_id(name)], with_payload=["journal"])
        return str(found[0].payload.get("journal", "")) if found else ""


def moved(state: LeaseState) -> LeaseState:
    """A lease that nobody can take any more, as it is kept in another way from now on."""
    never = datetime(2999, 1, 1, tzinfo=UTC)
    return state.changed(
        instance=MOVED,
        holder="a newer version of langchain-memalign: upgrade to it",
        seconds=1e8,
        until=never,
        entry=None,
        parts=0,
    )


def _payload(state: LeaseState) -> dict[str, Any]:
    said = {"kind": "meta", STAMP: state.stamp, "beat": state.beat, "record": state.as_json()}
    return said | ({"journal": ""} if state.entry is None else {})


def _read(payload: Any, requests: Requests) -> LeaseState:
    try:
        text = str(payload["record"])
        return LeaseState.from_json(text, stamp=payload[STAMP], beat=payload["beat"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MemoryCorruptError(
            f"found a lease that cannot be read at {requests.server.place} ({error!s:.200}); "
            "expected one written by this version or an older one: upgrade langchain-memalign, "
            f"or {RESTORE}"
        ) from error
