"""Ratios as a picture: below 1, this package needs less."""

from matplotlib.figure import Figure


def draw(rows, path):
    """Draw ours / the other side's for each work, with the targets."""
    rows = [row for row in rows if row["ratio"] and row["unit"] != "%"]
    figure = Figure(figsize=(9, 0.28 * len(rows) + 1.2), layout="constrained")
    axes = figure.subplots()
    places = range(len(rows))
    axes.barh(places, [row["ratio"] for row in rows], color="#7a77b9", height=0.6)
    aimed = [(place, row["target"]) for place, row in zip(places, rows, strict=True)]
    for place, target in aimed:
        if target is not None:
            axes.plot([target, target], [place - 0.4, place + 0.4], color="#222222", linewidth=2)
    axes.axvline(1, color="#999999", linewidth=0.8)
    names = [f"{row['work']} ({row['n'] or 'any'}), {row['unit']}" for row in rows]
    axes.set_yticks(places, names, fontsize=7)
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.set_xlabel("ours / the other side, log scale; the dark marks are targets")
    figure.savefig(path, dpi=120)
