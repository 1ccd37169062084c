"""A verdict and what it rests on, as people read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from langchain_memalign.cli.terminal import clean, excerpt, plain, short, worth
from langchain_memalign.flow import run
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.schema import Case, Episode, Principle, Unscored, Verdict

_LONGEST = 1500
"""Characters of a field that are shown; the rest would push the verdict off the screen."""


def case_panel(case: Case, title: str) -> Panel:
    """What is judged."""
    parts: list[RenderableType] = []
    for name in ("inputs", "outputs", "reference_outputs"):
        if (content := getattr(case, name)) is None:
            continue
        fields = content if isinstance(content, dict) else {"": content}
        for field, value in fields.items():
            label = f"{name}.{field}" if field else name
            parts.append(Text(label, style="dim cyan"))
            parts.append(Text(_cut(value)))
    return Panel(Group(*parts), title=Text(clean(title)), title_align="left", border_style="cyan")


def verdict_panel(judge: MemAlignJudge, outcome: Verdict | Unscored) -> Panel:
    """What the judge concluded, and the principles and past cases that it says decided it."""
    warnings: list[RenderableType] = []
    if outcome.recall_problem is not None:
        said = f"No past case could be looked up: {clean(outcome.recall_problem)}"
        warnings.append(Text(said, style="yellow"))
    if isinstance(outcome, Unscored):
        return Panel(
            Group(Text(clean(outcome.reason)), *warnings),
            title="No verdict",
            title_align="left",
            border_style="yellow",
        )
    parts: list[RenderableType] = [Text(clean(outcome.rationale)), *warnings]
    cited = list(_cited(judge, outcome.relied_on))
    if cited:
        table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
        table.add_column(style="dim", no_wrap=True)
        table.add_column()
        for kind, words in cited:
            table.add_row(kind, Text(words))
        parts += [Text("It relied on", style="dim cyan"), table]
    shown = f"{len(outcome.episode_ids)} past cases"
    shown += f", {len(outcome.principle_ids)} of {outcome.principles_total} principles shown"
    parts.append(Text(shown, style="dim"))
    return Panel(
        Group(*parts),
        title=Text.assemble("The judge says ", (clean(worth(outcome.value)), "bold")),
        title_align="left",
        border_style="blue",
    )


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
    flows = judge.memory.flows
    episodes = {e.id: e for e in run(flows.episodes(judge.spec.name, ids=list(ids)))}
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
