"""Does anything grow when a judge works for hours? Judge, align, forget, again and again.

    python benchmarks/soak.py --minutes 10
    python benchmarks/soak.py --cycles 500 --mode async --plot soak.png

The offline model ("precedent") and the offline embeddings ("local") work on a memory in a
directory, which holds the same number of episodes after every cycle. So nothing may grow: not the
process's memory, its threads or open files, nor the directory. Each is measured 200 times in a
run; a slope after the warm-up is growth, and ends with exit code 1. Linux only (/proc).
"""

import argparse
import asyncio
import gc
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import report
from growth import trend

from langchain_memalign import MemAlignJudge, Memory

MEASUREMENTS = 200
KEPT = 50
"""Episodes that stay in the memory for the whole run."""
TAUGHT = 4
"""Episodes that a cycle adds and erases again."""
REOPENED_EVERY = 50

# Series: unit, divisor, share of its level and least amount by which it may grow in a run.
SERIES = {
    "resident memory": ("MB", 2**20, 0.05, 8 * 2**20),
    "Python's memory blocks": ("k", 1000, 0.02, 3000),
    "threads": ("", 1, 0, 0.5),
    "open files": ("", 1, 0, 0.5),
    "directory": ("MB", 2**20, 0.05, 2**18),
    "files in directory": ("", 1, 0.05, 0.5),
}

WORDS = (
    *("parcel", "fridge", "refund", "invoice", "late", "lost", "broken", "angry", "polite"),
    *("sorry", "delivery", "tomorrow", "engineer", "password", "account", "warranty", "return"),
    *("apology", "manager", "driver", "street", "weather", "Monday", "carrier", "label"),
)


class Cases:
    """Cases without end, no two alike, the same in every run."""

    def __init__(self):
        self._random = random.Random(20_26)

    def case(self):
        words = self._random.choices(WORDS, k=12)
        return {
            "inputs": f"Order {self._random.getrandbits(48):x}: {' '.join(words[:6])}?",
            "outputs": f"{' '.join(words[6:])}.",
        }

    def feedback(self):
        words = " ".join(self._random.choices(WORDS, k=5))
        return {
            **self.case(),
            "value": self._random.random() < 0.5,
            "rationale": f"Mind the {words}, as in {self._random.getrandbits(48):x}.",
        }


def opened(directory):
    memory = Memory.open(str(directory), embeddings="local")
    judge = MemAlignJudge(
        name="soak",
        instructions="Is the reply appropriate for an upset customer?",
        value_type=bool,
        model="precedent",
        memory=memory,
    )
    return memory, judge


def cycle(judge, cases):
    """Judge, learn, judge again, forget what was learned."""
    judge.invoke(cases.case())
    report_ = judge.align([cases.feedback() for _ in range(TAUGHT)])
    judge.batch([cases.case(), cases.case()])
    judge.forget(report_.stored)


async def acycle(judge, cases):
    """`cycle` by the async twins."""
    await judge.ainvoke(cases.case())
    report_ = await judge.aalign([cases.feedback() for _ in range(TAUGHT)])
    await judge.abatch([cases.case(), cases.case()])
    await judge.aforget(report_.stored)


async def fill_thread_pool():
    """Start every thread that the loop's pool may have; on its own it takes hours to."""
    await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.01) for _ in range(64)))


