"""The records of a memory, read and changed; blocking, whatever the store."""

from __future__ import annotations

import copy
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal, Self, TypeVar, cast

from langchain_memalign._concurrency import Lock
from langchain_memalign._content import canonical
from langchain_memalign._memory.cache import (
    EpisodeCounts,
    JudgeKnowledge,
    Lesson,
    ReadWords,
    VersionedCache,
)
from langchain_memalign._memory.convert import (
    SUPERSEDED,
    check_owners,
    fingerprint_of,
    in_order,
    owners,
    said_by_field,
    to_definition,
    to_episode,
    to_point,
    to_principle,
    to_put,
)
from langchain_memalign._memory.images import is_recording, record
from langchain_memalign._models import Embedder, Vector
from langchain_memalign._prompts.content import embedding_texts
from langchain_memalign._stores.base import (
    WRITER,
    Fingerprint,
    MemoryStore,
    Point,
    Search,
    Selection,
)
from langchain_memalign._stores.edge.store import EdgeStore
from langchain_memalign._values.types import value_key
from langchain_memalign.errors import EmbeddingMismatchError
from langchain_memalign.schema import Case, Change, Episode, Erase, JudgeDefinition, Principle, Put

T = TypeVar("T")

Plan = Callable[[], tuple[Sequence[Change], T]]
"""Computes changes from the memory as it stands, and what is to be said once they are applied."""


