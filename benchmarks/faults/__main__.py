"""Is anything lost, doubled, brought back or leaked when work is stopped at any moment?

    python benchmarks/faults --kills 500 --cancellations 500 --interrupts 500 --store directory

A judge with the offline model learns, forgets, is gated, edited, exported, imported, scrubbed and
reviewed, by method, by graph and by command, in processes of their own. Each trial stops one of
these at some moment: the process is killed, the task cancelled, or the call interrupted. Then the
memory is opened again: what was acknowledged must be there once, what was forgotten nowhere, in no
file of the memory, of temporary files, exports and reviews; what was stopped halfway must have
happened or not; it must learn and judge. Exit code 1 where anything is wrong.

`--store server` uses the server that QDRANT_URL names, else the REST server of the tests, whose
files are looked at, too.
"""

import argparse
import os
import shutil
import sys
import tempfile
import traceback
import uuid
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

sys.path += [str(Path(__file__).parents[up]) for up in (1, 2)]
sys.path += [str(Path(__file__).parents[2] / "tests")]

import report
import stopping
import watching
from place import Place
from qdrant_rest.process import RestServer
from tqdm import tqdm

# Children are forked from a process of its own, which reads this.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
os.environ["LANGSMITH_TRACING"] = "false"

ROUND = 50
"""Trials on one memory."""
LEGS = {
    "kills": watching.kills,
    "cancellations": lambda *round_: watching.in_process(stopping.cancelled, *round_),
    "interrupts": lambda *round_: watching.in_process(stopping.interrupted, *round_),
}


@contextmanager
def server(store):
    """What opens a place on a server, or nothing for a directory."""
    if store == "directory":
        yield lambda: {}
    elif url := os.environ.get("QDRANT_URL"):
        yield lambda: {"url": url, "collection": f"faults-{uuid.uuid4().hex}"}
    else:
        rest = RestServer()
        try:
            yield lambda: {
                "url": rest.url,
                "collection": f"faults-{uuid.uuid4().hex}",
                "files": rest.directory,
            }
        finally:
            rest.close()


def trials(leg, many, seed, placed):
    """Trials in rounds, each on a memory of its own; where something is wrong, it is kept."""
    for number, first in enumerate(range(0, many, ROUND)):
        root = Path(tempfile.mkdtemp(prefix=f"faults-{leg}-"))
        place = Place(root, **placed())
        place.make()
        wrong = False
        try:
            for trial in LEGS[leg](place, f"{seed} {number}", min(ROUND, many - first)):
                wrong = wrong or bool(trial.wrong)
                yield trial
        except Exception:
            wrong = True
            yield watching.Trial("watching", None, [traceback.format_exc()])
        if wrong:
            print(f"{leg} {seed} {number}: kept in {root}", file=sys.stderr)
        else:
            shutil.rmtree(root)


def run(leg, many, seed, placed):
    """A row of the table: what was stopped where, and what was wrong."""
    done, stopped, where, wrong = 0, Counter(), set(), []
    bar = tqdm(total=many, desc=leg, unit="trial")
    for trial in trials(leg, many, seed, placed):
        for line in trial.wrong:
            print(f"{leg}, at {trial.deed}: {line}", file=sys.stderr)
        wrong += trial.wrong
        if trial.deed == "the end":
            continue
        done += 1
        if trial.where is not None:
            stopped[trial.deed] += 1
            where.add((trial.deed, trial.where))
        bar.update()
    bar.close()
    return {
        "leg": leg,
        "trials": done,
        "midway": stopped.total(),
        "places": len(where),
        "deeds": dict(stopped.most_common()),
        "wrong": wrong,
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for leg in LEGS:
        parser.add_argument(f"--{leg}", type=int, default=0, metavar="N")
    parser.add_argument("--store", choices=("directory", "server"), default="directory")
    parser.add_argument("--seed", default="2026")
    parser.add_argument("--out", type=Path, help="a result file")
    options = parser.parse_args()
    rows = []
    with server(options.store) as placed:
        for leg in LEGS:
            if many := getattr(options, leg):
                rows.append(run(leg, many, options.seed, placed))
    if options.out:
        report.write(options.out, {"store": options.store, "seed": options.seed, "rows": rows})
    table = [[r["leg"], r["trials"], r["midway"], r["places"], len(r["wrong"])] for r in rows]
    print(report.table(table, head=["leg", "trials", "stopped midway", "at places", "wrong"]))
    return any(row["wrong"] for row in rows)


if __name__ == "__main__":
    sys.exit(main())
