"""Telling feedback that is stored already from new one without reading it again.

Who sends what is known once more, as every night's import does, should wait for a look-up, not for
all of it to be read: a long conversation takes fifty times as long.
"""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from langchain_memalign._content import canonical
from langchain_memalign._memory.cache import Word
from langchain_memalign._memory.convert import to_episode
from langchain_memalign._memory.records import Records
from langchain_memalign._stores.base import Point
from langchain_memalign._values.types import JudgeSpec
from langchain_memalign.schema import Episode, Feedback

_BARE = frozenset({str, int, float, bool, type(None)})
_VERSION = 2  # of marshal: the last that writes the same for equal data, wherever it stands
_DEEPEST = 100


class Recogniser:
    """Knows the feedback of one judge that this memory was told before.

    Plain data alone is recognised, handed in exactly as before: what an object holds is not known
    without reading it. All else is read, and found unchanged in its turn.
    """

    def __init__(self, records: Records, spec: JudgeSpec) -> None:
        self._records = records
        self._judge = spec.name
        # A value that was fine may not be so any more.
        salt = canonical([spec.name, spec.value_type.model_dump(mode="json")])
        self._salt = hashlib.blake2b(salt.encode(), digest_size=16).digest()
        self._digests: dict[int, bytes] = {}
        self._words: dict[bytes, Word] = {}

    def stored(self, items: Sequence[Any]) -> dict[int, str]:
        """The ids of the episodes that say what items say, by the index of the item."""
        said: dict[int, Word] = {}
        for index, item in enumerate(items):
            if (digest := self._digest(item)) is None:
                continue
            self._digests[index] = digest
            if (word := self._records.read_words.get(digest)) is not None:
                said[index] = word
        if not said:
            return {}
        ids = sorted({word.episode_id for word in said.values()})
        points = self._records.episode_points(self._judge, ids=ids)
        told = {point.id: told_of(point) for point in points}
        return {i: w.episode_id for i, w in said.items() if _says(told.get(w.episode_id), w)}

    def read(self, index: int, episode: Episode) -> None:
        """Note what the item of this index was found to say."""
        if (digest := self._digests.get(index)) is not None:
            self._words[digest] = Word(episode.id, episode.revision, episode.source_id)

    def remember(self) -> None:
        """Recognise what was noted from now on."""
        self._records.read_words.add(self._words)

    def _digest(self, item: Any) -> bytes | None:
        """The digest of plain data, or of feedback that holds such; None for anything else."""
        if type(item) not in (dict, Feedback):
            return None
        fields = dict(item)
        # When it was said is no part of what was said; but it must be a time.
        moment = fields.get("created_at")
        if type(moment) is datetime:
            fields["created_at"] = None if type(item) is Feedback else moment.isoformat()
        if not _is_plain(fields):
            return None
        said = marshal.dumps((type(item).__name__, fields), _VERSION)
        return hashlib.blake2b(said, key=self._salt, digest_size=16).digest()


def told_of(point: Point) -> tuple[str, str | None]:
    """The revision and the source of the episode that a point holds."""
    revision, source_id = point.fields.get("revision"), point.fields.get("source_id")
    if revision is None:  # written by an earlier version
        episode = to_episode(point)
        return episode.revision, episode.source_id
    return str(revision), None if source_id is None else str(source_id)


def _says(told: tuple[str, str | None] | None, word: Word) -> bool:
    if told is None:
        return False
    revision, source_id = told
    return revision == word.revision and word.source_id in (None, source_id)


def _is_plain(value: Any, depth: int = 0) -> bool:
    """Whether data is of JSON's types and tuples alone, and of no classes derived from them."""
    kind = type(value)
    if kind in _BARE:
        return True
    if depth > _DEEPEST or kind not in (dict, list, tuple):
        return False
    inside = (*value, *value.values()) if kind is dict else value
    return all(_is_plain(item, depth + 1) for item in inside)
