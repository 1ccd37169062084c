"""What a memory does, each operation written once as a flow (see `langchain_memalign.flow`)."""

from __future__ import annotations

import copy
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Literal, TypeVar

from langchain_memalign._memory.cache import Counts, Kept, Knowledge
from langchain_memalign._memory.changes import check_owners, fingerprint_of, owners
from langchain_memalign._memory.convert import case_vector, to_episode, to_point, to_principle
from langchain_memalign._models import Embedder, EmbedderAhead, Vector
from langchain_memalign._prompts.content import embedding_texts
from langchain_memalign._stores.base import (
    WRITER,
    Fingerprint,
    MemoryStore,
    Point,
    Selection,
)
from langchain_memalign._stores.store_flows import StoreFlows
from langchain_memalign._stores.turn import Turn
from langchain_memalign._values import value_key
from langchain_memalign.errors import EmbeddingMismatchError
from langchain_memalign.flow import Flow
from langchain_memalign.schema import Case, Change, Episode, Erase, Principle, Put

T = TypeVar("T")


class MemoryFlows:
    """The operations of a `Memory`, for code that serves sync and async callers alike."""

    def __init__(self, store: MemoryStore, embedder: Embedder) -> None:
        self._store = StoreFlows(store)
        self._embedder = embedder
        self._writing = Turn(self._store, WRITER)
        self._guard = threading.Lock()
        self._aligners: dict[str, Turn] = {}
        self._principles: Kept[tuple[Principle, ...]] = Kept()
        self._counts: Kept[Counts] = Kept()

    def embedding_ahead(self, cases: Iterable[Case]) -> MemoryFlows:
        """The same memory, for work that will look these cases up: embeds many in one call."""
        # A case whose inputs are its outputs asks for their text once.
        texts = (text for case in cases for text in dict.fromkeys(embedding_texts(case)) if text)
        twin = copy.copy(self)
        twin._embedder = EmbedderAhead(self._embedder, texts)
        return twin

    def aligner(self, judge: str) -> Turn:
        """The turn that lets one alignment or forgetting work on a judge at a time."""
        with self._guard:
            return self._aligners.setdefault(judge, Turn(self._store, f"aligner of {judge}"))

    @property
    def embeddings_id(self) -> str:
        """The id of the embedding model."""
        return self._embedder.id

    @property
    def guarantee(self) -> str:
        """What erasing achieves in this store, and what it cannot reach."""
        return self._store.guarantee

    @property
    def embedder(self) -> Embedder:
        """The embedding model, for another memory made with the same one."""
        return self._embedder

    def fingerprint(self) -> Fingerprint | None:
        """Which embeddings the stored vectors come from."""
        return self._store.fingerprint()

    def scan(self, selection: Selection, *, vectors: bool = False) -> Flow[list[Point]]:
        """The selected records as points, of any judge."""
        return self._store.scan(selection, vectors=vectors)

    def nearest(
        self, selection: Selection, *, using: str, vector: Vector, limit: int
    ) -> Flow[list[tuple[Point, float]]]:
        """The selected records nearest to a vector, with cosine, best first.

        Raises:
            EmbeddingMismatchError: They are embedded by another model.
        """
        found = yield from self._store.nearest(selection, using=using, vector=vector, limit=limit)
        held = self._store.fingerprint()
        # Where the store is shared, the first vectors may have come after it was opened.
        if held and held.embeddings != self._embedder.id:
            raise EmbeddingMismatchError(
                f"{self._store.location} holds embeddings of {held.embeddings!r} by now; expected "
                f"{self._embedder.id!r}: open the memory with the former, or another one."
            )
        return found

    def judges(self) -> Flow[list[str]]:
        """The names of all judges that have a record, sorted."""
        counts = yield from self._store.tally(Selection(), "judge")
        return sorted(counts)

    def episodes(
        self,
        judge: str,
        *,
        ids: Sequence[str] | None = None,
        status: Literal["pending", "distilled"] | None = None,
        as_of: datetime | None = None,
    ) -> Flow[list[Episode]]:
        """A judge's episodes, oldest first."""
        points = yield from self.episode_points(judge, ids=ids, status=status)
        episodes = [to_episode(point) for point in points]
        kept = [e for e in episodes if as_of is None or e.created_at <= as_of]
        return sorted(kept, key=lambda episode: (episode.created_at, episode.id))

    def episode_points(
        self,
        judge: str,
        *,
        ids: Sequence[str] | None = None,
        status: Literal["pending", "distilled"] | None = None,
        vectors: bool = False,
    ) -> Flow[list[Point]]:
        """A judge's episodes as points, which tell whether an episode is embedded."""
        selection = Selection(
            kind="episode",
            judge=judge,
            ids=None if ids is None else tuple(ids),
            fields={"status": (status,)} if status else {},
        )
        return (yield from self._store.scan(selection, vectors=vectors))

    def principles(
        self,
        judge: str,
        *,
        as_of: datetime | None = None,
        retired: bool = False,
        citing: AbstractSet[str] | None = None,
    ) -> Flow[list[Principle]]:
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
        points = yield from self._store.scan(
            Selection(kind="principle", judge=judge, fields=fields)
        )
        found = [to_principle(point) for point in points]
        kept = [p for p in found if p.is_active(as_of) or (retired and _existed(p, as_of))]
        return sorted(kept, key=lambda principle: (principle.created_at, principle.id))

    def active_principles(self, judge: str) -> Flow[tuple[Principle, ...]]:
        """A judge's active principles; read once, then kept until they change."""
        theirs = yield from self._store.version()
        return (yield from self._active_principles(judge, theirs))

    def knowledge(self, judge: str, *, as_of: datetime | None = None) -> Flow[Knowledge]:
        """A judge's principles and counts; read once, then kept until they change.

        Args:
            judge: The judge's name.
            as_of: As they were at that moment; None for now.
        """
        if as_of is not None:
            return (yield from self._knowledge_at(judge, as_of))
        theirs = yield from self._store.version()
        principles = yield from self._active_principles(judge, theirs)
        counts = yield from self._read_once(self._counts, judge, theirs, self._read_counts)
        return Knowledge(
            principles=principles, value_counts=counts.by_value, episodes_total=counts.total
        )

    def embed_cases(self, cases: Sequence[Case]) -> Flow[list[Vector]]:
        """Embed cases, at most two texts each, in one call; () for one without any text."""
        texts = [embedding_texts(case) for case in cases]
        vectors = yield from self.embed([text for pair in texts for text in pair if text])
        remaining = iter(vectors)
        return [case_vector(*(next(remaining) if text else None for text in p)) for p in texts]

    def embed(self, texts: Sequence[str]) -> Flow[list[Vector]]:
        """Embed texts in one call and check them against what the memory holds."""
        vectors = yield from self._embedder.embed(texts)
        held = self._store.fingerprint()
        if held and vectors and len(vectors[0]) != held.size:
            raise EmbeddingMismatchError(
                f"{self._embedder.id} now returns vectors of size {len(vectors[0])}; expected "
                f"{held.size}, as in {self._store.location}. Set the model's former dimensions, or "
                "export the memory and import it into a new one, which embeds it anew."
            )
        return vectors

    def transact(self, plan: Callable[[], Flow[tuple[Sequence[Change], T]]]) -> Flow[T]:
        """Compute changes from the memory as it stands and apply them, with no writer between.

        Args:
            plan: Computes the changes, and what is to be said of them once they are applied.

        Returns:
            What `plan` says.
        """

        def work() -> Flow[T]:
            changes, said = yield from plan()
            yield from self._apply(changes)
            return said

        return self._writing.during(work)

    def close(self) -> Flow[None]:
        """Release the store."""
        yield from self._store.close()
        self._principles.drop()
        self._counts.drop()

    def _active_principles(self, judge: str, theirs: str | None) -> Flow[tuple[Principle, ...]]:
        def read(judge: str) -> Flow[tuple[Principle, ...]]:
            return tuple((yield from self.principles(judge)))

        return self._read_once(self._principles, judge, theirs, read)

    def _read_counts(self, judge: str) -> Flow[Counts]:
        of_judge = Selection(kind="episode", judge=judge)
        by_value = yield from self._store.tally(of_judge, "value")
        by_status = yield from self._store.tally(of_judge, "status")
        return Counts(total=sum(by_status.values()), by_value=by_value)

    def _read_once(
        self, kept: Kept[T], judge: str, theirs: str | None, read: Callable[[str], Flow[T]]
    ) -> Flow[T]:
        """What is kept for this version of the store, or what is read now, to be kept."""
        held, version = kept.get(judge, theirs)
        if held is not None:
            return held
        found = yield from read(judge)
        if theirs is not None and theirs == (yield from self._store.version()):
            kept.keep(judge, theirs, found, version)
        return found

    def _knowledge_at(self, judge: str, moment: datetime) -> Flow[Knowledge]:
        principles = yield from self.principles(judge, as_of=moment)
        episodes = yield from self.episodes(judge, as_of=moment)
        counts = Counter(value_key(e.value) for e in episodes if e.value is not None)
        return Knowledge(
            principles=tuple(principles), value_counts=dict(counts), episodes_total=len(episodes)
        )

    def _apply(self, changes: Sequence[Change]) -> Flow[None]:
        if not changes:
            return
        named = owners(changes)
        check_owners(named, (yield from self._store.scan(Selection(ids=tuple(named)))))
        puts = [change for change in changes if isinstance(change, Put)]
        erased = [change.id for change in changes if isinstance(change, Erase)]
        fingerprint = fingerprint_of(puts, self._embedder.id)
        points = [to_point(put) for put in puts]
        written = {point.kind for point in points}
        try:
            yield from self._store.write(points, erased=erased, fingerprint=fingerprint)
        finally:
            if erased or "principle" in written:
                self._principles.drop()
            if erased or "episode" in written:
                self._counts.drop()


def _existed(principle: Principle, at: datetime | None) -> bool:
    return at is None or principle.created_at <= at
