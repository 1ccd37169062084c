"""`memalign export-feedback`: experts' words as records of other systems."""

from __future__ import annotations

import json as json_
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from langchain_memalign._files import replacing
from langchain_memalign.cli.opening import opened_judge
from langchain_memalign.cli.options import (
    JsonOption,
    JudgeOption,
    OverwriteOption,
    not_overwritten,
)
from langchain_memalign.cli.terminal import Screen
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.exporters import to_langsmith_examples, to_mlflow_assessments


class System(StrEnum):
    """Who is to read the file."""

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
            help="langsmith: examples of a dataset. mlflow: inputs, outputs and assessments."
        ),
    ],
    path: Annotated[Path, typer.Argument(help="The JSON file to write.")],
    overwrite: OverwriteOption = False,
    judge_file: JudgeOption = None,
    json: JsonOption = False,
) -> None:
    """Write the judge's episodes in the form of another system.

    For a whole memory, with its principles, see `memalign export`.

    Examples:
      $ memalign export-feedback langsmith examples.json
      $ memalign export-feedback mlflow assessments.json
    """
    if path.exists() and not overwrite:
        raise not_overwritten(path)
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
        screen.note(f"{len(records)} episodes written to {path}.")
