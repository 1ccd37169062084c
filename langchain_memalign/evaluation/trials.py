"""An experiment as data: trials to run, and the judgements that running them gives.

    plan -> trials -> run -> judgements (JSONL) -> figures -> report

A trial is a judge that was taught something, is shown some of its memory, and judges some cases.
Everything that sets it apart stands in it, so that a finished one can be found again. Planning is
pure, and the same for the same seed.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from langchain_core.messages.ai import UsageMetadata

from langchain_memalign._content import canonical
from langchain_memalign._files import replacing
from langchain_memalign._judging.arguments import at_least
from langchain_memalign._values.types import ValueType, value_key
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.judge import FeedbackLike
from langchain_memalign.schema import Case, Feedback, Latency, Record, Value

Split = Literal["seen", "unseen"]
Teaching = Literal["label", "text", "both"]
MemoryUsed = Literal["both", "semantic", "episodic", "none"]

MEMORY_USED: tuple[MemoryUsed, ...] = ("none", "semantic", "episodic", "both")
TEACHING: tuple[Teaching, ...] = ("label", "text", "both")
SHARDS = (0, 2, 5, 10, 20, 50)
"""How many remarks a judge is taught, by default, along a learning curve."""


class EvalCase(Record):
    """A case to judge, what the expert said its value is, and whether the judge was taught it."""

    id: str
    case: Case
    expert: Value
    split: Split = "unseen"


class Condition(Record):
    """What sets a trial apart; what figures are grouped by.

    Attributes:
        judge: The judge's label, such as its model.
        taught: How many remarks it was taught.
        teaching: What of them: the label, the text, or both.
        shown: Which of its memories it is shown when it judges.
        repeat: Which of several runs with different samples.
        fold: Which part of the data is held out.
    """

    judge: str = "judge"
    taught: int = 0
    teaching: Teaching = "both"
    shown: MemoryUsed = "both"
    repeat: int = 0
    fold: int = 0


class Trial(Record):
    """One judge, what it is taught, and what it is asked."""

    setting: Condition
    teach: tuple[Feedback, ...] = ()
    ask: tuple[EvalCase, ...] = ()

    @property
    def training_id(self) -> str:
        """Digest of what is taught to whom; trials of one training can share a memory."""
        said = [
            [word.id, word.case.key, word.reviewer, word.rationale, word.judge_rationale]
            + [None if v is None else value_key(v) for v in (word.value, word.judge_value)]
            for word in self.teach
        ]
        return _digest([self.setting.judge, self.setting.teaching, said])

    def key(self, judge: Any) -> str:
        """Digest of the whole trial, and of what `judge` describes the judge by."""
        asked = [[q.id, q.case.key, q.split, value_key(q.expert)] for q in self.ask]
        return _digest([self.setting.model_dump(), self.training_id, asked, judge])


class Judgement(Record):
    """One judgement: everything a figure may need.

    Attributes:
        case: The case's key; several experts may speak of one.
        value: The judge's; None where it abstained.
        reason: Why it abstained, or its rationale.
    """

    setting: Condition
    split: Split
    id: str
    case: str = ""
    expert: Value
    value: Value | None = None
    reason: str = ""
    principle_ids: tuple[str, ...] = ()
    episode_ids: tuple[str, ...] = ()
    relied_on: tuple[str, ...] = ()
    model_calls: int = 0
    usage: UsageMetadata | None = None
    latency: Latency = Latency()

    @property
    def unit(self) -> str:
        """What judgements of one and the same case share."""
        return self.case or self.id

    @property
    def is_correct(self) -> bool:
        """Whether the judge gave the expert's value; true, 1 and "1" are three."""
        return self.value is not None and value_key(self.value) == value_key(self.expert)


class Training(Record):
    """What teaching cost; the same for all trials that share it."""

    id: str
    setting: Condition
    distilled: int = 0
    pending: int = 0
    rejected: int = 0
    principles: int = 0
    model_calls: int = 0
    embedded: int = 0
    usage: UsageMetadata | None = None
    seconds: float = 0.0


