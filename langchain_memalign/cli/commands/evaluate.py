"""`memalign evaluate`: does the judge agree with the experts, and does its memory help?"""

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


def evaluate(
    arguments: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[JUDGE] [DATA]",
            help="A judge file, unless it has its usual name; and experts' words with values: "
            "JSONL, .csv, or - for standard input.",
            show_default=False,
        ),
    ] = None,
    teach: Annotated[
        Path | None,
        typer.Option(
            help="Also tell how the judge would agree after it learned these words, in a copy of "
            "its memory.",
            show_default=False,
        ),
    ] = None,
    folds: Annotated[
        int,
        typer.Option(
            min=0,
            help="Without --teach: also tell how it would agree after it learned the data "
            "itself, by so many parts, each judged after learning all others.",
        ),
    ] = 0,
    leave_one_out: Annotated[
        bool,
        typer.Option(
            "--leave-one-out",
            help="Tell which principles and episodes help or hurt; costs a judgement for each one "
            "that each case was shown.",
        ),
    ] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder of the report.")] = Path(
        "evaluation"
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
    """Measure how a judge agrees with experts: without memory, and as it is now.

    A case that the judge was taught is judged as if it were new. The memory is only read. Writes
    report.md, results.json and pictures; judgements are kept, so that the same command goes on
    where a run broke off. Needs the extra `eval`.

    Examples:
      $ memalign evaluate labelled.jsonl
      $ memalign evaluate judge.yaml rows.csv -m label=value,question=inputs
      $ memalign evaluate labelled.jsonl --teach feedback.jsonl --leave-one-out
      $ memalign evaluate --dataset halubench --limit 100 --folds 5
    """
    from langchain_memalign.cli.measured import (
        judge_and_data,
        measuring,
        other_model,
        read_data,
        show,
    )
    from langchain_memalign.evaluation import evaluate as evaluating
    from langchain_memalign.evaluation.prices import read_prices
    from langchain_memalign.evaluation.report import CELLS, ceiling, write_evaluation
    from langchain_memalign.evaluation.tables import disagreement_table, evaluation_tables

    screen = Screen(json=json)
    judge_file, source = judge_and_data(arguments or [], judge_file, dataset)
    choice = other_model(judge_file, model, base_url)
    with opened_judge(judge_file, model=choice) as (_, judging):
        reading: dict[str, Any] = {
            "mapping": map_ or [],
            "value_type": judging.spec.value_type,
            "screen": screen,
        }
        data = read_data(
            source, **reading, limit=limit, dataset=dataset, criterion=criterion, seed=seed
        )
        words = data.words if data.unseen is None else data.unseen
        more = [] if teach is None else read_data(teach, **reading, limit=None).words
        with measuring(screen, "Judging", out) as told:
            found = evaluating.evaluate(
                judging,
                words,
                teach=more,
                folds=folds,
                leave_one_out=leave_one_out,
                directory=out / CELLS,
                concurrency=concurrency,
                progress=told,
                prices=read_prices(prices),
                seed=seed,
            )
    title = f"{judging.spec.name} on {data.name}"
    files = write_evaluation(found, out, title=title)
    if json:
        screen.data(found.model_dump(mode="json") | {"files": [str(file) for file in files]})
        return
    show(screen, [*evaluation_tables(found), disagreement_table(found)], files)
    for note in (*found.notes, *ceiling(found.reviewers, found.alpha)):
        screen.note(note, style="yellow")
