"""What was found as a folder: Markdown to read, pictures to show, JSON to compute with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_memalign._values import ValueType
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.evaluation.evaluate import Evaluation
from langchain_memalign.evaluation.figures import Figures
from langchain_memalign.evaluation.plots import Points, plot_estimates
from langchain_memalign.evaluation.resampling import Estimate
from langchain_memalign.evaluation.study import Experiment
from langchain_memalign.evaluation.tables import (
    Table,
    disagreement_table,
    evaluation_tables,
    experiment_tables,
    in_words,
)

CELLS = "cells"
"""Where, in a report's folder, finished cells are kept: each judgement as a line of JSON."""


def write_curve(
    experiment: Experiment,
    folder: Path,
    *,
    title: str,
    reviewers: Estimate | None = None,
    alpha: Estimate | None = None,
) -> list[Path]:
    """Write a learning curve: report.md, results.json, curve.png and curve.svg.

    Args:
        experiment: What was found.
        folder: Where to write; made if there is none.
        title: What the report is called.
        reviewers: How often two experts agree, where that is known.
        alpha: Their agreement beyond chance, where that is known.

    Returns:
        The files.

    Raises:
        ConfigurationError: matplotlib is not installed.
        InvalidInputError: The folder cannot be written.
    """
    panels = {
        in_words(name): {
            f"{split} cases, 95 % interval": [
                (str(found.group.taught), found.estimates[name])
                for found in experiment.figures
                if found.group.split == split
            ]
            for split in ("seen", "unseen")
        }
        for name in _drawn(experiment.value_type, experiment.figures)
    }
    return _write(
        folder,
        "curve",
        panels,
        title=title,
        below="remarks taught",
        tables=experiment_tables(experiment),
        notes=[*experiment.notes, *ceiling(reviewers, alpha)],
        data=experiment.model_dump(mode="json", exclude={"rows"})
        | {
            name: None if found is None else found.model_dump(mode="json")
            for name, found in (("reviewers", reviewers), ("alpha", alpha))
        },
        reviewers=reviewers,
    )


def write_evaluation(evaluation: Evaluation, folder: Path, *, title: str) -> list[Path]:
    """Write an evaluation: report.md, results.json, agreement.png and agreement.svg.

    Raises:
        ConfigurationError: matplotlib is not installed.
        InvalidInputError: The folder cannot be written.
    """
    names = [n for n in _NAMES if n in evaluation.last.estimates]
    panels = {
        in_words(name): {
            "95 % interval": [(a.state, a.estimates[name]) for a in evaluation.agreements]
        }
        for name in names
    }
    return _write(
        folder,
        "agreement",
        panels,
        title=title,
        below="the judge",
        tables=[*evaluation_tables(evaluation), disagreement_table(evaluation)],
        notes=[*evaluation.notes, *ceiling(evaluation.reviewers, evaluation.alpha)],
        data=evaluation.model_dump(mode="json"),
        reviewers=evaluation.reviewers,
        joined=False,
    )


_NAMES = ("exact_match", "correct_overall", "ccc", "cohen_kappa")
"""What is drawn, of the metrics that make sense for the values."""


def _drawn(value_type: ValueType, figures: Sequence[Figures]) -> list[str]:
    measured = figures[0].estimates if figures else {}
    names = [name for name in _NAMES if name in measured]
    # A scale has CCC; kappa would be a fourth panel that says the same.
    return [n for n in names if n != "cohen_kappa" or not value_type.is_ordered]


def ceiling(reviewers: Estimate | None, alpha: Estimate | None) -> list[str]:
    """What experts reach among each other, in words; nothing where that is not known."""
    said = (
        (reviewers, "Two experts give one case the same value"),
        (alpha, "The experts' agreement beyond chance, Krippendorff's alpha"),
    )
    return [f"{what}: {e}, of {e.n} cases." for e, what in said if e and e.value is not None]


def _write(
    folder: Path,
    name: str,
    panels: Mapping[str, Mapping[str, Points]],
    *,
    title: str,
    below: str,
    tables: Sequence[Table],
    notes: Sequence[str],
    data: Mapping[str, Any],
    reviewers: Estimate | None,
    joined: bool = True,
) -> list[Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pictures = plot_estimates(
            panels,
            folder / name,
            title=title,
            below=below,
            ceilings={} if reviewers is None else {in_words("exact_match"): reviewers},
            joined=joined,
        )
        report, results = folder / "report.md", folder / "results.json"
        text = _markdown(title, tables, notes, picture=f"{name}.png")
        report.write_text(text, encoding="utf-8")
        results.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(
            f"cannot write the report to {folder}: {error.strerror or error}; choose another place."
        ) from error
    return [report, *pictures, results]


def _markdown(title: str, tables: Sequence[Table], notes: Sequence[str], *, picture: str) -> str:
    parts = [f"# {_cell(title)}", f"![{_cell(title)}]({picture})"]
    parts += [
        "Each figure stands with its 95 % bootstrap interval; cases are resampled. Abstentions "
        "count in `correct overall` and `abstention rate` alone."
    ]
    parts += [f"- {note}" for note in notes]
    for table in tables:
        parts.append(f"## {_cell(table.title)}")
        parts.append("\n".join(_lines(table)))
    return "\n\n".join(parts) + "\n"


def _lines(table: Table) -> Iterable[str]:
    yield "| " + " | ".join(map(_cell, table.columns)) + " |"
    yield "|" + "---|" * len(table.columns)
    for row in table.rows:
        yield "| " + " | ".join(map(_cell, row)) + " |"


def _cell(text: str) -> str:
    """Text that can neither end its cell nor be markup."""
    plain = " ".join(text.split())
    for mark in "\\`*_[]<>|":
        plain = plain.replace(mark, f"\\{mark}")
    return plain
