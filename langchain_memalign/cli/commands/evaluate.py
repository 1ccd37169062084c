"""`memalign evaluate` and `learning-curve`: agreement with experts, and what their words buy."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from langchain_memalign._values.types import ValueType
from langchain_memalign.cli.data_files import read_labelled
from langchain_memalign.cli.judge_file import ModelChoice, find_judge_file, load_judge_file
from langchain_memalign.cli.objects import opened_judge
from langchain_memalign.cli.options import (
    JUDGE_VARIABLE,
    BaseUrlOption,
    ConcurrencyOption,
    CriterionOption,
    DatasetOption,
    JsonOption,
    JudgeOption,
    LimitOption,
    MapOption,
    ModelOption,
    PricesOption,
    SeedOption,
    ValuesOption,
)
from langchain_memalign.cli.terminal import Screen, WorkLeft, counted, progress_bar
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.importers import read_words
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.schema import Value

if TYPE_CHECKING:
    from langchain_memalign.evaluation.tables import Table

OutOption = Annotated[Path, typer.Option("--out", "-o", help="The folder for the report.")]

_SHARDS = "0,2,5,10,20,50"
_HALVES = ("train", "test")
_SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".xlsx")


def evaluate(
    arguments: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[JUDGE] [DATA]",
            help="The judge file, unless it has its usual name; and experts' feedback with values: "
            "JSONL, .csv, or - for standard input.",
        ),
    ] = None,
    teach: Annotated[
        Path | None,
        typer.Option(
            help="Also measure how the judge would agree after learning this feedback, in a copy "
            "of its memory."
        ),
    ] = None,
    folds: Annotated[
        int,
        typer.Option(
            min=0,
            help="Without --teach: also measure how it would agree after learning the data "
            "itself. The data is cut into this many parts, and each is judged after learning the "
            "others.",
        ),
    ] = 0,
    leave_one_out: Annotated[
        bool,
        typer.Option(
            "--leave-one-out",
            help="Also find out which principles and episodes help or hurt. Costs one judgement "
            "for every one shown with every case.",
        ),
    ] = False,
    out: OutOption = Path("evaluation"),
    map_: MapOption = None,
    values: ValuesOption = None,
    dataset: DatasetOption = None,
    criterion: CriterionOption = None,
    limit: LimitOption = None,
    model: ModelOption = None,
    base_url: BaseUrlOption = None,
    prices: PricesOption = None,
    seed: SeedOption = 0,
    concurrency: ConcurrencyOption = 8,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """Measure how well a judge agrees with experts: without memory, and as it is now.

    A case that the judge was taught is judged as if it were new. The memory is only read. Writes
    report.md, results.json and pictures. Judgements are kept, so the same command resumes an
    interrupted run. Needs the extra `eval`.

    Examples:
      $ memalign evaluate labelled.jsonl
      $ memalign evaluate judge.yaml rows.csv -m label=value,question=inputs
      $ memalign evaluate labelled.jsonl --teach feedback.jsonl --leave-one-out
      $ memalign evaluate --dataset halubench --limit 100 --folds 5
    """
    from langchain_memalign import evaluation as evaluating
    from langchain_memalign.evaluation.cost import read_prices
    from langchain_memalign.evaluation.report import TRIALS, ceiling, write_evaluation
    from langchain_memalign.evaluation.tables import disagreement_table, evaluation_tables

    screen = Screen(json=json)
    judge_file, source = _judge_and_data(arguments or [], judge_file, dataset)
    choice = _other_model(judge_file, model, base_url)
    with opened_judge(judge_file, model=choice) as (_, judging):
        reading: dict[str, Any] = {
            "mapping": map_ or [],
            "words": _meant(judging, values),
            "value_type": judging.spec.value_type,
            "screen": screen,
        }
        data = _read_data(
            source, **reading, limit=limit, dataset=dataset, criterion=criterion, seed=seed
        )
        words = data.words if data.unseen is None else data.unseen
        more = [] if teach is None else _read_data(teach, **reading, limit=None).words
        with _measuring(screen, out) as on_progress:
            evaluation = evaluating.evaluate(
                judging,
                words,
                teach=more,
                folds=folds,
                leave_one_out=leave_one_out,
                directory=out / TRIALS,
                concurrency=concurrency,
                progress=on_progress,
                prices=read_prices(prices),
                seed=seed,
            )
    title = f"{judging.spec.name} on {data.name}"
    files = write_evaluation(evaluation, out, title=title)
    tables = [*evaluation_tables(evaluation), disagreement_table(evaluation)]
    notes = [*evaluation.notes, *ceiling(evaluation.reviewers, evaluation.alpha)]
    _report(screen, evaluation.model_dump(mode="json"), tables, notes, files)


def learning_curve(
    arguments: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[JUDGE] [DATA]",
            help="The judge file, unless it has its usual name; and experts' feedback with values: "
            "JSONL, .csv, - for standard input, or a folder with train.jsonl and test.jsonl.",
        ),
    ] = None,
    unseen: Annotated[
        Path | None,
        typer.Option(
            help="Cases that are never taught. Without them, and without a test.jsonl, part of the "
            "data is held out."
        ),
    ] = None,
    held_out: Annotated[
        float, typer.Option(min=0.05, max=0.95, help="How much of the data is held out.")
    ] = 0.4,
    shards: Annotated[
        str, typer.Option(help="How many remarks are taught for each point of the curve.")
    ] = _SHARDS,
    repeats: Annotated[
        int, typer.Option(min=1, help="In how many different orders the remarks are taught.")
    ] = 3,
    out: OutOption = Path("learning-curve"),
    map_: MapOption = None,
    values: ValuesOption = None,
    dataset: DatasetOption = None,
    criterion: CriterionOption = None,
    limit: LimitOption = None,
    model: ModelOption = None,
    base_url: BaseUrlOption = None,
    prices: PricesOption = None,
    seed: SeedOption = 0,
    concurrency: ConcurrencyOption = 8,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """Draw how a judge's agreement with experts grows with the remarks it is taught.

    It starts with an empty memory; the judge's own is not touched. Writes report.md, results.json
    and the curve as pictures. Judgements are kept, so the same command resumes an interrupted run.
    Needs the extra `eval`.

    Examples:
      $ memalign learning-curve labelled.jsonl
      $ memalign learning-curve judge.yaml data/ -m label=value --shards 0,5,20
      $ memalign learning-curve labelled.jsonl --base-url http://localhost:8080/v1
    """
    from langchain_memalign.evaluation import experiments
    from langchain_memalign.evaluation.cost import read_prices
    from langchain_memalign.evaluation.inter_rater import reviewer_agreement, reviewer_alpha
    from langchain_memalign.evaluation.report import TRIALS, ceiling, write_curve
    from langchain_memalign.evaluation.tables import experiment_tables

    screen = Screen(json=json)
    sizes = _sizes(shards)
    judge_file, source = _judge_and_data(arguments or [], judge_file, dataset)
    choice = _other_model(judge_file, model, base_url)
    with opened_judge(judge_file, model=choice, is_new=True) as (_, judging):
        reading: dict[str, Any] = {
            "mapping": map_ or [],
            "words": _meant(judging, values),
            "value_type": judging.spec.value_type,
            "screen": screen,
            "limit": limit,
        }
        data = _read_data(source, **reading, dataset=dataset, criterion=criterion, seed=seed)
        others = data.unseen if unseen is None else _read_data(unseen, **reading).words
        with _measuring(screen, out) as on_progress:
            experiment = experiments.learning_curve(
                judging,
                data.words,
                shards=sizes,
                repeats=repeats,
                unseen=others,
                held_out=held_out,
                directory=out / TRIALS,
                concurrency=concurrency,
                progress=on_progress,
                prices=read_prices(prices),
                seed=seed,
            )
        said = [*data.words, *(others or ())]
        reviewers = reviewer_agreement(judging.spec.value_type, said)
        alpha = reviewer_alpha(judging.spec.value_type, said)
    title = f"{judging.spec.name} on {data.name}"
    files = write_curve(experiment, out, title=title, reviewers=reviewers, alpha=alpha)
    notes = [*experiment.notes, *ceiling(reviewers, alpha)]
    results = experiment.model_dump(mode="json", exclude={"rows"})
    _report(screen, results, experiment_tables(experiment), notes, files)


@dataclass(frozen=True)
class _Data:
    """Experts' words to measure with.

    Attributes:
        words: The words, or what is taught of them.
        unseen: What is not taught, where the source tells it apart.
        name: What a report calls it.
    """

    words: Sequence[Mapping[str, Any]]
    unseen: Sequence[Mapping[str, Any]] | None
    name: str


def _judge_and_data(
    arguments: Sequence[Path], judge_file: Path | None, dataset: str | None
) -> tuple[Path | None, Path | None]:
    """Tell a judge file and data apart: JUDGE and DATA, DATA, or JUDGE with a data set.

    Raises:
        InvalidInputError: There are too many, or none where one is needed.
    """
    judges = [path for path in arguments if path.suffix.lower() in (".yaml", ".yml", ".toml")]
    named = [path for path in arguments if path not in judges]
    # A file that is named here goes before one that is named once for all.
    if judge_file is not None and not (
        judges and str(judge_file) == os.environ.get(JUDGE_VARIABLE)
    ):
        judges.append(judge_file)
    if len(judges) > 1:
        raise InvalidInputError(
            f"found the judge files {' and '.join(map(str, judges))}; expected only one."
        )
    judge_file = judges[0] if judges else None
    if len(named) != (dataset is None):
        wanted = "none beside --dataset" if dataset else "one file or folder, or --dataset NAME"
        raise InvalidInputError(f"data: found {counted(len(named), 'file')}; expected {wanted}.")
    return judge_file, named[0] if named else None


def _read_data(
    source: Path | None,
    *,
    mapping: Sequence[str],
    words: Mapping[str, Value],
    value_type: ValueType,
    screen: Screen,
    limit: int | None,
    dataset: str | None = None,
    criterion: str | None = None,
    seed: int = 0,
) -> _Data:
    """Read a file, a folder with train.jsonl and test.jsonl, or a data set of a public hub.

    Raises:
        InvalidInputError: It cannot be read.
        ConfigurationError: The package for data sets is not installed.
    """
    if source is None:
        from langchain_memalign.evaluation.datasets import load_named

        assert dataset is not None
        loaded = load_named(dataset, limit=limit, criterion=criterion, seed=seed)
        if loaded.value_type.json_schema != value_type.json_schema:
            raise InvalidInputError(
                f"--dataset {dataset}: found a judge that gives {value_type.describe()}; expected "
                f"{loaded.value_type.describe()}, and instructions such as: {loaded.instructions}"
            )
        for reason in loaded.left_out[:1]:
            more = f" and {len(loaded.left_out) - 1} more" if len(loaded.left_out) > 1 else ""
            screen.note(f"{loaded.hub}: a row{more} left out: {reason}", style="yellow")
        return _Data([dict(word) for word in loaded.words], None, loaded.hub)
    files = [_half(source, half) for half in _HALVES] if source.is_dir() else [source]
    said, *unseen = (
        read_labelled(file, mapping, value_type, screen, words=words)[:limit] for file in files
    )
    return _Data(said, unseen[0] if unseen else None, source.name)


def _meant(judging: MemAlignJudge, values: list[str] | None) -> dict[str, Value]:
    """What words for values mean: those of the judge, and those that an option gives."""
    return {**judging.spec.meaning_words, **read_words(values or (), judging.spec.value_type)}


def _other_model(named: Path | None, model: str | None, base_url: str | None) -> ModelChoice | None:
    """The model that options name instead of the judge file's; None where they name none."""
    if model is None and base_url is None:
        return None
    own = load_judge_file(find_judge_file(named)).model
    options = dict(own.options)
    if model is not None and model != own.name:
        # An address belongs to its model; what else is said, such as a temperature, holds on.
        options.pop("base_url", None)
    if base_url is not None:
        options["base_url"] = base_url
    return ModelChoice(name=model or own.name, options=options)


