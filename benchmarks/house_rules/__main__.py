"""Agreement with experts whose policy is known: this package, and MLflow's MemAlign.

python benchmarks/house_rules                        offline: the model "precedent", ours alone
python benchmarks/house_rules --model NAME --base-url http://localhost:8080/v1

The second asks any model behind an OpenAI-compatible API; the key is that of OPENAI_API_KEY. Where
MLflow, dspy and litellm are installed, their judge learns the same words with the same model and
embeddings, and is asked about the same cases. Each cell is kept as soon as it is finished, so the
same command goes on where a run broke off.
"""

import argparse
import json
import sys
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

from domains import DOMAINS
from metered import metered
from plan import cells
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1]))

import report
from own_model import chat_model

from langchain_memalign import MemAlignJudge, Memory
from langchain_memalign.evaluation.metrics import metrics_for
from langchain_memalign.evaluation.runner import describe, run_trials
from langchain_memalign.evaluation.trials import Results, Training

METRIC = "correct_overall"
"""Of all cases, so that a judge that abstains gains nothing by it."""

OFFLINE = "precedent"
COMPARED = ("mlflow", "dspy", "litellm")


def judge_of(domain, memory, options):
    """The judge of a domain, on the model that the options name."""
    return MemAlignJudge(
        name=domain.name,
        instructions=domain.instructions,
        value_type=dict(domain.value_type),
        model=chat_model(options),
        memory=memory,
    )


def ours(judge, cell, results, options):
    """The judgements of a cell, of this package's judge."""
    trial = cell.trial("ours")
    run_trials([trial], {"ours": judge}, results=results, concurrency=options.concurrency)


def mlflows(judge, cell, results, options):
    """The judgements of the same cell, of MLflow's."""
    from quality_mlflow import judged_trials

    trial = cell.trial("MLflow")
    found = judged_trials([trial], judge.spec, options, lambda _: None)
    training = Training(id=trial.training_id, setting=trial.setting)
    results.add(trial.key("MLflow"), training, found)


def sides(judge, options):
    """Who is measured: how, and under which key a cell of theirs is kept."""
    found = {"ours": (ours, lambda cell: cell.trial("ours").key(describe(judge)))}
    if options.base_url and options.mlflow and all(map(find_spec, COMPARED)):
        found["MLflow"] = (mlflows, lambda cell: cell.trial("MLflow").key("MLflow"))
    return found


def measured(domain, options, meter):
    """A row for each cell and side that was run, with its judgements."""
    planned = [
        cell
        for cell in cells(domain, sizes=options.sizes, asked=options.asked)
        if not options.only or cell.name in options.only
    ]
    results = Results(options.keep / domain.name)
    costs = Costs(options.keep / domain.name / "costs.json")
    found = []
    with Memory.open(":memory:", embeddings=options.embeddings) as memory:
        judge = judge_of(domain, memory, options)
        metric = next(m for m in metrics_for(judge.spec.value_type) if m.name == METRIC)
        for cell in tqdm(planned, desc=domain.name, unit="cell"):
            row = {"domain": domain.name, "cell": cell.name, "condition": cell.condition}
            rows_by_side = {}
            for side, (run, key) in sides(judge, options).items():
                if side == "MLflow" and cell.shown != "both":
                    continue  # it has no way to leave a memory out
                if not results.has(key(cell), len(cell.ask)):
                    meter and meter.reading()
                    run(judge, cell, results, options)
                    costs.add(key(cell), meter.reading() if meter else {})
                rows_by_side[side] = results.rows_of(key(cell))
                row[side] = told(metric, rows_by_side[side]) | costs.of(key(cell))
            if len(rows_by_side) == 2:
                theirs, own = rows_by_side["MLflow"], rows_by_side["ours"]
                row["ours - MLflow"] = metric.change(
                    [r.expert for r in own], [r.value for r in theirs], [r.value for r in own]
                ).model_dump(mode="json")
            found.append(row)
            options.written(found)
    return found


def told(metric, rows):
    """The figures of one side's cell."""
    estimate = metric([r.expert for r in rows], [r.value for r in rows])
    return {
        METRIC: estimate.model_dump(mode="json"),
        "shown": str(estimate),
        "unscored": sum(r.value is None for r in rows),
        "principles": max(len(r.principle_ids) for r in rows),
    }


class Costs:
    """Calls, tokens and seconds of each cell, beside its judgements."""

    def __init__(self, path):
        self._path = path
        self._found = json.loads(path.read_text()) if path.is_file() else {}

    def add(self, key, cost):
        self._found[key] = cost
        self._path.write_text(json.dumps(self._found))

    def of(self, key):
        return self._found.get(key, {})


def show(rows):
    """Print the table."""
    lines = [
        [
            f"{row['domain']}: {row['cell']}",
            row["condition"],
            row["ours"]["shown"],
            row.get("MLflow", {}).get("shown", ""),
            _difference(row),
            row["ours"]["unscored"],
            row["ours"].get("seconds", ""),
        ]
        for row in rows
    ]
    head = ["domain: cell", "condition", "ours", "MLflow", "difference", "unscored", "seconds"]
    print(report.table(lines, head=head))


def _difference(row):
    found = row.get("ours - MLflow")
    if found is None or found["low"] is None:
        return "" if found is None else f"{found['value']:+.2f}"
    return f"{found['value']:+.2f} [{found['low']:+.2f}, {found['high']:+.2f}]"


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--domains", nargs="+", default=list(DOMAINS), choices=list(DOMAINS))
    parser.add_argument("--sizes", type=int, nargs="+", default=[0, 2, 5, 10, 20, 40])
    parser.add_argument("--asked", type=int, default=40, help="cases that a cell asks")
    parser.add_argument("--only", nargs="+", help="names of cells, such as curve")
    parser.add_argument("--model", default=OFFLINE)
    parser.add_argument("--base-url", help="an OpenAI-compatible API that has the model")
    parser.add_argument("--mlflow", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--embeddings", default="local")
    parser.add_argument("--max-tokens", type=int, default=1_000, help="of a reply")
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--keep", type=Path, default=Path(".house_rules"))
    parser.add_argument("--out", type=Path, default=report.RESULTS / "house_rules.json")
    options = parser.parse_args()
    options.sampling = {"temperature": 0, "max_tokens": options.max_tokens}
    options.keep = options.keep / options.model.replace("/", "_")
    return options


def main():
    options = arguments()
    done = []

    def written(rows):
        asked = {"model": options.model, "sampling": options.sampling, "asked": options.asked}
        report.write(options.out, asked | {"rows": done + rows}, packages=COMPARED)

    options.written = written
    with ExitStack() as stack:
        meter = None
        if options.base_url:
            options.base_url, meter = stack.enter_context(metered(options.base_url))
        for name in options.domains:
            done += measured(DOMAINS[name], options, meter)
    written([])
    show(done)


if __name__ == "__main__":
    main()
