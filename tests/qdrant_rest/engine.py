"""Collections: each a shard of Qdrant Edge on disk, and what the server would know besides."""

import json
import shutil
import threading
from pathlib import Path

import qdrant_edge as qe

from . import terms
from .strict import Refused, StrictMode


class Collection:
    """One collection. Updates wait for each other, as in a server's update queue."""

    def __init__(self, path, config):
        self._config = config
        self._strict = StrictMode(config)
        self._path = path
        self._updating = threading.Lock()
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

    def close(self):
        self._shard.flush()
        self._shard.close()

    def drop(self):
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
            },
        }

    def create_index(self, body):
        with self._updating:
            schema = body["field_schema"]
            tenant = schema.get("is_tenant") if isinstance(schema, dict) else None
            keyword = qe.KeywordIndexParams(is_tenant=tenant)
            self._update(qe.UpdateOperation.create_field_index(body["field_name"], keyword))
            self._config["indexes"][body["field_name"]] = (
                schema if isinstance(schema, dict) else {"type": schema}
            )
            self._save()

    def create_vector(self, name, body):
        with self._updating:
            said = body["dense"]
            distance = getattr(qe.Distance, said["distance"])
            self._update(qe.UpdateOperation.create_dense_vector(name, said["size"], distance))
            self._config["vectors"][name] = {"size": said["size"], "distance": said["distance"]}
            self._save()

    # Reading

    def scroll(self, body):
        self._strict.check_read(body)
        request = qe.ScrollRequest(
            offset=body.get("offset"),
            limit=body.get("limit", 10),
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
        return {
            "points": [terms.from_record(hit, score=hit.score, version=hit.version) for hit in hits]
        }

    def facet(self, body):
        self._strict.check_read(body)
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
            condition=terms.to_filter(body.get("update_filter")),
            update_mode=terms.MODES[body.get("update_mode") or "upsert"],
        )
        with self._updating:
            self._update(operation)

    def delete(self, body):
        if "points" in body:
            operation = qe.UpdateOperation.delete_points(body["points"])
        else:
            self._strict.check_update(body["filter"])
            where = terms.to_filter(body["filter"])
            operation = qe.UpdateOperation.delete_points_by_filter(where)
        with self._updating:
            self._update(operation)

    def set_payload(self, body):
        if body.get("points") is not None:
            operation = qe.UpdateOperation.set_payload(body["points"], body["payload"])
        else:
            self._strict.check_update(body["filter"])
            where = terms.to_filter(body["filter"])
            operation = qe.UpdateOperation.set_payload_by_filter(where, body["payload"])
        with self._updating:
            self._update(operation)

    def batch(self, body):
        for operation in body["operations"]:
            ((name, arguments),) = operation.items()
            {"upsert": self.upsert, "delete": self.delete, "set_payload": self.set_payload}[name](
                arguments
            )

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


class Engine:
    """All collections of a server, in a directory."""

    def __init__(self, directory):
        self._directory = Path(directory)
        self._guard = threading.Lock()
        self._collections = {
            path.parent.name: Collection.load(path.parent)
            for path in self._directory.glob("*/config.json")
        }

    def get(self, name):
        with self._guard:
            try:
                return self._collections[name]
            except KeyError:
                raise Refused(404, f"Not found: Collection `{name}` doesn't exist!") from None

    def holds(self, name):
        with self._guard:
            return name in self._collections

    def create(self, name, body):
        with self._guard:
            if name in self._collections:
                raise Refused(409, f"Wrong input: Collection `{name}` already exists!")
            config = {**body, "vectors": body.get("vectors") or {}, "indexes": {}}
            config.setdefault("sparse_vectors", {})
            self._collections[name] = Collection(self._directory / name, config)

    def drop(self, name):
        with self._guard:
            collection = self._collections.pop(name, None)
        if collection is not None:
            collection.drop()
        return collection is not None

    def wipe(self):
        for name in list(self._collections):
            self.drop(name)

    def close(self):
        with self._guard:
            for collection in self._collections.values():
                collection.close()
            self._collections.clear()
