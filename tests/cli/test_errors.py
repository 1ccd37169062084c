"""How commands end when something is wrong, and how they help."""

import subprocess
import sys

import pytest

from langchain_memalign.cli import objects

from .process import ROOT
from .shell import case

COMMANDS = [
    *("init", "judge", "align", "review", "principles", "episodes"),
    *("forget", "export", "import", "copy", "demo"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_examples(shell, command):
    text = shell(command, "--help").stdout
    assert f"$ memalign {command}" in text
    assert "--help" in text


def test_the_commands_are_listed(shell):
    text = shell("--help").stdout
    for command in COMMANDS:
        assert f"\n│ {command} " in text
    assert shell("--version").stdout


def test_a_slip_of_the_pen_is_a_usage_error(shell):
    assert "judge" in shell("jugde", code=2).stderr
    assert "--jsno" in shell("principles", "--jsno", code=2).stderr
    assert "liist" in shell("principles", "liist", code=2).stderr


def test_completion_is_offered(shell):
    result = subprocess.run(
        [sys.executable, "-c", "from langchain_memalign.cli import main; main()"],
        cwd=ROOT,
        env={"_MEMALIGN_COMPLETE": "complete_bash", "COMP_WORDS": "memalign fo", "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
    )
    assert result.stdout.split() == ["forget"]


def test_a_fault_of_ours_is_one_line_too(shell, monkeypatch):
    def fail(*args, **options):
        raise RuntimeError("oh\nno \x1b[31m")

    monkeypatch.setattr(objects.Memory, "open", fail)
    line = shell.error("judge", "--inputs", "a")
    assert "unexpected RuntimeError: oh no" in line
    assert "MEMALIGN_DEBUG=1" in line
    assert "\x1b" not in line


def test_a_fault_of_the_disk_is_one_line_too(shell, script, monkeypatch):
    script()
    shell.rows("cases.jsonl", [case(1)])
    assert "--out: cannot write" in shell.error("judge", "cases.jsonl", "--out", "no/such/file")
    assert "cannot" in shell.error("init", "no/such/judge.yaml")


def test_without_the_extra_it_is_named(shell):
    code = (
        "import sys; import langchain_memalign; sys.modules['typer'] = None\n"
        "from langchain_memalign.cli import main; main()"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 2
    assert "pip install 'langchain-memalign[cli]'" in result.stderr
    assert len(result.stderr.splitlines()) == 1
