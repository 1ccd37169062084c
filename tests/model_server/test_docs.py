"""The page on one's own model server does what it says, in Python and on the command line."""

import json
from pathlib import Path

import pytest
import yaml
from pages import BLOCK, check_examples, read
from typer.testing import CliRunner

from langchain_memalign.cli import app

pytestmark = [
    pytest.mark.server,
    pytest.mark.allow_hosts(["127.0.0.1"]),
    pytest.mark.xdist_group("model_server"),
]

PAGE = "docs/own-model-server.md"
ELSEWHERE = "http://localhost:8080/v1"


@pytest.fixture
def page(server):
    """The page, for the server that runs here."""
    return read(PAGE).replace(ELSEWHERE, server.url)


def test_the_python_prints_what_it_says(page):
    check_examples(page, PAGE)


def test_the_command_line_learns_and_judges(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)  # the page: no key is needed
    described = yaml.safe_load(dict(BLOCK.findall(page))["yaml"])
    described["model"]["max_tokens"] = 60  # what it says is not looked at
    Path("judge.yaml").write_text(yaml.safe_dump(described))
    rows = [
        {
            "question": f"Where is parcel {n}?",
            "answer": "On its way.",
            "label": "no",
            "why": "Cold.",
        }
        for n in range(2)
    ]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    mapping = "question=inputs.question,answer=outputs.answer"

    def run(*args):
        result = CliRunner().invoke(app, list(args))
        assert result.exit_code in (0, 1), result.output  # 1: something is left to be learned
        return result.stdout

    learned = f"{mapping},label=value,why=rationale"
    report = json.loads(run("align", "rows.jsonl", "--map", learned, "--json"))
    waiting = [episode_id for episode_id, _ in report["pending"]]
    assert sorted([*report["distilled"], *waiting]) == sorted(report["stored"])
    run("judge", "rows.jsonl", "--map", mapping, "--out", "verdicts.jsonl")
    verdicts = [json.loads(line) for line in Path("verdicts.jsonl").read_text().splitlines()]
    assert len(verdicts) == 2
    outcomes = [line.get("verdict") or line["unscored"] for line in verdicts]
    assert all(set(outcome["episode_ids"]) == set(report["stored"]) for outcome in outcomes)
