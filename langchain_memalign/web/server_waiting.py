"""Cases that wait on a LangGraph server: the interrupted threads of its review graph."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from langgraph_sdk import get_sync_client
from langgraph_sdk.client import SyncLangGraphClient
from langgraph_sdk.errors import LangGraphError

from langchain_memalign.errors import InvalidInputError, MemoryUnavailableError
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.schema import Case, Unscored, Verdict, WorkingMemory
from langchain_memalign.web.waiting import Existing, WaitingCase, outcome_of

_PAGE = 100
_FRESH_SECONDS = 5.0


class ServerWaiting:
    """The threads of a LangGraph server that wait for a person.

    A thread belongs to the judge that its state names; with tenants, whose metadata then name one,
    to that tenant's judge of the name.
    """

    def __init__(
        self,
        url: str,
        *,
        reviews: Path,
        graph: str = "review",
        headers: Callable[[MemAlignJudge], Mapping[str, str]] | None = None,
    ) -> None:
        """Connect. Asks the server nothing yet.

        Args:
            url: The server's address.
            reviews: The review file, for what people write on the page.
            graph: The review graph's name on the server.
            headers: Headers of the requests for one judge's threads, such as its tenant's key.
        """
        self.reviews = reviews
        self._url = url
        self._graph = graph
        self._headers = headers
        self._guard = threading.Lock()
        self._found: dict[str, tuple[float, dict[str, dict[str, Any]]]] = {}

    def cases(self, judge: MemAlignJudge) -> Sequence[WaitingCase]:
        """The interrupted threads of this judge, the oldest first; at most 5 seconds old."""
        return [
            WaitingCase(id_, id_[:8], _case(thread["values"]))
            for id_, thread in self._threads(judge).items()
        ]

    def read(
        self, judge: MemAlignJudge, waiting: WaitingCase, *, again: bool = False
    ) -> tuple[Verdict | Unscored, WorkingMemory]:
        """What the thread's run concluded; judged anew with `again`, beside the thread."""
        values = self._threads(judge).get(waiting.id, {}).get("values") or {}
        if not again and values.get("verdict"):
            return outcome_of(values["verdict"]), WorkingMemory.of(values["working_memory"])
        return judge.invoke(waiting.case), judge.recall(waiting.case)

    def answer(self, judge: MemAlignJudge, waiting: WaitingCase, answer: Mapping[str, Any]) -> None:
        """Resume the thread; its run finds learned already what the answer teaches.

        Raises:
            MemoryUnavailableError: The server cannot be reached, or refuses.
        """
        try:
            with closing(self._client(judge)) as client:
                client.runs.wait(waiting.id, self._graph, command={"resume": dict(answer)})
        except (httpx.HTTPError, LangGraphError) as error:
            raise self._unreachable(error) from error
        with self._guard:
            self._found.pop(judge.spec.name, None)

    def reopen(self, judge: MemAlignJudge, waiting: WaitingCase, reviewer: str | None) -> bool:
        """The run has gone on, and is not called back."""
        return False

    def answered(self, judge: MemAlignJudge, reviewer: str | None) -> set[str]:
        """What was answered elsewhere waits no more."""
        return set()

    def forget(
        self, *, ids: set[str], exist: Existing, case_keys: set[str], text: str | None
    ) -> int:
        """Nothing: the threads are the server's own."""
        return 0

    def close(self) -> None:
        """Forget what was found."""
        with self._guard:
            self._found.clear()

    def _threads(self, judge: MemAlignJudge) -> dict[str, dict[str, Any]]:
        name = judge.spec.name
        with self._guard:
            at, found = self._found.get(name, (0.0, {}))
        if at and time.monotonic() - at < _FRESH_SECONDS:
            return found
        try:
            found = self._search(judge)
        except (httpx.HTTPError, LangGraphError) as error:
            raise self._unreachable(error) from error
        with self._guard:
            self._found[name] = time.monotonic(), found
        return found

    def _search(self, judge: MemAlignJudge) -> dict[str, dict[str, Any]]:
        with closing(self._client(judge)) as client:
            return self._all(client, judge)

    def _all(self, client: SyncLangGraphClient, judge: MemAlignJudge) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        offset = 0
        while True:
            page = client.threads.search(
                metadata={"graph_id": self._graph},
                status="interrupted",
                limit=_PAGE,
                offset=offset,
                sort_by="created_at",
                sort_order="asc",
            )
            for thread in page:
                if _belongs(judge, thread):
                    found[str(thread["thread_id"])] = dict(thread)
            if len(page) < _PAGE:
                return found
            offset += _PAGE

    def _client(self, judge: MemAlignJudge) -> SyncLangGraphClient:
        headers = dict(self._headers(judge)) if self._headers else {}
        # The client takes the key apart, and refuses it among the headers.
        keys = [headers.pop(name) for name in [*headers] if name.lower() == "x-api-key"]
        return get_sync_client(
            url=self._url, api_key=keys[0] if keys else None, headers=headers or None
        )

    def _unreachable(self, error: Exception) -> MemoryUnavailableError:
        return MemoryUnavailableError(
            f"the LangGraph server at {self._url} does not answer as expected: "
            f"{type(error).__name__}. See that it runs, and that the page may ask it."
        )


def _belongs(judge: MemAlignJudge, thread: Mapping[str, Any]) -> bool:
    values = thread.get("values")
    if not isinstance(values, Mapping) or not isinstance(values.get("judge"), Mapping):
        return False
    name, tenant = values["judge"].get("name"), (thread.get("metadata") or {}).get("tenant")
    if tenant is not None:
        name = f"{quote(str(tenant), safe='')}/{name}"
    if name != judge.spec.name:
        return False
    try:
        _case(values)
    except InvalidInputError:
        return False
    return True


def _case(values: Mapping[str, Any]) -> Case:
    fields = ("inputs", "outputs", "reference_outputs")
    return Case(**{name: values.get(name) for name in fields})
