"""What the page reads and changes of a judge's memory beyond the judge's own methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from langchain_memalign.flow import run
from langchain_memalign.judge import Budgets, MemAlignJudge
from langchain_memalign.schema import Episode, Principle, Unscored, Verdict


def budgets_of(judge: MemAlignJudge) -> Budgets:
    """How much the judge is shown."""
    return judge.flows.budgets


def episodes_of(judge: MemAlignJudge, ids: Iterable[str]) -> list[Episode]:
    """The past cases of some ids, in their order; what is gone is left out."""
    wanted = list(ids)
    if not wanted:
        return []
    found = {e.id: e for e in run(judge.memory.flows.episodes(judge.spec.name, ids=wanted))}
    return [found[id_] for id_ in wanted if id_ in found]


def principles_of(judge: MemAlignJudge) -> list[Principle]:
    """All principles, retired ones too, in the order in which they were learned."""
    return judge.memory.principles(judge.spec.name, retired=True)


@contextmanager
def recording(keep: Callable[[list[str]], None]) -> Iterator[None]:
    """Keep what is about to be changed within the block."""
    yield


def restore(judge: MemAlignJudge, images: list[str]) -> int:
    """Put back what was there before; how many records stand in the way, 0 for none."""
    return 0


def rules_before(images: Iterable[str]) -> Mapping[str, Principle]:
    """Rules as they were before a deed, by id."""
    return {}


def bring_back(judge: MemAlignJudge, id_: str) -> None:
    """Let a retired rule apply again."""


def said_before(episode: Episode) -> Verdict | Unscored | None:
    """What the judge had said of a past case, as far as the memory knows it."""
    if episode.judge_value is None:
        return None
    return Verdict(value=episode.judge_value, rationale=episode.judge_rationale or "")


def would_go(
    judge: MemAlignJudge, is_forgotten: Callable[[Episode], bool]
) -> tuple[list[Episode], list[Principle]]:
    """The past cases that would be forgotten, and the rules that would go with them."""
    going = [e for e in judge.episodes() if is_forgotten(e)]
    ids = {e.id for e in going}
    return going, [p for p in principles_of(judge) if not ids.isdisjoint(p.episode_ids)]
