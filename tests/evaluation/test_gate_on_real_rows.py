"""The gate on judgements of real experts, with the offline model.

The rows are in the folder that MEMALIGN_DATA names; without them the tests are skipped.
"""

import json
import os
from pathlib import Path

import pytest

from langchain_memalign import MemAlignJudge, Memory
from langchain_memalign._values.types import ValueType
from langchain_memalign.evaluation.gate import EvidenceGate

DATA = os.environ.get("MEMALIGN_DATA")
BINARY = {True: False, False: True}
FIVE = {value: 6 - value for value in range(1, 6)}
PAIR = {"A": "B", "B": "A"}
# Each value of a set, and what it becomes where someone holds the scale upside down.
SETS = {
    "defacto": BINARY,
    "qa_eval": BINARY,
    "roscoe_quality": FIVE,
    "llmbar": PAIR,
    "hhh_pairwise": PAIR,
    "pandalm": {**PAIR, "tie": "A"},
    "feedbackqa": {"Excellent": "Bad", "Acceptable": "Could be Improved"},
}
SETS["feedbackqa"] |= {worse: better for better, worse in SETS["feedbackqa"].items()}
HALF = 14

each_set = pytest.mark.parametrize("name", SETS)


def rows(name):
    if not DATA:  # one line, as all are skipped here and for one reason
        pytest.skip("found no MEMALIGN_DATA, a folder of real rows: the gate is NOT shown on them")
    path = Path(DATA) / name / "train.jsonl"
    if not path.is_file():
        pytest.skip(f"found no {path}: the gate is NOT shown on its rows")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()][: 2 * HALF]


def words(rows, reviewer="ann", upside_down=None):
    return [
        {
            "inputs": row["inputs"],
            "outputs": row["outputs"],
            "reference_outputs": row["expectations"],
            "value": upside_down[row["label"]] if upside_down else row["label"],
            "rationale": row["rationale"] or None,
            "reviewer": reviewer,
        }
        for row in rows
    ]


def taught(memory, name, rows):
    values = list(SETS[name])
    schema = {"enum": values}
    if SETS[name] is BINARY:
        schema = {"type": "boolean"}
    if SETS[name] is FIVE:
        schema = {"type": "integer", "minimum": 1, "maximum": 5}
    judge = MemAlignJudge(
        name=name,
        instructions=rows[0]["criterion"],
        value_type=ValueType.parse(schema),
        model="precedent",
        memory=memory,
    )
    judge.align(words(rows))
    return judge


def files(folder):
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@each_set
def test_upside_down_words_on_known_cases_are_refused_and_honest_ones_on_new_cases_pass(
    tmp_path, name
):
    known, new = rows(name)[:HALF], rows(name)[HALF:]
    with Memory.open(tmp_path / "memory", embeddings="local") as memory:
        judge = taught(memory, name, known)
        before, episodes = files(tmp_path), judge.episodes()
        harmful = words(known, "bea", SETS[name])
        refused = judge.align(harmful, gate=EvidenceGate())
        assert not refused.gate.accepted
        assert len(refused.refused) == len(harmful)
        (remembered,) = [e for e in refused.gate.evidence if e.cases.endswith("remembered")]
        assert remembered.count == HALF
        assert remembered.high < 0
        numbers = f"{HALF} {remembered.cases} ({remembered.before:.2f} -> {remembered.after:.2f})"
        assert numbers in refused.gate.reason
        assert files(tmp_path) == before
        assert judge.episodes() == episodes

        honest = judge.align(words(new), gate=EvidenceGate())
        assert honest.gate.accepted, honest.gate.reason
        assert honest.gate.is_backed
        assert len(judge.episodes("distilled")) == 2 * HALF


def test_upside_down_words_hidden_among_honest_ones_are_refused(tmp_path):
    known, new = rows("defacto")[:HALF], rows("defacto")[HALF:]
    with Memory.open(tmp_path / "memory", embeddings="local") as memory:
        judge = taught(memory, "defacto", known)
        batch = words(new) + words(known, "bea", BINARY)
        assert not judge.align(batch, gate=EvidenceGate()).gate.accepted
        assert judge.align(batch[: len(new)], gate=EvidenceGate()).gate.accepted
