"""How well a judge's confidence tells agreement, on human-labelled rows.

python benchmarks/calibration_rows.py --model NAME --base-url http://localhost:8080/v1 --out FILE

measures the rows alone, on any model behind an OpenAI-compatible API; calibration.py has them
beside simulated judges.
"""

import argparse
from pathlib import Path

import report
from quality import Labelled, judge_of
from shared_data import FOLDER, datasets, feedback, rows, value_type
from tqdm import tqdm

from langchain_memalign import Feedback, Memory, Verdict
from langchain_memalign._calibration.levels import Levels

BINS = 10
COVERAGES = (1.0, 0.8, 0.6)


def arguments(description, *, out):
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of the draws")
    parser.add_argument("--cases", type=int, nargs="+", default=[20, 50, 200])
    parser.add_argument("--data", type=Path, default=FOLDER)
    parser.add_argument("--sets", nargs="+")
    parser.add_argument("--model", default="precedent")
    parser.add_argument("--base-url", help="an OpenAI-compatible API that has the model")
    parser.add_argument("--embeddings", default="local")
    parser.add_argument("--window", type=int, help="tokens that it takes; a small one is told less")
    parser.add_argument("--probabilities", choices=["logprobs"], help="where the model tells them")
    parser.add_argument("--limit", type=int, default=50, help="most rows taught")
    parser.add_argument("--unseen", type=int, help="most cases asked")
    parser.add_argument("--max-tokens", type=int, default=1_000, help="of a reply")
    parser.add_argument("--case-tokens", type=int, default=32_000)
    parser.add_argument("--episode-tokens", type=int, default=2_000)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--out", type=Path, default=out)
    options = parser.parse_args()
    options.sampling = {"temperature": 0, "max_tokens": options.max_tokens}
    return options


def rows_measured(options):
    """By data set, and for all of them: what confidence tells before and after."""
    found = {
        name: judged(name, options)
        for name in tqdm(options.sets or datasets(options.data), unit="set")
    }
    told = {name: figures(cases) for name, cases in found.items()}
    everything = [case for cases in found.values() for case in cases]
    return {**told, "all cases": figures(everything)}


def judged(name, options):
    """Of each unseen row: the confidence before and after, and whether the expert agrees."""
    train = rows(options.data, name, "train")[: options.limit]
    test = rows(options.data, name, "test")[: options.unseen]
    taught, unseen = ([Feedback(**feedback(row)) for row in part] for part in (train, test))
    data = Labelled(name, train[0]["criterion"], value_type(train[0]), taught, unseen)
    with Memory.open(":memory:", embeddings=options.embeddings) as memory:
        judge = judge_of(data, memory, options)
        judge.align(data.taught)
        judge.calibrate(max_concurrency=options.concurrency)
        levels = Levels(judge.spec.value_type)
        cases = []
        config = {"max_concurrency": options.concurrency}
        outcomes = judge.batch([word.case for word in data.unseen], config)
        for word, outcome in zip(data.unseen, outcomes, strict=True):
            if not isinstance(outcome, Verdict):
                cases.append(None)
                continue
            raw = outcome.value if outcome.raw_value is None else outcome.raw_value
            told = outcome.records[0].probabilities if outcome.records else None
            cases.append(
                {
                    "before": told[raw] if told else 1.0,
                    "agreed_before": levels.agree(raw, word.value),
                    "after": outcome.confidence,
                    "agreed_after": levels.agree(outcome.value, word.value),
                }
            )
    return cases


def figures(cases):
    """What confidence tells of some cases, those without a verdict left out."""
    scored = [case for case in cases if case and case["after"] is not None]
    told = {"cases": len(cases), "scored": len(scored)}
    for when in ("before", "after"):
        pairs = [(case[when], case[f"agreed_{when}"]) for case in scored]
        told[when] = {
            "expected_calibration_error": calibration_error(pairs),
            "agreement_at": {f"{c:.0%}": agreement_at(pairs, c) for c in COVERAGES},
            "reliability": reliability(pairs),
        }
    return told


def reliability(pairs):
    """Of each tenth of confidence: the mean confidence, the share that agreed, and how many."""
    bins = [[] for _ in range(BINS)]
    for sure, agreed in pairs:
        bins[min(BINS - 1, int(sure * BINS))].append((sure, agreed))
    return [
        {
            "confidence": sum(sure for sure, _ in held) / len(held),
            "agreed": sum(agreed for _, agreed in held) / len(held),
            "cases": len(held),
        }
        for held in bins
        if held
    ]


def calibration_error(pairs):
    """The mean distance of confidence and agreement over the bins, weighed by their cases."""
    apart = [(abs(b["confidence"] - b["agreed"]), b["cases"]) for b in reliability(pairs)]
    return sum(gap * count for gap, count in apart) / len(pairs) if pairs else None


def agreement_at(pairs, coverage):
    """The agreement in the surest share of the cases; of equally sure ones, what is expected."""
    wanted, agreed = coverage * len(pairs), 0.0
    left = wanted
    for sure in sorted({sure for sure, _ in pairs}, reverse=True):
        alike = [agrees for other, agrees in pairs if other == sure]
        taken = min(left, len(alike))
        agreed += taken * sum(alike) / len(alike)
        left -= taken
    return agreed / wanted if pairs else None


def draw(sets, path):
    """Reliability diagrams, before and after, of all cases."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 5))
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    for when, colour in (("before", "tab:orange"), ("after", "tab:blue")):
        bins = sets["all cases"][when]["reliability"] if sets else []
        axes.scatter(
            [b["confidence"] for b in bins],
            [b["agreed"] for b in bins],
            s=[2 * b["cases"] for b in bins],
            color=colour,
            label=when,
            alpha=0.7,
        )
    axes.set(xlabel="confidence", ylabel="share in which the expert agreed", xlim=(0, 1.02))
    axes.set_ylim(0, 1.02)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main():
    options = arguments(__doc__, out=report.RESULTS / "calibration_rows.json")
    asked = ("model", "window", "probabilities", "sampling", "limit", "unseen")
    told = {name: getattr(options, name) for name in asked}
    sets = rows_measured(options)
    report.write(options.out, told | {"sets": sets})
    draw(sets, options.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
