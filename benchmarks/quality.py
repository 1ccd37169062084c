"""How far judges agree with experts, the more they are taught: this package, and MLflow's MemAlign.

python benchmarks/quality.py --data DIR              offline: the model "precedent", ours alone
python benchmarks/quality.py --data DIR --model NAME --base-url http://localhost:8080/v1
python benchmarks/quality.py --sets halubench --limit 100

A set is a folder in DIR with train.jsonl and test.jsonl, or the public name of one that the extra
`datasets` downloads. README.md says what a row holds. Where MLflow, dspy and litellm are installed,
their judge learns the same words in the same order with the same model and embeddings, and is asked
about the same cases. The key of a model is that of OPENAI_API_KEY.
"""

import argparse
import sys
from collections import Counter
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tqdm import tqdm

from langchain_memalign import Feedback, MemAlignError, MemAlignJudge, Memory
from langchain_memalign.evaluation import learning_curve, load_named
from langchain_memalign.evaluation.datasets import DATASETS
from langchain_memalign.evaluation.figures import figures
from langchain_memalign.evaluation.report import plot_estimates
from langchain_memalign.evaluation.trials import learning_curve_trials

sys.path.insert(0, str(Path(__file__).parent))  # also as `python -m benchmarks.quality`

import report
from own_model import chat_model
from quality_ablation import ablated
from shared_data import FOLDER, feedback, rows, value_type

METRIC = "correct_overall"
"""Of all cases, so that a judge that abstains gains nothing by it."""

OFFLINE = "precedent"
COMPARED = ("mlflow", "dspy", "litellm")


@dataclass(frozen=True)
class Labelled:
    """A data set, and what its judge has to know."""

    name: str
    instructions: str
    value_type: dict
    taught: list
    unseen: list


def labelled(name, options):
    """A data set in the folder of `--data`, or else of a public name.

    Raises:
        SystemExit: There is no such set, or it cannot be loaded.
    """
    if name not in DATASETS or (options.data and (options.data / name).is_dir()):
        train = rows(options.data, name, "train")[: options.limit]
        test = rows(options.data, name, "test")[: options.limit]
        taught, unseen = ([Feedback(**feedback(row)) for row in part] for part in (train, test))
        return Labelled(name, train[0]["criterion"], value_type(train[0]), taught, unseen)
    try:
        loaded = load_named(name, limit=options.limit and 2 * options.limit)
    except MemAlignError as error:
        raise SystemExit(str(error)) from None
    half = len(loaded.words) // 2
    taught, unseen = loaded.words[:half], loaded.words[half:]
    return Labelled(name, loaded.instructions, loaded.value_type.json_schema, taught, unseen)


def judge_of(data, memory, options):
    """The judge of a data set, on the model that the options name."""
    return MemAlignJudge(
        name=data.name,
        instructions=data.instructions,
        value_type=data.value_type,
        model=chat_model(options),
        memory=memory,
        probabilities=options.probabilities,
        case_tokens=options.case_tokens,
        episode_tokens=options.episode_tokens,
    )


def ours(judge, taught, unseen, options):
    """Our learning curve: its figures, and all judgements."""
    with tqdm(desc=f"{judge.name}, ours", unit="judgement") as bar:

        def told(done, total):
            bar.total = total
            bar.update(done - bar.n)

        found = learning_curve(
            judge,
            taught,
            unseen=unseen,
            shards=options.shards,
            repeats=options.repeats,
            concurrency=options.concurrency,
            directory=options.keep and options.keep / judge.name,
            progress=told,
        )
    return found.figures, found.rows


def mlflows(judge, taught, unseen, options):
    """The same of MLflow's over the very trials of ours."""
    from quality_mlflow import judged_trials

    trials = learning_curve_trials(
        taught, unseen, judge="MLflow", shards=options.shards, repeats=options.repeats
    )
    total = sum(len(trial.ask) for trial in trials)
    with tqdm(total=total, desc=f"{judge.name}, MLflow", unit="judgement") as bar:
        found = judged_trials(trials, judge.spec, options, bar.update)
    return figures(found, judge.spec.value_type), found


def compares(options):
    """Whether MLflow's side can run: it needs its packages, and a model that it can reach."""
    return bool(options.base_url) and all(map(find_spec, COMPARED))


def measured(name, options):
    """All figures of one data set."""
    data = labelled(name, options)
    taught, unseen = data.taught, data.unseen
    with Memory.open(":memory:", embeddings=options.embeddings) as memory:
        judge = judge_of(data, memory, options)
        curves = {"ours": ours(judge, taught, unseen, options)}
        if compares(options):
            curves["mlflow"] = mlflows(judge, taught, unseen, options)
    ways = ()
    if options.ablations:
        ways = ablated(
            lambda memory: judge_of(data, memory, options),
            taught,
            unseen,
            embeddings=options.embeddings,
            concurrency=options.concurrency,
        )
    return curves, ways


