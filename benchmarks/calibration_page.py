"""What the documentation shows of how sure a judge is, from the last results.

python benchmarks/calibration_page.py  prints it
"""

import json
from pathlib import Path

RESULTS = Path(__file__).parent / "results" / "calibration.json"
SMALL = RESULTS.with_name("calibration-qwen-1.5b.json")
"""Rows judged by a small language model, with its log probabilities."""


def promises(told):
    """How often promises hold: a line for each judge, number of cases and promise that was made."""
    kinds = dict.fromkeys((p["judge"], p["cases"], p["agreement"]) for p in told["promises"])
    lines = []
    for judge, cases, agreement in kinds:
        same = [p for p in told["promises"] if _kind(p) == (judge, cases, agreement)]
        made = [p for p in same if p["promised"]]
        if made:
            held = ", ".join(f"{p['held']:.3f}" for p in same)
            covered = sum(p["coverage"] for p in made) / len(made)
            shares = (_mean(same, "promised"), covered, _mean(same, "map_used"))
            lines.append(_line(judge, cases, f"{agreement:.0%}", held, *map(_share, shares)))
    head = "| judge | cases | promise | held | promised | covered | map used |"
    return [head, "|---|--:|--:|--:|--:|--:|--:|", *lines]


def noise(told):
    """How often a map is used where there is nothing to be learned."""
    counts = dict.fromkeys(line["cases"] for line in told["noise"])
    lines = [_line(n, ", ".join(f"{x['map_used']:.3f}" for x in _of(told, n))) for n in counts]
    return ["| cases | map used |", "|--:|--:|", *lines]


def sets(told):
    """How well confidence tells agreement, by data set."""
    head = "| unseen cases | number | verdicts | error before | after | 100 % | 80 % | 60 % |"
    lines = [
        _line(
            name,
            found["cases"],
            found["scored"],
            *(_share(found[when]["expected_calibration_error"]) for when in ("before", "after")),
            *map(_share, found["after"]["agreement_at"].values()),
        )
        for name, found in told["sets"].items()
    ]
    return [head, "|---|--:|--:|--:|--:|--:|--:|--:|", *lines]


def overhead(told):
    """What a track record adds to a judgement."""
    added = told["overhead"]
    return [
        f"{added['ms_a_judgement']:.3f} ms (median; 95th percentile "
        f"{added['ms_a_judgement_p95']:.3f} ms) and no model call; "
        f"{added['ms_once_after_a_change']:,.0f} ms once after each change, to fit the map anew"
    ]


def sentences(told):
    """What the page on confidence says of these figures."""
    found = told["sets"]["all cases"]
    before, after = found["before"], found["after"]
    agreed = {share: f"{value:.0%}".replace("%", " %") for share, value in _at(after)}
    least = min(p["held"] for p in told["promises"])
    return [
        f"On {found['cases']} unseen rows of",
        f"reaches a verdict on {found['scored']}, and experts agree with {agreed['100%']} of them",
        f"its expected calibration error is {_share(before['expected_calibration_error'])}; by the "
        f"track record it is {_share(after['expected_calibration_error'])}",
        f"Experts agree with {agreed['80%']} of the surest 80 % of its verdicts, and with "
        f"{agreed['60%']} of the surest 60 %",
        f"no promise is broken in at least {least * 100:.1f} % of the draws",
    ]


def _kind(promise):
    return promise["judge"], promise["cases"], promise["agreement"]


def _of(told, cases):
    return [line for line in told["noise"] if line["cases"] == cases]


def _at(figures):
    return figures["agreement_at"].items()


def _mean(lines, name):
    return sum(line[name] for line in lines) / len(lines)


def _share(value):
    return f"{value:.2f}"


def _line(*cells):
    return "| " + " | ".join(map(str, cells)) + " |"


if __name__ == "__main__":
    figures = json.loads(RESULTS.read_text("utf-8"))
    small = json.loads(SMALL.read_text("utf-8"))
    figures["sets"] |= {
        f"{name}, {small['model']}": found
        for name, found in small["sets"].items()
        if name != "all cases"
    }
    parts = (promises, noise, sets, overhead, sentences)
    print("\n\n".join("\n".join(part(figures)) for part in parts))
