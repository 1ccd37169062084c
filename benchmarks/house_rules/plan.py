"""What is measured: cells, each a judge that was taught something and is asked some cases."""

from dataclasses import dataclass

from policy import Domain, feedback

from langchain_memalign import Feedback
from langchain_memalign.evaluation.trials import (
    TEACHING,
    Condition,
    EvalCase,
    Trial,
    eval_cases,
    taught_by,
)

SPLITS = ("unseen", "seen")
TAUGHT = 40
HALF = 20
"""How many remarks the comparisons of parts are taught."""
CHANGE = 4
"""How many remarks turn a rule round."""
WRONG = 10
"""One expert in so many has the policy upside down."""


@dataclass(frozen=True)
class Cell:
    """One row of the results.

    Attributes:
        name: What is compared.
        condition: What sets it apart from the others of that name.
        teach: The experts' words.
        ask: The cases.
        shown: Which memory the judge is shown; the other package's has both in any case.
    """

    name: str
    condition: str
    teach: tuple[Feedback, ...]
    ask: tuple[EvalCase, ...]
    shown: str = "both"

    def trial(self, judge: str) -> Trial:
        """The cell as a trial of a judge."""
        setting = Condition(judge=judge, taught=len(self.teach), shown=self.shown)
        return Trial(setting=setting, teach=self.teach, ask=self.ask)


def cells(domain: Domain, *, sizes: list[int], asked: int) -> list[Cell]:
    """All cells of a domain, those that matter most first.

    Args:
        domain: What is judged.
        sizes: How many remarks are taught along the curve.
        asked: How many cases each cell asks.
    """
    taught = _rows(domain, "train", TAUGHT)
    # Exactly one of them shows a rare rule broken.
    rare = next(rule.name for rule in domain.rules if rule.rare)
    common = [row for row in taught if rare not in row["against"]][: TAUGHT - 1]
    once = domain.row(1, seed="once", about=rare)
    taught = [*common[:7], once, *common[7:]]
    unseen = _rows(domain, "test", asked, without=taught)
    words = heard(taught)
    curve = [
        Cell("curve", f"{size} taught, {split} cases", words[:size], eval_cases(of, split))
        for size in sizes
        for split, of in zip(SPLITS, (heard(unseen), words[: size or TAUGHT][:asked]), strict=True)
    ]
    rares = eval_cases(heard(_rows(domain, "rare", asked, without=taught, about=rare)))
    change = _rows(domain, "turned", CHANGE, turned=True, about=domain.turned, only=True)
    changed = _rows(
        domain, "after", asked, without=[*taught, *change], turned=True, about=domain.turned
    )
    wrong = [
        domain.wrong(row, number) if number % WRONG == WRONG // 2 else row
        for number, row in enumerate(taught)
    ]
    after = eval_cases(heard(changed))
    ask = eval_cases(heard(unseen))
    parts = [Cell("taught", teaching, _part(words[:HALF], teaching), ask) for teaching in TEACHING]
    shown = [
        Cell("shown", kind, words[:HALF], ask, shown=kind) for kind in ("semantic", "episodic")
    ]
    return [
        *curve,
        Cell("change of policy", "before it", words, after),
        Cell("change of policy", f"{CHANGE} remarks after it", (*words, *heard(change)), after),
        Cell("rule seen once", "not taught", (), rares),
        Cell("rule seen once", "taught", words, rares),
        Cell("one expert in ten is wrong", f"{TAUGHT} taught", heard(wrong), ask),
        *parts,
        *shown,
    ]


def heard(rows):
    """Rows as experts' words."""
    return tuple(Feedback(**feedback(row)) for row in rows)


def _part(words, teaching):
    return tuple(kept for word in words if (kept := taught_by(word, teaching)) is not None)


def _rows(domain, seed, count, *, without=(), only=False, **which):
    """So many different cases; `only` those in which the rule that it is about decides."""
    known = {row["outputs"] for row in without}
    found, number = [], 0
    while len(found) < count:
        row = domain.row(number, seed=seed, **which)
        number += 1
        if row["outputs"] not in known and (not only or which["about"] in row["against"]):
            known.add(row["outputs"])
            found.append(row)
    return found
