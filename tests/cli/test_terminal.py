"""In a terminal: what is drawn, and a review by hand."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import tempfile

import pytest

from .process import ROOT, start
from .shell import case, said

_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, folder, *arguments, **options):
        self._end, other = pty.openpty()
        wide = {"COLUMNS": "100", "LINES": "40", "TERM": "xterm-256color"}
        self.process = start(
            folder,
            *arguments,
            **{"stdin": other, "stdout": other, "stderr": other, **options},
            env=os.environ | wide | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        )
        os.close(other)
        self.drawn = ""
        self._seen = 0

    def until(self, text):
        """Read until `text` has been drawn, after what was waited for before."""
        while (place := self.drawn.find(text, self._seen)) < 0:
            assert self._read(), f"expected {text!r}, found {self.drawn[self._seen :]!r}"
        self._seen = place + len(text)

    def type(self, text):
        os.write(self._end, text.encode())

    def end(self):
        """Wait for the end; the exit code."""
        while self._read():
            pass
        return self.process.wait(timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._end)
        self.process.kill()
        self.process.wait()

    def _read(self):
        ready, _, _ = select.select([self._end], [], [], 60)
        try:
            new = os.read(self._end, 65536) if ready else b""
        except OSError:  # the other end is closed
            new = b""
        self.drawn += _CODES.sub("", new.decode("utf-8", "replace")).replace("\r", "")
        return bool(new)


def test_a_reviewer_sees_answers_and_teaches(shell):
    shell.rows("cases.jsonl", [case(1, id="T-1"), case(2, id="T-2")])
    arguments = ("review", "cases.jsonl", "--reviewer", "ann")
    with Terminal(shell.folder, *arguments) as terminal:
        terminal.until("Case 1 of 2 · T-1")
        terminal.until("The judge says true")
        terminal.until("> ")
        terminal.type("e\n")
        terminal.until("Is false the right value?")
        terminal.type("\n")
        terminal.until("Why?")
        terminal.type("Say sorry first.\n")
        terminal.until("Learned: Rule: Say sorry first.")
        terminal.until("Case 2 of 2 · T-2")
        terminal.until("> ")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.end() == 1
        assert "1 case without an answer" in terminal.drawn
        assert "Traceback" not in terminal.drawn

    with Terminal(shell.folder, *arguments) as terminal:
        terminal.until("Case 2 of 2 · T-2")
        terminal.until("> ")
        terminal.type("a\n")
        assert terminal.end() == 0
        assert "Case 1 of 2" not in terminal.drawn


def test_progress_is_drawn_for_people_and_verdicts_go_to_the_pipe(shell):
    shell.rows("cases.jsonl", [case(n) for n in range(20)])
    with Terminal(shell.folder, "judge", "cases.jsonl", stdout=subprocess.PIPE) as terminal:
        with terminal.process.stdout as pipe:
            out = pipe.read()
        assert terminal.end() == 0
        assert len(out.splitlines()) == 20
        assert "\x1b" not in out
        assert "Judging" in terminal.drawn
        assert re.search(r"\d+/20", terminal.drawn)


def test_nothing_is_drawn_where_nobody_looks(shell, script):
    script()
    shell.rows("cases.jsonl", [case(1), case(2)])
    result = shell("judge", "cases.jsonl")
    assert len(result.stdout.splitlines()) == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("2 judged in")


def dress(shell, monkeypatch):
    """Let commands in this process write as to a terminal."""
    monkeypatch.setenv("FORCE_COLOR", "1")  # what rich takes for one
    monkeypatch.setenv("COLUMNS", "100")


def test_a_verdict_is_shown_with_what_it_relies_on(shell, monkeypatch):
    dress(shell, monkeypatch)
    shell.rows("feedback.jsonl", [said(1, reviewer="ann", judge_value=True)])
    shell("align", "feedback.jsonl")
    shown = _CODES.sub("", shell("judge", *("--inputs", case(1)["inputs"])).output)
    assert "The judge says false" in shown
    assert "It relied on" in shown
    assert "→ false, “Remark 1.” (ann)" in shown
    assert "1 past case, 1 of 1 principle shown" in shown

    (episode,) = json.loads(shell("episodes", "--json").stdout)
    shown = _CODES.sub("", shell("episodes", "show", episode["id"]).output)
    assert "ann says false" in shown
    assert "The judge had said true" in shown
    assert "Remark 1." in shown
    shown = _CODES.sub("", shell("judge", "--inputs", "Else.", code=1).output)
    assert "No verdict" in shown


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("judge", "--inputs", "Kind?"), "The judge says true"),
        (("judge", "cases.jsonl"), "    2 true         Question number 2"),
        (("align", "feedback.jsonl"), "Rule: Remark 1."),
        (("principles",), "Be kind."),
        (("episodes",), "Remark 2."),
        (("forget", "--contains", "remark", "--dry-run"), "To be erased"),
        (("demo",), "after forgetting"),
    ],
    ids=lambda value: "" if isinstance(value, str) else value[0],
)
def test_people_see_tables_and_panels(shell, script, monkeypatch, arguments, told):
    script()
    dress(shell, monkeypatch)
    shell.rows("cases.jsonl", [case(1), case(2)])
    shell.rows("feedback.jsonl", [said(1)])
    shell.rows("earlier.jsonl", [said(2)])
    shell("align", "earlier.jsonl")
    shell("principles", "add", "Be kind.")
    monkeypatch.setattr(tempfile, "tempdir", str(shell.folder))
    assert told in _CODES.sub("", shell(*arguments).output)


def test_a_learning_curve_fits_a_terminal(shell, monkeypatch):
    dress(shell, monkeypatch)
    shell.rows("words.jsonl", [said(n, value=n % 2 == 0) for n in range(6)])
    shown = shell("learning-curve", "words.jsonl", "--shards", "0,2", "--repeats", "2").output
    table = _CODES.sub("", shown).split("Learning curve")[1].split("Cost")[0]
    assert re.search(r"unseen +2 +\d+ +2 +\d\.\d\d \[\d\.\d\d, \d\.\d\d\]", table)
    assert "recall of" not in table
    report = (shell.folder / "learning-curve" / "report.md").read_text("utf-8")
    assert "recall of True" in report
