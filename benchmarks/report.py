"""What every result file says besides its figures: on what, with what, by which command.

The figures of two result files may be compared only where these agree.
"""

import json
import os
import platform
import shlex
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

RESULTS = Path(__file__).parent / "results"

_PACKAGES = (
    "langchain-memalign",
    "langchain-core",
    "langgraph",
    "pydantic",
    "qdrant-client",
    "qdrant-edge-py",
    "wordllama",
)


def write(path, figures, *, packages=()):
    """Write a result file.

    Args:
        path: Where to.
        figures: What was measured, as JSON types.
        packages: Further packages whose versions matter to these figures.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "command": command(),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(*packages),
        **figures,
    }
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def command():
    """The command that was run, as one would type it in the checkout."""
    script = Path(sys.argv[0]).resolve()
    root = Path(__file__).parent.parent
    name = script.relative_to(root) if script.is_relative_to(root) else script.name
    return shlex.join(["python", str(name), *sys.argv[1:]])


def machine():
    """What it ran on; nothing that names the machine."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
    }


def versions(*packages):
    """Versions of Python and of the packages that do the work; None for one that is missing."""
    found = {"python": platform.python_version()}
    for package in (*_PACKAGES, *packages):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def table(rows, *, head):
    """Rows as an aligned text table; all but the first column stand right."""
    lines = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _processor():
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
