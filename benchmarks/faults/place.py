"""Where a memory, its reviews, its exports and temporary files are; and what is found there."""

import hashlib
import os
import tempfile
from collections import Counter
from pathlib import Path

from memory.disk import content

from langchain_memalign import MemAlignJudge, Memory

NAME = "tone"
INSTRUCTIONS = "Is the reply appropriate for an upset customer?"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_HALF = 12


def marker(name):
    """24 letters and digits that stand for a name, and for nothing else.

    Hexadecimal digits repeat themselves by chance so often that a page of many is compressed, and
    not found any more.
    """
    number = int.from_bytes(hashlib.sha256(f"marker of {name}".encode()).digest())
    digits = []
    for _ in range(2 * _HALF):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(digits)


class Place:
    """A directory for all that is kept, and where the memory is opened.

    Args:
        root: The directory.
        url: The server that keeps the memory; None if it is in the directory, too.
        collection: Its name there.
        files: The server's own directory, where it can be looked at.
    """

    def __init__(self, root, *, url=None, collection="", files=None):
        self.root = Path(root)
        self.memory = self.root / "memory"
        self.exports = self.root / "exports"
        self.incoming = self.root / "incoming"
        self.temporary = self.root / "temporary"
        self.reviews = self.root / "reviews.sqlite"
        self._files = Path(files) if files else None
        self._location = url or str(self.memory)
        # Who was killed holds a lease on the server until it is taken for dead.
        self._options = {"collection": collection, "lease_seconds": 2.0} if url else {}

    @property
    def is_directory(self):
        return not self._options

    def make(self):
        for folder in (self.exports, self.incoming, self.temporary):
            folder.mkdir(parents=True)
        place = [f"location: {self._location}"]
        place += [f"{name}: {value}" for name, value in self._options.items()]
        self.root.joinpath("judge.yaml").write_text(
            f"name: {NAME}\ninstructions: {INSTRUCTIONS}\nvalue_type: bool\nmodel: precedent\n"
            f"embeddings: local\nreviews: ./reviews.sqlite\nmemory: {{{', '.join(place)}}}\n"
        )

    def enter(self):
        """Work here, from now on, in this process."""
        os.chdir(self.root)
        os.environ["TMPDIR"] = tempfile.tempdir = str(self.temporary)

    def open(self):
        """The judge on its memory."""
        return judge_on(Memory.open(self._location, embeddings="local", **self._options))

    def kept(self):
        """The folders where the memory itself is."""
        return [self.memory] if self.is_directory else [self._files] if self._files else []

    def found(self, names, *folders):
        """Which of some names stand in files below some folders, and in which: a line each."""
        halves = {name: (marker(name)[:_HALF], marker(name)[_HALF:]) for name in names}
        return [
            f"{name} in {path}"
            for folder in folders
            for path, text in _texts(folder).items()
            for name, both in halves.items()
            if any(half.encode() in text for half in both)
        ]

    def reviewed(self, names):
        """Which of some names stand in the reviews under way."""
        files = [path.read_bytes() for path in self.root.glob("reviews.sqlite*")]
        return {n for n in names if any(marker(n).encode() in found for found in files)}


def judge_on(memory):
    return MemAlignJudge(
        name=NAME, instructions=INSTRUCTIONS, value_type=bool, model="precedent", memory=memory
    )


def held(judge, names):
    """How often each name is there: as an expert's word, or as a rule that applies."""
    words = [episode.rationale or "" for episode in judge.episodes()]
    rules = [rule.text for rule in judge.principles() if rule.origin == "human"]
    by_marker = {marker(name): name for name in names}
    found = Counter()
    for text in (*words, *rules):
        found.update(name for mark, name in by_marker.items() if mark in text)
    return found


def _texts(folder):
    """What is in each file, its name included."""
    if not folder.exists():
        return {}
    return {name: name.encode() + b"\n" + text for name, text in content(folder).items()}
