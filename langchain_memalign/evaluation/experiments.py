"""The experiments: what does learning do for a judge, and which part of it does it?

Each plans its cells, runs those that are not finished yet, and measures. The judges' own memories
are neither read nor written. Each has an async twin with the prefix `a`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.evaluation import planning
from langchain_memalign.evaluation.checks import check_options
from langchain_memalign.evaluation.running import model_name
from langchain_memalign.evaluation.study import (
    Experiment,
    Options,
    conduct,
    parted,
    readable,
)
from langchain_memalign.flow import Flow, arun, run
from langchain_memalign.judge import FeedbackLike, MemAlignJudge


def learning_curve(
    judge: MemAlignJudge,
    feedback: Sequence[FeedbackLike],
    *,
    shards: Sequence[int] = planning.SHARDS,
    repeats: int = 3,
    **options: Unpack[Options],
) -> Experiment:
    """How agreement grows with ever more of the feedback, on cases taught and on unseen ones.

    Args:
        judge: The judge.
        feedback: What it is taught.
        shards: How many remarks it is taught, one point of the curve each.
        repeats: How many orders of the feedback are tried at each point.
        options: See `Options`.

    Raises:
        InvalidInputError: The feedback or an option cannot be used.
        ModelError: The provider refuses access.
    """
    return run(_learning_curve(judge, feedback, shards, repeats, options))


async def alearning_curve(
    judge: MemAlignJudge,
    feedback: Sequence[FeedbackLike],
    *,
    shards: Sequence[int] = planning.SHARDS,
    repeats: int = 3,
    **options: Unpack[Options],
) -> Experiment:
    """Async `learning_curve`."""
    return await arun(_learning_curve(judge, feedback, shards, repeats, options))


def ablation(
    judge: MemAlignJudge, feedback: Sequence[FeedbackLike], **options: Unpack[Options]
) -> Experiment:
    """What each memory contributes: semantic, episodic, both, none; taught label, text, both.

    Args:
        judge: The judge.
        feedback: What it is taught.
        options: See `Options`.

    Raises:
        InvalidInputError: The feedback or an option cannot be used.
        ModelError: The provider refuses access.
    """
    return run(_ablation(judge, feedback, options))


async def aablation(
    judge: MemAlignJudge, feedback: Sequence[FeedbackLike], **options: Unpack[Options]
) -> Experiment:
    """Async `ablation`."""
    return await arun(_ablation(judge, feedback, options))


def compare_models(
    judges: Mapping[str, MemAlignJudge],
    feedback: Sequence[FeedbackLike],
    **options: Unpack[Options],
) -> Experiment:
    """Several judges, such as one on several models, before and after they are taught the same.

    Args:
        judges: The judges by a label of your own; of one value type.
        feedback: What they are taught.
        options: See `Options`.

    Raises:
        InvalidInputError: The feedback, the judges or an option cannot be used.
        ModelError: A provider refuses access.
    """
    return run(_compare(judges, feedback, options))


async def acompare_models(
    judges: Mapping[str, MemAlignJudge],
    feedback: Sequence[FeedbackLike],
    **options: Unpack[Options],
) -> Experiment:
    """Async `compare_models`."""
    return await arun(_compare(judges, feedback, options))


def cross_validate(
    judge: MemAlignJudge,
    feedback: Sequence[FeedbackLike],
    *,
    folds: int = 5,
    **options: Unpack[Options],
) -> Experiment:
    """How well a judge agrees on each part of the feedback when it is taught all other parts.

    Args:
        judge: The judge.
        feedback: What it is taught and asked.
        folds: How many parts.
        options: See `Options`; `unseen` and `held_out` do not apply.

    Raises:
        InvalidInputError: The feedback or an option cannot be used.
        ModelError: The provider refuses access.
    """
    return run(_cross_validate(judge, feedback, folds, options))


async def across_validate(
    judge: MemAlignJudge,
    feedback: Sequence[FeedbackLike],
    *,
    folds: int = 5,
    **options: Unpack[Options],
) -> Experiment:
    """Async `cross_validate`."""
    return await arun(_cross_validate(judge, feedback, folds, options))


def _learning_curve(
    judge: MemAlignJudge,
    feedback: Sequence[FeedbackLike],
    shards: Sequence[int],
    repeats: int,
    options: Options,
) -> Flow[Experiment]:
    check_options(options, Options)
    taught, unseen, notes = parted(judge.spec.value_type, feedback, options)
    cells = planning.learning_curve_cells(
        taught,
        unseen,
        judge=model_name(judge),
        shards=shards,
        repeats=repeats,
        seed=options.get("seed", 0),
    )
    return (yield from conduct("learning_curve", {model_name(judge): judge}, cells, notes, options))


def _ablation(
    judge: MemAlignJudge, feedback: Sequence[FeedbackLike], options: Options
) -> Flow[Experiment]:
    check_options(options, Options)
    taught, unseen, notes = parted(judge.spec.value_type, feedback, options)
    cells = planning.ablation_cells(taught, unseen, judge=model_name(judge))
    return (yield from conduct("ablation", {model_name(judge): judge}, cells, notes, options))


def _compare(
    judges: Mapping[str, MemAlignJudge], feedback: Sequence[FeedbackLike], options: Options
) -> Flow[Experiment]:
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
    taught, unseen, notes = parted(value_type, feedback, options)
    cells = planning.model_cells(taught, unseen, judges=judges)
    return (yield from conduct("compare_models", judges, cells, notes, options))


def _cross_validate(
    judge: MemAlignJudge, feedback: Sequence[FeedbackLike], folds: int, options: Options
) -> Flow[Experiment]:
    check_options(options, Options)
    words, notes = readable(judge.spec.value_type, feedback)
    label = model_name(judge)
    cells = planning.fold_cells(words, judge=label, folds=folds, seed=options.get("seed", 0))
    return (yield from conduct("cross_validate", {label: judge}, cells, notes, options))
