"""The experiments: what does learning do for a judge, and which part of it does it?

Each plans its trials, runs those that are not finished yet, and measures. The judges' own memories
are neither read nor written. Each has an async twin with the prefix `a`, which
runs it in a thread; cancelled, it begins no further judgement.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict, Unpack

from langchain_memalign._concurrency import off_loop
from langchain_memalign._judging.arguments import at_least
from langchain_memalign._values.types import ValueType
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.evaluation.cost import Price, Spent, read_prices, spent
from langchain_memalign.evaluation.figures import Figures, figures
from langchain_memalign.evaluation.resampling import Resampling
from langchain_memalign.evaluation.runner import Progress, model_name, run_trials
from langchain_memalign.evaluation.trials import (
    SHARDS,
    Judgement,
    Results,
    Trial,
    ablation_trials,
    fold_trials,
    held_out,
    learning_curve_trials,
    model_trials,
    readable,
)
from langchain_memalign.judge import FeedbackLike, MemAlignJudge
from langchain_memalign.schema import Feedback, Record

Kind = Literal["learning_curve", "ablation", "compare_models", "cross_validate"]


class Experiment(Record):
    """What an experiment found.

    Attributes:
        kind: Which experiment it is.
        value_type: The values of its judges.
        figures: What was measured, one record for each group.
        spent: What it cost, by the judge's label, including finished trials of earlier runs.
        notes: What a reader has to know.
        rows: All judgements.
    """

    kind: Kind
    value_type: ValueType
    figures: tuple[Figures, ...]
    spent: Mapping[str, Spent]
    notes: tuple[str, ...] = ()
    rows: tuple[Judgement, ...] = ()


class RunOptions(TypedDict, total=False):
    """How any measuring is run.

    Attributes:
        directory: Where finished trials are kept, so that an interrupted run can continue. Without
            it they are not kept.
        concurrency: How many judgements at most run at the same time; 8 by default.
        progress: Called after each judgement with how many are done, and of how many.
        resampling: How intervals are computed.
        prices: A price table. The default is the one in the package.
        seed: For whatever is drawn at random.
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
        unseen: Cases to ask about that are not taught. Without it, part of the feedback is held
            out.
        held_out: How much of the feedback is held out; 0.4 by default.
    """

    unseen: Sequence[FeedbackLike] | None
    held_out: float


def learning_curve(
    judge: MemAlignJudge,
    feedback: Sequence[FeedbackLike],
    *,
    shards: Sequence[int] = SHARDS,
    repeats: int = 3,
    **options: Unpack[Options],
) -> Experiment:
    """How agreement grows with the feedback taught, on the cases taught and on unseen ones.

    Args:
        judge: The judge.
        feedback: What it is taught.
        shards: How many remarks are taught for each point of the curve.
        repeats: In how many different orders the feedback is taught.
        options: See `Options`.

    Raises:
        InvalidInputError: The feedback or an option cannot be used.
        ModelError: The provider refuses access.
    """
    check_options(options, Options)
    taught, unseen, notes = _parted(judge.spec.value_type, feedback, options)
    trials = learning_curve_trials(
        taught,
        unseen,
        judge=model_name(judge),
        shards=shards,
        repeats=repeats,
        seed=options.get("seed", 0),
    )
    return _conduct("learning_curve", {model_name(judge): judge}, trials, notes, options)


async def alearning_curve(
    judge: MemAlignJudge,
    feedback: Sequence[FeedbackLike],
    *,
    shards: Sequence[int] = SHARDS,
    repeats: int = 3,
    **options: Unpack[Options],
) -> Experiment:
    """Async `learning_curve`."""
    return await off_loop(
        learning_curve, judge, feedback, shards=shards, repeats=repeats, **options
    )


def ablation(
    judge: MemAlignJudge, feedback: Sequence[FeedbackLike], **options: Unpack[Options]
) -> Experiment:
    """What each memory (semantic, episodic) and each kind of feedback (label, text) contributes.

    Args:
        judge: The judge.
        feedback: What it is taught.
        options: See `Options`.

    Raises:
        InvalidInputError: The feedback or an option cannot be used.
        ModelError: The provider refuses access.
    """
    check_options(options, Options)
    taught, unseen, notes = _parted(judge.spec.value_type, feedback, options)
    trials = ablation_trials(taught, unseen, judge=model_name(judge))
    return _conduct("ablation", {model_name(judge): judge}, trials, notes, options)


async def aablation(
    judge: MemAlignJudge, feedback: Sequence[FeedbackLike], **options: Unpack[Options]
) -> Experiment:
    """Async `ablation`."""
    return await off_loop(ablation, judge, feedback, **options)


def compare_models(
    judges: Mapping[str, MemAlignJudge],
    feedback: Sequence[FeedbackLike],
    **options: Unpack[Options],
) -> Experiment:
    """Several judges, such as one with several models, before and after the same teaching.

    Args:
        judges: The judges, by labels of your own. They have the same value type.
        feedback: What they are taught.
        options: See `Options`.

    Raises:
        InvalidInputError: The feedback, the judges or an option cannot be used.
        ModelError: A provider refuses access.
    """
    check_options(options, Options)
    if not isinstance(judges, Mapping):
        raise InvalidInputError(
            f"judges: found a {type(judges).__name__}; expected judges by a label of your own."
        )
    types = {judge.spec.value_type.describe(): judge.spec.value_type for judge in judges.values()}
    if len(types) != 1:
        raise InvalidInputError(
            f"judges: found {len(judges)} of {len(types)} value types; expected one or more of "
            "the same."
        )
    (value_type,) = types.values()
    taught, unseen, notes = _parted(value_type, feedback, options)
    trials = model_trials(taught, unseen, judges=judges)
    return _conduct("compare_models", judges, trials, notes, options)


async def acompare_models(
    judges: Mapping[str, MemAlignJudge],
    feedback: Sequence[FeedbackLike],
    **options: Unpack[Options],
) -> Experiment:
    """Async `compare_models`."""
    return await off_loop(compare_models, judges, feedback, **options)


def cross_validate(
    judge: MemAlignJudge,
    feedback: Sequence[FeedbackLike],
    *,
    folds: int = 5,
    **options: Unpack[Options],
) -> Experiment:
    """How well a judge agrees on each part of the feedback when taught the other parts.

    Args:
        judge: The judge.
        feedback: What it is taught and asked.
        folds: How many parts.
        options: See `Options`; `unseen` and `held_out` do not apply.

    Raises:
        InvalidInputError: The feedback or an option cannot be used.
        ModelError: The provider refuses access.
    """
    check_options(options, Options)
    words, notes = readable(judge.spec.value_type, feedback)
    label = model_name(judge)
    trials = fold_trials(words, judge=label, folds=folds, seed=options.get("seed", 0))
    return _conduct("cross_validate", {label: judge}, trials, notes, options)


async def across_validate(
    judge: MemAlignJudge,
    feedback: Sequence[FeedbackLike],
    *,
    folds: int = 5,
    **options: Unpack[Options],
) -> Experiment:
    """Async `cross_validate`."""
    return await off_loop(cross_validate, judge, feedback, folds=folds, **options)


def _parted(
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
        words_unseen, more = readable(value_type, given)
        notes += more
        unseen = [word for word in words_unseen if word.case.key not in keys]
        if len(unseen) < len(words_unseen):
            twice = len(words_unseen) - len(unseen)
            notes.append(f"{twice} unseen cases are also taught, and were left out.")
    if not any(word.value is not None for word in unseen):
        raise InvalidInputError(
            f"unseen: found no case with an expert's value, of {len(words)} remarks; expected "
            "some: give more feedback, or unseen cases of their own."
        )
    return taught, unseen, notes


def _conduct(
    kind: Kind,
    judges: Mapping[str, MemAlignJudge],
    trials: Sequence[Trial],
    notes: Sequence[str],
    options: Options,
) -> Experiment:
    """Run what is not finished, and measure."""
    results = Results(options.get("directory"))
    run_trials(
        trials,
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
        trainings = [training for training in results.trainings if training.setting.judge == label]
        cost[label] = spent(rows, trainings, known.get(model_name(judge)))
    pending = sum(training.pending for training in results.trainings)
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


def check_options(options: Mapping[str, Any], known: type) -> None:
    """Refuse options that no experiment can run with.

    Args:
        options: What was given.
        known: The `TypedDict` of what may be given.

    Raises:
        InvalidInputError: One is unknown, or not usable; names it.
    """
    names = sorted(known.__optional_keys__)  # type: ignore[attr-defined]
    for name in options:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise InvalidInputError(
                f"found the unknown option {name!r}{hint}; expected some of {', '.join(names)}."
            )
    if "concurrency" in options:
        at_least(1, "concurrency", options["concurrency"])
    if "seed" in options:
        at_least(0, "seed", options["seed"])
    share = options.get("held_out", 0.5)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
        raise InvalidInputError(f"held_out: found {share!r}; expected a number between 0 and 1.")
    directory = options.get("directory")
    _is("directory", directory, (str, os.PathLike), "a path")
    _is("resampling", options.get("resampling"), (Resampling,), "a Resampling")
    prices = options.get("prices")
    _is("prices", prices, (Mapping,), "prices by a model's name, as `read_prices` gives them")
    for name, price in (prices or {}).items():
        if not isinstance(price, Price):
            raise InvalidInputError(
                f"prices: found a {type(price).__name__} for {name!r}; expected a Price."
            )


def _is(name: str, given: Any, types: tuple[type, ...], expected: str) -> None:
    if given is not None and not isinstance(given, types):
        raise InvalidInputError(
            f"{name}: found a {type(given).__name__}; expected {expected}, or None."
        )
