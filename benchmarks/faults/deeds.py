"""What is done to a memory, and stopped: each deed by chance, with what it promises.

A deed is a promise and a work; a work has a blocking and an awaitable form.
"""

import io
import json
import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from ledger import Promise
from place import judge_on, marker

from langchain_memalign import (
    GateDecision,
    Memory,
    create_alignment_graph,
    create_review_graph,
)

MOST = 24
"""Words that are there at the same time, about."""


@dataclass(frozen=True)
class Work:
    """Calls, one after the other, of methods that have an async twin named `a...`."""

    calls: tuple[tuple[Any, str, tuple[Any, ...], dict[str, Any]], ...]

    def blocking(self):
        for target, method, args, options in self.calls:
            getattr(target, method)(*args, **options)

    async def awaited(self):
        for target, method, args, options in self.calls:
            await getattr(target, f"a{method}")(*args, **options)


@dataclass(frozen=True)
class Typed:
    """A command of `memalign` and what is typed into it; there is no awaitable form.

    Attributes:
        arguments: Its arguments.
        typed: What is typed.
        is_over: Whether it has done all, by its exit code and what it wrote.
    """

    arguments: tuple[str, ...]
    typed: str = ""
    is_over: Callable[[int, str], bool] = lambda code, said: code == 0

    def blocking(self):
        """Run it as the program does; raises where it does not end well."""
        from langchain_memalign.cli import main

        out, err = _text(), _text()
        sys.argv, sys.stdin = ["memalign", *self.arguments, "--json"], _text(self.typed)
        try:
            with redirect_stdout(out), redirect_stderr(err):
                main()
        except SystemExit as end:
            if not self.is_over(end.code or 0, _read(out)):
                raise Unfinished(f"{self.arguments} ended with {end.code}: {_read(err)}") from None
        finally:
            heed_signals()


class Unfinished(Exception):
    """A command has ended otherwise than it should."""


