"""What is compared with MLflow's MemAlign, as rows: each figure the median of some runs."""

import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from processes import CHAT_MS, EMBEDDING_MS, endpoint, run
from table import LARGEST

SIDES = ("ours", "mlflow")
DONE = ("align", "first_verdict", "judge", "one_more")
"""What each side does, in this order: the others use what `align` left."""
IDLE = "judge, idle"
"""Judging at an endpoint without latency."""


@dataclass(frozen=True)
class Figure:
    """A row of the table for each size.

    Attributes:
        work, unit: What is measured.
        of: The process whose figure it is.
        read: From what a process told to the figure.
        targets: What ours should be at most, of the other side's, by size; None for all sizes.
        theirs: The figure of the other side, where it is told under another name.
    """

    work: str
    unit: str
    of: str
    read: Callable[[Mapping[str, Any]], float]
    targets: Mapping[int | None, float] = field(default_factory=dict)
    theirs: Callable[[Mapping[str, Any]], float] | None = None


def told(name):
    return lambda ran: ran[name]


def counted(name):
    return lambda ran: ran["counts"][name]


def aligning(name):
    return lambda ran: ran["align_counts"][name]


def share(ran):
    """How much of a judge's prompt begins like the one before, in per cent."""
    return 100 * ran["counts"]["shared_chars"] / ran["counts"]["prompt_chars"]


FIGURES = (
    Figure("align", "s", "align", told("align"), {50: 0.8, LARGEST: 0.5}),
    Figure("align, CPU", "s", "align", told("align_cpu"), {LARGEST: 0.5}),
    *(
        Figure(f"align, {said}", unit, "align", aligning(name))
        for said, unit, name in (
            ("chat calls", "calls", "chat_calls"),
            ("embedding calls", "calls", "embedding_calls"),
            ("texts embedded", "texts", "embedded"),
            ("prompts", "tokens", "prompt_tokens"),
            ("most calls at once", "calls", "most_at_once"),
        )
    ),
    Figure("+1, same process", "s", "align", told("one_more"), {LARGEST: 0.5}),
    Figure("+1, fresh process", "s", "one_more", told("seconds"), {LARGEST: 0.1}),
    Figure("+1, texts embedded", "texts", "one_more", counted("embedded")),
    Figure("forget 1", "s", "align", told("forget"), {LARGEST: 0.5}),
    Figure("forget 1, texts embedded", "texts", "align", told("forget_embedded")),
    Figure("fresh process to first verdict", "s", "first_verdict", told("seconds"), {LARGEST: 0.2}),
    Figure(
        "judgement beyond its call, random arrivals",
        "ms",
        "judge",
        told("random arrivals"),
        {None: 0.3},
    ),
    Figure(
        "judgement beyond its call, back to back", "ms", "judge", told("back to back"), {None: 0.7}
    ),
    Figure("judgement, no latency", "ms", IDLE, told("back to back"), {None: 0.12}),
    # MLflow's judges are not async and know no batches: its threads do the same work.
    *(
        Figure(f"64 judgements, {said}", "s", "judge", told(name), targets, told("threads"))
        for said, name, targets in (
            ("16 threads", "threads", {None: 0.65}),
            ("asyncio, 16 at a time", "awaited", {None: 0.65}),
            ("asyncio, all at once", "at_once", {}),
            ("`batch`, 16 threads", "batch", {None: 0.65}),
            ("`abatch`, 16 at a time", "abatch", {None: 0.65}),
        )
    ),
    Figure("25 judgements, one by one", "connections", "judge", told("connections")),
    Figure("peak memory", "MB", "align", told("peak_mb"), {LARGEST: 0.5}),
)


def at_size(n, at, repeats, bar):
    """All that depends on how much has been learned, as rows; and the figure of each run."""
    runs = defaultdict(list)
    with tempfile.TemporaryDirectory() as directory, endpoint(0, 0) as idle:
        bar.set_description(f"{n}: traces for MLflow")
        run("mlflow", "setup", directory, n, at, attempt=repeats)
        for attempt in range(repeats):
            for side in SIDES:
                for what in (*DONE, IDLE):
                    bar.set_description(f"{n}: {side} {what}")
                    where = idle if what == IDLE else at
                    script = "judge" if what == IDLE else what
                    ran = run(side, script, directory, n, where, attempt=attempt)
                    runs[side, what].append(ran)
                    bar.update()
    rows = []
    for figure in FIGURES:
        reads = {"ours": figure.read, "mlflow": figure.theirs or figure.read}
        found = {side: list(map(reads[side], runs[side, figure.of])) for side in SIDES}
        target = figure.targets.get(n, figure.targets.get(None))
        rows.append(row(figure.work, n, figure.unit, found, target))
    return rows


def of_real_prompts(names, at, bar):
    """How much of the prompts about real cases is the same from call to call, as rows.

    Args:
        names: Data sets, of which 50 records are distilled; a rule for each remark, in its words.
        at: The endpoint.
        bar: Of progress.
    """
    rows = []
    for name in names:
        found = {}
        with tempfile.TemporaryDirectory() as directory:
            for side in SIDES:
                bar.set_description(f"{name}: {side} prompts")
                ran = run(side, f"prompts:{name}", directory, 50, at, under="remarks/v1")
                found[side] = [share(ran)]
                bar.update()
        # The target is of the share itself.
        rows.append(row(f"prompt shared from call to call, {name}", 50, "%", found, 50))
    return rows


def row(work, n, unit, found, target):
    """A row of the result, and the figures of all runs that it is the median of."""
    ours, mlflow = (statistics.median(found[side]) for side in SIDES)
    ratio = round(ours / mlflow, 3) if mlflow > 0 else None
    figures = (round(ours, 3), round(mlflow, 3), ratio, target)
    names = ("work", "n", "unit", "ours", "mlflow", "ratio", "target")
    return dict(zip(names, (work, n, unit, *figures), strict=True)), found


LATENCY = {"chat": CHAT_MS, "embedding": EMBEDDING_MS}
