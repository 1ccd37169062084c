"""Asking a Qdrant server: one client for all threads, requests repeated where it helps."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from contextlib import suppress
from functools import partial
from typing import Any

from langchain_memalign._concurrency import begun, pause
from langchain_memalign._models.failures import Retry, as_cause
from langchain_memalign._models.secrets import without_secrets
from langchain_memalign._stores.qdrant.copies import Copies, is_given_up, missing_copies
from langchain_memalign._stores.qdrant.failures import Failure, read_failure, with_status
from langchain_memalign._stores.qdrant.options import Server
from langchain_memalign.errors import (
    ConfigurationError,
    MemAlignError,
    MemoryStoreError,
    MemoryUnavailableError,
    ModelError,
)

RETRY = Retry(attempts=4, first_wait=0.2, longest_wait=2.0)
"""How failing requests are repeated, as far as `timeout` allows."""

_ELECTION = 1  # seconds after which a change is asked for again, in which nodes elect one anew
_FIRST_LOOK, _LOOK = 0.02, 0.2
_REST, _REST_EVERY = 1.0, 5.0
_NOTICE_EVERY = 5.0


class Requests:
    """Requests to a server, of one collection; from any number of threads.

    After `close` no more are made, while those under way come to their end: the client is closed by
    whoever uses it last, since under a request it would leave a connection open.

    Attributes:
        server: The server.
        is_replicated: Whether points have several copies, which may differ for a moment.
        is_reachable: Whether the last request was answered at all.
        is_closed: Whether `close` was called.
        writer: The thread that changes the memory at the moment.
        bring_back: Gives the memory its name back, if a scrub was broken off before it had it.

    All requests that are made here may be repeated: reading anyway, writing because every write
    says what shall be there afterwards, or under which condition.
    """

    def __init__(self, server: Server, retry: Retry) -> None:
        self.server = server
        self.is_replicated = False
        self.is_reachable = True
        self.is_closed = False
        self.writer: int | None = None
        self.bring_back: Callable[[], bool] = lambda: False
        self._retry = retry
        self._client = _made(server)
        self._under_way = 0
        self._guard = threading.Lock()
        self._pid = os.getpid()
        self._rested = time.monotonic()
        self._noticed = -_NOTICE_EVERY
        self._copies = Copies()

    def ask(
        self,
        method: str,
        *,
        tolerate: tuple[int, ...] = (),
        give_up: Callable[[Failure], bool] | None = None,
        **arguments: Any,
    ) -> Any:
        """Call a method of the client.

        Args:
            method: Its name.
            tolerate: Statuses that are answered by None instead of an error.
            give_up: Whether a failure is no reason to ask the same again; by default none is.
            arguments: Passed on.

        Raises:
            MemoryUnavailableError: The store is closed; or the server is gone, does not answer in
                time, fails, or refuses access.
            MemoryStoreError: The server refuses the request itself.
        """
        began, attempt = time.monotonic(), 1
        while True:
            sent = time.monotonic()
            try:
                answer = self._once(method, arguments)
                self.is_reachable = True
                return answer
            except MemAlignError:
                raise
            except Exception as error:
                self.check_open()  # closed meanwhile: that is the reason, whatever it looks like
                waited = time.monotonic() - sent
                told = arguments.get("timeout")
                failure = read_failure(error, self.server, waited=waited, told=told)
                self.is_reachable = failure.is_answer
                if failure.status in tolerate:
                    return None
                seconds = self._wait(attempt, failure)
                left = began + self.server.timeout - time.monotonic()
                if seconds is None or seconds > left or (give_up and give_up(failure)):
                    raise failure.error from as_cause(error, self.server.api_key)
            if self.is_writing:
                # Also when the caller gave up: half a write would keep others waiting.
                time.sleep(seconds)
            else:
                pause(seconds)
            attempt += 1

    def of_collection(self, method: str, **arguments: Any) -> Any:
        """As `ask`, of this collection, or of the one that is named."""
        name = arguments.pop("collection", None)
        asked = partial(self.ask, method, collection_name=name or self.server.collection)
        try:
            return asked(**arguments)
        except MemoryUnavailableError as error:
            # Between the collection of this name and the alias that takes its place.
            if name is not None or error.status != 404 or not self.bring_back():
                raise
        return asked(**arguments)

    def read(self, method: str, *, needs_most: bool = False, **arguments: Any) -> Any:
        """Read from the collection, from as many of its copies as can be had.

        Where there are several, what most of them say counts. That asks all of them and fails while
        a node is down; then more than half of them are asked, which must agree. If that fails too,
        one copy is, and `doubt` says so, unless that is not enough.

        Args:
            method: Of the client.
            needs_most: One copy is not enough; it never is for a thread that is writing.
            arguments: Passed on.
        """
        if not self.is_replicated:
            return self.of_collection(method, **arguments)
        levels = list(self._copies.levels(needs_most=needs_most or self.is_writing))
        for consistency in levels:
            is_last = consistency is levels[-1]
            began = time.monotonic()
            try:
                answer = self.of_collection(
                    method,
                    consistency=consistency.asked,
                    timeout=consistency.seconds,
                    give_up=lambda failure, is_last=is_last: is_given_up(
                        failure.error.status, is_last=is_last
                    ),
                    **arguments,
                )
            except MemoryUnavailableError as error:
                if not is_given_up(error.status):
                    raise
                self._copies.failed(consistency, seconds=time.monotonic() - began)
                if self._is_silent(consistency.seconds):
                    raise
                self._let_it_be_noticed()
                problem = error
            else:
                self._copies.answered(consistency)
                return answer
        raise self._with_copies(problem) from problem

    def agree(
        self,
        actions: Sequence[Any],
        *,
        tolerate: tuple[int, ...] = (),
        is_done: Callable[[], bool] = lambda: False,
    ) -> Any:
        """Change aliases, on which the nodes of a cluster must agree.

        Measured on Qdrant 1.18.3: what is done is answered half a second later while a node is
        down, as the server waits for that one to hear of it; so `is_done` may look for itself.

        Args:
            actions: All or, where one cannot be, none of what comes after it.
            tolerate: Statuses that are answered by None instead of an error.
            is_done: Whether it can be seen that the change was made.

        Raises:
            MemoryUnavailableError: They do not agree in time, as most of them are down.
        """
        if not self.is_replicated:
            seconds = max(1, int(self.server.timeout))
            return self._change_aliases(actions, timeout=seconds, tolerate=tolerate)
        answer, look = begun(partial(self._agreed, actions, tolerate=tolerate)), _FIRST_LOOK
        while True:
            finished, _ = wait([answer], timeout=look)
            if finished:
                return answer.result()
            look = min(_LOOK, 2 * look)
            with suppress(MemoryStoreError):
                if is_done():
                    return True

    def _agreed(self, actions: Sequence[Any], *, tolerate: tuple[int, ...]) -> Any:
        """Ask for a change of aliases until it is answered.

        Measured on Qdrant 1.18.3: while the nodes have not noticed that the one that led them died,
        which takes some seconds, what they are asked to change is lost, and its answer is waited
        for in vain. So it is asked for again soon. What is asked twice in the same words is taken
        for the request that was lost; so each has an action of its own, that changes nothing.
        """
        from qdrant_client import models

        deadline = time.monotonic() + self.server.timeout
        while True:
            next_try = time.monotonic() + _LOOK
            nothing = models.DeleteAlias(alias_name=f"memalign-{secrets.token_hex(8)}")
            try:
                return self._change_aliases(
                    [*actions, models.DeleteAliasOperation(delete_alias=nothing)],
                    timeout=_ELECTION,
                    tolerate=tolerate,
                    give_up=lambda failure: is_given_up(failure.error.status),
                )
            except MemoryUnavailableError as error:
                if not is_given_up(error.status) or self._is_silent(_ELECTION):
                    raise
                if time.monotonic() + _LOOK > deadline:
                    raise self._with_copies(error) from error
            pause(max(0.0, next_try - time.monotonic()))

    def _change_aliases(self, actions: Sequence[Any], **arguments: Any) -> Any:
        return self.ask(
            "update_collection_aliases", change_aliases_operations=list(actions), **arguments
        )

    def _let_it_be_noticed(self) -> None:
        """Let the server notice that a copy is gone, once in a while.

        Qdrant 1.18 notices that when it writes to the copy; until then about every second read of
        the others waits half a second for it. What is written here changes no point, in any shard.
        """
        from qdrant_client import models

        now = time.monotonic()
        if now < self._noticed + _NOTICE_EVERY:
            return
        self._noticed = now
        none = models.FieldCondition(key="kind", match=models.MatchValue(value="none"))

        def write() -> None:
            with suppress(MemoryStoreError):  # such as for a key that may only read
                self.of_collection(
                    "set_payload",
                    payload={"kind": "none"},
                    points=models.Filter(must=[none]),
                    wait=True,
                    ordering=models.WriteOrdering.MEDIUM,
                    give_up=lambda _: True,
                )

        begun(write)

    @property
    def is_short(self) -> bool:
        """Whether not all copies answered a moment ago."""
        return self.is_replicated and self._copies.are_short

    def let_copies_catch_up(self) -> None:
        """While a copy is missing, leave the nodes now and then nothing to agree on; for writers.

        A node of Qdrant 1.18 that was away asks for what its copy missed when its consensus has
        been idle for three of its cycles. Leases change by consensus, so who learns without a pause
        would keep it away, and the next node that dies would be one too many.
        """
        if not self.is_short:
            return
        if time.monotonic() > max(self._rested, self._copies.short_since) + _REST_EVERY:
            time.sleep(_REST)
            self._rested = time.monotonic()

    @property
    def doubt(self) -> str | None:
        """Why what was read last may lack something; None if most copies agreed on it."""
        return self._copies.doubt if self.is_replicated else None

    @property
    def is_writing(self) -> bool:
        """Whether the calling thread changes the memory; then most copies must agree on it."""
        return threading.get_ident() == self.writer

    def write(self, method: str, **arguments: Any) -> None:
        """Write to all copies that live, in one order, and wait for it.

        Raises:
            MemoryUnavailableError: Fewer copies took it than `write_consistency_factor` asks for,
                or it was not finished in time.
        """
        from qdrant_client import models

        try:
            result = self.of_collection(
                method, wait=True, ordering=models.WriteOrdering.MEDIUM, **arguments
            )
        except MemoryUnavailableError as error:
            if not self.is_replicated or (error.status or 0) < 500:
                raise
            raise self._with_copies(error) from error
        for done in result if isinstance(result, list) else [result]:
            if done.status != models.UpdateStatus.COMPLETED:
                raise MemoryUnavailableError(
                    f"the Qdrant server at {self.server.url} did not finish a write in time "
                    f"({done.status}); expected it to: see its load, or pass a longer timeout=. "
                    "Repeating what failed is harmless."
                )

    def check_open(self) -> None:
        """Refuse to go on after `close`, or in a forked child.

        Raises:
            MemoryUnavailableError: It was called.
            MemoryStoreError: The store was opened before a fork.
        """
        if os.getpid() != self._pid:
            # The child would send its requests through its parent's connections, in its name.
            raise MemoryStoreError(
                f"found the memory at {self.server.place} used in process {os.getpid()}; expected "
                f"process {self._pid}, which opened it before a fork: open it in the child."
            )
        if self.is_closed:
            raise MemoryUnavailableError(
                f"found the memory at {self.server.place} closed; expected it open: open it again."
            )

    def close(self) -> None:
        """Close the connections as soon as none is in use; harmless when called again."""
        with self._guard:
            if self.is_closed or os.getpid() != self._pid:
                return
            self.is_closed = True
            is_idle = not self._under_way
        if is_idle:
            self._client.close()

    def _once(self, method: str, arguments: dict[str, Any]) -> Any:
        with self._guard:
            self.check_open()
            self._under_way += 1
        try:
            return getattr(self._client, method)(**arguments)
        finally:
            with self._guard:
                self._under_way -= 1
                was_last = self.is_closed and not self._under_way
            if was_last:
                self._client.close()

    def missing(self) -> tuple[int, int] | None:
        """How many copies are down, of how many; None for none as far as the server knows."""
        if not self.is_replicated:
            return None
        info = self.of_collection("collection_cluster_info", give_up=lambda _: True)
        return missing_copies(info, self.ask("cluster_status", give_up=lambda _: True))

    def _is_silent(self, seconds: float | None) -> bool:
        """Whether the whole server keeps silent, and not a copy that it waits for.

        Args:
            seconds: Within how many it was told to answer, whatever its copies do; None for any.
        """
        return not self.is_reachable and (seconds or 0) < self.server.timeout

    def _with_copies(self, error: MemoryUnavailableError) -> MemoryUnavailableError:
        """The error, with how many copies are missing where the server knows."""
        if not self.is_reachable:  # it is not waited for twice
            return error
        try:
            told = self.missing()
        except MemoryStoreError:
            return error
        if told is None:
            return error
        missing, number = told
        return with_status(
            MemoryUnavailableError(
                f"found {missing} of the {number} copies of {self.server.place} missing ({error}); "
                "expected more than half of them: start the nodes that are down. A memory with "
                "three copies on three nodes (replication_factor=3) outlives one of them."
            ),
            error.status,
        )

    def _wait(self, attempt: int, failure: Failure) -> float | None:
        asking = ModelError("", transient=failure.transient, retry_after=failure.retry_after)
        return self._retry.wait(attempt, asking)


def _made(server: Server) -> Any:
    from qdrant_client import QdrantClient

    try:
        return QdrantClient(
            url=server.url,
            timeout=server.timeout,  # type: ignore[arg-type]
            prefer_grpc=server.prefer_grpc,
            grpc_port=server.grpc_port,
            # As a header: as `api_key` it would warn of plain http also on this very machine.
            headers={"api-key": server.api_key} if server.api_key else None,
            # Checked by us, and not by a thread that outlives the call.
            check_compatibility=False,
        )
    except Exception as error:
        said = without_secrets(str(error), server.api_key)
        raise ConfigurationError(
            f"found an address that the Qdrant client does not take, {server.url}: "
            f"{said:.200}; expected one such as 'http://localhost:6333'."
        ) from as_cause(error, server.api_key)
