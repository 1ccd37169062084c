"""A judge's health as a picture: shares with their intervals, now and before."""

from __future__ import annotations

from pathlib import Path

from langchain_memalign.errors import ConfigurationError, InvalidInputError
from langchain_memalign.schema import HealthReport, Rate

_NOW, _BEFORE = "#0b6fa4", "#9aa5ad"
_SUFFIXES = (".png", ".svg")
_APART = 0.18


def check_health_figure(path: Path) -> None:
    """Refuse a file that cannot be drawn, before anything is asked.

    Raises:
        InvalidInputError: It is of another kind.
    """
    if path.suffix not in _SUFFIXES:
        raise InvalidInputError(f"found {path.name}; expected a file that ends in .png or .svg.")


def write_health_figure(
    report: HealthReport, path: Path, *, before: HealthReport | None = None
) -> None:
    """Draw the shares of a health report with their 95 % intervals.

    Args:
        report: What is drawn.
        path: The file, a .png or .svg.
        before: An earlier report, drawn in grey beside it.

    Raises:
        ConfigurationError: matplotlib is not installed.
        InvalidInputError: The file is of another kind, or cannot be written.
    """
    check_health_figure(path)
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigurationError(
            "pictures: found no matplotlib; install it with "
            "`pip install 'langchain-memalign[eval]'`."
        ) from error
    shares = [(name, rate) for name, rate in _shares(report) if rate.value is not None]
    earlier = dict(_shares(before)) if before is not None else {}
    figure = Figure(figsize=(8, 1.2 + 0.45 * max(1, len(shares))), layout="constrained")
    axes = figure.add_subplot()
    places = list(range(len(shares), 0, -1))
    for place, (name, rate) in zip(places, shares, strict=True):
        old = earlier.get(name)
        if old is not None and old.value is not None:
            _draw(axes, place - _APART, old, _BEFORE)
        _draw(axes, place, rate, _NOW)
    axes.set_yticks(places, [f"{name} (n = {rate.cases})" for name, rate in shares])
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("share of cases, 95 % interval" + (", before in grey" if earlier else ""))
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_title(f"Health of {report.judge}", loc="left")
    try:
        # Text as text, and the same file for the same figures.
        with rc_context({"svg.fonttype": "none", "svg.hashsalt": "memalign"}):
            figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else {})
    except OSError as error:
        raise InvalidInputError(
            f"cannot write {path}: {error}; expected a file that can be written."
        ) from error


def _shares(report: HealthReport) -> list[tuple[str, Rate]]:
    found = [(name, rate) for name, rate in report.rates if rate is not None]
    rate = report.pass_rate
    if rate is not None:
        found.append(("pass rate, as judged", rate.observed))
    if rate is not None and rate.value is not None:
        right = rate.observed.model_copy(
            update={"value": rate.value, "low": rate.low, "high": rate.high}
        )
        found.append(("pass rate, corrected", right))
    return found


def _draw(axes: object, place: float, rate: Rate, colour: str) -> None:
    value, low, high = rate.value or 0.0, rate.low or 0.0, rate.high or 0.0
    # An interval of a share corrected to within 0 and 1 may end at the share itself.
    reach = [[max(0.0, value - low)], [max(0.0, high - value)]]
    axes.errorbar(  # type: ignore[attr-defined]
        [value], [place], xerr=reach, fmt="o", color=colour, capsize=3, markersize=5
    )
