"""How well does a judge agree with the experts now, and what does its memory do for that?

The same cases are judged in up to three states: without any memory, with the judge's memory as it
is, and with what it would know after learning more. A case that the judge was taught is judged as
if it were new: its own episodes, and the principles that came from them, are hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from langchain_memalign._concurrency import off_loop
from langchain_memalign._judging.arguments import at_least
from langchain_memalign._values.types import ValueType
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.evaluation.cost import Spent, read_prices, spent
from langchain_memalign.evaluation.experiments import RunOptions, check_options
from langchain_memalign.evaluation.figures import Agreement, State, agreements
from langchain_memalign.evaluation.inter_rater import reviewer_agreement, reviewer_alpha
from langchain_memalign.evaluation.leave_one_out import Influence, leave_one_out
from langchain_memalign.evaluation.resampling import Estimate
from langchain_memalign.evaluation.runner import CopiedJudge, model_name
from langchain_memalign.evaluation.trials import (
    EvalCase,
    Judgement,
    eval_cases,
    parts,
    readable,
)
from langchain_memalign.judge import FeedbackLike, MemAlignJudge
from langchain_memalign.schema import Feedback, Record


class Evaluation(Record):
    """What an evaluation found.

    Attributes:
        agreements: One for each state of the judge, in order.
        reviewers: How often two experts agree on a case; without a value if each case has only one.
        alpha: Krippendorff's alpha of the experts: their agreement beyond chance.
        influences: With leave-one-out, what each principle and episode does.
        spent: What it cost.
        notes: What a reader has to know.
    """

    value_type: ValueType
    questions: tuple[EvalCase, ...]
    agreements: tuple[Agreement, ...]
    reviewers: Estimate
    alpha: Estimate
    influences: tuple[Influence, ...] = ()
    spent: Spent
    notes: tuple[str, ...] = ()

    @property
    def last(self) -> Agreement:
        """The agreement in the last of the states."""
        return self.agreements[-1]

    @property
    def disagreements(self) -> tuple[Judgement, ...]:
        """Judgements in the last state that differ from the expert's, abstentions included."""
        return tuple(row for row in self.last.rows if not row.is_correct)


class Options(RunOptions, total=False):
    """Options of an evaluation.

    Attributes:
        teach: What the judge learns, in a copy of its memory, for the state "taught more".
        folds: Without `teach`, learn the data itself: it is cut into this many parts, and each is
            judged by a judge that was taught the others.
        leave_one_out: Whether to judge again without each principle and each episode. Costs one
            judgement for every one shown with every case.
    """

    teach: Sequence[FeedbackLike]
    folds: int
    leave_one_out: bool


def evaluate(
    judge: MemAlignJudge, data: Sequence[FeedbackLike], **options: Unpack[Options]
) -> Evaluation:
    """Compare a judge with experts' values. Its memory is only read.

    Args:
        judge: The judge.
        data: Experts' feedback; what has no value is left out.
        options: See `Options`, and `RunOptions` in `experiments`.

    Raises:
        InvalidInputError: The data or an option cannot be used.
        ModelError: The provider refuses access.
    """
    check_options(options, Options)
    value_type = judge.spec.value_type
    words, notes = readable(value_type, data)
    questions = _distinct(words)
    if twice := sum(word.value is not None for word in words) - len(questions):
        notes.append(f"{twice} remarks repeat a case of the same expert; the last one counts.")
    if not questions:
        raise InvalidInputError(
            f"data: found no value of an expert in {len(words)} rows; expected some to compare "
            "the judge with."
        )
    more, _ = readable(value_type, options.get("teach", ()))
    folds = at_least(0, "folds", options.get("folds", 0))
    folds = 0 if more else folds
    to_teach = [(questions, more)] if more else []
    if folds:
        by_part = parts(words, folds=folds, seed=options.get("seed", 0))
        to_teach = [(_distinct(held), taught) for held, taught in by_part]
    resampling = options.get("resampling")
    with CopiedJudge(
        judge,
        directory=options.get("directory"),
        concurrency=options.get("concurrency", 8),
        progress=options.get("progress"),
    ) as copied:
        found = _states(copied, questions, to_teach)
        influences: Sequence[Influence] = ()
        if options.get("leave_one_out"):
            rows = found.get("taught more" if more else "now", ())
            influences = leave_one_out(copied, questions, rows, teach=more, resampling=resampling)
    if len(found) == 1:
        notes.append(
            "The judge knows nothing yet, so there is nothing to compare. Let it learn with "
            "`align`, or pass `teach` or `folds` here."
        )
    prices = options.get("prices")
    price = (read_prices() if prices is None else prices).get(model_name(judge))
    return Evaluation(
        value_type=value_type,
        questions=questions,
        agreements=tuple(agreements(value_type, found, resampling)),
        reviewers=reviewer_agreement(value_type, words, resampling=resampling),
        alpha=reviewer_alpha(value_type, words, resampling=resampling),
        influences=tuple(influences),
        spent=spent(copied.results.rows, copied.results.trainings, price),
        notes=tuple(notes),
    )


async def aevaluate(
    judge: MemAlignJudge, data: Sequence[FeedbackLike], **options: Unpack[Options]
) -> Evaluation:
    """Async `evaluate`, in a thread; cancelled, it begins no further judgement."""
    return await off_loop(evaluate, judge, data, **options)


def _states(
    copied: CopiedJudge,
    questions: Sequence[EvalCase],
    to_teach: Sequence[tuple[Sequence[EvalCase], Sequence[Feedback]]],
) -> dict[State, Sequence[Judgement]]:
    """Judge in each state that there is."""
    copied.counter.total = len(questions) * (1 + copied.knows + bool(to_teach))
    found: dict[State, Sequence[Judgement]] = {}
    found["without memory"] = copied.ask(questions, shown="none")
    if copied.knows:
        found["now"] = copied.ask(questions)
    if to_teach:
        rows: list[Judgement] = []
        for fold, (asked, taught) in enumerate(to_teach):
            rows += copied.ask(asked, teach=taught, fold=fold)
        by_id = {row.id: row for row in rows}
        found["taught more"] = [by_id[question.id] for question in questions]
    return found


def _distinct(words: Sequence[Feedback]) -> tuple[EvalCase, ...]:
    """The words with a value, one for each id: several reviewers may speak of one case."""
    return tuple({asked.id: asked for asked in eval_cases(words)}.values())
