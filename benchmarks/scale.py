"""How finding and learning take to many episodes: milliseconds, bytes, and how fast either grows.

python benchmarks/scale.py  measures the embedded store and, where QDRANT_URL is set, that server,
at hand and at the end of a line on which each request takes 20 ms.
"""

import argparse
import math
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import report
from matplotlib.figure import Figure
from qdrant_rest.line import Line
from tqdm import tqdm

from langchain_memalign import Case, Episode, Feedback, MemAlignJudge, Memory
from langchain_memalign._stores.edge.store import EdgeStore
from langchain_memalign._sync.model_calls import embed_cases
from langchain_memalign.schema import Put

JUDGE = "tone"
QUERIES = 60
AT_ONCE = 1_000
LINE_MS = 20
TARGETS_MS = {1_000: 2, 10_000: 5, 100_000: 10}
WORDS = Path(__file__).read_text("utf-8").split()


def case(number):
    rng = random.Random(number)
    said = [" ".join(rng.choices(WORDS, k=20)) for _ in range(2)]
    return Case(inputs=f"Question {number}: {said[0]}", outputs=f"Answer {number}: {said[1]}")


def fill(memory, first, last, bar):
    """Put episodes into a memory as alignment does, without a model; seconds of writing alone."""
    spent = 0.0
    for start in range(first, last, AT_ONCE):
        feedback = [
            Feedback(**dict(case(n)), value=bool(n % 2), id=str(n))
            for n in range(start, min(start + AT_ONCE, last))
        ]
        episodes = [
            Episode.from_feedback(JUDGE, word).model_copy(update={"status": "distilled"})
            for word in feedback
        ]
        vectors = embed_cases(memory.records, [episode.case for episode in episodes])
        puts = [
            Put(judge=JUDGE, record=episode, vector=vector)
            for episode, vector in zip(episodes, vectors, strict=True)
        ]
        began = time.perf_counter()
        memory.apply(puts)
        spent += time.perf_counter() - began
        bar.update(len(puts))
    return spent


def milliseconds(work, times=QUERIES):
    """Median and 95th percentile of one run of `work`, called with a number."""
    for warm in range(5):
        work(10_000_000 + warm)
    spent = []
    for number in range(times):
        began = time.perf_counter()
        work(20_000_000 + number)
        spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent), statistics.quantiles(spent, n=20)[-1]


def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def opened(directory):
    """Milliseconds from opening a memory to its first recall, and megabytes that this takes."""
    with Memory.open(":memory:", embeddings="local") as other:
        # Imports and the embedding model do not count.
        embed_cases(other.records, [case(0)])
        embeddings = other.records.embedder
    before, began = resident_mb(), time.perf_counter()
    with Memory(EdgeStore.open(directory), embeddings) as memory:
        memory.recall(JUDGE, case(-1), k=5)
        return (time.perf_counter() - began) * 1000, resident_mb() - before


def opened_in_a_process(directory):
    """As `opened`, of a process that has read nothing of the memory yet."""
    command = [sys.executable, __file__, "--open", directory]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return map(float, done.stdout.split())


def bytes_of(directory):
    return sum(path.stat().st_blocks * 512 for path in Path(directory).rglob("*") if path.is_file())


def growth(rows, figure):
    """The exponent of a power law through the first and the last size: below 1 is sub-linear."""
    first, last = rows[0], rows[-1]
    if first is last:
        return None
    return math.log(last[figure] / first[figure]) / math.log(last["episodes"] / first["episodes"])


def measured(where, location, options, sizes):
    rows, known = [], 0
    for size in sizes:
        with Memory.open(location, embeddings="local", **options) as memory:
            row = {"store": where, "episodes": size, **at_size(memory, where, known, size)}
        if where == "embedded":
            open_ms, open_mb = opened_in_a_process(location)
            row |= {"open_ms": open_ms, "open_mb": open_mb, "mb": bytes_of(location) / 2**20}
            row["target_ms"] = TARGETS_MS.get(size)
        rows.append(row)
        known = size
    return rows