@contextmanager
def _measuring(screen: Screen, out: Path) -> Iterator[Callable[[int, int], None]]:
    """A progress bar; gives the function to call with how many are done, and of how many.

    Raises:
        WorkLeft: The user stopped it.
    """
    with progress_bar(screen.err) as progress:
        task = progress.add_task("Judging", total=None)
        try:
            yield lambda done, total: progress.update(task, completed=done, total=total)
        except KeyboardInterrupt:
            raise WorkLeft(
                f"stopped; what is finished is kept in {out}. Run the same command again to "
                "continue."
            ) from None


def _report(
    screen: Screen,
    results: Mapping[str, Any],
    tables: Sequence[Table],
    notes: Sequence[str],
    files: Sequence[Path],
) -> None:
    if screen.json:
        screen.data({**results, "files": [str(file) for file in files]})
        return
    for table in tables:
        screen.table(table.title, table.columns, table.rows, cut=table.wide, spare=table.spare)
    screen.note(f"Written: {', '.join(map(str, files))}")
    for note in notes:
        screen.note(note, style="yellow")


def _half(folder: Path, half: str) -> Path:
    for suffix in _SUFFIXES:
        if (file := folder / f"{half}{suffix}").is_file():
            return file
    raise InvalidInputError(
        f"{folder}: found no {half}.jsonl; expected train.jsonl, which is taught, and test.jsonl, "
        "with unseen cases."
    )


def _sizes(text: str) -> list[int]:
    sizes = [part.strip() for part in text.split(",")]
    if not all(size.isdecimal() for size in sizes):
        raise InvalidInputError(
            f"--shards: found {text!r}; expected whole numbers, such as {_SHARDS}."
        )
    return [int(size) for size in sizes]
