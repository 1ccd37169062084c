"""What was found as a folder: Markdown to read, pictures to show, JSON to compute with.

Pictures need matplotlib, of the extra `eval`, once they are drawn.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_memalign._files import replacing
from langchain_memalign._prompts.text import visible
from langchain_memalign._values.types import ValueType
from langchain_memalign.errors import ConfigurationError, InvalidInputError
from langchain_memalign.evaluation.evaluate import Evaluation
from langchain_memalign.evaluation.experiments import Experiment
from langchain_memalign.evaluation.figures import Figures
from langchain_memalign.evaluation.resampling import Estimate
from langchain_memalign.evaluation.tables import (
    Table,
    disagreement_table,
    evaluation_tables,
    experiment_tables,
    in_words,
)
from langchain_memalign.graph.markdown import inline, unmarked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Points = Sequence[tuple[str, Estimate]]
"""Estimates by what stands below them, from left to right."""

_COLOURS = ("#0b6fa4", "#c8501e", "#2c8a57", "#7a4fa3")
_MARKERS = ("o", "s", "^", "D")
_LONGEST_LABEL = 80
_SUFFIXES = (".png", ".svg")

TRIALS = "trials"
"""Where, in a report's folder, finished trials are kept: each judgement as a line of JSON."""


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
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
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
        for path, said in (
            (report, text),
            (results, json.dumps(data, ensure_ascii=False, indent=1) + "\n"),
        ):
            with replacing(path) as file:
                file.write(said)
    except OSError as error:
        raise InvalidInputError(
            f"cannot write the report to {folder}: {error.strerror or error}; choose another place."
        ) from error
    return [report, *pictures, results]


def _markdown(title: str, tables: Sequence[Table], notes: Sequence[str], *, picture: str) -> str:
    parts = [f"# {inline(title)}", f"![{unmarked(title)}]({picture})"]
    parts += [
        "Each figure has its 95 % bootstrap interval, over resampled cases. Abstentions "
        "count in `correct overall` and `abstention rate` alone."
    ]
    parts += [f"- {note}" for note in notes]
    for table in tables:
        parts.append(f"## {inline(table.title)}")
        parts.append("\n".join(_lines(table)))
    return "\n\n".join(parts) + "\n"


def _lines(table: Table) -> Iterable[str]:
    yield "| " + " | ".join(map(inline, table.columns)) + " |"
    yield "|" + "---|" * len(table.columns)
    for row in table.rows:
        yield "| " + " | ".join(map(inline, row)) + " |"


