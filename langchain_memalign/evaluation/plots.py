"""Figures as pictures, PNG and SVG. Needs matplotlib, of the extra `eval`, once it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_memalign.errors import ConfigurationError
from langchain_memalign.evaluation.resampling import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Points = Sequence[tuple[str, Estimate]]
"""Estimates by what stands below them, from left to right."""

_COLOURS = ("#0b6fa4", "#c8501e", "#2c8a57", "#7a4fa3")
_MARKERS = ("o", "s", "^", "D")
_SUFFIXES = (".png", ".svg")


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
        from matplotlib.figure import Figure
        from matplotlib.lines import Line2D
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "plots: found no matplotlib; install it with `pip install 'langchain-memalign[eval]'`."
        ) from error
    # Not by way of pyplot, which would look for a display and keep figures in a global.
    figure = Figure(figsize=(1.2 + 4.2 * len(panels), 4.4), layout="constrained")
    figure.suptitle(title, fontweight="bold")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    # The same below each panel, also where a metric is not defined.
    places = {at: place for place, at in enumerate(_all_of(panels))}
    for axis, (name, series) in zip(axes, panels.items(), strict=True):
        _panel(axis, series, places, joined=joined)
        ceiling = (ceilings or {}).get(name)
        if ceiling is not None and ceiling.value is not None:
            label = "two experts"
            axis.axhline(ceiling.value, color="0.45", linestyle=":", linewidth=1.4, label=label)
        axis.set(xlabel=below, title=name)
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
    return _write(figure, path, rc_context)


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
            label=name,
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
    axis.set_xticks(list(places.values()), list(places))
    axis.set_xlim(-0.5, len(places) - 0.5)
    axis.margins(y=0.04)
    # Agreement has its ends, so that a step looks alike everywhere; below 0 is worse than chance.
    bottom, top = axis.get_ylim()
    axis.set_ylim(min(bottom, -0.05), max(top, 1.05))
    if bottom < -0.05:
        axis.axhline(0, color="0.6", linewidth=0.8)
    axis.grid(axis="y", color="0.9")
    axis.spines[["top", "right"]].set_visible(False)


def _all_of(panels: Mapping[str, Mapping[str, Points]]) -> list[str]:
    """What stands below, in the order of the longest series."""
    every = [points for series in panels.values() for points in series.values()]
    longest = max(every, key=len, default=())
    return list(dict.fromkeys([at for at, _ in longest] + [at for p in every for at, _ in p]))


def _write(figure: Figure, path: Path, rc_context: Any) -> list[Path]:
    written = []
    for suffix in _SUFFIXES:
        file = path.with_name(path.name + suffix)
        # Without dates and random ids the same figures give the same file.
        with rc_context({"svg.hashsalt": path.name, "svg.fonttype": "none"}):
            metadata = {"Date": None} if suffix == ".svg" else None
            figure.savefig(file, dpi=150, metadata=metadata)
        written.append(file)
    return written
