"""The cases of the benchmark with known experts are what its figures rest on."""

import importlib
import importlib.util
import json
import subprocess
import sys
from contextlib import contextmanager

import pytest
from pages import ROOT

from langchain_memalign.evaluation.trials import Judgement

FOLDER = ROOT / "benchmarks" / "house_rules"


@pytest.fixture(params=["replies", "queries", "notes"])
def domain(request, monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("domains").DOMAINS[request.param]


@pytest.fixture
def plan(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("plan")


def is_broken(rule, text):
    """Whether the rule's sentence in the text, the longest that fits, is one that breaks it."""
    fitting = [words for words in (*rule.kept, *rule.broken) if words in text]
    return bool(fitting) and max(fitting, key=len) in rule.broken


def test_the_expert_goes_by_the_rules_alone(domain):
    for number in range(200):
        row = domain.row(number, seed="any")
        expected = [rule for rule in domain.rules if is_broken(rule, row["outputs"])]
        assert {r.name for r in expected} == set(row["against"])
        assert row["value"] == domain.value(expected)


def test_each_value_occurs_and_none_is_nearly_all(domain):
    values = [domain.row(number, seed="any")["value"] for number in range(200)]
    assert max(values.count(value) for value in values) < 0.7 * len(values)
    assert len(set(values)) >= min(len(domain.values), 4)


def test_the_same_seed_gives_the_same_rows(domain):
    assert domain.row(3, seed="train") == domain.row(3, seed="train")
    assert domain.row(3, seed="train") != domain.row(3, seed="test")


def test_no_unseen_case_was_taught(domain, plan):
    for cell in plan.cells(domain, sizes=[0, 40], asked=20):
        taught = {word.outputs for word in cell.teach}
        for asked in cell.ask:
            assert asked.split == "seen" or asked.case.outputs not in taught


def test_a_rare_rule_is_seen_broken_once(domain, plan):
    (rule,) = [rule for rule in domain.rules if rule.rare]
    (cell,) = [
        cell
        for cell in plan.cells(domain, sizes=[], asked=20)
        if (cell.name, cell.condition) == ("rule seen once", "taught")
    ]
    shown = [word for word in cell.teach if is_broken(rule, word.outputs)]
    assert len(shown) == 1


def test_a_turned_rule_turns_the_values_of_its_cases(domain):
    before = [domain.row(n, seed="x", about=domain.turned) for n in range(20)]
    after = [domain.row(n, seed="x", about=domain.turned, turned=True) for n in range(20)]
    for one, other in zip(before, after, strict=True):
        assert one["outputs"] == other["outputs"]
        assert (domain.turned in one["against"]) != (domain.turned in other["against"])


class Taught:
    """A side that counts how often it is taught, and says the expert's value."""

    described = "a double"

    def __init__(self):
        self.times = 0

    def can(self, cell):
        return True

    @contextmanager
    def taught(self, words):
        self.times += 1
        yield right_verdicts, [f"{len(words)} words"]


def right_verdicts(trial):
    return [
        Judgement(setting=trial.setting, split=q.split, id=q.id, expert=q.expert, value=q.expert)
        for q in trial.ask
    ]


def test_cells_that_are_taught_the_same_share_it(domain, plan, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(FOLDER.parent))
    spec = importlib.util.spec_from_file_location("house_rules_main", FOLDER / "__main__.py")
    main = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(main)
    (seen, unseen) = plan.cells(domain, sizes=[5], asked=4)[:2]
    kept, side = main.Kept(tmp_path), Taught()
    for _ in range(2):
        main.run("ours", side, [seen, unseen], kept, None)
    assert side.times == 1
    row, said = main.row_of(domain, seen, {"ours": side}, kept)
    assert (row["ours"]["shown"][:4], row["ours"]["rules"]) == ("1.00", 1)
    assert [line.get("rules") for line in said] == [["5 words"], *[None] * 4]


@pytest.mark.slow
def test_a_run_that_broke_off_goes_on(tmp_path):
    options = [
        *("--domains", "replies", "--sizes", "0", "2", "--asked", "2", "--only", "curve"),
        *("--keep", str(tmp_path / "kept"), "--out", str(tmp_path / "found.json")),
    ]
    command = [sys.executable, str(FOLDER), *options]
    first = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").rglob("*.jsonl")}
    rows = json.loads((tmp_path / "found.json").read_text())["rows"]
    assert [row["condition"] for row in rows] == [
        f"{taught} taught, {split} cases" for taught in (0, 2) for split in ("unseen", "seen")
    ]
    again = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert again.stdout == first.stdout
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