def over_a_line(url, options, size):
    """What judging and aligning take where each request to the server takes `LINE_MS` longer."""
    line, asked = Line(url), []
    try:
        line.meets = lambda request: asked.append(request) or LINE_MS / 1000
        with Memory.open(line.url, embeddings="local", **options) as memory:
            judge = offline_judge(memory)
            figures = {}
            for name, work in (
                ("judge", lambda n: judge.invoke(case(n))),
                ("align_one", lambda n: judge.align([feedback(n + size)])),
            ):
                figures[f"{name}_ms"], _ = milliseconds(work, times=5)
                asked.clear()
                work(30_000_000)
                figures[f"{name}_requests"] = len(asked)
    finally:
        line.close()
    return {"store": f"server, {LINE_MS} ms away", "episodes": size, **figures}


def offline_judge(memory):
    return MemAlignJudge(
        name=JUDGE, instructions="Kind?", value_type=bool, model="precedent", memory=memory
    )


def feedback(number):
    return Feedback(**dict(case(number)), value=True)


def at_size(memory, where, known, size):
    """What is measured of a memory once it is filled from `known` to `size` episodes."""
    judge = offline_judge(memory)
    with tqdm(total=size - known, unit="episode", desc=f"{where}, {size}") as bar:
        write_s = fill(memory, known, size, bar)
    embed_ms, _ = milliseconds(lambda n: embed_cases(memory.records, [case(n)]))
    recall, recall_p95 = milliseconds(lambda n: memory.recall(JUDGE, case(n), k=5))
    judged, _ = milliseconds(lambda n: judge.invoke(case(n)))
    align, _ = milliseconds(lambda n: judge.align([feedback(n + size)]), times=5)
    return {
        "recall_ms": recall - embed_ms,
        "recall_p95_ms": recall_p95 - embed_ms,
        "judge_ms": judged,
        "align_one_ms": align,
        "write_s_per_1000": 1000 * write_s / (size - known),
    }


def draw(rows, path):
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for store in dict.fromkeys(row["store"] for row in rows):
        mine = [row for row in rows if row["store"] == store]
        for name in ("recall_ms", "judge_ms", "align_one_ms"):
            xs, ys = [row["episodes"] for row in mine], [row.get(name) for row in mine]
            axes.loglog(xs, ys, marker="o", label=f"{store}: {name[:-3].replace('_', ' ')}")
    axes.set_xlabel("episodes")
    axes.set_ylabel("milliseconds, median")
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=120)


def shown(value):
    return f"{value:.2f}" if isinstance(value, float) else value


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[*TARGETS_MS])
    parser.add_argument("--out", type=Path, default=report.RESULTS / "scale.json")
    parser.add_argument("--open", metavar="DIRECTORY", help="only tell what opening it takes")
    options = parser.parse_args()
    if options.open:
        print(*opened(options.open))
        return

    with tempfile.TemporaryDirectory() as directory:
        rows = measured("embedded", f"{directory}/memory", {}, options.sizes)
    if url := os.environ.get("QDRANT_URL"):
        place = {
            "collection": f"scale-{uuid.uuid4().hex}",
            "api_key": os.environ.get("QDRANT_API_KEY"),
        }
        rows += measured("server", url, place, options.sizes)
        rows.append(over_a_line(url, place, options.sizes[-1]))
    mine = [row for row in rows if row["store"] == "embedded"]
    exponents = {name: growth(mine, name) for name in ("recall_ms", "judge_ms", "mb")}
    report.write(options.out, {"rows": rows, "growth_exponents": exponents})
    draw(rows, options.out.with_suffix(".png"))
    # Of a server less can be measured.
    columns = list(dict.fromkeys(name for row in rows for name in row))
    print(report.table([[shown(row.get(name)) for name in columns] for row in rows], head=columns))
    print("growth exponents:", exponents)


if __name__ == "__main__":
    main()
