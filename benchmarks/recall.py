"""Do recalled episodes carry the expert's value? By what is compared and how; no model is asked.

python benchmarks/recall.py  reads the data sets in the folder MEMALIGN_DATA; --data names another.
"""

import argparse
from pathlib import Path

import report
from matplotlib.figure import Figure
from recall_quality import recall_quality
from shared_data import FOLDER, datasets, feedback, rows, value_type
from tqdm import tqdm

from langchain_memalign import MemAlignJudge, Memory
from langchain_memalign.evaluation.metrics import exact_match

DEFAULT = ("both", "dense")
"""What memory does."""


def measured(data, name, *, k, embeddings):
    """The figures of a data set: its unseen cases looked up among the taught ones."""
    train, test = rows(data, name, "train"), rows(data, name, "test")
    with Memory.open(":memory:", embeddings=embeddings) as memory:
        judge = MemAlignJudge(
            name=name,
            instructions=train[0]["criterion"],
            value_type=value_type(train[0]),
            model="precedent",
            memory=memory,
        )
        found = recall_quality(
            judge, list(map(feedback, train)), unseen=list(map(feedback, test)), k=k
        )
    return found


def together(found):
    """The vote over the cases of several sets, and how much it is above that of the default.

    Both ways are asked about the same cases, so the change is told from noise in pairs.
    """
    rights = {}
    for quality in found:
        rights.setdefault((quality.by, quality.how), []).extend(quality.right)
    asked = [True] * len(rights[DEFAULT])
    return {
        way: {
            "vote": exact_match(asked, right),
            "change": exact_match.change(asked, rights[DEFAULT], right),
        }
        for way, right in rights.items()
    }


def draw(by_set, path):
    """Draw the vote of each way, a line a data set, with 95 % intervals."""
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    axes = figure.subplots()
    for place, (name, found) in enumerate(by_set.items()):
        votes = [quality.vote for quality in found]
        at = [n + (place - len(by_set) / 2) * 0.1 for n in range(len(votes))]
        values = [vote.value for vote in votes]
        below = [vote.value - vote.low for vote in votes]
        above = [vote.high - vote.value for vote in votes]
        axes.errorbar(at, values, yerr=(below, above), fmt="o", markersize=4, label=name)
    axes.set_xticks(range(len(votes)), [f"{q.by}, {q.how}" for q in found], rotation=20)
    axes.set_ylabel("majority of the recalled has the expert's value")
    axes.legend(fontsize=7, ncols=4)
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=FOLDER)
    parser.add_argument("--k", type=int, default=5)
    parser.add_argument("--embeddings", default="local")
    parser.add_argument("--out", type=Path, default=report.RESULTS / "recall.json")
    options = parser.parse_args()

    by_set = {
        name: measured(options.data, name, k=options.k, embeddings=options.embeddings)
        for name in tqdm(datasets(options.data), unit="set")
    }
    every = together(quality for found in by_set.values() for quality in found)
    lines = []
    for place, (way, told) in enumerate(every.items()):
        votes = [found[place].vote.value for found in by_set.values()]
        name = ", ".join(way) + (" (default)" if way == DEFAULT else "")
        change = "" if way == DEFAULT else told["change"]
        lines.append([name, *(f"{vote:.2f}" for vote in votes), told["vote"], change])
    figures = {
        "k": options.k,
        "embeddings": options.embeddings,
        "sets": {
            name: [quality.model_dump(mode="json") for quality in found]
            for name, found in by_set.items()
        },
        "all_cases": [
            {"by": by, "how": how}
            | {name: found.model_dump(mode="json") for name, found in told.items()}
            for (by, how), told in every.items()
        ],
    }
    report.write(options.out, figures)
    draw(by_set, options.out.with_suffix(".png"))
    head = ["vote of the k nearest", *by_set, "all cases", "change to the default"]
    print(report.table(lines, head=head))


if __name__ == "__main__":
    main()
