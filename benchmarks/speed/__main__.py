"""This package and MLflow's MemAlign, side by side at the same work on the same simulated endpoint;
and what it takes to learn 50 records beside MLflow's GEPA and SIMBA and DSPy's MIPROv2.

python benchmarks/speed  (all of it takes half an hour and more)
"""

import argparse
import json
import sys
from pathlib import Path

from against import OPTIMIZERS, RECORDS, against_optimizers
from plot import draw
from processes import cold_import, endpoint
from sides import DONE, LATENCY, SIDES, at_size, of_real_prompts, row
from size import installed_mb
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parent.parent))

import report
from shared_data import FOLDER as DATA

INSTALLED = {"ours": ["langchain-memalign"], "mlflow": ["mlflow", "dspy", "litellm"]}
REAL = ("defacto", "feedbackqa")
"""Data sets in whose rows experts left remarks."""


def of_the_package(repeats):
    """What does not depend on any record, as rows."""
    imports = {side: cold_import(side, times=repeats + 2) for side in SIDES}
    rows = [
        row("cold import", 0, unit, {side: [imports[side][place]] for side in SIDES}, target)
        for place, (unit, target) in enumerate((("s", 0.35), ("MB", 0.45)))
    ]
    sizes = {side: [installed_mb(INSTALLED[side])] for side in SIDES}
    return [*rows, row("installed size", 0, "MB", sizes, 0.25)]


def measured(options):
    """All rows, each with the figures of its runs."""
    optimizers = RECORDS in options.sizes and not options.no_optimizers
    real = [name for name in REAL if DATA is not None and (DATA / name).is_dir()]
    if len(real) < len(REAL):
        where = f"in {DATA}" if DATA else "and no MEMALIGN_DATA, a folder of them"
        print(f"found no data sets {set(REAL) - set(real)} {where}: their prompts are left out.")
    runs = options.repeats * len(SIDES) * (len(DONE) + 1) * len(options.sizes)
    total = runs + len(SIDES) * len(real) + optimizers * (1 + len(OPTIMIZERS))
    with tqdm(total=total, unit="run") as bar, endpoint() as at:
        rows = [r for n in options.sizes for r in at_size(n, at, options.repeats, bar)]
        rows += of_real_prompts(real, at, bar)
        if optimizers:
            rows += against_optimizers(at, bar)
    return [*rows, *of_the_package(options.repeats)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 50, 200, 1000])
    parser.add_argument("--repeats", type=int, default=3, help="runs; the median counts")
    parser.add_argument("--out", type=Path, default=report.RESULTS / "speed.json")
    parser.add_argument("--no-plot", action="store_true")
    parser.add_argument("--no-optimizers", action="store_true", help="leave out GEPA and such")
    options = parser.parse_args()

    found = measured(options)
    rows = [row for row, _ in found]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    runs = [{"work": r["work"], "n": r["n"], "unit": r["unit"], **each} for r, each in found]
    report.write(
        options.out.with_name(f"{options.out.stem}.runs.json"),
        {"latency_ms": LATENCY, "runs": runs},
        packages=("mlflow", "dspy", "litellm", "gepa", "optuna"),
    )
    if not options.no_plot:
        draw(rows, options.out.with_suffix(".png"))
    print(report.table([[*r.values()] for r in rows], head=[*rows[0]]))


if __name__ == "__main__":
    main()