def taught_by(feedback: Feedback, teaching: Teaching) -> Feedback | None:
    """The part of an expert's word that is taught; None where nothing is left of it."""
    if teaching == "label":
        kept = feedback.model_copy(update={"rationale": None})
        return kept if kept.value is not None else None
    if teaching == "text":
        kept = feedback.model_copy(update={"value": None})
        return kept if kept.rationale is not None else None
    return feedback


def eval_cases(feedback: Iterable[Feedback], split: Split = "unseen") -> tuple[EvalCase, ...]:
    """The cases of the words with a value; without one there is nothing to compare with."""
    return tuple(
        EvalCase(
            id=word.id or f"{word.case.key}:{word.reviewer or ''}",
            case=word.case,
            expert=word.value,
            split=split,
        )
        for word in feedback
        if word.value is not None
    )


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


def listed(name: str, given: Any) -> list[Any]:
    """What was given, as a list.

    Raises:
        InvalidInputError: It is no list, but for example a single record or a text.
    """
    if isinstance(given, Mapping | str | bytes) or not isinstance(given, Iterable):
        raise InvalidInputError(f"{name}: found a {type(given).__name__}; expected a list.")
    return list(given)


def learning_curve_trials(
    feedback: Sequence[Feedback],
    unseen: Sequence[Feedback],
    *,
    judge: str,
    shards: Sequence[int] = SHARDS,
    repeats: int = 3,
    seed: int = 0,
) -> list[Trial]:
    """Trials of a learning curve: ever more of the feedback, asked about it and about the unseen.

    Each repeat takes the feedback in another order and adds to what it took before. Without any
    there is nothing to vary: the judge that knows nothing is asked once, about everything.

    Raises:
        InvalidInputError: A shard or the repeats are no numbers of remarks, or there is no shard.
    """
    trials: list[Trial] = []
    at_least(1, "repeats", repeats)
    asked = [at_least(0, "shards", size) for size in listed("shards", shards)]
    sizes = sorted({min(size, len(feedback)) for size in asked})
    if not sizes:
        raise InvalidInputError("shards: found none; expected some, such as 0, 5, 20.")
    for size in sizes:
        for repeat in range(repeats if size else 1):
            order = list(feedback)
            random.Random(f"{seed}:{repeat}").shuffle(order)
            taught = order[:size]
            trials.append(
                Trial(
                    setting=Condition(judge=judge, taught=size, repeat=repeat),
                    teach=tuple(taught),
                    ask=(*eval_cases(taught or order, "seen"), *eval_cases(unseen)),
                )
            )
    return trials


def ablation_trials(
    feedback: Sequence[Feedback], unseen: Sequence[Feedback], *, judge: str
) -> list[Trial]:
    """Trials of an ablation: each memory with and without, taught labels, texts, or both.

    Without memory it does not matter what was taught: that trial stands there once. A teaching of
    which the feedback has nothing is left out.
    """
    asked = eval_cases(unseen)
    trials = [Trial(setting=Condition(judge=judge, shown="none"), ask=asked)]
    for teaching in TEACHING:
        taught = tuple(kept for f in feedback if (kept := taught_by(f, teaching)) is not None)
        for shown in MEMORY_USED:
            if taught and shown != "none":
                condition = Condition(
                    judge=judge, taught=len(taught), teaching=teaching, shown=shown
                )
                trials.append(Trial(setting=condition, teach=taught, ask=asked))
    return trials


def model_trials(
    feedback: Sequence[Feedback], unseen: Sequence[Feedback], *, judges: Iterable[str]
) -> list[Trial]:
    """Trials of a comparison: each judge before and after it is taught all of the feedback."""
    asked = eval_cases(unseen)
    return [
        Trial(setting=Condition(judge=judge, taught=len(taught)), teach=tuple(taught), ask=asked)
        for judge in judges
        for taught in (feedback[:0], feedback)
    ]