def measure(directory):
    """Every series, now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    files = [file for file in directory.rglob("*") if file.is_file()]
    return {
        "resident memory": pages * os.sysconf("SC_PAGE_SIZE"),
        "Python's memory blocks": sys.getallocatedblocks(),
        "threads": len(os.listdir("/proc/self/task")),
        "open files": len(os.listdir("/proc/self/fd")),
        # What it takes on the disk: the engine's files are sparse.
        "directory": sum(file.stat().st_blocks * 512 for file in files),
        "files in directory": len(files),
    }


def soak(directory, *, cycles, minutes, mode):
    """Run the loop; return the cycles at each measurement, the measurements, and the seconds."""
    cases = Cases()
    memory, judge = opened(directory)
    judge.align([cases.feedback() for _ in range(KEPT)])
    at, rows, done = [], [], 0
    started = time.monotonic()

    def progress():
        return done / cycles if cycles else (time.monotonic() - started) / (60 * minutes)

    with asyncio.Runner() as loop:
        loop.run(fill_thread_pool())
        while (part := progress()) < 1:
            if part * MEASUREMENTS >= len(rows):
                at.append(done)
                rows.append(measure(directory))
            if mode == "async" or (mode == "both" and done % 2):
                loop.run(acycle(judge, cases))
            else:
                cycle(judge, cases)
            done += 1
            if done % REOPENED_EVERY == 0:
                memory.close()
                memory, judge = opened(directory)
        at.append(done)
        rows.append(measure(directory))
        seconds = time.monotonic() - started
        assert len(judge.episodes()) == KEPT, "a cycle left something behind, or took too much"
    memory.close()
    return at, {name: [row[name] for row in rows] for name in SERIES}, seconds


def judged(at, series):
    """The trend of every series, in its own unit."""
    trends = {}
    for name, (_, divisor, share, least) in SERIES.items():
        values = [value / divisor for value in series[name]]
        trends[name] = trend(at, values, share=share, least=least / divisor)
    return trends


def show(trends, *, cycles, seconds, mode):
    rows = [
        (
            f"{name} ({SERIES[name][0]})" if SERIES[name][0] else name,
            f"{found.level:.1f}",
            f"{found.growth:+.2f}",
            f"{found.limit:.2f}",
            f"{found.per_thousand:+.3f}",
            "flat" if found.is_flat else "GROWS",
        )
        for name, found in trends.items()
    ]
    head = ("", "level", "growth", "limit", "per 1,000 cycles", "")
    print(
        f"{cycles:,} cycles ({mode}) in {seconds / 60:.1f} min, {cycles / seconds:.1f} a second\n"
    )
    print(report.table(rows, head=head))


def plot(path, at, series):
    """One small picture a series."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(len(SERIES), 1, sharex=True, figsize=(8, 2 * len(SERIES)))
    for axis, (name, (unit, divisor, _, _)) in zip(axes, SERIES.items(), strict=True):
        axis.plot(at, [value / divisor for value in series[name]], linewidth=1)
        axis.set_title(f"{name} ({unit})" if unit else name, loc="left", fontsize=9)
        axis.set_ylim(bottom=0)
    axes[-1].set_xlabel("cycles")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=10, help="how long (default: 10)")
    length.add_argument("--cycles", type=int, help="how many cycles, instead of minutes")
    parser.add_argument(
        "--mode", choices=["both", "sync", "async"], default="both", help="both: taking turns"
    )
    parser.add_argument("--out", type=Path, default=report.RESULTS / "soak.json")
    parser.add_argument("--plot", type=Path, help="a picture of every series; needs matplotlib")
    return parser.parse_args()


def main():
    chosen = arguments()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        at, series, seconds = soak(
            Path(folder) / "memory",
            cycles=chosen.cycles,
            minutes=chosen.minutes,
            mode=chosen.mode,
        )
    trends = judged(at, series)
    show(trends, cycles=at[-1], seconds=seconds, mode=chosen.mode)
    report.write(
        chosen.out,
        {
            "mode": chosen.mode,
            "cycles": at[-1],
            "seconds": round(seconds, 1),
            "episodes_kept": KEPT,
            "trends": {
                name: {**vars(found), "unit": SERIES[name][0], "is_flat": found.is_flat}
                for name, found in trends.items()
            },
            "measured_at_cycle": at,
            "series": series,
        },
    )
    if chosen.plot:
        plot(chosen.plot, at, series)
    return 0 if all(found.is_flat for found in trends.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
