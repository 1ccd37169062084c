"""This package and MLflow's MemAlign, side by side at the same work on the same simulated endpoint;
and what it takes to learn 50 records beside MLflow's GEPA and SIMBA and DSPy's MIPROv2.

python benchmarks/speed  (all of it takes some ten minutes, two of them for the optimizers)
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from plot import draw
from size import installed_mb
from tqdm import tqdm

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import report  # noqa: E402

CHAT_MS, EMBEDDING_MS = 200, 20
SIDES = ("ours", "mlflow")
SCRIPTS = {"ours": "ours.py", "mlflow": "reference.py", "optimizer": "optimizers.py"}
OPTIMIZERS = {"gepa": "MLflow's GEPA", "simba": "MLflow's SIMBA", "miprov2": "DSPy's MIPROv2"}
OPTIMIZED = 50
"""How many records the optimizers learn; at their own budgets more of them would take long."""
IMPORTS = {
    "ours": "from langchain_memalign import MemAlignJudge, Memory",
    "mlflow": "from mlflow.genai.judges import make_judge; "
    "from mlflow.genai.judges.optimizers import MemAlignOptimizer",
}
INSTALLED = {"ours": ["langchain-memalign"], "mlflow": ["mlflow", "dspy", "litellm"]}


class Endpoint:
    """The simulated endpoint as a process."""

    def __init__(self, process):
        self.url = f"http://127.0.0.1:{process.stdout.readline().strip()}"

    def ask(self, path, data=None):
        with urllib.request.urlopen(f"{self.url}/{path}", data) as reply:
            return json.load(reply)


@contextmanager
def endpoint(chat_ms, embedding_ms):
    command = [sys.executable, str(HERE / "endpoint.py"), str(chat_ms), str(embedding_ms)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield Endpoint(process)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def run(side, what, directory, n, at, *, chat_ms=CHAT_MS, under="v1"):
    """One side's work in a process of its own: its figures, and what the endpoint counted."""
    at.ask("reset", b"")
    with tempfile.TemporaryDirectory() as cache:
        return _run(side, what, directory, n, at, chat_ms, under, cache)


