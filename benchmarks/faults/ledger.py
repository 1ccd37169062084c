"""What a memory was told, and so what it must hold and what it must not."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

NOTHING = frozenset()


class Promise(NamedTuple):
    """What a deed will have done once it has returned.

    Attributes:
        deed: What is done.
        says: Names of the words and rules that are there then.
        forgets: Those that are nowhere any more.
        drops: Those that no longer apply, but stay in the history.
        is_whole: Whether all of it happens, or nothing.
        clears: Whether it also reaches the reviews under way.
    """

    deed: str
    says: frozenset[str] = NOTHING
    forgets: frozenset[str] = NOTHING
    drops: frozenset[str] = NOTHING
    is_whole: bool = False
    clears: bool = False


@dataclass
class Ledger:
    """What is known of a memory.

    Attributes:
        memory: What tells its names from those of other memories.
        count: How many names were given.
        there: What was acknowledged.
        gone: What was forgotten.
        cleared: What was forgotten by a command that also reaches reviews.
        removed: Rules that apply no more, and may apply again.
        underway: What was begun, and has not returned.
    """

    memory: str
    count: int = 0
    there: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    cleared: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    underway: Promise | None = None

    def new(self, kind, many):
        """Names that nothing has yet: of words, "w", or of rules, "r"."""
        first, self.count = self.count, self.count + many
        return frozenset(f"{kind}{number}.{self.memory}" for number in range(first, self.count))

    @property
    def names(self):
        """All names that may have been given."""
        return {f"{kind}{number}.{self.memory}" for kind in "wr" for number in range(self.count)}

    def begin(self, promise):
        self.underway = promise

    def end(self):
        """What was under way has returned."""
        self._take_over(self.underway.says, self.underway.forgets | self.underway.drops)
        self.underway = None

    def repeated(self):
        """What was stopped while it was forgetting has been repeated, to the end."""
        if self.underway is not None:
            self._take_over(frozenset(), self.underway.forgets)
            self.underway = None

    def settle(self, found: Counter):
        """Find out how far a deed got that was stopped.

        Returns:
            What is wrong with what is there.
        """
        promise, wrong = self.underway, []
        if promise is not None:
            away = promise.forgets | promise.drops
            said, left = promise.says & found.keys(), away - found.keys()
            if promise.is_whole and (said or left) and (said, left) != (promise.says, away):
                wrong.append(f"torn: {promise.deed} did {sorted(said | left)} of {promise}")
            self._take_over(said, left)
        wrong += [f"lost: {name}" for name in self.there - found.keys()]
        wrong += [f"doubled: {name}" for name, times in found.items() if times > 1]
        wrong += [f"back: {name}" for name in found.keys() & self.gone]
        wrong += [f"never said: {name}" for name in found.keys() - self.there - self.gone]
        return wrong

    def _take_over(self, said, away):
        promise = self.underway
        self.there = (self.there | said) - away
        self.removed -= said
        self.gone |= away & promise.forgets
        if promise.clears:
            self.cleared |= away & promise.forgets
        if promise.deed == "remove":
            self.removed |= away & promise.drops
        else:
            self.removed -= away
