"""Experts whose policy is known: rules, cases that keep or break them, and what is said of them.

A case is a request and an answer made of sentences, one for each rule that is at stake in it. The
expert's value follows from which of them are broken, so a judge that knows the rules can be right
every time: agreement has no ceiling of noise.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One house rule.

    Attributes:
        name: Its name in the figures.
        kept: Sentences of an answer that keep it.
        broken: Sentences that break it.
        remarks: What an expert says where it is broken, in words of several people.
        praise: What an expert says where it is kept.
        turned: What experts say once the rule is turned round; none where it never is.
        weight: How bad it is to break it; what a domain makes of that is its own.
        rare: Whether few cases have to do with it.
    """

    name: str
    kept: Sequence[str]
    broken: Sequence[str]
    remarks: Sequence[str]
    praise: str
    turned: Sequence[str] = ()
    weight: int = 1
    rare: bool = False


@dataclass(frozen=True, kw_only=True)
class Domain:
    """What is judged, by which rules.

    Attributes:
        name: Its name in the figures.
        instructions: What the judge is asked.
        value_type: A JSON schema.
        value: The expert's value of a case, from the rules that it breaks.
        requests: What was asked for.
        details: What says nothing of the value: in the request, and in the answer.
        rules: The policy, in the order in which its sentences stand in an answer.
    """

    name: str
    instructions: str
    value_type: Mapping[str, Any]
    value: Callable[[Sequence[Rule]], Any]
    requests: Sequence[str]
    details: Sequence[Sequence[str]]
    rules: Sequence[Rule]
    joined_by: str = " "
    turned: str = field(kw_only=True)

    def row(self, number: int, *, seed: str, turned: bool = False, about: str = "") -> dict:
        """One case with the expert's words.

        Args:
            number: Which; the same number and seed give the same case.
            seed: Sets train and test apart.
            turned: Whether the rule that is turned round has been.
            about: The rule that has to be at stake, broken in every other case.
        """
        chance = random.Random(f"{self.name}:{seed}:{number}")
        stake = [r for r in self.rules if r.name == about or not r.rare or chance.random() < 0.08]
        broken = self._broken(stake, chance, about, number)
        said = [chance.choice(r.broken if r in broken else r.kept) for r in stake]
        said.insert(chance.randrange(len(said) + 1), chance.choice(self.details[1]))
        against = [r for r in stake if (r in broken) != (turned and r.name == self.turned)]
        value = self.value(against)
        return {
            "id": f"{self.name}-{seed}-{number}",
            "inputs": f"{chance.choice(self.requests)} {chance.choice(self.details[0])}",
            "outputs": self.joined_by.join(said),
            "value": value,
            "rationale": self._remark(against, stake, chance, turned),
            "against": [r.name for r in against],
        }

    def _broken(self, stake, chance, about, number):
        if about:
            return [r for r in stake if r.name == about and number % 2]
        if chance.random() < 0.45:
            return []
        return chance.sample(stake, 2 if chance.random() < 0.15 else 1)

    def _remark(self, against, stake, chance, turned):
        if against:
            worst = max(against, key=lambda r: r.weight)
            changed = turned and worst.name == self.turned
            return chance.choice(worst.turned if changed else worst.remarks)
        return chance.choice(stake).praise if chance.random() < 0.4 else None

    def wrong(self, row: dict, number: int) -> dict:
        """The row as an expert would say it who has the policy upside down."""
        chance = random.Random(f"{self.name}:wrong:{number}")
        values = [v for v in self.values if v != row["value"]]
        rule = chance.choice(self.rules)
        return row | {"value": chance.choice(values), "rationale": chance.choice(rule.remarks)}

    @property
    def values(self) -> list[Any]:
        """All values that there are."""
        if self.value_type.get("type") == "boolean":
            return [True, False]
        if "enum" in self.value_type:
            return list(self.value_type["enum"])
        return list(range(self.value_type["minimum"], self.value_type["maximum"] + 1))


def feedback(row: dict) -> dict:
    """A row as feedback: what a judge may see of it."""
    return {key: row[key] for key in ("id", "inputs", "outputs", "value", "rationale")}
