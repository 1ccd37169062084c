"""Whether a judge's confidence holds: on simulated judges, and on human-labelled rows.

    python benchmarks/calibration.py                 simulated judges, and the time that it takes
    python benchmarks/calibration.py --data FOLDER   also the data sets there, by "precedent"

Simulated: judges and experts with known habits. A track record of n cases is drawn, a promise made
of it, and held against 1,000 new cases. A draw in which nothing is promised breaks no promise; how
often something is, and for which share of cases, is told beside. Each seed draws everything anew.

On rows: 50 words are taught, the judge is asked about each without it, and then about unseen rows.
Before is the judge taken at its word; after is its confidence. Also any model behind an
OpenAI-compatible API, as in quality.py.
"""

import random
import statistics
import time

import report
import simulated_judges as judges
from calibration_rows import arguments, draw, rows_measured
from langchain_core.embeddings import FakeEmbeddings
from tqdm import tqdm

from langchain_memalign import (
    AtLeast,
    Episode,
    Feedback,
    MemAlignJudge,
    Memory,
    Put,
    Recalled,
    Verdict,
    WorkingMemory,
)
from langchain_memalign._calibration.agreement import promised
from langchain_memalign._calibration.reading import calibrated, record_of
from langchain_memalign._judging.setup import known_track

NEW = 1_000
PROMISES = (0.8, 0.9)
SIMULATED = {
    "just below 80 %, both ways": (judges.habits(0.79, 0.79), judges.BOOLEAN),
    "just below 90 %, both ways": (judges.habits(0.89, 0.89), judges.BOOLEAN),
    "lenient (TPR 0.97, TNR 0.8)": (judges.habits(0.97, 0.8), judges.BOOLEAN),
    "agreeable (TPR 0.97, TNR 0.25)": (judges.habits(0.97, 0.25), judges.BOOLEAN),
    "overconfident probabilities": (judges.overconfident(2.0), judges.BOOLEAN),
    "good precedents": (judges.with_precedents(0.75), judges.BOOLEAN),
    "labels, just below 80 %": (judges.labels_right(0.79), judges.LABELS),
    "stars, one too many": (judges.generous, judges.STARS),
}


def kept(name, count, draws, seed):
    """How often promises made of `count` cases hold, in `draws` draws."""
    drawn, value_type = SIMULATED[name]
    rng = random.Random(f"{name} new {seed}" if seed else f"{name} new")
    new = [drawn(rng) for _ in range(NEW)]
    found = {promise: {"broken": 0, "promised": 0, "coverage": 0.0} for promise in PROMISES}
    used = 0
    for number in range(seed * draws, (seed + 1) * draws):
        record = judges.track(drawn, count, seed=f"{name} {number}", value_type=value_type)
        used += record.is_calibrated
        said = None
        for promise in PROMISES:
            limit = promised(record, AtLeast(agreement=promise)).value
            if limit is None:
                continue
            said = said or made_of(record, new)
            covered = [made.value == value for made, value in said if made.confidence >= limit]
            told = found[promise]
            told["promised"] += 1
            told["coverage"] += len(covered) / NEW
            told["broken"] += bool(covered) and sum(covered) / len(covered) < promise
    return [
        {
            "judge": name,
            "cases": count,
            "agreement": promise,
            "seed": seed,
            "held": 1 - told["broken"] / draws,
            "promised": told["promised"] / draws,
            "coverage": told["coverage"] / told["promised"] if told["promised"] else None,
            "map_used": used / draws,
        }
        for promise, told in found.items()
    ]


def made_of(record, cases):
    """What the track record makes of some cases, and the experts' values."""
    known = {}
    for one in cases:
        if one.record not in known:
            known[one.record] = record.says(one.said, one.record)
    return [(known[one.record], one.value) for one in cases]


def noise_let_in(count, draws, seed):
    """How often a map is used where experts and judge have nothing to do with each other."""
    numbers = range(seed * draws, (seed + 1) * draws)
    used = [judges.track(judges.noise, count, seed=n).is_calibrated for n in numbers]
    return {"cases": count, "seed": seed, "map_used": sum(used) / draws}


def overhead(count=1_000, repeats=300):
    """What so long a track record adds to a judgement, and to the first one after a change."""
    drawn = judges.with_precedents(0.75)
    rng = random.Random(1)
    with Memory.open(":memory:", embeddings=FakeEmbeddings(size=8)) as memory:
        judge = MemAlignJudge(
            name="tone",
            instructions="Is it good?",
            value_type=bool,
            model="precedent",
            memory=memory,
        )
        said_by = judge.setup.said_by
        puts = []
        for number in range(count):
            one = drawn(rng)
            record = one.record.model_copy(update={"said_by": said_by})
            word = Feedback(outputs=f"Answer {number}.", value=one.value, judge_records=(record,))
            puts.append(Put(judge="tone", record=Episode.from_feedback("tone", word)))
        memory.apply(puts)
        recalled = [Recalled(episode=e, similarity=0.5) for e in judge.episodes()[:5]]
        before = WorkingMemory(episodes=recalled)
        started = time.perf_counter()
        known_track(judge.setup).says(True, record)
        fitting = (time.perf_counter() - started) * 1000
        adding = []
        for _ in range(repeats):
            verdict = Verdict(value=True, rationale="Because.")
            started = time.perf_counter()
            said = record_of(judge.setup.said_by, before, verdict.value)
            calibrated(known_track(judge.setup), verdict, said)
            adding.append((time.perf_counter() - started) * 1000)
    return {
        "episodes": count,
        "ms_a_judgement": statistics.median(adding),
        "ms_a_judgement_p95": statistics.quantiles(adding, n=20)[-1],
        "ms_once_after_a_change": fitting,
    }


def main():
    options = arguments(__doc__, out=report.RESULTS / "calibration.json")
    added = overhead()
    grid = [(name, n, seed) for name in SIMULATED for n in options.cases for seed in options.seeds]
    promises = [
        line
        for name, count, seed in tqdm(grid, unit="judge")
        for line in kept(name, count, options.draws, seed)
    ]
    noise = [noise_let_in(n, options.draws, seed) for n in options.cases for seed in options.seeds]
    sets = rows_measured(options) if options.data else {}
    figures = {"draws": options.draws, "promises": promises, "noise": noise, "overhead": added}
    report.write(options.out, {**figures, "sets": sets})
    draw(sets, options.out.with_suffix(".png"))
    shown = [
        [
            line["judge"],
            line["cases"],
            f"{line['agreement']:.0%}",
            line["seed"],
            f"{line['held']:.3f}",
            f"{line['promised']:.2f}",
            "" if line["coverage"] is None else f"{line['coverage']:.2f}",
            f"{line['map_used']:.2f}",
        ]
        for line in promises
    ]
    head = ["judge", "cases", "promise", "seed", "held", "promised", "coverage then", "map used"]
    print(report.table(shown, head=head))
    for line in noise:
        print(f"noise, {line['cases']} cases: a map is used in {line['map_used']:.3f} of the draws")
    print(
        f"at {added['episodes']} episodes: {added['ms_a_judgement']:.3f} ms a judgement, "
        f"{added['ms_once_after_a_change']:.0f} ms once after a change"
    )
    for name, told in sets.items():
        print(f"{name}: {told}")


if __name__ == "__main__":
    main()
