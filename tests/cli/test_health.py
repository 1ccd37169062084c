"""`memalign health`: the cost first, then the figures, and 1 when something is worse."""

import re

import pytest
from fakes import verdict

from .shell import said


@pytest.fixture
def taught(shell, script):
    """A judge that is right about all of forty cases; `judge` is what its model says."""

    def respond(request):
        if request.title != "verdict":
            return {request.title: []}
        case = request.prompt.split("<case>")[1]
        return verdict(shell.judge(int(re.search(r"topic(\d+)", case)[1])))

    shell.judge = lambda number: number % 2 == 0
    script(respond)
    words = [said(n) | {"rationale": None, "value": n % 2 == 0} for n in range(40)]
    shell.rows("feedback.jsonl", words)
    shell("align", "feedback.jsonl")
    return shell


def test_a_healthy_judge(taught):
    result = taught("health")
    assert "40 cases: at most 120 model calls." in result.stderr
    assert "flips when asked again" in result.stdout
    assert "1.000" in result.stdout
    assert "…" not in result.stdout, "sentences stand whole below the table"
    assert "compare with" in result.stderr


def test_the_cost_alone(taught):
    assert taught.json("health", "--dry-run", "--sample", "10")["to_ask"] == 30
    assert not list(taught.folder.glob("*.health.json"))


def test_exit_code_1_when_it_is_worse_than_the_last_report(taught):
    taught("health")
    (kept,) = taught.folder.glob("*.health.json")
    taught("health")
    taught.judge = lambda number: True
    result = taught("health", code=1)
    assert "It fails fewer of the cases that should fail (1.000 -> 0.000)" in result.stderr
    assert "is worse than before" in result.stderr
    taught("health", code=1)
    taught("health", "--accept")
    taught("health")
    assert "principles" not in kept.read_text()


def test_compared_with_a_report_that_is_named(taught):
    taught.write("before.json", taught("health", "--json").stdout)
    taught.judge = lambda number: number % 4 == 0
    report = taught.json("health", "--baseline", "before.json", code=1)
    assert any("should pass" in said for said in report["worse"])
    taught.write("wrong.json", "[]")
    assert "wrong.json" in taught("health", "--baseline", "wrong.json", code=2).stderr


def test_the_pass_rate_of_a_file_and_a_picture(taught):
    taught.rows("traffic.jsonl", [{"outputs": f"Words on topic{n}."} for n in range(20)])
    report = taught.json("health", "traffic.jsonl", "--plot", "health.svg")
    assert report["pass_rate"]["observed"]["value"] == 0.5
    assert 0.3 < report["pass_rate"]["value"] < 0.7
    picture = (taught.folder / "health.svg").read_text("utf-8")
    assert "pass rate, corrected" in picture
    assert "Health of tone" in picture


def test_a_picture_that_cannot_be_drawn_is_refused_before_anything_is_paid(taught):
    refused = taught("health", "--plot", "health.txt", code=2)
    assert "health.txt" in refused.stderr
    assert "model calls" not in refused.stderr


def test_a_judge_that_knows_no_case(shell, script):
    script()
    shell("align", shell.rows("feedback.jsonl", [said(1) | {"value": None}]))
    assert "knows no case" in shell.error("health")
