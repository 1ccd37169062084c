"""Reviews under way, on disk: a SQLite file with a LangGraph thread for each case that waits."""

from __future__ import annotations

import json
import os
import sqlite3
import uuid
from collections.abc import Callable, Collection, Mapping
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite import SqliteSaver

from langchain_memalign._content import canonical
from langchain_memalign._values.types import JudgeSpec
from langchain_memalign.errors import MemoryUnavailableError
from langchain_memalign.reviews.file import ReviewFile
from langchain_memalign.reviews.forgetting import Traces, erase, traces_of
from langchain_memalign.schema import Case, WorkingMemory

_NAMESPACE = uuid.UUID("1f6f3a52-63a0-4c0e-9f43-72657669657e")
_TABLE = """
CREATE TABLE IF NOT EXISTS memalign_reviews (
    thread_id TEXT PRIMARY KEY,
    case_key TEXT NOT NULL,
    decision TEXT
)
"""


class ReviewThreads:
    """Keeps the threads of reviews that wait for their reviewer, and which cases are done.

    A review that is done leaves only its thread's id and the digest of its case: what was said is
    in the memory, and nowhere else.

    Attributes:
        saver: The checkpointer for the review graph.
    """

    def __init__(self, path: Path) -> None:
        """Open or begin the file.

        Raises:
            MemoryUnavailableError: It cannot be used.
        """
        self._path = path
        try:
            with ExitStack() as undo:
                # It holds cases: for the owner's eyes only, like a mail box.
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
                self._connection = sqlite3.connect(path, check_same_thread=False, timeout=10)
                undo.callback(self._connection.close)
                self.saver = SqliteSaver(self._connection)
                self.saver.setup()
                # What is deleted is overwritten, also in pages that stay in use.
                self._connection.execute("PRAGMA secure_delete=ON")
                with self._connection:
                    self._connection.execute(_TABLE)
                undo.pop_all()
        except (OSError, sqlite3.Error) as error:
            raise MemoryUnavailableError(
                f"cannot keep reviews in {path}: {error}; expected a SQLite file that can be "
                "written. Name another place with the key `reviews` of the judge file."
            ) from error

    def thread(self, spec: JudgeSpec, reviewer: str | None, case: Case) -> RunnableConfig:
        """The thread of a case, the same each time for the same judge and reviewer."""
        # Other instructions or another scale make it another question.
        asked = spec.model_dump(mode="json", include={"name", "instructions", "value_type"})
        identity = canonical([asked, reviewer, case.key])
        return {"configurable": {"thread_id": str(uuid.uuid5(_NAMESPACE, identity))}}

    def decision(self, thread: RunnableConfig) -> str | None:
        """How the review of a thread ended; None if it has not."""
        found = self._connection.execute(
            "SELECT decision FROM memalign_reviews WHERE thread_id = ?", (_id(thread),)
        ).fetchone()
        return found[0] if found else None

    def begin(self, thread: RunnableConfig, case: Case) -> None:
        """Note which case a thread is about, so that forgetting the case finds it."""
        with self.saver.lock, self._connection:
            self._connection.execute(
                "INSERT OR IGNORE INTO memalign_reviews VALUES (?, ?, NULL)",
                (_id(thread), case.key),
            )

    def decisions(self) -> dict[str, str]:
        """How the reviews that have ended did, by the id of their thread."""
        with self.saver.lock:
            rows = self._connection.execute(
                "SELECT thread_id, decision FROM memalign_reviews WHERE decision IS NOT NULL"
            ).fetchall()
        return {str(thread_id): str(decision) for thread_id, decision in rows}

    def reopen(self, thread: RunnableConfig) -> None:
        """Let a case be asked about anew."""
        with self.saver.lock, self._connection:
            self._connection.execute(
                "DELETE FROM memalign_reviews WHERE thread_id = ?", (_id(thread),)
            )
        self.saver.delete_thread(_id(thread))

    def finish(self, thread: RunnableConfig, decision: str) -> None:
        """Note how a review ended, and delete what its thread held."""
        with self.saver.lock, self._connection:
            self._connection.execute(
                "UPDATE memalign_reviews SET decision = ? WHERE thread_id = ?",
                (decision, _id(thread)),
            )
        self.saver.delete_thread(_id(thread))

    def forget(
        self,
        *,
        ids: Collection[str],
        exist: Callable[[Collection[str]], AbstractSet[str]],
        case_keys: Collection[str],
        text: str | None = None,
        judge: str | None = None,
        reviewer: str | None = None,
    ) -> int:
        """Delete the threads that hold something forgotten; their cases can be reviewed anew.

        What the page keeps in the same file goes with them.

        Args:
            ids: Ids of episodes and principles that are gone, or of which something is.
            exist: Which of some ids the memory has; a thread that shows another shows something
                forgotten.
            case_keys: The cases of those episodes.
            text: Text that must not remain, in any case.
            judge: Whose answers, drafts and readings of the page; None for all judges'.
            reviewer: Of whom no answer or draft of the page must remain.

        Returns:
            How many threads are gone.
        """
        gone = set(self._about(case_keys))
        threads = list(self.saver.list(None))
        shown = {id_ for found in threads for id_ in _shown(found.checkpoint["channel_values"])}
        known = exist(shown)
        for found in threads:
            held = json.dumps(
                [found.checkpoint["channel_values"], found.metadata, found.pending_writes],
                default=str,
                ensure_ascii=False,
            )
            if (
                any(id_ in held for id_ in ids)
                or not _shown(found.checkpoint["channel_values"]).issubset(known)
                or (text is not None and _in_json(text) in held.casefold())
            ):
                gone.add(found.config["configurable"]["thread_id"])
        for thread_id in gone:
            self.saver.delete_thread(thread_id)
        with self._connection:
            self._connection.executemany(
                "DELETE FROM memalign_reviews WHERE thread_id = ?", [(id_,) for id_ in gone]
            )
        wanted = Traces(
            ids=frozenset(ids),
            case_keys=frozenset(case_keys),
            text=text or "",
            reviewer=reviewer,
        )
        with ReviewFile(self._path) as file:
            erase(file, judge, traces_of(file, judge, wanted))
        return len(gone)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _about(self, case_keys: Collection[str]) -> list[str]:
        rows = self._connection.execute("SELECT thread_id, case_key FROM memalign_reviews")
        return [thread_id for thread_id, case_key in rows if case_key in case_keys]


def _id(thread: RunnableConfig) -> str:
    return str(thread["configurable"]["thread_id"])


def _shown(state: Mapping[str, Any]) -> set[str]:
    """Ids of the episodes and principles in the state of a review."""
    memory = WorkingMemory.of(state.get("working_memory") or {})
    recalled = (e.id for r in memory.episodes for e in (r.episode, *r.also))
    return {*recalled, *(principle.id for principle in memory.principles)}


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1].casefold()
