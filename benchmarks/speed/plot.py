"""Ratios as a picture: below 1, this package needs less."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from table import is_shown

MET, MISSED, UNAIMED, TARGET = "#4c9a6a", "#c8553d", "#b9b8cf", "#222222"


def draw(rows, path):
    """Draw ours / the other side's for each work of the documentation's table, with the targets."""
    rows = [row for row in rows if is_shown(row) and row["ratio"] and row["unit"] != "%"]
    figure = Figure(figsize=(9, 0.27 * len(rows) + 1.6), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(rows):
        aimed, ratio = row["target"], row["ratio"]
        colour = UNAIMED if aimed is None else MET if ratio <= aimed else MISSED
        axes.barh(place, ratio, color=colour, height=0.65)
        axes.text(ratio * 1.06, place, f"{ratio:.3g}", va="center", fontsize=6.5, color="#555555")
        if aimed is not None:
            axes.plot([aimed, aimed], [place - 0.42, place + 0.42], color=TARGET, linewidth=2)
    axes.axvline(1, color="#999999", linewidth=0.8)
    names = [f"{row['work']} ({row['n'] or 'any'}), {row['unit']}" for row in rows]
    axes.set_yticks(range(len(rows)), names, fontsize=7)
    axes.set_xscale("log")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel("ours / the other side, log scale: left of 1, ours needs less")
    axes.spines[["top", "right"]].set_visible(False)
    legend = [
        Patch(color=MET, label="target met"),
        Patch(color=MISSED, label="target missed"),
        Patch(color=UNAIMED, label="no target"),
        Line2D([], [], color=TARGET, linewidth=2, label="target"),
    ]
    figure.legend(handles=legend, loc="outside upper right", ncols=4, frameon=False, fontsize=7)
    figure.savefig(path, dpi=120)