def fold_trials(
    feedback: Sequence[Feedback], *, judge: str, folds: int = 5, seed: int = 0
) -> list[Trial]:
    """Trials of a cross-validation: each part asked of a judge that is taught all other parts.

    All words on one case, of several reviewers, fall into one part. Each part is also asked of
    the judge that knows nothing.

    Raises:
        InvalidInputError: There are fewer cases than parts.
    """
    trials: list[Trial] = []
    for fold, (held, others) in enumerate(parts(feedback, folds=folds, seed=seed)):
        asked = eval_cases(held)
        for taught in ((), tuple(others)):
            # About as many for each fold: they differ by a case.
            size = len(feedback) * (folds - 1) // folds if taught else 0
            condition = Condition(judge=judge, taught=size, fold=fold)
            trials.append(Trial(setting=condition, teach=taught, ask=asked))
    return trials


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
    if not 2 <= at_least(0, "folds", folds) <= len(by_case):
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


class Results:
    """Judgements of finished trials, in a directory or, without one, in memory.

    The first line of a file says what the training was and cost, each further line is one
    judgement. A file appears only once its trial is finished: what broke off is run again.

    Attributes:
        directory: Where the files are; None keeps everything in memory.
    """

    def __init__(self, directory: str | os.PathLike[str] | None = None) -> None:
        self.directory = None if directory is None else Path(directory)
        self._trials: dict[str, tuple[Training, tuple[Judgement, ...]]] = {}
        if self.directory is not None:
            try:
                for folder in (self.directory.parent, self.directory):  # the report's, and its own
                    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise _unwritable(self.directory, error) from error

    def has(self, key: str, asked: int) -> bool:
        """Whether a trial, in which so many cases are judged, is finished.

        Raises:
            InvalidInputError: Its file is not whole; says what to do.
        """
        if key in self._trials:
            return True
        if self.directory is None or not (path := self.directory / f"{key}.jsonl").is_file():
            return False
        self._trials[key] = _read(path, asked)
        return True

    def rows_of(self, key: str) -> tuple[Judgement, ...]:
        """The judgements of a finished trial."""
        return self._trials[key][1]

    def add(self, key: str, training: Training, rows: Sequence[Judgement]) -> None:
        """Keep a finished trial."""
        if self.directory is not None:
            lines = [training.model_dump_json(), *(row.model_dump_json() for row in rows)]
            try:
                with replacing(self.directory / f"{key}.jsonl") as file:
                    file.write("\n".join(lines) + "\n")
            except OSError as error:
                raise _unwritable(self.directory, error) from error
        self._trials[key] = (training, tuple(rows))

    @property
    def rows(self) -> list[Judgement]:
        """All judgements of the trials that were asked for or added."""
        return [row for _, rows in self._trials.values() for row in rows]

    @property
    def trainings(self) -> list[Training]:
        """What teaching cost, once for each training."""
        return list({training.id: training for training, _ in self._trials.values()}.values())


def _unwritable(directory: Path, error: OSError) -> InvalidInputError:
    return InvalidInputError(
        f"cannot keep judgements in {directory}: {error.strerror or error}; expected a directory "
        "that can be written. Choose another place, or make room."
    )


def _read(path: Path, asked: int) -> tuple[Training, tuple[Judgement, ...]]:
    number = 1
    try:
        # At newlines alone: a judge's words may hold other separators of lines, such as U+2028.
        first, *others = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        training = Training.model_validate_json(first)
        rows = []
        for line in others:
            number += 1
            rows.append(Judgement.model_validate_json(line))
        if len(rows) != asked:
            raise ValueError(f"found {len(rows)} judgements, of {asked}")
    except ValueError as error:
        raise InvalidInputError(
            f"{path}, line {number}: {' '.join(str(error).split()):.200}; expected a row of an "
            "experiment. Remove the file to run its trial again."
        ) from error
    return training, tuple(rows)


def _digest(data: Any) -> str:
    return hashlib.sha256(canonical(data).encode()).hexdigest()[:16]
