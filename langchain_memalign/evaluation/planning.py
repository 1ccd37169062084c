"""Which cells an experiment consists of; pure, and the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.evaluation.cells import (
    SHOWN,
    TEACHING,
    Cell,
    Question,
    Setting,
    Split,
    question,
    taught_by,
)
from langchain_memalign.evaluation.checks import listed, whole
from langchain_memalign.schema import Feedback

SHARDS = (0, 2, 5, 10, 20, 50)
"""How many remarks a judge is taught, by default, along a learning curve."""


def learning_curve_cells(
    feedback: Sequence[Feedback],
    unseen: Sequence[Feedback],
    *,
    judge: str,
    shards: Sequence[int] = SHARDS,
    repeats: int = 3,
    seed: int = 0,
) -> list[Cell]:
    """Cells of a learning curve: ever more of the feedback, asked about it and about the unseen.

    Each repeat takes the feedback in another order and adds to what it took before. Without any
    there is nothing to vary: the judge that knows nothing is asked once, about everything.

    Raises:
        InvalidInputError: A shard or the repeats are no numbers of remarks, or there is no shard.
    """
    cells: list[Cell] = []
    whole("repeats", repeats, least=1)
    asked = [whole("shards", size, least=0) for size in listed("shards", shards)]
    sizes = sorted({min(size, len(feedback)) for size in asked})
    if not sizes:
        raise InvalidInputError("shards: found none; expected some, such as 0, 5, 20.")
    for size in sizes:
        for repeat in range(repeats if size else 1):
            order = list(feedback)
            random.Random(f"{seed}:{repeat}").shuffle(order)
            taught = order[:size]
            cells.append(
                Cell(
                    setting=Setting(judge=judge, taught=size, repeat=repeat),
                    teach=tuple(taught),
                    ask=(*_questions(taught or order, "seen"), *_questions(unseen, "unseen")),
                )
            )
    return cells


def ablation_cells(
    feedback: Sequence[Feedback], unseen: Sequence[Feedback], *, judge: str
) -> list[Cell]:
    """Cells of an ablation: each memory with and without, taught labels, texts, or both.

    Without memory it does not matter what was taught: that cell stands there once. A teaching of
    which the feedback has nothing is left out.
    """
    asked = _questions(unseen, "unseen")
    cells = [Cell(setting=Setting(judge=judge, shown="none"), ask=asked)]
    for teaching in TEACHING:
        lesson = tuple(kept for f in feedback if (kept := taught_by(f, teaching)) is not None)
        for shown in SHOWN:
            if lesson and shown != "none":
                setting = Setting(judge=judge, taught=len(lesson), teaching=teaching, shown=shown)
                cells.append(Cell(setting=setting, teach=lesson, ask=asked))
    return cells


def model_cells(
    feedback: Sequence[Feedback], unseen: Sequence[Feedback], *, judges: Iterable[str]
) -> list[Cell]:
    """Cells of a comparison: each judge before and after it is taught all of the feedback."""
    asked = _questions(unseen, "unseen")
    return [
        Cell(setting=Setting(judge=judge, taught=len(lesson)), teach=tuple(lesson), ask=asked)
        for judge in judges
        for lesson in (feedback[:0], feedback)
    ]


def fold_cells(
    feedback: Sequence[Feedback], *, judge: str, folds: int = 5, seed: int = 0
) -> list[Cell]:
    """Cells of a cross-validation: each part asked of a judge that is taught all other parts.

    All words on one case, of several reviewers, fall into one part. Each part is also asked of
    the judge that knows nothing.

    Raises:
        InvalidInputError: There are fewer cases than parts.
    """
    cells: list[Cell] = []
    for fold, (held, taught) in enumerate(parts(feedback, folds=folds, seed=seed)):
        asked = _questions(held, "unseen")
        for lesson in ((), tuple(taught)):
            # About as many for each fold: they differ by a case.
            size = len(feedback) * (folds - 1) // folds if lesson else 0
            setting = Setting(judge=judge, taught=size, fold=fold)
            cells.append(Cell(setting=setting, teach=lesson, ask=asked))
    return cells


def parts(
    feedback: Sequence[Feedback], *, folds: int, seed: int = 0
) -> list[tuple[list[Feedback], list[Feedback]]]:
    """Parts of the feedback, each with all the rest; the words on one case stay together.

    Raises:
        InvalidInputError: There are fewer cases than parts.
    """
    by_case: dict[str, list[Feedback]] = {}
    for word in feedback:
        by_case.setdefault(word.case.key, []).append(word)
    if not 2 <= whole("folds", folds, least=0) <= len(by_case):
        raise InvalidInputError(
            f"folds: found {folds} for {len(by_case)} cases; expected at least 2 and at most one "
            "for each case."
        )
    cases = list(by_case.values())
    random.Random(seed).shuffle(cases)
    return [
        (
            [word for case in cases[fold::folds] for word in case],
            [word for i, case in enumerate(cases) if i % folds != fold for word in case],
        )
        for fold in range(folds)
    ]


def held_out(
    feedback: Sequence[Feedback], share: float, *, seed: int = 0
) -> tuple[list[Feedback], list[Feedback]]:
    """Part feedback into what is taught and what is held out; no case stands in both."""
    keys = sorted({word.case.key for word in feedback})
    random.Random(seed).shuffle(keys)
    out = set(keys[: round(len(keys) * share)])
    return (
        [word for word in feedback if word.case.key not in out],
        [word for word in feedback if word.case.key in out],
    )


def _questions(feedback: Iterable[Feedback], split: Split) -> tuple[Question, ...]:
    return tuple(asked for word in feedback if (asked := question(word, split)) is not None)
