"""One waiting case: the judge's answer with its grounds, the form, the last answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from langchain_memalign._values.confidence import how_sure
from langchain_memalign.reviews import Answer, Draft, Reading
from langchain_memalign.schema import Episode, Principle, Unscored, WorkingMemory
from langchain_memalign.web import words
from langchain_memalign.web.views.text import ago, begins, on_day, short_name, who
from langchain_memalign.web.wording import Option, Words

LONG_QUESTION = 140


@dataclass(frozen=True)
class Ground:
    """Something that the judge went by.

    Attributes:
        case: How a past case begins; "" for a rule.
        rule: The rule; "" for a past case.
        meta: Who said what of it, or where it comes from.
        quote: The expert's reason, after `meta`.
        label: What the judge called it, and may call it in its reasons: "E1", "P2".
    """

    case: str = ""
    rule: str = ""
    meta: str = ""
    quote: str = ""
    label: str = ""


@dataclass(frozen=True)
class Opinion:
    """The judge's answer as it is shown.

    Attributes:
        state: What can be shown.
        key: The value as the form sends it; None where there is none.
        tag: "Not sure" and the like; "" for none.
        had: What it had before it, in a sentence.
        sure: What is known of how sure it is, in sentences.
        asks_again: Whether it can be asked again.
        error: What the model's provider said, where it did not respond.
        cut_words: About how many words it did not read.
    """

    state: Literal["reading", "hidden", "shown", "unscored"]
    key: str | None = None
    verdict: str = ""
    tag: str = ""
    why: str = ""
    grounds: tuple[Ground, ...] = ()
    had: str = ""
    cut_words: int = 0
    sure: tuple[str, ...] = ()
    asks_again: bool = False
    error: str = ""


@dataclass(frozen=True)
class Field:
    """The form's fields.

    Attributes:
        number: Whether a number is typed in, with the help that says its bounds.
        filtered: Whether the options need a field to find one.
    """

    options: tuple[Option, ...]
    chosen: str
    reason: str
    judge_key: str | None
    number_help: str = ""
    filtered: bool = False
    deep: bool = False
    why_label: str = words.WHY_LABEL
    why_help: str = words.REASON_HELP


@dataclass(frozen=True)
class Last:
    """A person's last answer.

    Attributes:
        first: What became of it.
        live: Whether something is under way.
    """

    answer: Answer
    value: str
    first: str
    then: str
    live: bool
    can_undo: bool
    alert: bool = False


def opinion(
    reading: Reading | None,
    said: Words,
    *,
    me: str | None,
    hidden: bool = False,
    swap: bool = False,
) -> Opinion:
    """What is shown of the judge's answer.

    Args:
        reading: The judge's answer, if there is one.
        said: The judge's words.
        me: Who looks.
        hidden: Whether it is hidden until the person has answered.
        swap: Whether the two of a pair have changed places.
    """
    if hidden:
        return Opinion("hidden")
    if reading is None:
        return Opinion("reading")
    outcome, memory = reading.outcome, reading.memory
    had = had_before_it(memory)
    if isinstance(outcome, Unscored):
        return _no_answer(outcome, memory, had)
    relied = set(outcome.relied_on)
    tag = "Not sure" if reading.why else ""
    if outcome.recall_problem:
        tag = words.STATES["by_rules"].first
    return Opinion(
        "shown",
        key=said.key(outcome.value),
        verdict=said.swapped(outcome.value, swap),
        tag=tag,
        why=outcome.rationale,
        sure=tuple(how_sure(outcome, lambda value: said.swapped(value, swap))),
        grounds=grounds(memory, said, me=me, only=relied),
        had=had,
        cut_words=round(outcome.cut_tokens * 0.75),
    )


def _no_answer(outcome: Unscored, memory: WorkingMemory, had: str) -> Opinion:
    if outcome.failure is not None:
        down = words.STATES["down"]
        return Opinion(
            "unscored",
            verdict=words.NO_ANSWER,
            why=f"{down.first}. {down.then}",
            asks_again=True,
            error=outcome.reason,
        )
    if not memory.episodes and not memory.principles_total:
        nothing = words.STATES["knows_nothing"]
        return Opinion("unscored", verdict=nothing.first, why=nothing.then)
    said = outcome.reason
    why = f"{said[:1].upper()}{said[1:]} {words.STATES['unscored'].then}"
    return Opinion("unscored", verdict=words.NO_ANSWER, why=why, had=had, asks_again=True)


def as_it_was(shown: Opinion) -> Opinion:
    """An old answer of the judge, of a time when it knew nothing yet."""
    if shown.verdict != words.STATES["knows_nothing"].first:
        return shown
    knew = words.STATES["knew_nothing"]
    return replace(shown, verdict=knew.first, why=knew.then, asks_again=True)


def grounds(
    memory: WorkingMemory, said: Words, *, me: str | None, only: set[str] | None = None
) -> tuple[Ground, ...]:
    """Past cases and rules that a judge had before it; only those of some ids, or all."""
    found = []
    for number, recalled in enumerate(memory.episodes, 1):
        for episode in (recalled.episode, *recalled.also):
            if only is None or episode.id in only:
                found.append(replace(_past_case(episode, said, me), label=f"E{number}"))
    for number, rule in enumerate(memory.principles, 1):
        if only is None or rule.id in only:
            found.append(replace(_rule(rule), label=f"P{number}"))
    return tuple(found)


def had_before_it(memory: WorkingMemory) -> str:
    """How much a judge had before it, in a sentence."""
    shown, total = len(memory.principles), memory.principles_total
    if not memory.episodes and not total:
        return "It was shown no past cases and no rules."
    known = "no rules"
    if total:
        known = f"all {words.rules(total)}" if shown >= total and total > 1 else words.rules(total)
        if shown < total:
            known = f"{shown} of {words.rules(total)}"
    past = words.past_cases(len(memory.episodes)) if memory.episodes else "no past cases"
    return f"It was shown {past} and {known}."


def form(said: Words, shown: Opinion, draft: Draft | None, *, swap: bool = False) -> Field:
    """The fields of the answer.

    Args:
        said: The judge's words.
        shown: The judge's answer as it is shown.
        draft: What the person has chosen and written before.
        swap: Whether the two of a pair have changed places.
    """
    draft = draft or Draft()
    options = said.options
    if swap:
        options = tuple(map(_swapped, options))
    kind = said.spec.value_type
    number_help = ""
    if not options:
        number_help = f"A number from {kind.minimum:.15g} to {kind.maximum:.15g}"
    return Field(
        options,
        draft.value,
        draft.reason,
        shown.key,
        number_help,
        filtered=len(options) > 10,
        deep=any(option.hint for option in options),
        why_help=words.SCALE_HELP if said.is_scale else words.REASON_HELP,
    )


def _swapped(option: Option) -> Option:
    """The option that means the same where A and B have changed places."""
    other = {'"A"': '"B"', '"B"': '"A"'}.get(option.key, option.key)
    return replace(option, key=other)


def last(answer: Answer | None, said: Words, *, ahead: int = 0, swap: bool = False) -> Last | None:
    """A person's last answer, and what became of it.

    Args:
        answer: The answer; None for nobody's.
        said: The judge's words.
        ahead: How many answers are learned before it.
        swap: Whether the two of a pair had changed places for the person.
    """
    if answer is None:
        return None
    value = "Your reason only" if answer.value is None else said.swapped(answer.value, swap)
    if answer.kind != "answer":
        value = ""
    first, then = progress(answer)
    if answer.state == "saved" and ahead and not answer.problem:
        then = f"{then} {words.answers(ahead)} {'comes' if ahead == 1 else 'come'} before it."
    return Last(
        answer,
        value,
        first,
        then,
        live=answer.state in ("saved", "learning", "undoing")
        or (answer.state == "learned" and answer.looked is None and answer.case is not None),
        can_undo=answer.state in ("saved", "learning", "pending", "learned"),
        alert=answer.state == "pending",
    )


def progress(answer: Answer) -> tuple[str, str]:
    """What became of an answer, in a line and what follows from it."""
    if answer.state in ("saved", "learning") and answer.problem:
        return words.STATES["locked"].first, f"{answer.problem} Your answer is saved."
    if answer.state in ("saved", "learning", "undoing", "undone", "pending"):
        state = words.STATES[answer.state]
        if answer.state == "undone" and answer.kind == "rule":
            state = words.STATES["undone_rule"]
        elif answer.state == "undone" and not answer.reopened:
            state = words.STATES["undone_server"]
        then = state.then
        if answer.state == "pending":
            then = f"{answer.problem or words.STATES['down'].first} {then}"
        return state.first, then
    if answer.decision == "ignore":
        return "Left out.", "Nothing is learned from it."
    return learned_line(answer), turned_line(answer)


def learned_line(answer: Answer) -> str:
    """What an answer taught, on one line."""
    report = answer.report
    if report is None:
        return "Saved."
    reworded = {p.replaced_by for p in report.principles_retired if p.replaced_by}
    added = [p for p in report.principles_added if p.id not in reworded]
    done = [
        (len(added), "rule added", "rules added"),
        (len(reworded), "reworded", "reworded"),
        (len(report.principles_merged), "confirmed", "confirmed"),
        (sum(p.replaced_by is None for p in report.principles_retired), "retired", "retired"),
    ]
    parts = [
        f"{'one' if number == 1 else number} {one if number == 1 else many}"
        for number, one, many in done
        if number
    ]
    if not parts:
        return words.STATES["nothing_learned"].first
    line = ", ".join(parts)
    return f"{line[:1].upper()}{line[1:]}."


def turned_line(answer: Answer) -> str:
    """How many waiting cases turned, on one line."""
    looked = answer.looked
    if answer.report is not None and not (
        answer.report.principles_added
        or answer.report.principles_merged
        or answer.report.principles_retired
    ):
        then = words.STATES["nothing_learned"].then
    else:
        then = ""
    if looked is None or not looked.total:
        return then
    count = len(looked.turned)
    if not count:
        return then or "No waiting case would be judged differently."
    cases = "waiting case" if count == 1 else "waiting cases"
    return f"{count} {cases} would now be judged differently."


def answered_by(answer: Answer, me: str) -> Mapping[str, str]:
    """Who answered, and how long ago."""
    return {
        "name": words.YOU if answer.person == me else short_name(answer.name or words.SOMEBODY),
        "ago": ago(answer.said_at),
    }


def _past_case(episode: Episode, said: Words, me: str | None) -> Ground:
    person = who(episode.reviewer, me)
    value = f"answered {said.of(episode.value)}" if episode.value is not None else "gave a reason"
    meta = f"{short_name(person)} {value} {on_day(episode.updated_at)}"
    if episode.rationale:
        return Ground(case=begins(episode.case), meta=f"{meta}:", quote=episode.rationale)
    return Ground(case=begins(episode.case), meta=f"{meta}, without a reason")


def _rule(rule: Principle) -> Ground:
    return Ground(rule=rule.text, meta=source_of(rule))


def source_of(rule: Principle) -> str:
    """Where a rule comes from, in short."""
    if rule.origin == "human":
        return "Written by hand"
    return f"From {words.cases(len(rule.episode_ids))}"
