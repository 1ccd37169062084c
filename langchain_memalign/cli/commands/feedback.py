"""`memalign import-feedback` and `export-feedback`: experts' words from and for other systems."""

from __future__ import annotations

import json as json_
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from langchain_memalign._files import replacing
from langchain_memalign.cli.commands.align import align, show_report, still_waiting
from langchain_memalign.cli.data_files import data_of
from langchain_memalign.cli.judge_file import JudgeFile
from langchain_memalign.cli.objects import clear_reviews, opened_judge
from langchain_memalign.cli.options import (
    ConcurrencyOption,
    JsonOption,
    JudgeOption,
    MapOption,
    OverwriteOption,
    ValuesOption,
    check_is_new,
    read_date,
)
from langchain_memalign.cli.terminal import (
    AlignmentProgress,
    Screen,
    WorkLeft,
    counted,
    progress_bar,
    short,
)
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.exporters import to_langsmith_examples, to_mlflow_assessments
from langchain_memalign.importers import (
    BadRow,
    Found,
    ImportReport,
    Row,
    Source,
    from_argilla,
    from_few_shots,
    from_label_studio,
    from_langsmith,
    from_langsmith_dataset,
    from_mlflow,
    read_rows,
    read_words,
)
from langchain_memalign.importers import import_feedback as learn
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.reviews.forgetting import forget_everywhere

_NAMED = 8

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")

ProbeOption = Annotated[
    bool,
    typer.Option(
        "--probe",
        help="Ask the judge about each new case first, so that it learns from the difference.",
    ),
]
WithdrawnOption = Annotated[
    bool,
    typer.Option(
        "--forget-withdrawn",
        help="Forget what was learned from there but has since been removed there.",
    ),
]
SinceOption = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="Only what is not older than this."),
]


@app.callback()
def import_feedback() -> None:
    """Learn what experts said elsewhere: in other systems, or in files.

    Running an import again costs nothing for what is known, and learns what is
    new or was edited. Whatever is skipped is listed with the reason. What was
    removed from LangSmith or MLflow is named; --forget-withdrawn forgets it.

    Exits with 1 if some expert's feedback cannot be used or is still to be learned.
    Entries without any expert's feedback do not count.

    Examples:
      $ memalign import-feedback langsmith --project support --key tone
      $ memalign import-feedback mlflow --experiment support
      $ memalign import-feedback label-studio export.json --map quality=value
      $ memalign import-feedback rows feedback.csv --map label=value,question=inputs.question
    """


# Files of rows need nothing that `memalign align` does not do.
app.command("rows", help="Files of JSONL, JSON, CSV or .xlsx; the same as `memalign align`.")(align)


