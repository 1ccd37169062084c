"""One copy of a collection: a shard of Qdrant Edge on disk, and what the server knows besides."""

import json
import shutil
import threading
import zlib
from contextlib import contextmanager

import qdrant_edge as qe

from . import terms
from .strict import Refused, StrictMode

INDEXED_FROM = 5000
"""So many points a server searches one by one; of more it builds a graph, and misses some."""


class Collection:
    """One copy of a collection. Updates wait for each other, as in a server's update queue.

    Attributes:
        stale: Ids of the points for which the indexes say something else than the payload does,
            as after a crash between writing the one and the other. An update by a filter on an
            indexed field does not find them, reading does, and writing one by its id heals it.
        indexed_from: From how many points on a search is approximate.
    """

    def __init__(self, path, config):
        self._config = config
        self.stale = set()
        self.indexed_from = INDEXED_FROM
        self._strict = StrictMode(config)
        self._path = path
        self._updating = threading.Lock()
        self._is_dropped = False
        if (path / "shard").exists():
            self._shard = qe.EdgeShard.load(str(path / "shard"))
        else:
            path.mkdir(parents=True)
            # The embedded engine insists on some vector, where the server does not.
            sparse = {name: qe.EdgeSparseVectorParams() for name in config["sparse_vectors"] or "_"}
            self._shard = qe.EdgeShard.create(
                str(path / "shard"),
                qe.EdgeConfig(
                    vectors={name: _dense(said) for name, said in config["vectors"].items()}
                    or None,
                    sparse_vectors=sparse,
                ),
            )
            self._save()

    @classmethod
    def load(cls, path):
        return cls(path, json.loads((path / "config.json").read_text()))

    @property
    def config(self):
        return self._config

    def close(self):
        self._shard.flush()
        self._shard.close()

    @contextmanager
    def _changing(self):
        with self._updating:
            if self._is_dropped:
                raise Refused(404, "Not found: Collection doesn't exist!")
            yield

    def drop(self):
        """Delete it; a change that is under way ends first, and one that comes later is refused."""
        with self._changing():
            self._is_dropped = True
            self._shard.close()
            shutil.rmtree(self._path)

    # Schema

    def info(self):
        config, state = self._config, self._shard.info()
        sparse = {name: {} for name in config["sparse_vectors"] or {}}
        return {
            "status": "green",
            "optimizer_status": "ok",
            "points_count": state.points_count,
            "indexed_vectors_count": state.indexed_vectors_count,
            "segments_count": state.segments_count,
            "payload_schema": {
                name: {"data_type": "keyword", "params": config["indexes"].get(name), "points": 0}
                for name in state.payload_schema
            },
            "config": {
                "params": {
                    "vectors": config["vectors"],
                    "sparse_vectors": sparse,
                    "shard_number": config.get("shard_number") or 1,
                    "replication_factor": config.get("replication_factor") or 1,
                    "write_consistency_factor": config.get("write_consistency_factor") or 1,
                },
                "hnsw_config": {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000},
                "wal_config": {"wal_capacity_mb": 32, "wal_segments_ahead": 0},
                "optimizer_config": {"default_segment_number": 0, "flush_interval_sec": 5},
                "strict_mode_config": config.get("strict_mode_config"),
                "metadata": config.get("metadata"),
            },
        }

    def configure(self, body):
        """Change parameters of the collection, as `PATCH` does."""
        with self._changing():
            for name in ("params", "metadata", "strict_mode_config"):
                said = body.get(name) or {}
                if name == "params":
                    self._config.update(said)
                elif said:
                    self._config[name] = {**(self._config.get(name) or {}), **said}
            self._save()

    def create_index(self, body):
        with self._changing():
            self._strict.check_index(body["field_name"])
            self.stale.clear()
            schema = body["field_schema"]
            tenant = schema.get("is_tenant") if isinstance(schema, dict) else None
            keyword = qe.KeywordIndexParams(is_tenant=tenant)
            self._update(qe.UpdateOperation.create_field_index(body["field_name"], keyword))
            self._config["indexes"][body["field_name"]] = (
                schema if isinstance(schema, dict) else {"type": schema}
            )
            self._save()

    def drop_index(self, name):
        with self._changing():
            self._update(qe.UpdateOperation.delete_field_index(name))
            self._config["indexes"].pop(name, None)
            self.stale.clear()
            self._save()

    def create_vector(self, name, body):
        with self._changing():
            said = body["dense"]
            distance = getattr(qe.Distance, said["distance"])
            self._update(qe.UpdateOperation.create_dense_vector(name, said["size"], distance))
            self._config["vectors"][name] = {"size": said["size"], "distance": said["distance"]}
            self._save()

    # Reading

    def scroll(self, body, more=0):
        """A page, and so many points more than are asked for."""
        self._strict.check_read(body)
        request = qe.ScrollRequest(
            offset=body.get("offset"),
            limit=body.get("limit", 10) + more,
            filter=terms.to_filter(body.get("filter")),
            with_payload=terms.to_selector(body.get("with_payload", True)),
            with_vector=body.get("with_vector", False),
        )
        records, offset = _engine(lambda: self._shard.scroll(request))
        return {
            "points": [terms.from_record(record) for record in records],
            "next_page_offset": None if offset is None else str(offset),
        }

    def retrieve(self, body):
        payload = terms.to_selector(body.get("with_payload", True))
        vector = body.get("with_vector", False)
        records = _engine(lambda: self._shard.retrieve(body["ids"], payload, vector))
        return [terms.from_record(record) for record in records]

    def query(self, body):
        self._strict.check_read(body)
        params = body.get("params") or {}
        self._strict.check_exact(params.get("exact"))
        query = body["query"]
        query = query["nearest"] if isinstance(query, dict) else query
        request = qe.QueryRequest(
            limit=body.get("limit", 10),
            query=qe.Query.Nearest(query, using=body["using"]),
            filter=terms.to_filter(body.get("filter")),
            params=qe.SearchParams(exact=params.get("exact", False)),
            with_payload=terms.to_selector(body.get("with_payload", False)),
        )
        hits = _engine(lambda: self._shard.query(request))
        if not params.get("exact") and not (params.get("acorn") or {}).get("enable"):
            hits = [hit for hit in hits if not self._misses(hit, body)]
        return {
            "points": [terms.from_record(hit, score=hit.score, version=hit.version) for hit in hits]
        }

    def query_batch(self, body):
        return [self.query(search) for search in body["searches"]]

    def _misses(self, hit, body):
        """Whether an approximate search overlooks a point: 1 % of them, with a filter 15 %."""
        if self._shard.info().points_count < self.indexed_from:
            return False
        asked = f"{hit.id} {body['using']} {body['query']}"
        return zlib.crc32(asked.encode()) % 100 < (15 if body.get("filter") else 1)

    def facet(self, body):
        self._strict.check_read(body)
        self._strict.check_exact(body.get("exact"))
        if body["key"] not in self._config["indexes"]:
            raise Refused(
                400, f'Bad request: Index required but not found for "{body["key"]}". Help: ...'
            )
        request = qe.FacetRequest(
            key=body["key"],
            limit=body.get("limit", 10),
            exact=body.get("exact", False),
            filter=terms.to_filter(body.get("filter")),
        )
        hits = _engine(lambda: self._shard.facet(request)).hits
        return {"hits": [{"value": hit.value, "count": hit.count} for hit in hits]}

    def count(self, body):
        self._strict.check_read(body, limit=0)
        self._strict.check_exact(body.get("exact", True))
        request = qe.CountRequest(
            exact=body.get("exact", True), filter=terms.to_filter(body.get("filter"))
        )
        return {"count": _engine(lambda: self._shard.count(request))}

    # Writing

    def upsert(self, body, *, only=None):
        """Upsert points; with `only`, no more than that many of them, as a torn write would."""
        self._strict.check_update(body.get("update_filter"))
        self._strict.check_upsert(body["points"])
        operation = qe.UpdateOperation.upsert_points(
            _engine(lambda: terms.to_points(body["points"][:only])),
            condition=self._resolved(body.get("update_filter")),
            update_mode=terms.MODES[body.get("update_mode") or "upsert"],
        )
        with self._changing():
            self._update(operation)
            if body.get("update_filter") is None:
                self.stale -= {str(point["id"]) for point in body["points"]}

    def delete(self, body):
        if "points" in body:
            operation = qe.UpdateOperation.delete_points(body["points"])
        else:
            self._strict.check_update(body["filter"])
            where = self._resolved(body["filter"])
            operation = qe.UpdateOperation.delete_points_by_filter(where)
        with self._changing():
            self._update(operation)

    def set_payload(self, body):
        if body.get("points") is not None:
            operation = qe.UpdateOperation.set_payload(body["points"], body["payload"])
        else:
            self._strict.check_update(body["filter"])
            where = self._resolved(body["filter"])
            operation = qe.UpdateOperation.set_payload_by_filter(where, body["payload"])
        with self._changing():
            self._update(operation)
            self.stale -= {str(id_) for id_ in body.get("points") or ()}

    def batch(self, body):
        for operation in body["operations"]:
            ((name, arguments),) = operation.items()
            {"upsert": self.upsert, "delete": self.delete, "set_payload": self.set_payload}[name](
                arguments
            )

    def crash(self):
        """Lose the entries of the indexes that were not written to disk yet: here all of them."""
        if self._config["indexes"]:
            ids = _engine(lambda: self._shard.scroll(qe.ScrollRequest(limit=100_000)))[0]
            self.stale |= {str(record.id) for record in ids}

    def contents(self):
        """All points with what they hold, by id."""
        request = qe.ScrollRequest(limit=1_000_000, with_payload=True, with_vector=True)
        records, _ = _engine(lambda: self._shard.scroll(request))
        return {str(record.id): terms.from_record(record) for record in records}

    def resemble(self, other):
        """Become what another copy is, as a node that was away does when it is back."""
        mine, theirs = self.contents(), other.contents()
        changed = [p for id_, p in theirs.items() if mine.get(id_) != p]
        with self._changing():
            if gone := [id_ for id_ in mine if id_ not in theirs]:
                self._update(qe.UpdateOperation.delete_points(gone))
            if changed:
                points = [{**p, "vector": p["vector"] or {}} for p in changed]
                self._update(qe.UpdateOperation.upsert_points(terms.to_points(points)))
            self.stale.clear()

    def _resolved(self, where):
        """The points that an update by a filter finds: by the indexes, where there are some."""
        found = terms.to_filter(where)
        indexed = set(terms.filtered_keys(where)) & set(self._config["indexes"])
        if not indexed or not self.stale:
            return found
        return qe.Filter(must=[found], must_not=[terms.has_id(self.stale)])

    def _update(self, operation):
        _engine(lambda: self._shard.update(operation))

    def _save(self):
        (self._path / "config.json").write_text(json.dumps(self._config))


def _dense(said):
    return qe.EdgeVectorParams(said["size"], getattr(qe.Distance, said["distance"]))


def _engine(call):
    """Answer what the engine refuses as the server does."""
    try:
        return call()
    except Exception as error:
        raise Refused(400, f"Wrong input: {error}") from error