def heed_signals():
    """Let signals do again what they do; the command has its own ways, and none when it ends."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def call(target, method, *args, **options):
    return Work(((target, method, args, options),))


class Deeds:
    """Draws deeds.

    Args:
        place: Where the memory is.
        ledger: What it holds.
        rng: Decides.
        awaitable: Whether only those are wanted that have an awaitable form.
    """

    def __init__(self, place, ledger, rng, *, awaitable):
        self._place, self._ledger, self._rng = place, ledger, rng
        self._kinds = [self.align, self.align, self.gated, self.forget, self.forget, self.write]
        self._kinds += [self.edit, self.remove, self.export, self.import_, self.scrub]
        self._kinds += [self.review, self.by_graph]
        if awaitable:
            self._kinds += [self.restore, self.judge, self.read, self.apply]
        else:
            self._kinds += [self.type_align, self.type_forget, self.type_forget]
            self._kinds += [self.type_review, self.type_review, self.type_transfer]

    def draw(self, judge):
        """A deed that is possible now.

        Returns:
            Its promise and its work.
        """
        kinds = self._kinds
        if len(self._words()) > MOST:
            kinds = [kind for kind in kinds if "forget" in kind.__name__]
        while True:
            if (deed := self._rng.choice(kinds)(judge)) is not None:
                return deed

    def align(self, judge):
        names = self._ledger.new("w", self._rng.randint(1, 4))
        probe = self._rng.random() < 0.3
        work = call(judge, "align", self._said(names), probe=probe, max_concurrency=2)
        return Promise("align", says=names), work

    def gated(self, judge):
        names, accepted = self._ledger.new("w", self._rng.randint(1, 3)), self._rng.random() < 0.7
        question = self._case("nobody")

        def gate(current, candidate, words):
            candidate.invoke(question)
            return GateDecision(accepted=accepted, reason="By chance.")

        work = call(judge, "align", self._said(names), gate=gate)
        says = names if accepted else frozenset()
        return Promise("gated align", says=says, is_whole=True), work

    def by_graph(self, judge):
        names = self._ledger.new("w", self._rng.randint(1, 3))
        graph = create_alignment_graph(judge)
        return Promise("align graph", says=names), call(
            graph, "invoke", {"feedback": self._said(names)}
        )

    def review(self, judge):
        names = self._ledger.new("w", 1)
        (word,) = self._said(names)
        graph = create_review_graph(judge, checkpointer=InMemorySaver())
        thread = {"configurable": {"thread_id": "1"}}
        case = {"inputs": word["inputs"], "outputs": word["outputs"]}
        answer = {"value": word["value"], "rationale": word["rationale"]}
        asked = (graph, "invoke", (case, thread), {})
        answered = (graph, "invoke", (Command(resume=answer), thread), {})
        return Promise("review graph", says=names), Work((asked, answered))

    def forget(self, judge):
        names = self._some(self._words(), 3)
        if not names:
            return None
        ids = ids_of(judge, names)
        redistill = self._rng.random() < 0.6
        work = call(judge, "forget", episode_ids=ids, redistill=redistill)
        return Promise("forget", forgets=names, is_whole=True), work

    def write(self, judge):
        names = self._ledger.new("r", 1)
        return Promise("add_principle", says=names), call(judge, "add_principle", _rule(names))

    def edit(self, judge):
        old = self._some(self._rules(), 1)
        if not old:
            return None
        new = self._ledger.new("r", 1)
        work = call(judge, "edit_principle", rule_id(judge, old), _rule(new))
        return Promise("edit_principle", says=new, drops=old, is_whole=True), work

    def remove(self, judge):
        names = self._some(self._rules(), 1)
        if not names:
            return None
        erase = self._rng.random() < 0.5
        work = call(judge, "remove_principle", rule_id(judge, names), erase=erase)
        if erase:
            return Promise("remove", forgets=names), work
        return Promise("remove", drops=names), work

    def restore(self, judge):
        names = self._some(self._ledger.removed, 1)
        if not names:
            return None
        rules = judge.memory.principles(judge.spec.name, retired=True)
        ids = [r.id for r in rules if any(marker(name) in r.text for name in names)]
        return Promise("restore_principle", says=names), call(judge, "restore_principle", ids[0])

    def export(self, judge):
        path = self._place.exports / "export.jsonl"
        return Promise("export"), call(judge.memory, "export_jsonl", path)

    def import_(self, judge):
        names = self._ledger.new("w", self._rng.randint(1, 4))
        work = call(judge.memory, "import_jsonl", self._foreign(names))
        return Promise("import", says=names, is_whole=True), work

    def scrub(self, judge):
        return Promise("scrub"), call(judge.memory, "scrub")

    def judge(self, judge):
        cases = [self._case("nobody") for _ in range(self._rng.randint(1, 4))]
        if len(cases) == 1:
            return Promise("judge"), call(judge, "invoke", cases[0])
        return Promise("judge several"), call(judge, "batch", cases)

    def read(self, judge):
        calls = ((judge, "episodes", ()), (judge, "principles", ()), (judge.memory, "judges", ()))
        calls += ((judge, "recall", (self._case("nobody"),)),)
        return Promise("read"), Work(tuple((*each, {}) for each in calls))

    def apply(self, judge):
        return Promise("apply"), call(judge.memory, "apply", ())

    # By the command

    def type_align(self, judge):
        names = self._ledger.new("w", self._rng.randint(1, 4))
        path = self._place.incoming / f"said-{self._ledger.count}.jsonl"
        path.write_text("".join(json.dumps(word) + "\n" for word in self._said(names)))
        return Promise("memalign align", says=names), Typed(("align", str(path)))

    def type_forget(self, judge):
        names = self._some(self._words(), 1)
        if not names:
            return None
        promise = Promise("memalign forget", forgets=names, is_whole=True, clears=True)
        return promise, forgetting(*names)

    def type_review(self, judge):
        """Answer a case, see another one, and leave it open."""
        names = self._ledger.new("w", 1)
        (word,) = self._said(names)
        path = self._place.incoming / f"cases-{self._ledger.count}.jsonl"
        case = {"inputs": word["inputs"], "outputs": word["outputs"]}
        path.write_text(json.dumps(case) + "\n" + json.dumps(self._case("nobody")) + "\n")
        typed = f"false. {word['rationale']}\n\nq\n"
        return Promise("memalign review", says=names), Typed(
            ("review", str(path)), typed, is_over=lambda _, said: '"left": 1' in said
        )

    def type_transfer(self, judge):
        if self._rng.random() < 0.5:
            path = str(self._place.exports / "export.jsonl")
            return Promise("memalign export"), Typed(("export", path, "--overwrite"))
        names = self._ledger.new("w", self._rng.randint(1, 3))
        work = Typed(("import", str(self._foreign(names))))
        return Promise("memalign import", says=names, is_whole=True), work

    # What they are made of

    def _words(self):
        return {name for name in self._ledger.there if name.startswith("w")}

    def _rules(self):
        return self._ledger.there - self._words()

    def _some(self, names, most):
        names = sorted(names)
        return frozenset(self._rng.sample(names, min(len(names), self._rng.randint(1, most))))

    def _case(self, name):
        return {
            "inputs": f"My parcel {marker(name)} is late, where is it?",
            "outputs": f"It will come, {self._rng.choice(['sorry', 'wait', 'calm down'])}.",
        }

    def _said(self, names):
        return [
            {
                **self._case(name),
                "value": self._rng.random() < 0.5,
                "rationale": f"Mind what {marker(name)} says.",
            }
            for name in sorted(names)
        ]

    def _foreign(self, names):
        """What another memory has exported."""
        path = self._place.incoming / f"foreign-{self._ledger.count}.jsonl"
        with Memory.open(path.with_suffix(".memory"), embeddings="local") as memory:
            judge_on(memory).align(self._said(names))
            memory.export_jsonl(path)
        return path


def forgetting(name):
    """The command that erases a word, from reviews too."""
    return Typed(("forget", "--contains", marker(name), "--yes"))


def ids_of(judge, names):
    """The ids of experts' words."""
    marks = [marker(name) for name in names]
    return [e.id for e in judge.episodes() if any(mark in (e.rationale or "") for mark in marks)]


def rule_id(judge, names):
    """The id of the rule with a name."""
    (name,) = names
    return next(rule.id for rule in judge.principles() if marker(name) in rule.text)


def _rule(names):
    (name,) = names
    return f"Never forget {marker(name)}."


def _read(stream):
    stream.seek(0)
    return stream.read()


def _text(content=""):
    return io.TextIOWrapper(io.BytesIO(content.encode()), encoding="utf-8")
