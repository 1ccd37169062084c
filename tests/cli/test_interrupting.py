"""Ctrl-C, and worse, in real processes: what is done stays, the same command goes on."""

import re
import signal

import pytest

from .process import run
from .shell import case, said

# The signal comes at the given call, from the process itself: no clock decides what is done.
INTERRUPT = """
def at(number, request):
    if number == {number}:
        os.kill(os.getpid(), signal.{signal})
"""
# The first signal, a call that never ends, and, once the first has been dealt with, the second.
INSIST = """
def at(number, request):
    if number == 3:
        first = signal.getsignal(signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        while signal.getsignal(signal.SIGINT) is first:
            pass
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait()
"""


def act(number, name):
    return INTERRUPT.format(number=number, signal=name)


@pytest.fixture
def cases(shell):
    return shell.rows("cases.jsonl", [case(n) for n in range(30)])


@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_judging_goes_on_where_it_was_stopped(shell, script, cases, name):
    arguments = ("judge", cases, "--out", "verdicts.jsonl", "--concurrency", "2")
    code, out, err = run(shell.folder, *arguments, act=act(10, name))
    done = shell.lines("verdicts.jsonl")
    assert 0 < len(done) < 30
    if name == "SIGKILL":
        assert code == -signal.SIGKILL
    else:
        assert (code, out) == (1, "")
        # What was under way when it came is kept, too.
        assert len(done) >= 10
        assert f"{30 - len(done)} of 30 cases left" in err
        assert "Traceback" not in err

    script()
    summary = shell.json(*arguments)
    assert (summary["skipped"], summary["judged"]) == (len(done), 30 - len(done))
    assert [line["line"] for line in shell.lines("verdicts.jsonl")] == list(range(1, 31))


def test_a_second_interrupt_does_not_wait(shell, cases):
    arguments = ("judge", cases, "--out", "verdicts.jsonl", "--concurrency", "1")
    code, _, err = run(shell.folder, *arguments, act=INSIST)
    assert code == 1
    assert "Traceback" not in err
    assert len(shell.lines("verdicts.jsonl")) == 2


@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL"])
def test_aligning_loses_and_doubles_nothing(shell, script, name):
    shell.rows("feedback.jsonl", [said(n) for n in range(120)])  # three distilling calls
    code, _, err = run(shell.folder, "align", "feedback.jsonl", "-c", "1", act=act(2, name))
    if name == "SIGTERM":
        assert code == 1
        assert re.search("stored episodes? still to be learned", err)
        assert "Traceback" not in err
    else:
        assert code == -signal.SIGKILL
    episodes = shell.json("episodes")
    assert len(episodes) == 120
    assert {episode["status"] for episode in episodes} <= {"pending", "distilled"}

    script()
    report = shell.json("align", "feedback.jsonl")
    assert len(report["unchanged"]) == 120
    assert {episode["status"] for episode in shell.json("episodes")} == {"distilled"}
    rules = [principle["text"] for principle in shell.json("principles")]
    assert sorted(rules) == sorted(f"Rule: Remark {n}." for n in range(120))
