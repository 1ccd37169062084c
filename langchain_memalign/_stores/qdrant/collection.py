"""The collection that is a memory: made once, by whoever comes first, and recognised ever after.

A collection's vectors must be declared, and their size is not known before the first embedding. So
it begins with a sparse vector that no point ever has (some vector there must be), and the dense
ones are added when the first vectors come, which Qdrant can do since 1.18. Creating the collection
late instead would leave pending feedback, which has no vectors yet, without a place.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Any

from langchain_memalign._stores.base import CASE_VECTOR, INDEXED_FIELDS, RULE_VECTOR, Fingerprint
from langchain_memalign._stores.payload import fingerprint_text, read_fingerprint
from langchain_memalign._stores.qdrant.client import Requests
from langchain_memalign._stores.qdrant.convert import RESTORE
from langchain_memalign._stores.qdrant.failures import vanished
from langchain_memalign._stores.qdrant.leases import STAMP
from langchain_memalign._stores.write_batch import OWN_POINT
from langchain_memalign.errors import (
    ConfigurationError,
    EmbeddingMismatchError,
    MemoryCorruptError,
    MemoryStoreError,
)

_FORMAT = 1
_OLDEST = (1, 18)  # the first to add named vectors to a collection that exists
_BLANK = "without vectors"  # stamp of the own point until there is a fingerprint


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one request may hold; a collection in strict mode may allow less.

    Attributes:
        page: Points read at a time.
        found: Points that a search may return.
        listed: Values in one condition of a filter.
        upserted: Points in one upsert.
    """

    page: int = 250
    found: int = 2**31 - 1
    listed: int = 500
    upserted: int = 100

    @classmethod
    def of(cls, strict: Any) -> Limits:
        """The limits that go with a collection's strict mode."""
        if strict is None or not strict.enabled:
            return cls()
        most = strict.max_query_limit or cls.found
        return cls(
            page=min(cls.page, most),
            found=most,
            listed=min(cls.listed, strict.condition_max_size or cls.listed),
            upserted=min(cls.upserted, strict.upsert_max_batchsize or cls.upserted),
        )


