"""What the page reads and changes of a judge's memory beyond the judge's own methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from langchain_memalign._alignment.unlearning import plan_erasing
from langchain_memalign._judging.setup import Budgets
from langchain_memalign._memory import images as recorded
from langchain_memalign._memory.definition import written_anew
from langchain_memalign._memory.images import Image, learned_record
from langchain_memalign._stores.base import Selection
from langchain_memalign._sync.transactions import aligning, transact
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.schema import AlignmentReport, Change, Episode, Principle, Unscored, Verdict


def budgets_of(judge: MemAlignJudge) -> Budgets:
    """How much the judge is shown."""
    return judge.setup.budgets


def episodes_of(judge: MemAlignJudge, ids: Iterable[str]) -> list[Episode]:
    """The past cases of some ids, in their order; what is gone is left out."""
    wanted = list(ids)
    if not wanted:
        return []
    found = {e.id: e for e in judge.setup.records.episodes(judge.spec.name, ids=wanted)}
    return [found[id_] for id_ in wanted if id_ in found]


def define(judge: MemAlignJudge) -> None:
    """Let the memory know how the judge is set up, so that an answer changes nothing of that."""
    records, name = judge.setup.records, judge.spec.name

    def plan() -> tuple[Sequence[Change], None]:
        return written_anew(name, records.definition(name), judge.setup.definition), None

    if plan()[0]:
        transact(records, plan)


def version_of(judge: MemAlignJudge) -> str | None:
    """What changes with every write to the memory; "" where no other process can write."""
    return judge.setup.records.version()


def principles_of(judge: MemAlignJudge) -> list[Principle]:
    """All principles, retired ones too, in the order in which they were learned."""
    return judge.memory.principles(judge.spec.name, retired=True)


@contextmanager
def recording(keep: Callable[[list[str]], None]) -> Iterator[None]:
    """Keep what is about to be changed within the block, as text."""

    def keep_as_text(images: Sequence[Image]) -> None:
        keep([image.model_dump_json() for image in images])

    with recorded.recording(keep_as_text):
        yield


def restore(judge: MemAlignJudge, images: Sequence[str]) -> int:
    """Put back what was there before a deed, as one transaction.

    Args:
        judge: Whose memory it is.
        images: What the deed changed, as `recording` kept it.

    Returns:
        How many later answers built on it, so that nothing was put back; 0 where it was.
    """
    records, name = judge.setup.records, judge.spec.name
    read = [Image.model_validate_json(text) for text in images]

    def plan() -> tuple[list[Change], int]:
        ids = tuple(dict.fromkeys(image.id for image in read))
        points = records.scan(Selection(ids=ids))
        present = {p.id: learned_record(p) for p in points if p.judge == name}
        changes, in_the_way = recorded.plan_restoring(read, present)
        return changes, _later(read, present, in_the_way)

    with aligning(records, name):
        return transact(records, plan)


def rules_before(images: Iterable[str]) -> Mapping[str, Principle]:
    """Rules as they were before a deed, by id."""
    found: dict[str, Principle] = {}
    for text in images:
        image = Image.model_validate_json(text)
        if isinstance(image.before, Principle):
            found.setdefault(image.id, image.before)
    return found


def with_earlier(
    judge: MemAlignJudge, report: AlignmentReport, images: Iterable[str]
) -> AlignmentReport:
    """A report with what a first try, which ended before anybody was told, had done to rules.

    Args:
        judge: Whose rules they are.
        report: Of the last try.
        images: What all tries together were about to change; not all of it need have been done.
    """
    before: dict[str, Principle | None] = {}
    for text in images:
        image = Image.model_validate_json(text)
        if isinstance(image.before or image.after, Principle):
            was = image.before
            before.setdefault(image.id, was if isinstance(was, Principle) else None)
    told = (*report.principles_added, *report.principles_merged, *report.principles_retired)
    for rule in told:
        before.pop(rule.id, None)
    added, merged, retired = [], [], []
    for rule in principles_of(judge):
        if rule.id not in before:
            continue
        was = before[rule.id]
        if rule.retired_at is not None:
            retired += [rule] if was is not None and was.retired_at is None else []
        elif was is None:
            added.append(rule)
        elif was.episode_ids != rule.episode_ids:
            merged.append(rule)
    return report.model_copy(
        update={
            "principles_added": (*report.principles_added, *added),
            "principles_merged": (*report.principles_merged, *merged),
            "principles_retired": (*report.principles_retired, *retired),
        }
    )


def changed_ids(images: Iterable[str]) -> list[str]:
    """The ids of the past cases and rules that a deed changed."""
    return list({Image.model_validate_json(text).id: None for text in images})


def rule_written(images: Iterable[str]) -> str:
    """The id of the rule that a deed wrote; "" where it wrote none."""
    read = [Image.model_validate_json(text) for text in images]
    written = [i.id for i in read if i.before is None and isinstance(i.after, Principle)]
    return written[-1] if written else ""


def said_before(episode: Episode) -> Verdict | Unscored | None:
    """What the judge had said of a past case, as far as the memory knows it."""
    if episode.judge_value is None:
        return None
    return Verdict(value=episode.judge_value, rationale=episode.judge_rationale or "")


def would_go(
    judge: MemAlignJudge, is_forgotten: Callable[[Episode], bool]
) -> tuple[list[Episode], list[Principle]]:
    """The past cases that would be forgotten, and the rules that would go with them.

    It is the plan of forgetting itself, which is not carried out.
    """
    records, name = judge.setup.records, judge.spec.name
    _, erased = partial(plan_erasing, records, name, is_forgotten)()
    gone = frozenset(erased.principle_ids)
    rules = [rule for rule in principles_of(judge) if rule.id in gone]
    return episodes_of(judge, erased.episode_ids), rules


def _later(
    images: Sequence[Image],
    present: Mapping[str, Episode | Principle],
    in_the_way: Sequence[str],
) -> int:
    """How many answers have been added to what the deed left; at least 1 where it is changed."""
    if not in_the_way:
        return 0
    left = {image.id: image.after for image in images}
    added: set[str] = set()
    for id_ in in_the_way:
        now, after = present.get(id_), left.get(id_)
        if isinstance(now, Principle) and isinstance(after, Principle):
            added |= {*now.episode_ids} - {*after.episode_ids}
    return len(added) or 1
