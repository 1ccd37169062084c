"""A working directory with a judge file, in which `memalign` is run."""

import json
from pathlib import Path

from typer.testing import CliRunner

from langchain_memalign import Memory
from langchain_memalign.cli import app

JUDGE = """\
name: tone
instructions: Is the reply kind?
value_type: bool
model: precedent
embeddings: local
memory: ./memory
"""


class Shell:
    """Runs commands in this process, in the working directory."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.write("judge.yaml", JUDGE)

    def __call__(self, *args, code=0, stdin=None):
        """Run a command, expect an exit code (None: any), and return what it wrote."""
        result = CliRunner().invoke(app, [str(arg) for arg in args], input=stdin)
        assert code in (None, result.exit_code), f"exit {result.exit_code}: {result.output}"
        assert "Traceback" not in result.output
        return result

    def json(self, *args, code=0, stdin=None):
        """Run a command with --json; stdout is one JSON document and nothing else."""
        return json.loads(self(*args, "--json", code=code, stdin=stdin).stdout)

    def error(self, *args, code=2, stdin=None):
        """Run a command that fails; nothing on stdout, the last line of stderr says why."""
        result = self(*args, code=code, stdin=stdin)
        assert result.stdout == ""
        line = result.stderr.strip().splitlines()[-1]
        assert line.startswith("memalign: ")
        return line

    def write(self, name, text):
        (self.folder / name).write_text(text, encoding="utf-8")
        return name

    def rows(self, name, rows):
        """Write JSONL; a row that is text stands there as it is."""
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        return self.write(name, "".join(f"{line}\n" for line in lines))

    def lines(self, name):
        """Read JSONL, of which every line is whole."""
        text = (self.folder / name).read_text(encoding="utf-8")
        assert text == "" or text.endswith("\n")
        return [json.loads(line) for line in text.splitlines()]

    def configure(self, old, new):
        """Change the judge file."""
        text = (self.folder / "judge.yaml").read_text()
        assert old in text
        self.write("judge.yaml", text.replace(old, new))

    def memory(self):
        """The memory, opened."""
        return Memory.open(self.folder / "memory", embeddings="local")


def case(number, **fields):
    """A distinct case."""
    return {
        "inputs": f"Question number {number} about topic{number}?",
        "outputs": f"Answer {number} on topic{number}.",
        **fields,
    }


def said(number, **fields):
    """Feedback on that case."""
    return case(number) | {"value": number % 2 == 0, "rationale": f"Remark {number}."} | fields