class Records:
    """Episodes and principles of any number of judges, over one store and one embedding model.

    Shared by threads and event loops; nothing here knows of a loop. Async code runs an operation
    in a thread as a whole.

    Attributes:
        embedder: The embedding model.
        writing: Held around each transaction, so that those of this process come one by one.
        read_words: What feedback said that was read before.
    """

    def __init__(self, store: MemoryStore, embedder: Embedder) -> None:
        self.embedder = embedder
        self.writing = Lock()
        self.read_words = ReadWords()
        self._store = store
        self._guard = threading.Lock()
        self._aligners: dict[str, Lock] = {}
        self._principles: VersionedCache[tuple[Principle, ...]] = VersionedCache()
        self._counts: VersionedCache[EpisodeCounts] = VersionedCache()
        self._derived: VersionedCache[Any] = VersionedCache()
        self._seen: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def embedding_ahead(self, cases: Iterable[Case]) -> Records:
        """The same records, for work that will look these cases up: embeds many in one call."""
        # A case whose inputs are its outputs asks for their text once.
        texts = (text for case in cases for text in dict.fromkeys(embedding_texts(case)) if text)
        other = copy.copy(self)
        other.embedder = self.embedder.ahead(texts)
        return other

    @property
    def location(self) -> str:
        """Where they are, as the user named it."""
        return self._store.location

    @property
    def guarantee(self) -> str:
        """What erasing achieves in this store, and what it cannot reach."""
        return self._store.guarantee

    @property
    def doubt(self) -> str | None:
        """Why what was read last may lack something; None where it cannot."""
        return self._store.doubt

    def scrub(self, limit: int | None = None) -> str:
        """Leave no byte of what was erased where the records are kept.

        `writing` must be held.

        Args:
            limit: Do it only for at most so many records; None for any number.

        Returns:
            What erasing has achieved then, and what it cannot reach.
        """
        return self._store.scrub(limit=limit)

    def fingerprint(self) -> Fingerprint | None:
        """Which embeddings the stored vectors come from."""
        return self._store.fingerprint()

    def scan(self, selection: Selection, *, vectors: bool = False) -> list[Point]:
        """The selected records as points, of any judge."""
        return self._store.scan(selection, vectors=vectors)

    def nearest(
        self, selection: Selection, *, using: str, vector: Vector, limit: int
    ) -> list[tuple[Point, float]]:
        """The selected records nearest to a vector, with cosine, best first.

        Raises:
            EmbeddingMismatchError: They are embedded by another model.
        """
        search = Search(selection=selection, using=using, vector=vector, limit=limit)
        return self.nearest_each([search])[0]

    def nearest_each(self, searches: Sequence[Search]) -> list[list[tuple[Point, float]]]:
        """As `nearest`, for several searches at once.

        Raises:
            EmbeddingMismatchError: The records are embedded by another model.
        """
        found = self._store.nearest_each(searches)
        held = self._store.fingerprint()
        # Where the store is shared, the first vectors may have come after it was opened.
        if held and held.embeddings != self.embedder.id:
            raise EmbeddingMismatchError(
                f"{self._store.location} now holds embeddings of {held.embeddings!r}; expected "
                f"{self.embedder.id!r}: open the memory with those, or open another one."
            )
        return found

    def existing(self, ids: Iterable[str]) -> set[str]:
        """Those of some ids under which there is a record, of any judge."""
        return {point.id for point in self._store.scan(Selection(ids=tuple(ids)))}

    def judges(self) -> list[str]:
        """The names of all judges that have an episode or a principle, sorted."""
        found = self._store.tally(Selection(kind="episode"), "judge")
        return sorted(found | self._store.tally(Selection(kind="principle"), "judge"))

    def episodes(
        self,
        judge: str,
        *,
        ids: Sequence[str] | None = None,
        status: Literal["pending", "distilled", "superseded"] | None = None,
        as_of: datetime | None = None,
    ) -> list[Episode]:
        """A judge's episodes, oldest first; superseded ones have their other status as well."""
        episodes = map(to_episode, self.episode_points(judge, ids=ids, status=status))
        kept = [e for e in episodes if as_of is None or e.created_at <= as_of]
        return in_order(kept)

    def episodes_on(self, judge: str, case_keys: Sequence[str]) -> list[Episode]:
        """All that a judge's experts said of some cases, oldest first."""
        fields = {"case_key": tuple(case_keys)}
        selection = Selection(kind="episode", judge=judge, fields=fields)
        return in_order(map(to_episode, self._store.scan(selection)))

    def episode_points(
        self,
        judge: str,
        *,
        ids: Sequence[str] | None = None,
        status: Literal["pending", "distilled", "superseded"] | None = None,
        vectors: bool = False,
    ) -> list[Point]:
        """A judge's episodes as points, which tell whether an episode is embedded."""
        selection = Selection(
            kind="episode",
            judge=judge,
            ids=None if ids is None else tuple(ids),
            fields={"status": (status,)} if status else {},
        )
        return self._store.scan(selection, vectors=vectors)

    def principles(
        self,
        judge: str,
        *,
        as_of: datetime | None = None,
        retired: bool = False,
        citing: AbstractSet[str] | None = None,
    ) -> list[Principle]:
        """A judge's principles, in the order in which they were learned.

        Args:
            judge: The judge's name.
            as_of: Those that applied at that moment; None for now.
            retired: Also those that apply no more.
            citing: Only those that came from one of these episodes.
        """
        fields: dict[str, tuple[str, ...]] = {}
        if as_of is None and not retired:
            fields["status"] = ("active",)
        if citing is not None:
            fields["episode_ids"] = tuple(sorted(citing))
        selection = Selection(kind="principle", judge=judge, fields=fields)
        found = map(to_principle, self._store.scan(selection))
        kept = [p for p in found if p.is_active(as_of) or (retired and _existed(p, as_of))]
        return in_order(kept)

    def active_principles(self, judge: str) -> tuple[Principle, ...]:
        """A judge's active principles; read once, then kept until they change."""
        return self._read_once(self._principles, judge, self._version(), self._read_principles)

    def knowledge(self, judge: str, *, as_of: datetime | None = None) -> JudgeKnowledge:
        """A judge's principles and counts; read once, then kept until they change.

        Args:
            judge: The judge's name.
            as_of: As they were at that moment; None for now.
        """
        if as_of is not None:
            return self._knowledge_at(judge, as_of)
        version = self._version()
        principles = self._read_once(self._principles, judge, version, self._read_principles)
        counts = self._read_once(self._counts, judge, version, self._read_counts)
        return JudgeKnowledge(
            principles=principles,
            value_counts=counts.by_value,
            episodes_total=counts.total,
            superseded=counts.superseded,
        )

    def episodes_and_definition(
        self, judge: str, ids: Sequence[str]
    ) -> tuple[dict[str, Point], JudgeDefinition | None]:
        """Some of a judge's episodes by id, and the judge's definition; asks the store once."""
        wanted = (*ids, JudgeDefinition.id_of(judge))
        points = self._store.scan(Selection(judge=judge, ids=wanted))
        episodes = {point.id: point for point in points if point.kind == "episode"}
        definitions = [to_definition(point) for point in points if point.kind == "judge"]
        return episodes, definitions[0] if definitions else None

    def definition(self, judge: str) -> JudgeDefinition | None:
        """How a judge was set up when it last learned; None if it never did."""
        found = self._store.scan(Selection(kind="judge", judge=judge))
        return to_definition(found[0]) if found else None

    def lesson(self, judge: str) -> Lesson:
        """What the one who learns for a judge must know; read for what will change it at once."""
        return Lesson(
            principles=self.active_principles(judge),
            value_counts=self._store.tally(_standing(judge), "value"),
        )

    def said_by(self, judge: str, said_by: str) -> list[Episode]:
        """A judge's episodes that keep what it said unseen, as it is now, oldest first."""
        selection = Selection(kind="episode", judge=judge, fields=said_by_field(said_by))
        episodes = map(to_episode, self._store.scan(selection))
        return in_order(episodes)

    def derived(
        self, judge: str, what: str, make: Callable[[], T], *, is_current: bool = False
    ) -> T:
        """What is computed from a judge's episodes; made once, then kept until one changes.

        Args:
            judge: The judge's name.
            what: What it is, among all that is derived of that judge.
            make: Reads and computes it.
            is_current: Whether it must be as of now. Else, where the store is shared, it is as of
                when the memory was last looked at, such as for the recall that came before: no
                request is made to see whether it has changed since.
        """
        key = canonical([judge, what])
        seen = self._version() if is_current else self._seen
        held, version = self._derived.get(key, seen if self._store.is_shared else "")
        if held is not None:
            return cast(T, held)
        theirs = self._version()
        made = make()
        if theirs is not None and theirs == self._version():
            self._derived.keep(key, theirs, made, version)
        return made

    def check_size(self, vectors: Sequence[Vector]) -> None:
        """Refuse embeddings of another size than those that the memory holds.

        Raises:
            EmbeddingMismatchError: They are.
        """
        held = self._store.fingerprint()
        if held and vectors and len(vectors[0]) != held.size:
            raise EmbeddingMismatchError(
                f"{self.embedder.id} now returns vectors of size {len(vectors[0])}; expected "
                f"{held.size}, as in {self._store.location}. Set the model's former dimensions, or "
                "export the memory and import it into a new one, which embeds everything again."
            )

    def transact(self, plan: Plan[T]) -> T:
        """Compute changes from the memory as it stands and apply them, with no writer between.

        `writing` must be held: `transact` of the modules that align holds it.

        Args:
            plan: What to change.

        Returns:
            What `plan` says.
        """
        if self._store.is_shared:
            self._store.acquire(WRITER)
        try:
            changes, said = plan()
            self._apply(changes)
        finally:
            if self._store.is_shared:
                self._store.release(WRITER)
        return said

    def aligner(self, judge: str) -> Lock:
        """Lets one alignment or forgetting of this process work on a judge at a time."""
        with self._guard:
            return self._aligners.setdefault(judge, Lock())

    def take_lease(self, judge: str) -> None:
        """Keep other processes from aligning a judge, where they share the store.

        Raises:
            MemoryLockedError: Another process had it for too long.
        """
        if self._store.is_shared:
            self._store.acquire(_aligner(judge))

    def give_back_lease(self, judge: str) -> None:
        """Let other processes align a judge."""
        if self._store.is_shared:
            self._store.release(_aligner(judge))

    def sweep(self) -> str:
        """Delete what interrupted erasing, or a killed process, left; says what it cannot reach.

        Raises:
            MemoryUnavailableError: Something could not be deleted.
        """
        EdgeStore.sweep_temporary()
        return self._store.sweep()

    def scratch(self, embedder: Embedder | None = None) -> Records:
        """No records yet, in a temporary place that is gone on close.

        Beside an embedded memory, so that it does not outlive it elsewhere; of a server's memory,
        in a temporary directory, which is removed by the next process that makes one.

        Args:
            embedder: The embedding model; None for the same one.
        """
        inside = self._store if isinstance(self._store, EdgeStore) else None
        store = EdgeStore.open(":memory:") if inside is None else inside.scratch()
        return Records(store, embedder or self.embedder)

    def scratch_copy(self, points: Iterable[Point], embedder: Embedder | None = None) -> Records:
        """A copy of some of the records aside, with their vectors; embeds nothing.

        To try out what a judge would learn without touching what it knows.

        Args:
            points: The records, read with their vectors.
            embedder: The embedding model that they were embedded with; None for the same one.
        """
        records = self.scratch(embedder)
        try:
            puts = [to_put(point) for point in points]
            records.transact(lambda: (puts, None))
        except BaseException:
            records.close()
            raise
        return records

    def close(self) -> None:
        """Release the store; harmless when called again."""
        self._store.close()
        for kept in (self._principles, self._counts, self._derived):
            kept.drop()

    def version(self) -> str | None:
        """What changes with every write of any process; None while one is being carried out."""
        return self._version()

    def _version(self) -> str | None:
        """Of the store; always the same where no other process can write."""
        if not self._store.is_shared:
            return ""
        self._seen = self._store.version()
        return self._seen

    def _read_principles(self, judge: str) -> tuple[Principle, ...]:
        return tuple(self.principles(judge))

    def _read_counts(self, judge: str) -> EpisodeCounts:
        by_status = self._store.tally(_episodes_of(judge), "status")
        superseded = by_status.pop(SUPERSEDED, 0)
        counted = _standing(judge) if superseded else _episodes_of(judge)
        return EpisodeCounts(
            total=sum(by_status.values()),
            superseded=superseded,
            by_value=self._store.tally(counted, "value"),
        )

    def _read_once(
        self, kept: VersionedCache[T], judge: str, theirs: str | None, read: Callable[[str], T]
    ) -> T:
        """What is kept for this version of the store, or what is read now, to be kept."""
        held, version = kept.get(judge, theirs)
        if held is not None:
            return held
        found = read(judge)
        if theirs is not None and theirs == self._version():
            kept.keep(judge, theirs, found, version)
        return found

    def _knowledge_at(self, judge: str, moment: datetime) -> JudgeKnowledge:
        principles = self.principles(judge, as_of=moment)
        episodes = self.episodes(judge, as_of=moment)
        standing = [e for e in episodes if not e.is_superseded(moment)]
        counts = Counter(value_key(e.value) for e in standing if e.value is not None)
        return JudgeKnowledge(
            principles=tuple(principles), value_counts=dict(counts), episodes_total=len(episodes)
        )

    def _apply(self, changes: Sequence[Change]) -> None:
        if not changes:
            return
        named = owners(changes)
        there = self._store.scan(Selection(ids=tuple(named)), vectors=is_recording())
        check_owners(named, there)
        record(changes, there)
        puts = [change for change in changes if isinstance(change, Put)]
        erased = [change.id for change in changes if isinstance(change, Erase)]
        fingerprint = fingerprint_of(puts, self.embedder.id)
        points = [to_point(put) for put in puts]
        written = {point.kind for point in points}
        before = self._version()
        try:
            self._store.write(points, erased=erased, fingerprint=fingerprint)
        except BaseException:
            for dropped in (self._principles, self._counts, self._derived):
                dropped.drop()
            raise
        after = self._version()
        caches: tuple[tuple[str, VersionedCache[Any]], ...] = (
            ("principle", self._principles),
            ("episode", self._counts),
            ("episode", self._derived),
        )
        for kind, kept in caches:
            if erased or kind in written:
                kept.drop()
            else:
                kept.carry_over(before, after)


def _episodes_of(judge: str) -> Selection:
    return Selection(kind="episode", judge=judge)


def _standing(judge: str) -> Selection:
    """The episodes of a judge that are not superseded."""
    return replace(_episodes_of(judge), without={"status": (SUPERSEDED,)})


def _aligner(judge: str) -> str:
    return f"aligner of {judge}"


def _existed(principle: Principle, at: datetime | None) -> bool:
    return at is None or principle.created_at <= at
