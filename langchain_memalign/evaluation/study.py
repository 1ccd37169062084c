"""What all experiments share: reading the data, running the cells, measuring the rows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from langchain_memalign._values import ValueType
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.evaluation.cells import Cell, Row
from langchain_memalign.evaluation.checks import listed
from langchain_memalign.evaluation.figures import Figures, figures
from langchain_memalign.evaluation.planning import held_out
from langchain_memalign.evaluation.prices import Price, Spent, read_prices, spent
from langchain_memalign.evaluation.resampling import Resampling
from langchain_memalign.evaluation.results import Results
from langchain_memalign.evaluation.running import Progress, model_name, run_cells
from langchain_memalign.flow import Flow
from langchain_memalign.judge import FeedbackLike, MemAlignJudge
from langchain_memalign.schema import Feedback, Record

Kind = Literal["learning_curve", "ablation", "compare_models", "cross_validate"]


class Experiment(Record):
    """What an experiment found.

    Attributes:
        kind: Which experiment it is.
        value_type: The values of its judges.
        figures: What was measured, a record a group.
        spent: What it cost, by the judge's label; finished cells of earlier runs included.
        notes: What a reader has to know.
        rows: All judgements.
    """

    kind: Kind
    value_type: ValueType
    figures: tuple[Figures, ...]
    spent: Mapping[str, Spent]
    notes: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()


class RunOptions(TypedDict, total=False):
    """How any measuring is run.

    Attributes:
        directory: Where finished cells are kept, to go on where a run broke off; without it they
            are not.
        concurrency: Most judgements at the same time, 8 by default.
        progress: Told after each judgement how many are done, of how many.
        resampling: How intervals are drawn.
        prices: A price table; without it the one that comes along.
        seed: For what is drawn at random.
    """

    directory: str | os.PathLike[str] | None
    concurrency: int
    progress: Progress | None
    resampling: Resampling | None
    prices: Mapping[str, Price] | None
    seed: int


class Options(RunOptions, total=False):
    """Options that all experiments share.

    Attributes:
        unseen: Cases to ask that are not taught; without it a share of the feedback is held out.
        held_out: That share, 0.4 by default.
    """

    unseen: Sequence[FeedbackLike] | None
    held_out: float


def readable(
    value_type: ValueType, feedback: Sequence[FeedbackLike]
) -> tuple[list[Feedback], list[str]]:
    """Feedback as records, with values of the type.

    Raises:
        InvalidInputError: One of them cannot be used; says which.
    """
    words = []
    for number, given in enumerate(listed("feedback", feedback)):
        try:
            word = Feedback.of(given)
            if word.value is not None:
                word = word.model_copy(update={"value": value_type.check(word.value)})
        except InvalidInputError as error:
            raise InvalidInputError(f"feedback {number}: {error}") from error
        words.append(word)
    unvalued = sum(word.value is None for word in words)
    notes = [f"{unvalued} remarks without a value are taught, not asked."] if unvalued else []
    return words, notes


def parted(
    value_type: ValueType, feedback: Sequence[FeedbackLike], options: Options
) -> tuple[list[Feedback], list[Feedback], list[str]]:
    """What is taught, what is unseen, and what a reader has to know about it.

    Raises:
        InvalidInputError: Something cannot be used, or nothing is left to ask.
    """
    words, notes = readable(value_type, feedback)
    given = options.get("unseen")
    if given is None:
        share, seed = options.get("held_out", 0.4), options.get("seed", 0)
        taught, unseen = held_out(words, share, seed=seed)
    else:
        taught, keys = words, {word.case.key for word in words}
        listed, more = readable(value_type, given)
        notes += more
        unseen = [word for word in listed if word.case.key not in keys]
        if len(unseen) < len(listed):
            twice = len(listed) - len(unseen)
            notes.append(f"{twice} unseen cases are also taught, and were left out.")
    if not any(word.value is not None for word in unseen):
        raise InvalidInputError(
            f"unseen: found no case with an expert's value, of {len(words)} remarks; expected "
            "some: give more feedback, or unseen cases of their own."
        )
    return taught, unseen, notes


def conduct(
    kind: Kind,
    judges: Mapping[str, MemAlignJudge],
    cells: Sequence[Cell],
    notes: Sequence[str],
    options: Options,
) -> Flow[Experiment]:
    """Run what is not finished, and measure."""
    results = Results(options.get("directory"))
    yield from run_cells(
        cells,
        judges,
        results=results,
        concurrency=options.get("concurrency", 8),
        progress=options.get("progress"),
    )
    prices = options.get("prices")
    known = read_prices() if prices is None else prices
    cost = {}
    for label, judge in judges.items():
        rows = [row for row in results.rows if row.setting.judge == label]
        lessons = [lesson for lesson in results.lessons if lesson.setting.judge == label]
        cost[label] = spent(rows, lessons, known.get(model_name(judge)))
    pending = sum(lesson.pending for lesson in results.lessons)
    told = [f"{pending} remarks could not be learned from."] if pending else []
    value_type = next(iter(judges.values())).spec.value_type
    return Experiment(
        kind=kind,
        value_type=value_type,
        figures=tuple(figures(results.rows, value_type, resampling=options.get("resampling"))),
        spent=cost,
        notes=(*notes, *told),
        rows=tuple(results.rows),
    )
