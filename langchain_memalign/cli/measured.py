"""What measuring commands share: which judge and data are meant, the bar, and the report."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_memalign._values import ValueType
from langchain_memalign.cli.cases import read_labelled
from langchain_memalign.cli.judgefile import ModelChoice, find_judge_file, load_judge_file
from langchain_memalign.cli.options import JUDGE
from langchain_memalign.cli.terminal import Screen, WorkLeft, progress_bar
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.evaluation.tables import Table

_HALVES = ("train", "test")
_SUFFIXES = (".jsonl", ".csv")


@dataclass(frozen=True)
class Data:
    """Experts' words to measure with.

    Attributes:
        words: The words, or what is taught of them.
        unseen: What is not taught, where the source tells it apart.
        name: What a report calls it.
    """

    words: Sequence[Mapping[str, Any]]
    unseen: Sequence[Mapping[str, Any]] | None
    name: str


def judge_and_data(
    arguments: Sequence[Path], judge_file: Path | None, dataset: str | None
) -> tuple[Path | None, Path | None]:
    """Tell a judge file and data apart: JUDGE and DATA, DATA, or JUDGE with a data set.

    Raises:
        InvalidInputError: There are too many, or none where one is needed.
    """
    judges = [path for path in arguments if path.suffix.lower() in (".yaml", ".yml", ".toml")]
    named = [path for path in arguments if path not in judges]
    # A file that is named here goes before one that is named once for all.
    if judge_file is not None and not (judges and str(judge_file) == os.environ.get(JUDGE)):
        judges.append(judge_file)
    if len(judges) > 1:
        raise InvalidInputError(
            f"found the judge files {' and '.join(map(str, judges))}; expected one of them."
        )
    judge_file = judges[0] if judges else None
    if len(named) != (dataset is None):
        wanted = "none beside --dataset" if dataset else "a file, a folder, or --dataset NAME"
        raise InvalidInputError(f"data: found {len(named)} files of it; expected {wanted}.")
    return judge_file, named[0] if named else None


def read_data(
    source: Path | None,
    *,
    mapping: Sequence[str],
    value_type: ValueType,
    screen: Screen,
    limit: int | None,
    dataset: str | None = None,
    criterion: str | None = None,
    seed: int = 0,
) -> Data:
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
        return Data([dict(word) for word in loaded.words], None, loaded.hub)
    files = [_half(source, half) for half in _HALVES] if source.is_dir() else [source]
    words, *unseen = (read_labelled(f, mapping, value_type, screen)[:limit] for f in files)
    return Data(words, unseen[0] if unseen else None, source.name)


def other_model(named: Path | None, model: str | None, base_url: str | None) -> ModelChoice | None:
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
def measuring(screen: Screen, what: str, out: Path) -> Iterator[Callable[[int, int], None]]:
    """A progress bar; gives what an experiment tells its progress to.

    Raises:
        WorkLeft: The user stopped it.
    """
    with progress_bar(screen.err) as progress:
        task = progress.add_task(what, total=None)

        def told(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        try:
            yield told
        except KeyboardInterrupt:
            raise WorkLeft(
                f"stopped; what is finished is kept in {out}. Run the same command again to go on."
            ) from None


def show(screen: Screen, tables: Sequence[Table], files: Sequence[Path]) -> None:
    """Show what was found, and say where the report is."""
    for table in tables:
        screen.table(table.title, table.columns, table.rows, cut=table.wide)
    if files:
        screen.note(f"Written: {', '.join(map(str, files))}")


def _half(folder: Path, half: str) -> Path:
    for suffix in _SUFFIXES:
        if (file := folder / f"{half}{suffix}").is_file():
            return file
    raise InvalidInputError(
        f"{folder}: found no {half}.jsonl; expected train.jsonl, to be taught, and test.jsonl, of "
        "unseen cases."
    )
