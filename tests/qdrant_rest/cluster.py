"""The peers of a cluster, what they have agreed on, and the collections that they keep."""

import json
import threading
import time
from pathlib import Path

from .copies import Copies
from .engine import Collection
from .strict import Refused


class Cluster:
    """One peer, or several that decide by majority which collections and aliases there are.

    Attributes:
        peers: Whether each peer is alive, by its id.
        snapshots: Names of the snapshots that were made, by collection.
        lagging: A peer that misses every third write and counts as active all the same; or None.
    """

    def __init__(self, directory, peers, *, copies=1):
        """Open what is in a directory.

        Args:
            directory: Where everything is.
            peers: How many there are.
            copies: How many copies a collection has that is made without a word about it.
        """
        self._directory = Path(directory)
        self._guard = threading.RLock()
        self.peers = dict.fromkeys(range(1, peers + 1), True)
        self.snapshots = {}
        self.lagging = None
        self._default_copies = copies
        self._through = None
        self._idle, self._waiting, self._agreed = None, [], time.monotonic()
        self._indexed_from = None
        self._aliases_file = self._directory / "aliases.json"
        self._aliases = {}
        if self._aliases_file.exists():
            self._aliases = json.loads(self._aliases_file.read_text())
        found = {}
        for path in sorted(self._directory.glob("*/*/config.json")):
            name, peer = path.parent.parent.name, int(path.parent.name)
            found.setdefault(name, {})[peer] = Collection.load(path.parent)
        self._collections = {name: Copies(self, name, copies) for name, copies in found.items()}

    # Peers

    @property
    def entry(self):
        """The peer that the client talks to."""
        if self._through is not None and self.peers[self._through]:
            return self._through
        return next((peer for peer, alive in self.peers.items() if alive), 1)

    def is_alive(self, peer):
        return self.peers[peer]

    def set_peers(self, *, dead=(), behind=False, through=None, idle=None):
        """Say which peers are dead; those that live again are made like the others.

        Args:
            dead: The dead peers; all others live.
            behind: Those that live again stay as they were, and count as active all the same.
            through: The peer that the client talks to from now on.
            idle: Those that live again catch up once nothing was agreed on for so many seconds.
        """
        with self._guard:
            back = [peer for peer, alive in self.peers.items() if not alive and peer not in dead]
            self.peers = {peer: peer not in dead for peer in self.peers}
            self._through = through
            self._idle = idle
            if idle is not None:
                self._waiting = back
                return
            for copies in self._collections.values():
                for peer in back:
                    copies.come_back(peer, behind=behind)

    def catch_up(self):
        """Make peers that wait for it like the others, if nothing was agreed on for long enough."""
        with self._guard:
            if self._waiting and time.monotonic() > self._agreed + self._idle:
                for copies in self._collections.values():
                    for peer in self._waiting:
                        copies.come_back(peer, behind=False)
                self._waiting = []

    def crash(self):
        """End and begin again so that the indexes of every copy lack what was written last."""
        with self._guard:
            for copies in self._collections.values():
                copies.each(Collection.crash)

    def approximate_from(self, points):
        """From how many points on searches are approximate."""
        with self._guard:
            self._indexed_from = points
            for copies in self._collections.values():
                copies.each(lambda copy: setattr(copy, "indexed_from", points))

    def check_consensus(self):
        """Refuse what most peers must agree to, where most of them are dead."""
        self.catch_up()
        self._agreed = time.monotonic()
        if 2 * sum(self.peers.values()) <= len(self.peers):
            raise Refused(
                500,
                "Service internal error: Waiting for consensus operation commit failed. Timeout "
                "set at: 10 seconds",
            )

    def status(self):
        """The nodes, and which of them cannot be reached."""
        if len(self.peers) == 1:
            return {"status": "disabled"}
        uris = {peer: f"http://127.0.0.1:{6335 + peer}/" for peer in self.peers}
        lost = {"count": 3, "latest_error": "transport error", "latest_error_timestamp": None}
        return {
            "status": "enabled",
            "peer_id": self.entry,
            "peers": {str(peer): {"uri": uri} for peer, uri in uris.items()},
            "raft_info": {"term": 1, "commit": 1, "pending_operations": 0, "is_voter": True},
            "consensus_thread_status": {
                "consensus_thread_status": "working",
                "last_update": "2026-01-01T00:00:00Z",
            },
            "message_send_failures": {
                uri: lost for peer, uri in uris.items() if not self.peers[peer]
            },
        }

    # Collections

    def get(self, name):
        with self._guard:
            try:
                return self._collections[self._aliases.get(name, name)]
            except KeyError:
                raise _missing(name) from None

    def holds(self, name):
        with self._guard:
            return self._aliases.get(name, name) in self._collections

    def names(self):
        with self._guard:
            return {"collections": [{"name": name} for name in self._collections]}

    def create(self, name, body):
        with self._guard:
            self.check_consensus()
            if name in self._collections:
                raise Refused(409, f"Wrong input: Collection `{name}` already exists!")
            if name in self._aliases:
                raise Refused(
                    400,
                    f"Wrong input: Can't create collection with name {name}. Alias with the same "
                    "name already exists",
                )
            config = {**body, "vectors": body.get("vectors") or {}, "indexes": {}}
            config.setdefault("sparse_vectors", {})
            config["replication_factor"] = config.get("replication_factor") or self._default_copies
            number = min(config["replication_factor"], len(self.peers))
            copies = {
                peer: Collection(self._directory / name / str(peer), dict(config, indexes={}))
                for peer in sorted(self.peers, key=lambda peer: not self.peers[peer])[:number]
            }
            self._collections[name] = Copies(self, name, copies)
            if self._indexed_from is not None:
                self.approximate_from(self._indexed_from)

    def drop(self, name):
        with self._guard:
            self.check_consensus()
            copies = self._collections.pop(name, None)
            if copies is not None:
                self._aliases = {a: of for a, of in self._aliases.items() if of != name}
                self._save()
                copies.drop()
        return copies is not None

    def wipe(self):
        for name in list(self._collections):
            self.drop(name)

    def close(self):
        with self._guard:
            for copies in self._collections.values():
                copies.close()
            self._collections.clear()

    # Aliases

    def aliases(self, collection=None):
        """All aliases, or those of one collection, which is not looked for by an alias."""
        with self._guard:
            return {
                "aliases": [
                    {"alias_name": alias, "collection_name": of}
                    for alias, of in self._aliases.items()
                    if collection in (None, of)
                ]
            }

    def change_aliases(self, actions):
        """Carry out actions one after the other, until one of them cannot be."""
        with self._guard:
            self.check_consensus()
            for action in actions:
                ((kind, said),) = action.items()
                getattr(self, f"_{kind}")(**said)
                self._save()

    def _create_alias(self, collection_name, alias_name):
        if collection_name not in self._collections:
            raise _missing(collection_name)
        if alias_name in self._collections:
            raise Refused(409, f"Wrong input: Collection `{alias_name}` already exists!")
        self._aliases[alias_name] = collection_name

    def _delete_alias(self, alias_name):
        self._aliases.pop(alias_name, None)

    def _rename_alias(self, old_alias_name, new_alias_name):
        if old_alias_name not in self._aliases:
            raise Refused(404, f"Not found: Alias {old_alias_name} does not exists!")
        self._aliases[new_alias_name] = self._aliases.pop(old_alias_name)

    def _save(self):
        self._aliases_file.write_text(json.dumps(self._aliases))


def _missing(name):
    return Refused(404, f"Not found: Collection `{name}` doesn't exist!")
