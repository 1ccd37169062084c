"""The benchmark of speed at its smallest, without what it compares with."""

import json
import os
import re
import subprocess
import sys
import urllib.request

import pytest
from pages import ROOT

SPEED = ROOT / "benchmarks" / "speed"


@pytest.fixture
def endpoint(socket_enabled):
    command = [sys.executable, str(SPEED / "endpoint.py"), "0", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.terminate()


def ours(what, directory, endpoint):
    urllib.request.urlopen(f"{endpoint}/reset", b"").close()
    given = {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": f"{endpoint}/v1"}
    ran = subprocess.run(
        [sys.executable, "ours.py", what, str(directory), "5", "0", "0"],
        cwd=SPEED,
        env=os.environ | given | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    with urllib.request.urlopen(f"{endpoint}/counts") as counts:
        return json.loads(ran.stdout.partition("FIGURES ")[2]), json.load(counts)


def test_the_command_begins():
    command = [sys.executable, str(SPEED), "--help"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "--repeats" in told.stdout


def test_our_side_does_the_work(endpoint, tmp_path):
    figures, _ = ours("align", tmp_path, endpoint)
    assert figures["align"] > 0
    figures, counts = ours("one_more", tmp_path, endpoint)
    assert counts["chat_calls"] == 1
    assert figures["embedded"] <= 3  # inputs and outputs, and the new principle
    figures, counts = ours("first_verdict", tmp_path, endpoint)
    assert (counts["chat_calls"], counts["embedding_calls"], counts["embedded"]) == (1, 1, 2)


ASKED = (
    "Respond with the corresponding output fields, starting with the field `[[ ## value ## ]]` "
    "(must be formatted as a valid Python bool), then `[[ ## why ## ]]`, then "
    "`[[ ## advice ## ]]` (must be formatted as a valid Python dict[str, str]), and then ending "
    "with the marker for `[[ ## completed ## ]]`."
)


def replies(endpoint, under, prompt, times=12):
    urllib.request.urlopen(f"{endpoint}/reset", b"").close()
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": prompt}]}).encode()
    found = []
    for _ in range(times):
        with urllib.request.urlopen(f"{endpoint}/{under}/chat/completions", body) as reply:
            found.append(json.load(reply)["choices"][0]["message"]["content"])
    return found


def test_optimizers_are_answered_in_the_form_of_their_prompts(endpoint):
    found = replies(endpoint, "varied/v1", ASKED)
    form = re.compile(
        r"\[\[ ## value ## \]\]\n(True|False)\n\n\[\[ ## why ## \]\]\nSay sorry.*\n\n"
        r'\[\[ ## advice ## \]\]\n\{"self": "Say sorry.*"\}\n\n\[\[ ## completed ## \]\]\n'
    )
    assert {form.fullmatch(reply)[1] for reply in found} == {"True", "False"}
    assert replies(endpoint, "varied/v1", ASKED) == found  # a run can be repeated
    assert replies(endpoint, "varied/v1", "A better prompt?")[0].startswith("```\nSay sorry")
    assert set(replies(endpoint, "v1", ASKED)) == {"{}"}  # elsewhere nothing varies


def test_tokens_are_counted(endpoint):
    replies(endpoint, "v1", "x" * 400, times=3)
    with urllib.request.urlopen(f"{endpoint}/counts") as counts:
        told = json.load(counts)
    assert (told["chat_calls"], told["prompt_tokens"]) == (3, 300)
