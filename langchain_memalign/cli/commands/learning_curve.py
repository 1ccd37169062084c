"""`memalign learning-curve`: how much agreement does how much feedback buy?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from langchain_memalign.cli.opening import opened_judge
from langchain_memalign.cli.options import (
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
)
from langchain_memalign.cli.terminal import Screen
from langchain_memalign.errors import InvalidInputError

_SHARDS = "0,2,5,10,20,50"


def learning_curve(
    arguments: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[JUDGE] [DATA]",
            help="A judge file, unless it has its usual name; and experts' words with values: "
            "JSONL, .csv, - for standard input, or a folder with train.jsonl and test.jsonl.",
            show_default=False,
        ),
    ] = None,
    unseen: Annotated[
        Path | None,
        typer.Option(
            help="Cases that are never taught. Without them, and without a test.jsonl, a part of "
            "the data is held out.",
            show_default=False,
        ),
    ] = None,
    held_out: Annotated[float, typer.Option(min=0.05, max=0.95, help="That part.")] = 0.4,
    shards: Annotated[
        str, typer.Option(help="How many remarks are taught, a point of the curve each.")
    ] = _SHARDS,
    repeats: Annotated[
        int, typer.Option(min=1, help="How many orders of the remarks are tried.")
    ] = 3,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder of the report.")] = Path(
        "learning-curve"
    ),
    map_: MapOption = None,
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
    """Draw how a judge agrees with experts the more of their remarks it is taught.

    It begins with an empty memory; its own is not touched. Writes report.md, results.json and the
    curve as pictures; judgements are kept, so that the same command goes on where a run broke off.
    Needs the extra `eval`.

    Examples:
      $ memalign learning-curve labelled.jsonl
      $ memalign learning-curve judge.yaml data/ -m label=value --shards 0,5,20
      $ memalign learning-curve labelled.jsonl --base-url http://localhost:8080/v1
    """
    from langchain_memalign.cli.measured import (
        judge_and_data,
        measuring,
        other_model,
        read_data,
        show,
    )
    from langchain_memalign.evaluation import experiments
    from langchain_memalign.evaluation.evaluate import reviewer_agreement, reviewer_alpha
    from langchain_memalign.evaluation.prices import read_prices
    from langchain_memalign.evaluation.report import CELLS, ceiling, write_curve
    from langchain_memalign.evaluation.tables import experiment_tables

    screen = Screen(json=json)
    sizes = _sizes(shards)
    judge_file, source = judge_and_data(arguments or [], judge_file, dataset)
    choice = other_model(judge_file, model, base_url)
    with opened_judge(judge_file, model=choice, is_new=True) as (_, judging):
        reading: dict[str, Any] = {
            "mapping": map_ or [],
            "value_type": judging.spec.value_type,
            "screen": screen,
            "limit": limit,
        }
        data = read_data(source, **reading, dataset=dataset, criterion=criterion, seed=seed)
        others = data.unseen if unseen is None else read_data(unseen, **reading).words
        with measuring(screen, "Judging", out) as told:
            found = experiments.learning_curve(
                judging,
                data.words,
                shards=sizes,
                repeats=repeats,
                unseen=others,
                held_out=held_out,
                directory=out / CELLS,
                concurrency=concurrency,
                progress=told,
                prices=read_prices(prices),
                seed=seed,
            )
        said = [*data.words, *(others or ())]
        reviewers = reviewer_agreement(judging.spec.value_type, said)
        alpha = reviewer_alpha(judging.spec.value_type, said)
    title = f"{judging.spec.name} on {data.name}"
    files = write_curve(found, out, title=title, reviewers=reviewers, alpha=alpha)
    if json:
        told_data = found.model_dump(mode="json", exclude={"rows"})
        screen.data(told_data | {"files": [str(file) for file in files]})
        return
    show(screen, experiment_tables(found), files)
    for note in (*found.notes, *ceiling(reviewers, alpha)):
        screen.note(note, style="yellow")


def _sizes(text: str) -> list[int]:
    sizes = [part.strip() for part in text.split(",")]
    if not all(size.isdecimal() for size in sizes):
        raise InvalidInputError(
            f"--shards: found {text!r}; expected whole numbers, such as {_SHARDS}."
        )
    return [int(size) for size in sizes]
