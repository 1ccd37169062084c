"""Agreement with experts whose policy is known: this package, and MLflow's MemAlign.

python benchmarks/house_rules                        offline: the model "precedent", ours alone
python benchmarks/house_rules --model NAME --base-url http://localhost:8080/v1

The second asks any model behind an OpenAI-compatible API; the key is that of OPENAI_API_KEY. Where
MLflow, dspy and litellm are installed, their judge learns the same words with the same model and
embeddings, and is asked about the same cases. Cells that are taught the same share their teaching.
Each cell is kept as soon as it is finished, so the same command goes on where a run broke off.
Beside the figures, `NAME.verdicts.jsonl` holds each verdict, and what each side had learned.
"""

import argparse
import json
import sys
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

from domains import DOMAINS
from metered import metered
from plan import SPLITS, cells
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1]))

import report
from sides import COMPARED, SIDES, sides

from langchain_memalign._values.types import ValueType
from langchain_memalign.evaluation.metrics import metrics_for
from langchain_memalign.evaluation.trials import Results, Training

METRIC = "correct_overall"
"""Of all cases, so that a judge that abstains gains nothing by it."""

VERDICT = {"id", "expert", "value", "reason", "relied_on"}

OFFLINE = "precedent"


def measured(domain, options, meter):
    """A row for each cell, with the figures of each side, and what was judged and learned."""
    planned = [
        cell
        for cell in cells(domain, sizes=options.sizes, asked=options.asked)
        if (not options.only or cell.name in options.only) and cell.ask[0].split in options.splits
    ]
    kept = Kept(options.keep / domain.name)
    measured_by = sides(domain, options, meter.base_url if meter else None)
    found, said = [], []
    with tqdm(total=len(planned), desc=domain.name, unit="cell") as bar:
        for _, alike in groupby(_by_teaching(planned), key=lambda cell: cell.teach):
            together = list(alike)
            for name, side in measured_by.items():
                run(name, side, together, kept, meter)
            for cell in together:
                row, judged = row_of(domain, cell, measured_by, kept)
                found.append(row)
                said += judged
            options.written(found, said)
            bar.update(len(together))
    return found, said


def _by_teaching(planned):
    """The cells, those of one teaching together, at the place of the first."""
    first = {}
    for place, cell in enumerate(planned):
        first.setdefault(cell.teach, place)
    return sorted(planned, key=lambda cell: first[cell.teach])


def run(name, side, alike, kept, meter):
    """Teach a side what these cells teach, and ask it those that are not finished yet."""
    trials = [(key_of(name, side, c), c.trial(name)) for c in alike if side.can(c)]
    todo = [(key, trial) for key, trial in trials if not kept.results.has(key, len(trial.ask))]
    if not todo:
        return
    first = todo[0][1]
    training = Training(id=first.training_id, setting=first.setting)
    meter and meter.reading()
    with side.taught(first.teach) as (asked, rules):
        kept.add(training.id, {"rules": rules, "cost": meter.reading() if meter else {}})
        for key, trial in todo:
            judged = asked(trial)
            kept.add(key, meter.reading() if meter else {})
            kept.results.add(key, training, judged)


def key_of(name, side, cell):
    """What a side's cell is kept under."""
    return cell.trial(name).key(side.described)


def row_of(domain, cell, measured_by, kept):
    """A cell's figures, of each side; and each verdict, after what the side had learned."""
    row = {"domain": domain.name, "cell": cell.name, "condition": cell.condition}
    metric = next(m for m in metrics_for(ValueType.parse(domain.value_type)) if m.name == METRIC)
    values, said = {}, []
    for name, side in measured_by.items():
        if not side.can(cell):
            continue
        key = key_of(name, side, cell)
        judged = kept.results.rows_of(key)
        taught = kept.of(cell.trial(name).training_id)
        of = {"domain": domain.name, "condition": cell.condition, "side": name}
        said.append(of | {"rules": taught["rules"]})
        said += [of | one.model_dump(mode="json", include=VERDICT) for one in judged]
        expert, values[name] = [r.expert for r in judged], [r.value for r in judged]
        estimate = metric(expert, values[name])
        row[name] = {
            METRIC: estimate.model_dump(mode="json"),
            "shown": str(estimate),
            "unscored": values[name].count(None),
            "rules": len(taught["rules"]),
            "teaching": taught["cost"],
            **kept.of(key),
        }
    if len(values) == 2:
        change = metric.change(expert, values["MLflow"], values["ours"])
        row["ours - MLflow"] = change.model_dump(mode="json")
    return row, said


class Kept:
    """What is finished, in a folder: judgements, and what teaching and asking cost.

    Attributes:
        results: The judgements.
    """

    def __init__(self, folder):
        self.results = Results(folder)
        self._path = folder / "told.json"
        self._told = json.loads(self._path.read_text()) if self._path.is_file() else {}

    def add(self, key, told):
        """Keep what a teaching brought, or what a cell cost."""
        self._told[key] = told
        self._path.write_text(json.dumps(self._told))

    def of(self, key):
        """What was kept."""
        return self._told[key]


def show(rows):
    """Print the table."""
    lines = [
        [
            f"{row['domain']}: {row['cell']}",
            row["condition"],
            *(row[side]["shown"] if side in row else "" for side in SIDES),
            _difference(row),
            *(row[side]["unscored"] if side in row else "" for side in SIDES),
        ]
        for row in rows
    ]
    head = ["domain: cell", "condition", *SIDES, "difference", *(f"{s} unscored" for s in SIDES)]
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
    parser.add_argument("--splits", nargs="+", default=list(SPLITS), choices=SPLITS)
    parser.add_argument("--model", default=OFFLINE)
    parser.add_argument("--base-url", help="an OpenAI-compatible API that has the model")
    parser.add_argument(
        "--window", type=int, help="tokens that it takes; of a small one, ours asks for less"
    )
    parser.add_argument("--sides", nargs="+", default=list(SIDES), choices=SIDES)
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
    done, said = [], []

    def written(rows, verdicts):
        asked = ("model", "window", "sampling", "asked", "concurrency")
        figures = {name: getattr(options, name) for name in asked}
        report.write(options.out, figures | {"rows": done + rows}, packages=COMPARED)
        lines = [json.dumps(line) for line in said + verdicts]
        options.out.with_suffix(".verdicts.jsonl").write_text("\n".join(lines) + "\n")

    options.written = written
    with ExitStack() as stack:
        meter = None
        if options.base_url:
            meter = stack.enter_context(metered(options.base_url))
        for name in options.domains:
            rows, verdicts = measured(DOMAINS[name], options, meter)
            done += rows
            said += verdicts
    show(done)


if __name__ == "__main__":
    main()