def draw(by_set, path):
    """Draw the curves, a panel a data set."""
    panels = {
        f"{name}: agreement": {
            f"{side}, {split} cases": [
                (str(found.group.taught), found.estimates[METRIC])
                for found in curve
                if found.group.split == split
            ]
            for side, (curve, _) in curves.items()
            for split in ("unseen", "seen")
        }
        for name, (curves, _) in by_set.items()
    }
    title = "Agreement with experts, all cases counted"
    for file in plot_estimates(
        panels, path.with_suffix(""), title=title, below="words of experts taught"
    ):
        if file.suffix != ".png":
            file.unlink()


def as_json(estimates):
    return {name: found.model_dump(mode="json") for name, found in estimates.items()}


def before_it(group, judged):
    """What the judge of a point had before it, and why it abstained where it did."""
    rows = [r for r in judged if (r.setting.taught, r.split) == (group.taught, group.split)]
    reasons = Counter(" ".join(row.reason.split())[:160] for row in rows if row.value is None)
    return {
        "most_principles": max(len(row.principle_ids) for row in rows),
        "most_episodes": max(len(row.episode_ids) for row in rows),
        "abstained_because": dict(reasons.most_common()),
    }


def told(by_set):
    """The figures as JSON types."""
    return {
        name: {
            "curves": {
                side: [
                    {
                        "taught": found.group.taught,
                        "split": found.group.split,
                        "cases": found.cases,
                        "repeats": found.repeats,
                        "estimates": as_json(found.estimates),
                        "changes": as_json(found.changes),
                        **before_it(found.group, judged),
                    }
                    for found in curve
                ]
                for side, (curve, judged) in curves.items()
            },
            "ablations": [
                {
                    "way": way.name,
                    "principles": way.principles,
                    "estimates": as_json(way.estimates),
                    "change_to_all": as_json(way.changes),
                }
                for way in ways
            ],
        }
        for name, (curves, ways) in by_set.items()
    }


def show(by_set):
    """Print the curves and the ablations."""
    lines = [
        [
            name,
            side,
            found.group.split,
            found.group.taught,
            found.estimates[METRIC],
            found.changes.get(METRIC, ""),
        ]
        for name, (curves, _) in by_set.items()
        for side, (curve, _) in curves.items()
        for found in curve
    ]
    print(report.table(lines, head=["data set", "judge", "cases", "taught", METRIC, "change"]))
    if not any(ways for _, ways in by_set.values()):
        return
    lines = [
        [name, way.name, way.principles, way.estimates[METRIC], way.changes.get(METRIC, "")]
        for name, (_, ways) in by_set.items()
        for way in ways
    ]
    head = ["data set", "way", "principles", METRIC, "change to all of it"]
    print("\n" + report.table(lines, head=head))


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=FOLDER)
    parser.add_argument("--sets", nargs="+", default=["defacto", "roscoe_quality"])
    parser.add_argument("--model", default=OFFLINE)
    parser.add_argument("--base-url", help="an OpenAI-compatible API that has the model")
    parser.add_argument("--window", type=int, help="tokens that it takes; a small one is told less")
    parser.add_argument("--probabilities", choices=["logprobs"], help="where the model tells them")
    parser.add_argument("--embeddings", default="local")
    parser.add_argument("--shards", type=int, nargs="+", default=[0, 2, 5, 10, 20, 50])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--limit", type=int, help="most remarks taught, and most unseen cases")
    parser.add_argument("--ablations", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--max-tokens", type=int, default=1_000, help="of a reply")
    parser.add_argument(
        "--penalty", type=float, help="for repetition; small models do not end without, such as 1"
    )
    parser.add_argument("--case-tokens", type=int, default=32_000)
    parser.add_argument("--episode-tokens", type=int, default=2_000)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--keep", type=Path, help="a folder for our judgements; resumes from it")
    parser.add_argument("--out", type=Path, default=report.RESULTS / "quality.json")
    options = parser.parse_args()
    options.sampling = {"temperature": 0, "max_tokens": options.max_tokens}
    if options.penalty is not None:
        kinds = ("frequency_penalty", "presence_penalty")
        options.sampling |= dict.fromkeys(kinds, options.penalty)
    return options


def main():
    options = arguments()
    asked = ("model", "sampling", "embeddings", "shards", "repeats", "limit")
    figures = {name: getattr(options, name) for name in asked}
    figures["compared_with_mlflow"] = compares(options)
    by_set = {}
    for name in options.sets:
        by_set[name] = measured(name, options)
        # After each, as a model of one's own takes long, and a later set may fail.
        report.write(options.out, figures | {"sets": told(by_set)}, packages=COMPARED)
    draw(by_set, options.out)
    show(by_set)


if __name__ == "__main__":
    main()
