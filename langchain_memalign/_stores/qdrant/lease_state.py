"""What a lease says: who holds it, since when, and what was recorded under it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

_SKEW = timedelta(minutes=10)  # clocks of two machines that differ by more are somebody's fault
_LEASE = "memalign-lease?"

MOVED = "moved"
"""The holder of a lease that is now kept in another way; see `update_leases`."""


@dataclass(frozen=True, kw_only=True)
class LeaseState:
    """A lease as it was read.

    Attributes:
        name: Which one.
        memory: The memory that it belongs to; a collection that was replaced has another one.
        stamp: New with every change.
        is_born: False while the process that makes the lease has not yet made sure to be the only
            one that does.
        beat: How many signs of life its holder gave.
        instance: Who holds it; None if nobody does.
        holder: The same for humans.
        fence: How many holders there have been.
        seconds: After so long without any change it may be taken over.
        until: When that will be, by the holder's clock, if it gives no further sign of life.
        writes: How many writes were recorded under it.
        entry: The id of a recorded write that may not have been carried out yet, if there is one.
        parts: In how many points that write lies.
        spent: Recorded writes whose points are to be deleted, as `id:parts`, with blanks between.
        discarded: A collection that is to be deleted: the copy of a scrub that was not completed,
            or what a completed one has replaced.
        is_unclean: Whether bytes of what was erased or replaced may still lie in the server's
            files.
        alias: The name that it was read from, which another version may write differently.
    """

    name: str
    memory: str
    stamp: str
    is_born: bool = True
    beat: int = 0
    instance: str | None = None
    holder: str = ""
    fence: int = 0
    seconds: float = 0.0
    until: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    writes: int = 0
    entry: str | None = None
    parts: int = 0
    spent: str = ""
    discarded: str | None = None
    is_unclean: bool = False
    alias: str | None = None

    @property
    def is_free(self) -> bool:
        """Whether nobody holds it."""
        return self.instance is None

    @property
    def is_unfinished(self) -> bool:
        """Whether its holder is in the middle of something that another must bring to its end."""
        return self.entry is not None or self.discarded is not None

    def is_long_expired(self) -> bool:
        """Whether its last change is so old that no difference between clocks can explain it."""
        return datetime.now(UTC) > self.until + _SKEW + timedelta(seconds=self.seconds)

    def changed(self, **changes: Any) -> LeaseState:
        """The lease after a change, with a new stamp."""
        until = datetime.now(UTC) + timedelta(seconds=changes.get("seconds", self.seconds))
        given = {"until": until, **changes, "stamp": secrets.token_hex(8), "alias": None}
        return replace(self, **given)

    def freed(self, *, spent: Sequence[str]) -> LeaseState:
        """The lease once nobody holds it and what was recorded in it is carried out.

        Args:
            spent: Writes whose points are to be deleted, besides the one recorded last.
        """
        said = " ".join([*spent, *self.recorded])
        return self.changed(instance=None, holder="", beat=0, entry=None, parts=0, spent=said)

    @property
    def recorded(self) -> list[str]:
        """The write that is recorded, as it is named in `spent`, if there is one."""
        return [f"{self.entry}:{self.parts}"] if self.entry else []

    def as_json(self) -> str:
        """The state as text."""
        said = asdict(self) | {"until": self.until.isoformat()}
        del said["alias"]
        return json.dumps(said)

    @classmethod
    def from_json(cls, text: str, **known: Any) -> LeaseState:
        """The state that `as_json` wrote, in this version or an older one.

        Args:
            text: The text.
            known: What stands elsewhere.

        Raises:
            ValueError: It is not one.
        """
        return cls._of(json.loads(text) | known)

    def as_alias(self, collection: str) -> str:
        """The state as the name of an alias; what is as it is by default is left out."""
        if self.alias is not None:
            return self.alias
        said = {
            field.name: value.isoformat(timespec="seconds") if field.name == "until" else value
            for field in fields(self)
            if (value := getattr(self, field.name)) != field.default
        }
        return _LEASE + urlencode({"of": collection, **said})

    @classmethod
    def from_alias(cls, alias: str, collection: str) -> LeaseState | None:
        """The state that an alias is the name of; None for an alias of another kind.

        Raises:
            ValueError: It is a lease of this collection, and cannot be read.
        """
        if not alias.startswith(_LEASE):
            return None
        said: dict[str, Any] = dict(parse_qsl(alias.removeprefix(_LEASE)))
        if said.pop("of", None) != collection:
            return None
        for name in ("beat", "fence", "writes", "parts"):
            said[name] = int(said.get(name, 0))
        said["seconds"] = float(said.get("seconds", 0))
        for name in ("is_born", "is_unclean"):
            if name in said:
                said[name] = said[name] == "True"
        return cls._of({**said, "alias": alias})

    @classmethod
    def _of(cls, said: Any) -> LeaseState:
        try:
            known = {k: v for k, v in said.items() if k in {f.name for f in fields(cls)}}
            if "until" in known:
                known["until"] = datetime.fromisoformat(known["until"])
            return cls(**known)
        except (TypeError, AttributeError) as error:
            raise ValueError(str(error)) from error