def _run(side, what, directory, n, at, chat_ms, under, cache):
    ran = subprocess.run(
        [sys.executable, SCRIPTS[side], what, directory, str(n), str(chat_ms / 1000)],
        cwd=HERE,
        env=os.environ
        | {
            "PYTHONPATH": str(HERE.parent.parent),
            "OPENAI_API_KEY": "none",
            # DSPy keeps replies on disk; what one process asked must not be free for the next.
            "DSPY_CACHEDIR": cache,
            "OPENAI_BASE_URL": f"{at.url}/{under}",
            "OPENAI_API_BASE": f"{at.url}/{under}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise SystemExit(f"{side} {what} at {n} failed:\n{ran.stderr[-3000:]}")
    figures = next(line for line in ran.stdout.splitlines() if line.startswith("FIGURES "))
    return json.loads(figures.removeprefix("FIGURES ")) | {"counts": at.ask("counts")}


def cold_import(side, times=5):
    code = (
        f"import resource, time; t = time.perf_counter(); {IMPORTS[side]}; "
        "print(time.perf_counter() - t, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    env = os.environ | {"PYTHONPATH": str(HERE.parent.parent)}
    told = [
        subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True
        ).stdout.split()[-2:]
        for _ in range(times)
    ]
    return [statistics.median(float(row[place]) for row in told) for place in (0, 1)]


class Table:
    """Rows of the result."""

    def __init__(self):
        self.rows = []

    def add(self, work, n, unit, ours, mlflow, target):
        ratio = round(ours / mlflow, 3) if mlflow and mlflow > 0 else None
        figures = [None if figure is None else round(figure, 3) for figure in (ours, mlflow)]
        names = ("work", "n", "unit", "ours", "mlflow", "ratio", "target")
        self.rows.append(dict(zip(names, (work, n, unit, *figures, ratio, target), strict=True)))


def at_size(table, n, at, bar):
    """All that depends on how much has been learned."""
    found = {}
    with tempfile.TemporaryDirectory() as directory:
        for side in SIDES:
            if side == "mlflow":
                bar.set_description(f"{n}: traces for MLflow")
                run(side, "setup", directory, n, at)
            for what in ("align", "first_verdict", "judge", "one_more"):
                bar.set_description(f"{n}: {side} {what}")
                found[side, what] = run(side, what, directory, n, at)
                bar.update()
        free = {}
        with endpoint(0, 0) as idle:
            for side in SIDES:
                bar.set_description(f"{n}: {side} judge, no latency")
                free[side] = run(side, "judge", directory, n, idle, chat_ms=0)
                bar.update()

    def both(what, figure):
        return [found[side, what][figure] for side in SIDES]

    def counted(what, figure):
        return [found[side, what]["counts"][figure] for side in SIDES]

    big = n == 1000
    table.add("align", n, "s", *both("align", "align"), {50: 0.8, 1000: 0.5}.get(n))
    table.add("align, CPU", n, "s", *both("align", "align_cpu"), 0.5 if big else None)
    table.add("+1, same process", n, "s", *both("align", "one_more"), 0.5 if big else None)
    table.add("+1, fresh process", n, "s", *both("one_more", "seconds"), 0.1 if big else None)
    table.add("+1, texts embedded", n, "texts", *counted("one_more", "embedded"), None)
    table.add("forget 1", n, "s", *both("align", "forget"), 0.5 if big else None)
    table.add(
        "fresh process to first verdict",
        n,
        "s",
        *both("first_verdict", "seconds"),
        0.2 if big else None,
    )
    for how, target in (("random arrivals", 0.3), ("back to back", 0.7)):
        table.add(f"judgement beyond its call, {how}", n, "ms", *both("judge", how), target)
    idle = [free[side]["back to back"] for side in SIDES]
    table.add("judgement, no latency", n, "ms", *idle, 0.12)
    table.add("64 judgements, 16 threads", n, "s", *both("judge", "threads"), 0.65)
    awaited = found["ours", "judge"]["awaited"]
    table.add("64 judgements, asyncio", n, "s", awaited, both("judge", "threads")[1], 0.65)
    table.add("peak memory", n, "MB", *both("align", "peak_mb"), 0.5 if big else None)
    shared, length = counted("judge", "shared_chars"), counted("judge", "prompt_chars")
    shares = [100 * s / total for s, total in zip(shared, length, strict=True)]
    table.add("prompt shared from call to call", n, "%", *shares, None)


def against_optimizers(at, bar):
    """What learning takes beside optimizers that search for a better prompt, as rows."""
    found = {}
    with tempfile.TemporaryDirectory() as directory:
        run("mlflow", "setup", directory, OPTIMIZED, at)
        for side, what in (("ours", "align_only"), *(("optimizer", name) for name in OPTIMIZERS)):
            bar.set_description(f"{OPTIMIZED}: {side} {what}")
            ran = run(side, what, directory, OPTIMIZED, at, under="varied/v1")
            counts = ran["counts"]
            found[what] = {
                "s": ran["seconds"],
                "chat calls": counts["chat_calls"],
                "tokens": counts["prompt_tokens"] + counts["completion_tokens"],
            }
            bar.update()
    return [
        (f"align, against {name}", OPTIMIZED, unit, ours, found[what][unit])
        for what, name in OPTIMIZERS.items()
        for unit, ours in found["align_only"].items()
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 50, 200, 1000])
    parser.add_argument("--out", type=Path, default=report.RESULTS / "speed.json")
    parser.add_argument("--no-plot", action="store_true")
    parser.add_argument("--no-optimizers", action="store_true", help="leave out GEPA and such")
    options = parser.parse_args()

    table = Table()
    optimizers = OPTIMIZED in options.sizes and not options.no_optimizers
    runs = 10 * len(options.sizes) + optimizers * (1 + len(OPTIMIZERS))
    bar = tqdm(total=runs, unit="run")
    with bar, endpoint(CHAT_MS, EMBEDDING_MS) as at:
        for n in options.sizes:
            at_size(table, n, at, bar)
        found = against_optimizers(at, bar) if optimizers else []
    for place, (unit, target) in enumerate((("s", 0.35), ("MB", 0.45))):
        table.add("cold import", 0, unit, *(cold_import(side)[place] for side in SIDES), target)
    sizes = [installed_mb(INSTALLED[side]) for side in SIDES]
    table.add("installed size", 0, "MB", *sizes, 0.25)
    for row in found:
        table.add(*row, None)

    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(table.rows, indent=1) + "\n", encoding="utf-8")
    about = {"latency_ms": {"chat": CHAT_MS, "embedding": EMBEDDING_MS}}
    report.write(
        options.out.with_name(f"{options.out.stem}.machine.json"),
        about,
        packages=("mlflow", "dspy", "litellm", "gepa", "optuna"),
    )
    if not options.no_plot:
        draw(table.rows, options.out.with_suffix(".png"))
    head = [*table.rows[0]]
    print(report.table([[*row.values()] for row in table.rows], head=head))


if __name__ == "__main__":
    main()
