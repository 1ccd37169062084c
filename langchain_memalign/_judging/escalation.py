"""When a judgement is sure, and what becomes of one that a second judge is asked about."""

from __future__ import annotations

from typing import Any

from langchain_core.messages.ai import add_usage

from langchain_memalign._calibration.agreement import promised
from langchain_memalign._calibration.promise import AtLeast
from langchain_memalign._judging.setup import JudgeSetup, Second, Sure, known_track
from langchain_memalign._models import StructuredModel, model_id
from langchain_memalign.errors import (
    ConfigurationError,
    InvalidInputError,
    MemAlignError,
    MemoryStoreError,
    MemoryUnavailableError,
    ModelError,
)
from langchain_memalign.schema import Latency, Unscored, Verdict, with_record


def is_sure(setup: JudgeSetup, sure: Sure, outcome: Verdict | Unscored) -> bool:
    """Whether a judgement may stand without anybody else; may read the memory, and so blocks.

    What a second judge decided is measured by that judge's own track record; where several go by
    the name that decided, by that of each.

    Args:
        setup: The judge.
        sure: A promise that has to cover the judgement, or the least confidence.
        outcome: The judgement.
    """
    if isinstance(outcome, Unscored) or outcome.confidence is None:
        return False
    if not isinstance(sure, AtLeast):
        return outcome.confidence >= sure
    return all(
        _promises(decider, sure, outcome, is_first=decider is setup)
        for decider in _deciders(setup, outcome.decided_by)
    )


def unreached(error: MemAlignError) -> Unscored:
    """The outcome of a second judge that could not be asked at all, as its memory is closed."""
    passing = isinstance(error, MemoryUnavailableError)
    passing = passing or (isinstance(error, ModelError) and error.transient)
    return Unscored(reason=str(error), failure="outage" if passing else "error")


def check_second(setup: JudgeSetup, second: Any, sure: Any) -> Second:
    """The second judge, if it can be asked in the place of the first.

    Args:
        setup: The first judge.
        second: What the second one is made of; something else if it is no judge.
        sure: When the first is sure.

    Raises:
        ConfigurationError: It is no judge, or gives other values.
        InvalidInputError: `sure` is neither a promise nor a confidence.
    """
    if not isinstance(second, JudgeSetup):
        raise ConfigurationError(
            f"escalating_to: found a {type(second).__name__}; expected a MemAlignJudge."
        )
    if second.spec.value_type != setup.spec.value_type:
        raise ConfigurationError(
            f"escalating_to: found a judge that gives {second.spec.value_type.describe()}; "
            f"expected one that gives {setup.spec.value_type.describe()}, as this one."
        )
    is_number = isinstance(sure, float) or type(sure) is int  # NumPy's is a float, True an int
    if not isinstance(sure, AtLeast) and not (is_number and 0 <= sure <= 1):
        raise InvalidInputError(
            f"sure: found {sure!r:.60}; expected AtLeast(agreement=...), or a confidence from 0 "
            "to 1."
        )
    return Second(setup=second, sure=sure)


def label(setup: JudgeSetup) -> str:
    """How a judge is named beside a second one: by its name, or also by its model."""
    second = setup.second
    if second is None or second.setup.spec.name != setup.spec.name:
        return setup.spec.name
    return _with_model(setup)


def second_label(setup: JudgeSetup) -> str:
    """How the judge that is asked second is named beside the first, unless a third is asked."""
    second = setup.second
    if second is None or second.setup.spec.name != setup.spec.name:
        return setup.spec.name if second is None else second.setup.spec.name
    return _with_model(second.setup)


def escalated(
    setup: JudgeSetup, first: Verdict | Unscored, second: Verdict | Unscored
) -> Verdict | Unscored:
    """What counts once the second judge was asked: its verdict, else what the first had reached."""
    told: dict[str, Any] = {
        "usage": add_usage(first.usage, second.usage) if first.usage or second.usage else None,
        "latency": Latency(
            recall_ms=first.latency.recall_ms + second.latency.recall_ms,
            model_ms=first.latency.model_ms + second.latency.model_ms,
        ),
        "records": first.records,
    }
    if setup.second is not None and setup.remembers_as(setup.second.setup):
        # Of two that nothing tells apart what the first said counts: it is asked about all.
        known = {record.said_by for record in first.records}
        for record in second.records:
            if record.said_by not in known:
                told["records"] = with_record(told["records"], record)
    if isinstance(second, Verdict):
        told["decided_by"] = second.decided_by or second_label(setup)
        return second.model_copy(update=told)
    if isinstance(first, Verdict):
        told["decided_by"] = label(setup)
        told["second_problem"] = f"{second_label(setup)}: {second.reason}"
        return first.model_copy(update=told)
    told["reason"] = f"{first.reason} Asked next, {second_label(setup)}: {second.reason}"
    return second.model_copy(update=told)


def _promises(decider: JudgeSetup, sure: AtLeast, outcome: Verdict, *, is_first: bool) -> bool:
    try:
        return promised(known_track(decider), sure).covers(outcome)
    except MemoryStoreError:
        # What the track record of another judge promises is not known without its memory.
        if is_first:
            raise
        return False


def _deciders(setup: JudgeSetup, named: str | None) -> list[JudgeSetup]:
    """Who may have decided, of a judge and those that are asked after it; one, mostly."""
    *asking, last = setup.in_turn
    found = [one for one in asking if label(one) == named]
    if not found or second_label(asking[-1]) == named:
        found.append(last)
    return found


def _with_model(setup: JudgeSetup) -> str:
    model = setup.model
    asked = model.chat_model if isinstance(model, StructuredModel) else model.runnable
    kind, _, named = model_id(asked).partition(":")
    shown = setup.model_name or named or kind.rpartition(".")[2]
    return f"{setup.spec.name} ({shown})"
