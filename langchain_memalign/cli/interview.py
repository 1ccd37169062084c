"""The conversation with a reviewer: a case, the verdict and what it rests on, the questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from langchain_memalign._values import ValueType
from langchain_memalign.cli.terminal import Screen, clean, counted, excerpt, plain, short, worth
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.schema import Case, Episode, Principle, Unscored, Verdict

_LONGEST = 1500
"""Characters of a field that are shown; the rest would push the verdict off the screen."""


def panel(title: str | Text, *parts: RenderableType, style: str) -> Panel:
    """Something to read, in a frame; a title that is a text may hold anything."""
    if isinstance(title, str):
        title = Text(clean(title))
    return Panel(Group(*parts), title=title, title_align="left", border_style=style)


def case_panel(case: Case, title: str) -> Panel:
    """What is judged."""
    parts: list[RenderableType] = []
    for name in ("inputs", "outputs", "reference_outputs"):
        if (content := getattr(case, name)) is None:
            continue
        fields = content if isinstance(content, dict) else {"": content}
        for field, value in fields.items():
            label = f"{name}.{field}" if field else name
            parts += [Text(label, style="dim cyan"), Text(_cut(value))]
    return panel(title, *parts, style="cyan")


def verdict_panel(judge: MemAlignJudge, outcome: Verdict | Unscored) -> Panel:
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
        for kind, words in cited:
            table.add_row(kind, Text(words))
        parts += [Text("It relied on", style="dim cyan"), table]
    principles = counted(outcome.principles_total, "principle")
    shown = counted(len(outcome.episode_ids), "past case")
    shown += f", {len(outcome.principle_ids)} of {principles} shown"
    parts.append(Text(shown, style="dim"))
    title = Text.assemble("The judge says ", (clean(worth(outcome.value)), "bold"))
    return panel(title, *parts, style="blue")


def expert_word(episode: Episode) -> str:
    """What an expert said about a past case, in a line."""
    said = worth(episode.value)
    if episode.rationale:
        said += f", “{excerpt(episode.rationale, 160)}”"
    return said + (f" ({clean(episode.reviewer)})" if episode.reviewer else "")


def _cited(judge: MemAlignJudge, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
    if not ids:
        return
    principles: dict[str, Principle] = {p.id: p for p in judge.principles()}
    found = judge.setup.records.episodes(judge.spec.name, ids=list(ids))
    episodes = {episode.id: episode for episode in found}
    for id_ in ids:
        if id_ in principles:
            yield f"principle {short(id_)}", clean(principles[id_].text)
        elif id_ in episodes:
            episode = episodes[id_]
            asked = excerpt(episode.case.inputs or episode.case.outputs, 70)
            yield f"episode {short(id_)}", f"{asked}\n→ {expert_word(episode)}"


def _cut(content: object) -> str:
    text = clean(plain(content)).strip()
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST].rstrip()} … ({len(text) - _LONGEST} more characters)"


class Pause(Enum):
    """What a reviewer may do other than answer."""

    SKIP = "skip"
    """Ask again next time."""

    QUIT = "quit"
    """Stop; this case, too, is asked next time."""


Answer = dict[str, Any] | Pause

_CHOICES = {
    "a": ("approve", "the verdict is right"),
    "e": ("edit", "give the right value, and why"),
    "r": ("remark", "say what is wrong, without a value"),
    "n": ("nothing", "no comment; do not ask about this case again"),
    "s": ("skip", "ask again next time"),
    "q": ("quit", "stop here; go on later with the same command"),
}


class Interviewer:
    """Asks a reviewer what they think of a verdict."""

    def __init__(self, screen: Screen, value_type: ValueType, reviewer: str | None) -> None:
        self._screen = screen
        self._value_type = value_type
        self._reviewer = reviewer

    def ask(
        self,
        outcome: Verdict | Unscored,
        allowed: Sequence[str],
        problem: str | None = None,
    ) -> Answer:
        """Ask until there is an answer that can be used.

        Args:
            outcome: What the judge concluded.
            allowed: The decisions that the review graph takes.
            problem: What was wrong with the last answer.

        Returns:
            The answer, in the form of the review graph, or the wish to pause.
        """
        keys = [key for key in _CHOICES if key != "a" or "approve" in allowed]
        if problem:
            self._screen.show(Text(clean(problem), "yellow"))
        while True:
            self._screen.show(self._menu(keys))
            said = self._screen.ask("> ")
            if said is None:
                return Pause.QUIT
            key = said[:1].lower()
            if key not in keys or _CHOICES[key][0][: len(said)] != said.lower():
                self._explain(keys)
                continue
            if (answer := self._follow_up(key, outcome)) is not None:
                return answer

    def _follow_up(self, key: str, outcome: Verdict | Unscored) -> Answer | None:
        """Ask for the rest of an answer; None goes back to the choice."""
        if key in "sq":
            return Pause.SKIP if key == "s" else Pause.QUIT
        if key == "n":
            return {"decision": "ignore"}
        answer: dict[str, Any] = {"decision": {"a": "approve", "e": "edit", "r": "reject"}[key]}
        if key == "e":
            value = self._value(outcome)
            if value is None:
                return None
            answer["value"] = value
        if key in "er":
            why = self._screen.ask("Why? " if key == "r" else "Why? (Enter for no reason) ")
            if not why and key == "r":
                return None
            if why:
                answer["rationale"] = why
        if self._reviewer is not None:
            answer["reviewer"] = self._reviewer
        return answer

    def _value(self, outcome: Verdict | Unscored) -> Any:
        """The right value; None if the reviewer thinks better of it."""
        values = self._value_type.describe()
        if isinstance(outcome, Verdict) and self._value_type.kind == "boolean":
            # There is only one other.
            other = not outcome.value
            said = self._screen.ask(f"The right value is {worth(other)}? (Enter: yes; n: no) ")
            return None if said is None or said.lower().startswith("n") else other
        while said := self._screen.ask(f"The right value ({values}): "):
            try:
                return self._value_type.read(said)
            except InvalidInputError as error:
                self._screen.show(Text(clean(str(error)), "yellow"))
        return None

    def _menu(self, keys: Sequence[str]) -> Text:
        menu = Text()
        for key in keys:
            menu.append(f"[{key}]", "bold cyan").append(_CHOICES[key][0][1:] + "  ")
        return menu

    def _explain(self, keys: Sequence[str]) -> None:
        for key in keys:
            word, meaning = _CHOICES[key]
            self._screen.show(Text.assemble((f"  {word:<8}", "cyan"), meaning))


def problem_of(request: Mapping[str, Any]) -> str | None:
    """Why the review graph asks again, if it does."""
    first, _, _ = str(request["action_requests"][0]["description"]).partition("\n")
    marker = "**That answer could not be used:** "
    return first.removeprefix(marker) if first.startswith(marker) else None