@app.command()
def langsmith(
    project: Annotated[str | None, typer.Option(help="All runs of this project.")] = None,
    queue: Annotated[
        str | None,
        typer.Option(help="All runs in this annotation queue."),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="A dataset whose examples hold experts' feedback."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(help="The feedback key. The default is the judge's name."),
    ] = None,
    since: SinceOption = None,
    map_: MapOption = None,
    values: ValuesOption = None,
    forget_withdrawn: WithdrawnOption = False,
    probe: ProbeOption = False,
    concurrency: ConcurrencyOption = 32,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """LangSmith: feedback on runs, annotation queues, datasets.

    The API key comes from LANGSMITH_API_KEY.

    Examples:
      $ memalign import-feedback langsmith --project support --key tone --since 2026-11-01
      $ memalign import-feedback langsmith --queue "Tone review" --key tone
      $ memalign import-feedback langsmith --dataset corrections --map outputs.label=value
    """
    if [project, queue, dataset].count(None) != 2:
        raise InvalidInputError("expected one of --project, --queue and --dataset.")
    if (map_ and dataset is None) or (since and project is None):
        raise InvalidInputError("--map goes with --dataset only, and --since with --project only.")
    from langsmith import Client

    moment = read_date(since, "--since")
    with opened_judge(judge_file) as (file, judging), closing(Client()) as client:
        if dataset is not None:
            found = from_langsmith_dataset(client, dataset, mapping=map_ or ())
        else:
            found = from_langsmith(
                client, key=key or judging.spec.name, project=project, queue=queue, since=moment
            )
        learning = _Learning(probe, concurrency, values, forget_withdrawn)
        _import(file, judging, found, Screen(json=json), learning)


@app.command()
def mlflow(
    experiment: Annotated[str, typer.Option(help="The experiment's name or id.")],
    name: Annotated[
        str | None,
        typer.Option(help="The name of the assessments. The default is the judge's name."),
    ] = None,
    tracking_uri: Annotated[
        str | None,
        typer.Option(help="The tracking server. The default is MLflow's own setting."),
    ] = None,
    since: SinceOption = None,
    values: ValuesOption = None,
    forget_withdrawn: WithdrawnOption = False,
    probe: ProbeOption = False,
    concurrency: ConcurrencyOption = 32,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """MLflow: human assessments of traces. Needs the extra `mlflow`.

    Examples:
      $ memalign import-feedback mlflow --experiment support --tracking-uri sqlite:///mlflow.db
    """
    moment = read_date(since, "--since")
    with opened_judge(judge_file) as (file, judging):
        found = from_mlflow(
            name=name or judging.spec.name,
            experiment=experiment,
            tracking_uri=tracking_uri,
            since=moment,
        )
        learning = _Learning(probe, concurrency, values, forget_withdrawn)
        _import(file, judging, found, Screen(json=json), learning)


@app.command("label-studio")
def label_studio(
    path: Annotated[Path, typer.Argument(help="A project's export as JSON.")],
    map_: MapOption = None,
    values: ValuesOption = None,
    probe: ProbeOption = False,
    concurrency: ConcurrencyOption = 32,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """Label Studio: what annotators answered, from a JSON export.

    Without --map, the only control that is not a text area gives the value, and
    the only text area the rationale. In a task's data, a field named like an
    answer is the outputs, and the rest is the inputs.

    Examples:
      $ memalign import-feedback label-studio export.json
      $ memalign import-feedback label-studio export.json --map tone=value,why=rationale
    """
    with opened_judge(judge_file) as (file, judging):
        found = from_label_studio(_rows(path), mapping=map_ or ())
        _import(file, judging, found, Screen(json=json), _Learning(probe, concurrency, values))


@app.command()
def argilla(
    path: Annotated[Path, typer.Argument(help="A dataset's records as JSON or JSONL.")],
    map_: MapOption = None,
    values: ValuesOption = None,
    probe: ProbeOption = False,
    concurrency: ConcurrencyOption = 32,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """Argilla: what annotators answered, from records as JSON.

    Without --map, the only question gives the value; if there are two, the one
    named like a remark gives the rationale.

    Examples:
      $ memalign import-feedback argilla records.json
      $ memalign import-feedback argilla records.json --map quality=value,prompt=inputs
    """
    with opened_judge(judge_file) as (file, judging):
        found = from_argilla(_rows(path), mapping=map_ or ())
        _import(file, judging, found, Screen(json=json), _Learning(probe, concurrency, values))


@app.command("few-shots")
def few_shots(
    path: Annotated[Path, typer.Argument(help="A JSON list of openevals' few-shot examples.")],
    values: ValuesOption = None,
    probe: ProbeOption = False,
    concurrency: ConcurrencyOption = 32,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """openevals: the `few_shot_examples` of a judge (inputs, outputs, score, reasoning).

    Examples:
      $ memalign import-feedback few-shots examples.json
    """
    examples = _json_list(path)
    with opened_judge(judge_file) as (file, judging):
        found = from_few_shots(examples)
        _import(file, judging, found, Screen(json=json), _Learning(probe, concurrency, values))


class System(StrEnum):
    """The system that is to read the file."""

    langsmith = "langsmith"
    mlflow = "mlflow"


_WRITERS: dict[System, Callable[..., list[dict[str, Any]]]] = {
    System.langsmith: to_langsmith_examples,
    System.mlflow: to_mlflow_assessments,
}


def export_feedback(
    system: Annotated[
        System,
        typer.Argument(
            help="langsmith: examples for a dataset. mlflow: inputs, outputs and assessments."
        ),
    ],
    path: Annotated[Path, typer.Argument(help="The JSON file to write.")],
    overwrite: OverwriteOption = False,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """Write the judge's episodes to a file that another system can read.

    For a whole memory, with its principles, see `memalign export`.

    Examples:
      $ memalign export-feedback langsmith examples.json
      $ memalign export-feedback mlflow assessments.json
    """
    check_is_new(path, overwrite=overwrite)
    screen = Screen(json=json)
    with opened_judge(judge_file, asks_model=False, creates=False) as (_, judge):
        records = _WRITERS[system](judge.episodes(), judge=judge.spec.name)
    try:
        with replacing(path) as file:
            json_.dump(records, file, ensure_ascii=False, indent=1)
    except OSError as error:
        raise InvalidInputError(f"cannot write {path}: {error.strerror or error}.") from error
    if json:
        screen.data({"records": len(records)})
    else:
        screen.note(f"{counted(len(records), 'episode')} written to {path}.")


@dataclass(frozen=True)
class _Learning:
    """How what is found is learned."""

    probe: bool
    concurrency: int
    values: list[str] | None
    forget_withdrawn: bool = False


def _import(
    file: JudgeFile,
    judging: MemAlignJudge,
    found: Iterable[Found],
    screen: Screen,
    learning: _Learning,
) -> None:
    words = read_words(learning.values or (), judging.spec.value_type)
    try:
        with progress_bar(screen.err) as progress:
            report = learn(
                judging,
                _counted(found, progress),
                words=words,
                probe=learning.probe,
                max_concurrency=learning.concurrency,
                config={"callbacks": [AlignmentProgress(progress)]},
            )
            if learning.forget_withdrawn and report.withdrawn:
                forgotten = forget_everywhere(
                    judging,
                    report.withdrawn,
                    lambda erased: clear_reviews(file, judging, erased.touched),
                )
                report = report.model_copy(update={"forgotten": forgotten})
    except KeyboardInterrupt:
        raise WorkLeft("stopped; run the same command again to continue.") from None
    if screen.json:
        screen.data(report.model_dump(mode="json"))
    else:
        rejected = [(item.where, item.reason) for item in report.unusable]
        show_report(screen, report.alignment, rejected)
        for item in report.skipped:
            if not item.is_unusable:
                screen.note(f"{item.where} skipped: {item.reason}", style="dim")
        _show_withdrawn(screen, report)
    _say_what_is_left(report)


def _say_what_is_left(report: ImportReport) -> None:
    parts = []
    if report.unusable:
        places = ", ".join(item.where for item in report.unusable[:_NAMED])
        more = ", …" if len(report.unusable) > _NAMED else ""
        parts.append(
            f"{counted(len(report.unusable), 'remark')} cannot be used: correct them at the source "
            f"({places}{more})."
        )
    if report.incomplete is not None:
        parts.append(report.incomplete)
    if report.alignment.pending:
        parts.append(still_waiting(report.alignment))
    if parts:
        raise WorkLeft(" ".join(parts))


def _show_withdrawn(screen: Screen, report: ImportReport) -> None:
    if not report.withdrawn:
        return
    gone = counted(len(report.withdrawn), "episode")
    if report.forgotten is None:
        ids = ", ".join(map(short, report.withdrawn[:_NAMED]))
        more = ", …" if len(report.withdrawn) > _NAMED else ""
        said = f"{gone} no longer there ({ids}{more}): --forget-withdrawn forgets them."
        screen.note(said, style="yellow")
    else:
        lost = counted(len(report.forgotten.principles_removed), "principle")
        screen.note(f"{gone} no longer there: forgotten, with {lost}.")


def _counted(found: Iterable[Found], progress: Progress) -> Iterable[Found]:
    task = progress.add_task("Reading", total=None)

    def counting() -> Iterator[Found]:
        for item in found:
            progress.advance(task)
            yield item
        progress.remove_task(task)

    return Source(counting(), found.withdrawn) if isinstance(found, Source) else counting()


def _rows(path: Path) -> list[Row | BadRow]:
    name, data = data_of(path)
    try:
        rows = list(read_rows(data, path.name))
    except InvalidInputError as error:
        raise InvalidInputError(f"{name}: {error}") from error
    if not rows:
        raise InvalidInputError(f"found nothing in {name}; expected an export as JSON.")
    return rows


def _json_list(path: Path) -> list[Mapping[str, Any]]:
    try:
        examples = json_.loads(path.read_bytes())
    except OSError as error:
        raise InvalidInputError(f"cannot read {path}: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(
            f"{path}: found no JSON ({error!s:.120}); expected a JSON list of examples."
        ) from error
    if not isinstance(examples, list):
        raise InvalidInputError(f"{path}: found no list; expected a JSON list of examples.")
    return examples
