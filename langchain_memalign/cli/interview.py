"""The conversation with a reviewer: a case, the verdict and what it rests on, the questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from langchain_memalign._values.answers import read_answer
from langchain_memalign._values.confidence import confidence_in_words
from langchain_memalign._values.types import JudgeSpec
from langchain_memalign.cli.terminal import Screen, clean, counted, excerpt, short, worth
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.graph.passages import FIELDS, about, passages
from langchain_memalign.graph.question import PROBLEM
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.schema import Case, Episode, Principle, Unscored, Verdict


def panel(title: str | Text, *parts: RenderableType, style: str) -> Panel:
    """Something to read, in a frame; a title that is a text may hold anything."""
    if isinstance(title, str):
        title = Text(clean(title))
    return Panel(Group(*parts), title=title, title_align="left", border_style=style)


def question_panel(spec: JudgeSpec) -> Panel:
    """What is asked, and what may be answered."""
    values = f"The value is {clean(spec.describe_values())}."
    return panel("The question", Text(clean(spec.asked)), Text(values, "dim"), style="magenta")


def case_panel(case: Case, title: str) -> Panel:
    """What is judged, all of it."""
    parts: list[RenderableType] = []
    for name, label in FIELDS.items():
        if (content := getattr(case, name)) is None:
            continue
        parts.append(Text(label, style="bold cyan"))
        for passage in passages(content):
            if passage.label:
                parts.append(Text(clean(passage.label), style="dim cyan"))
            parts.append(Text(clean(passage.text).strip()))
    return panel(title, *parts, style="cyan")


def verdict_panel(
    judge: MemAlignJudge, outcome: Verdict | Unscored, *, with_ids: bool = True
) -> Panel:
    """What the judge concluded, and the principles and past cases that it says decided it."""
    said = outcome.rationale if isinstance(outcome, Verdict) else outcome.reason
    parts: list[RenderableType] = [Text(clean(said))]
    if outcome.recall_problem is not None:
        problem = f"Not all past cases could be looked up: {clean(outcome.recall_problem)}"
        parts.append(Text(problem, style="yellow"))
    if isinstance(outcome, Unscored):
        return panel("No verdict", *parts, style="yellow")
    if cited := list(_cited(judge, outcome.relied_on)):
        table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
        table.add_column(style="dim", no_wrap=True)
        for kind, id_, words in cited:
            table.add_row(f"{kind} {short(id_)}" if with_ids else kind, Text(words))
        parts += [Text("It relied on", style="dim cyan"), table]
    if sure := confidence_in_words(judge.spec, outcome):
        parts.append(Text(clean(" ".join(sure)), style="dim"))
    principles = counted(outcome.principles_total, "principle")
    shown = counted(len(outcome.episode_ids), "past case")
    shown += f", {len(outcome.principle_ids)} of {principles} shown"
    parts.append(Text(shown, style="dim"))
    value = clean(judge.spec.value_in_words(outcome.value))
    return panel(Text.assemble("The judge says ", (value, "bold")), *parts, style="blue")


def expert_word(spec: JudgeSpec, episode: Episode) -> str:
    """What an expert said about a past case, in a line."""
    said = worth(episode.value)
    if episode.value is not None:
        said = clean(spec.value_in_words(episode.value))
    if episode.rationale:
        said += f", “{excerpt(episode.rationale, 160)}”"
    return said + (f" ({clean(episode.reviewer)})" if episode.reviewer else "")


def _cited(judge: MemAlignJudge, ids: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    if not ids:
        return
    principles: dict[str, Principle] = {p.id: p for p in judge.principles()}
    found = judge.setup.records.episodes(judge.spec.name, ids=list(ids))
    episodes = {episode.id: episode for episode in found}
    for id_ in ids:
        if id_ in principles:
            yield "principle", id_, clean(principles[id_].text)
        elif id_ in episodes:
            episode = episodes[id_]
            asked = clean(about(episode.case))
            yield "episode", id_, f"{asked}\n→ {expert_word(judge.spec, episode)}"


class Pause(Enum):
    """What a reviewer may do other than answer."""

    SKIP = "skip"
    """Ask again next time."""

    QUIT = "quit"
    """Stop; this case, too, is asked next time."""

    BACK = "back"
    """Show the case before this one again."""

    UNDO = "undo"
    """Take the last answer back."""


Answer = dict[str, Any] | Pause

_CHOICES = {
    "a": ("approve", "the verdict is right"),
    "e": ("edit", "give the right value, and why"),
    "r": ("remark", "say what is wrong, without a value"),
    "n": ("nothing", "give no answer, and do not ask about this case again"),
    "s": ("skip", "ask again next time"),
    "b": ("back", "return to the case before; a new answer replaces the one you gave"),
    "u": ("undo", "take back your last answer and what was learned from it"),
    "q": ("quit", "stop here; the same command continues later"),
}
_PAUSES = {"s": Pause.SKIP, "b": Pause.BACK, "u": Pause.UNDO, "q": Pause.QUIT}


class Interviewer:
    """Asks a reviewer what they think of a verdict, or, blind, of a case.

    Attributes:
        reviewer: Who is answering; None if nobody said.
        blind: Whether the verdict is kept back until there is an answer.
    """

    def __init__(
        self, screen: Screen, spec: JudgeSpec, reviewer: str | None, *, blind: bool = False
    ) -> None:
        self._screen = screen
        self._spec = spec
        self.reviewer = reviewer
        self.blind = blind

    def ask(self, outcome: Verdict | Unscored, problem: str | None = None) -> Answer:
        """Ask until there is an answer that can be used.

        A letter or a word of the menu is that choice; whatever else is typed is an answer itself,
        which is read as everywhere, and shown before it is learned.

        Args:
            outcome: What the judge concluded.
            problem: What was wrong with the last answer.

        Returns:
            The answer, in the form of the review graph, or the wish to pause.
        """
        shown = outcome if isinstance(outcome, Verdict) and not self.blind else None
        keys = [key for key in _CHOICES if key != "a" or shown]
        self._tell(problem)
        while True:
            self._screen.show(self._menu(keys))
            said = self._screen.ask("> ")
            if said is None:
                return Pause.QUIT
            if not said:
                self._explain(keys)
                continue
            key = next((k for k in keys if said.lower() in (k, _CHOICES[k][0])), None)
            if key is None or self._is_label(said):
                answer = self._typed(said, shown)
            else:
                answer = self._chosen(key, shown)
            if answer is not None:
                return answer

    def _chosen(self, key: str, shown: Verdict | None) -> Answer | None:
        """Ask for the rest of an answer; None goes back to the choice."""
        if key in _PAUSES:
            return _PAUSES[key]
        if key == "n":
            return {"decision": "ignore"}
        if key == "a":
            return self._signed({"decision": "approve"})
        if key == "r":
            why = self._screen.ask("Why? ")
            return self._typed(why, shown, is_remark=True) if why else None
        value = self._value(shown)
        if value is None:
            return None
        given = {"decision": "edit", "value": value}
        if why := self._screen.ask("Why? (Enter for no reason) "):
            given["rationale"] = why
        return self._signed(given)

    def _typed(self, said: str, shown: Verdict | None, *, is_remark: bool = False) -> Answer | None:
        """Read what was typed, and show what it would teach; None goes back to the choice."""
        value, rationale = (shown.value, shown.rationale) if shown else (None, "")
        try:
            word = read_answer(said, self._spec, value, judge_rationale=rationale)
        except InvalidInputError as error:
            self._tell(str(error))
            return None
        if word.decision == "ignore":
            return {"decision": "ignore"}
        if not (is_remark and word.decision == "remark"):
            taught = [] if word.value is None else [self._spec.value_in_words(word.value)]
            taught += [f"“{word.remark}”"] if word.remark else []
            words = clean(": ".join(taught))
            self._screen.show(Text.assemble(("You are about to teach: ", "cyan"), words))
            sure = self._screen.ask("Enter teaches it; anything else goes back: ")
            if sure is None:
                return Pause.QUIT
            if sure:
                return None
        given = {"decision": word.decision, "value": word.value, "rationale": word.remark}
        return self._signed({name: part for name, part in given.items() if part is not None})

    def _signed(self, answer: dict[str, Any]) -> dict[str, Any]:
        return answer if self.reviewer is None else {**answer, "reviewer": self.reviewer}

    def _value(self, shown: Verdict | None) -> Any:
        """The right value; None if the reviewer thinks better of it."""
        if shown and isinstance(shown.value, bool):
            # There is only one other.
            other = not shown.value
            words = self._spec.value_in_words(other)
            said = self._screen.ask(f"Is {words} the right value? (Enter: yes; n: no) ")
            return None if said is None or said.lower().startswith("n") else other
        while said := self._screen.ask(f"The right value ({self._spec.describe_values()}): "):
            try:
                return self._spec.read_value(said)
            except InvalidInputError as error:
                self._tell(str(error))
        return None

    def _is_label(self, said: str) -> bool:
        """Whether a word of the menu is one of the judge's labels, too."""
        if self._spec.value_type.kind != "choice":
            return False
        try:
            self._spec.read_value(said)
        except InvalidInputError:
            return False
        return True

    def _tell(self, problem: str | None) -> None:
        if problem:
            self._screen.show(Text(clean(problem), "yellow"))

    def _menu(self, keys: Sequence[str]) -> Text:
        menu = Text()
        for key in keys:
            word = _CHOICES[key][0]
            if self._is_label(key):
                menu.append(word, "bold cyan").append("  ")
            else:
                menu.append(f"[{key}]", "bold cyan").append(word[1:] + "  ")
        return menu.append("or in words", "dim")

    def _explain(self, keys: Sequence[str]) -> None:
        for key in keys:
            word, meaning = _CHOICES[key]
            self._screen.show(Text.assemble((f"  {word:<8}", "cyan"), meaning))


def problem_of(request: Mapping[str, Any]) -> str | None:
    """Why the review graph asks again, if it does."""
    first, _, _ = str(request["action_requests"][0]["description"]).partition("\n")
    return first.removeprefix(PROBLEM).strip() if first.startswith(PROBLEM) else None
