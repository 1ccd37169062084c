"""Qdrant's strict mode: what a server refuses although the engine could do it."""

from . import terms


class Refused(Exception):
    """What the server answers instead of a result."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class StrictMode:
    """The limits in a collection's configuration; none unless they are enabled."""

    def __init__(self, config):
        self._config = config

    def check_read(self, body, *, limit=10):
        """Check a request that reads; `limit` is the number of results if the body names none."""
        most, asked = self._limit("max_query_limit"), body.get("limit", limit)
        if most is not None and asked > most:
            raise Refused(403, f"Forbidden: Limit exceeded {asked} > {most}!")
        if self._limit("unindexed_filtering_retrieve") is False:
            self._check_indexed(body.get("filter"))
        self._check_size(body.get("filter"))

    def check_exact(self, exact):
        if exact and self._limit("search_allow_exact") is False:
            raise Refused(400, "Bad request: Exact search disabled!. Help: Set exact=false.")

    def check_update(self, where):
        if self._limit("unindexed_filtering_update") is False:
            self._check_indexed(where)
        self._check_size(where)

    def check_index(self, name):
        """Check that one more payload field may be indexed."""
        most, there = self._limit("max_payload_index_count"), self._config["indexes"]
        if most is not None and name not in there and len(there) >= most:
            raise Refused(
                400,
                "Bad request: Collection already has the maximum number of payload indices "
                f"({most}). Help: Please delete an existing index before creating a new one.",
            )

    def check_upsert(self, points):
        most = self._limit("upsert_max_batchsize")
        if most is not None and len(points) > most:
            raise Refused(403, f"Forbidden: Upsert limit of {most} exceeded!")

    def _limit(self, name):
        strict = self._config.get("strict_mode_config") or {}
        return strict.get(name) if strict.get("enabled") else None

    def _check_size(self, where):
        most = self._limit("condition_max_size")
        if most is not None and any(size > most for size in terms.condition_sizes(where)):
            raise Refused(403, f"Forbidden: Condition size limit of {most} exceeded!")

    def _check_indexed(self, where):
        for key in terms.filtered_keys(where):
            if key not in self._config["indexes"]:
                raise Refused(403, f"Forbidden: Index required but not found for {key!r}!")