class Collection:
    """The schema of a collection, and what it is a memory of.

    Attributes:
        fingerprint: The embeddings of its vectors, as far as this process knows.
        limits: What one request may hold.
    """

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self.fingerprint: Fingerprint | None = None
        self.limits = Limits()

    def open(self) -> str:
        """Make the collection if it does not exist, and all that is missing of its schema.

        Returns:
            The memory's id.

        Raises:
            ConfigurationError: The server is too old.
            MemoryCorruptError: The collection holds something else; nothing was changed.
        """
        self._check_version()
        if not self._requests.of_collection("collection_exists"):
            self._create()
        info = self._requests.of_collection("get_collection")
        own = self._own() or self._begin(info)
        self.limits = Limits.of(info.config.strict_mode_config)
        self._requests.is_replicated = (info.config.params.replication_factor or 1) > 1
        self._index(set(info.payload_schema))
        if own.get("format") != _FORMAT:
            raise MemoryCorruptError(
                f"found format {own.get('format')} at {self._requests.server.place}, expected "
                f"{_FORMAT}; nothing was changed: upgrade langchain-memalign, or export this "
                "memory with the version that wrote it."
            )
        fingerprint = self._read(own)
        if fingerprint is not None:
            self._declare(fingerprint)
            self.fingerprint = fingerprint
        return str(own.get("memory"))

    def learn(self) -> Fingerprint | None:
        """The fingerprint, read anew while it is not known: another process may have written it."""
        if self.fingerprint is None:
            own = self._own()
            if own is None:
                raise vanished(self._requests.server)
            fingerprint = self._read(own)
            if fingerprint is not None and not self._missing(fingerprint):
                self.fingerprint = fingerprint
        return self.fingerprint

    def establish(self, fingerprint: Fingerprint) -> None:
        """Make the collection one of vectors of these embeddings, once and for all.

        Raises:
            EmbeddingMismatchError: It is one of others already.
        """
        from qdrant_client import models

        blank = models.FieldCondition(key=STAMP, match=models.MatchValue(value=_BLANK))
        where = models.Filter(must=[models.HasIdCondition(has_id=[OWN_POINT]), blank])
        said = {"record": fingerprint_text(fingerprint), STAMP: "with vectors"}
        self._requests.write("set_payload", payload=said, points=where)
        there = self._read(self._own() or {})
        if there != fingerprint:
            raise EmbeddingMismatchError(
                f"found {there} at {self._requests.server.place}; expected {fingerprint}: use the "
                "embeddings it was made with, or another collection="
            )
        self._declare(fingerprint)
        self.fingerprint = fingerprint

    def _check_version(self) -> None:
        # Some proxies do not let the root through, and that is no reason to fail.
        found = self._requests.ask("info", tolerate=(403, 404, 405))
        numbers = re.match(r"v?(\d+)\.(\d+)", found.version if found else "")
        if numbers and tuple(map(int, numbers.groups())) < _OLDEST:
            raise ConfigurationError(
                f"found Qdrant {found.version} at {self._requests.server.url}; expected "
                f"{'.'.join(map(str, _OLDEST))} or newer: upgrade the server."
            )

    def _create(self) -> None:
        from qdrant_client import models

        server = self._requests.server
        self._requests.of_collection(
            "create_collection",
            tolerate=(409,),  # another process was faster
            vectors_config={},
            sparse_vectors_config={"none": models.SparseVectorParams()},
            shard_number=server.shard_number,
            replication_factor=server.replication_factor,
            write_consistency_factor=server.write_consistency_factor,
        )

    def _index(self, there: set[str]) -> None:
        from qdrant_client import models

        for name in (*INDEXED_FIELDS, STAMP):
            if name not in there:
                schema = models.KeywordIndexParams(
                    type=models.KeywordIndexType.KEYWORD, is_tenant=name == "judge" or None
                )
                self._requests.write("create_payload_index", field_name=name, field_schema=schema)

    def _own(self) -> dict[str, Any] | None:
        found = self._requests.read("retrieve", ids=[OWN_POINT], with_payload=True)
        return (found[0].payload or {}) if found else None

    def _begin(self, info: Any) -> dict[str, Any]:
        """Make a collection in which nothing is a memory; tells what its own point says then."""
        from qdrant_client import models

        vectors = info.config.params.vectors or {}
        foreign = not isinstance(vectors, dict) or set(vectors) - {CASE_VECTOR, RULE_VECTOR}
        count = self._requests.of_collection("count", exact=True)
        # Asked again: another process may just have begun it.
        own = self._own()
        if own is not None:
            return own
        if foreign or count.count:
            raise MemoryCorruptError(
                f"found {count.count} points but no memory at {self._requests.server.place}; "
                "expected a memory, or no such collection; nothing was changed: name another "
                "collection=."
            )
        said = {
            "kind": "meta",
            "format": _FORMAT,
            "memory": uuid.uuid4().hex,
            "record": fingerprint_text(None),
            STAMP: _BLANK,
        }
        point = models.PointStruct(id=OWN_POINT, vector={}, payload=said)
        insert = models.UpdateMode.INSERT_ONLY
        self._requests.write("upsert", points=[point], update_mode=insert)
        own = self._own()
        if own is None:
            raise vanished(self._requests.server)
        return own

    def _read(self, own: dict[str, Any]) -> Fingerprint | None:
        return read_fingerprint(own, where=self._requests.server.place, remedy=RESTORE)

    def _missing(self, fingerprint: Fingerprint) -> dict[str, int]:
        """The vectors that are not declared yet, with their sizes.

        Raises:
            MemoryCorruptError: One is declared with another size.
        """
        info = self._requests.of_collection("get_collection")
        vectors = info.config.params.vectors or {}
        sizes = {CASE_VECTOR: 2 * fingerprint.size, RULE_VECTOR: fingerprint.size}
        for name, size in sizes.items():
            if name in vectors and vectors[name].size != size:
                raise MemoryCorruptError(
                    f"found vector {name!r} of size {vectors[name].size} at "
                    f"{self._requests.server.place}; expected {size}: {RESTORE}"
                )
        return {name: size for name, size in sizes.items() if name not in vectors}

    def _declare(self, fingerprint: Fingerprint) -> None:
        from qdrant_client import models

        for name, size in self._missing(fingerprint).items():
            dense = models.DenseVectorConfig(size=size, distance=models.Distance.COSINE)
            try:
                self._requests.write(
                    "create_vector_name",
                    vector_name=name,
                    vector_name_config=models.DenseVectorNameConfig(dense=dense),
                )
            except MemoryStoreError:
                # Another process may have been faster; what counts is that it is there.
                if name in self._missing(fingerprint):
                    raise