def plot_estimates(
    panels: Mapping[str, Mapping[str, Points]],
    path: Path,
    *,
    title: str,
    below: str,
    ceilings: Mapping[str, Estimate] | None = None,
    joined: bool = True,
) -> list[Path]:
    """Draw estimates with their intervals: a panel for each metric, a line for each series.

    Args:
        panels: By what the panel's axis is called, and by the name of the series.
        path: Where to write, without suffix.
        title: Stands above all.
        below: What the estimates go by.
        ceilings: By panel, what experts reach among each other.
        joined: Whether to join the estimates of a series by a line.

    Returns:
        The files written.

    Raises:
        ConfigurationError: matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "plots: found no matplotlib; install it with `pip install 'langchain-memalign[eval]'`."
        ) from error
    # A name with two dollars in it is no formula.
    with rc_context({"text.parse_math": False}), warnings.catch_warnings():
        # Of a script that the font lacks, boxes are drawn; the SVG has the text itself.
        warnings.filterwarnings("ignore", r"Glyph .* missing from", UserWarning)
        figure = _drawing(panels, title, below, ceilings or {}, joined=joined)
        return _saved(figure, path, rc_context)


def _drawing(
    panels: Mapping[str, Mapping[str, Points]],
    title: str,
    below: str,
    ceilings: Mapping[str, Estimate],
    *,
    joined: bool,
) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    # Not by way of pyplot, which would look for a display and keep figures in a global.
    figure = Figure(figsize=(1.2 + 4.2 * len(panels), 4.4), layout="constrained")
    figure.suptitle(_label(title), fontweight="bold")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    # The same below each panel, also where a metric is not defined.
    places = {at: place for place, at in enumerate(_places(panels))}
    for axis, (name, series) in zip(axes, panels.items(), strict=True):
        _panel(axis, series, places, joined=joined)
        ceiling = ceilings.get(name)
        if ceiling is not None and ceiling.value is not None:
            label = "two experts"
            axis.axhline(ceiling.value, color="0.45", linestyle=":", linewidth=1.4, label=label)
        axis.set(xlabel=_label(below), title=_label(name))
    drawn = {
        label: handle
        for axis in axes
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    if any(_is_thin(e) for series in panels.values() for p in series.values() for _, e in p):
        hollow = Line2D([], [], color="0.35", marker="o", mfc="white", linestyle="none")
        drawn["fewer than half of the cases scored"] = hollow
    handles, labels = list(drawn.values()), list(drawn)
    # Below the panels, where it covers nothing.
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return figure


def _label(text: str) -> str:
    """Text in one line that fits into a picture, with nothing invisible in it."""
    line = " ".join(visible(text).split())
    # Matplotlib leaves out what begins with an underscore.
    line = f" {line}" if line.startswith("_") else line
    return line if len(line) <= _LONGEST_LABEL else f"{line[: _LONGEST_LABEL - 1]}…"


def _is_thin(estimate: Estimate) -> bool:
    """Whether it rests on fewer than half of the cases, for the judge abstained on the others."""
    return estimate.value is not None and estimate.n < estimate.abstained


def _panel(
    axis: Any, series: Mapping[str, Points], places: Mapping[str, int], *, joined: bool
) -> None:
    # At even distances: 0, 2, 5, ... 50 to scale would crowd at the left.
    for number, (name, points) in enumerate(series.items()):
        defined = [(places[at], e) for at, e in points if e.value is not None]
        aside = 0.12 * (number - (len(series) - 1) / 2)  # intervals must not cover each other
        values = [float(e.value or 0.0) for _, e in defined]
        lows = [0.0 if e.low is None else max(0.0, float(e.value or 0) - e.low) for _, e in defined]
        highs = [
            0.0 if e.high is None else max(0.0, e.high - float(e.value or 0)) for _, e in defined
        ]
        colour, marker = _COLOURS[number % len(_COLOURS)], _MARKERS[number % len(_MARKERS)]
        axis.errorbar(
            [place + aside for place, _ in defined],
            values,
            yerr=(lows, highs),
            label=_label(name),
            color=colour,
            marker=marker,
            linestyle="-" if joined else "none",
            capsize=3,
            elinewidth=1.1,
        )
        thin = [(place + aside, e.value) for place, e in defined if _is_thin(e)]
        axis.plot(
            [place for place, _ in thin],
            [value for _, value in thin],
            color=colour,
            marker=marker,
            markerfacecolor="white",
            linestyle="none",
            zorder=3,
        )
    axis.set_xticks(list(places.values()), list(map(_label, places)))
    axis.set_xlim(-0.5, len(places) - 0.5)
    axis.margins(y=0.04)
    # Agreement has its ends, so that a step looks alike everywhere; below 0 is worse than chance.
    bottom, top = axis.get_ylim()
    axis.set_ylim(min(bottom, -0.05), max(top, 1.05))
    if bottom < -0.05:
        axis.axhline(0, color="0.6", linewidth=0.8)
    axis.grid(axis="y", color="0.9")
    axis.spines[["top", "right"]].set_visible(False)


def _places(panels: Mapping[str, Mapping[str, Points]]) -> list[str]:
    """What stands below, in the order of the longest series."""
    every = [points for series in panels.values() for points in series.values()]
    longest = max(every, key=len, default=())
    return list(dict.fromkeys([at for at, _ in longest] + [at for p in every for at, _ in p]))


def _saved(figure: Figure, path: Path, rc_context: Any) -> list[Path]:
    written = []
    for suffix in _SUFFIXES:
        file = path.with_name(path.name + suffix)
        # Without dates and random ids the same figures give the same file.
        with rc_context({"svg.hashsalt": path.name, "svg.fonttype": "none"}):
            metadata = {"Date": None} if suffix == ".svg" else None
            figure.savefig(file, dpi=150, metadata=metadata)
        written.append(file)
    return written
