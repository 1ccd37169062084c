"""`memalign web` as a process: it starts, is killed, goes on, and stops."""

import json
import re
import signal

import httpx
import pytest
from cli import process

from langchain_memalign import Memory

from .desk import text_of, until

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]

JUDGE = """\
name: tone
instructions: Is the reply kind?
value_type: bool
model: scripted
memory: ./memory
values: {true: Kind, false: [Unkind, "Would hurt"]}
titles: {inputs: The customer wrote, outputs: The reply}
"""
HANGS = """
def at(number, request):
    if request.title != "verdict":
        threading.Event().wait()
"""


class Running:
    """The command, and somebody at its page."""

    def __init__(self, folder, *arguments, act=process.NOTHING):
        self.process = process.start(
            folder, "web", "cases.jsonl", "--no-browser", "--port", "0", *arguments, act=act
        )
        line = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", line)
        assert found, line + self.process.stderr.read()
        self.link = found.group()
        self.client = httpx.Client(
            base_url=self.link.partition("/?")[0], follow_redirects=True, timeout=60
        )
        self.client.get(self.link)

    def get(self, path):
        return self.client.get(path).text

    def post(self, path, **form):
        csrf = re.search(r'name="csrf" value="(\w+)"', self.get("/settings")).group(1)
        headers = {"sec-fetch-site": "same-origin"}
        return self.client.post(path, data={"csrf": csrf, **form}, headers=headers).text

    def case(self):
        """The id of the case that comes next."""
        return re.search(r'action="/queue/([^/"]+)/answer"', self.get("/queue")).group(1)

    def stop(self):
        self.client.close()
        self.process.send_signal(signal.SIGINT)
        return process.finish(self.process)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "judge.yaml").write_text(JUDGE)
    rows = [
        {"id": f"T-{n}", "inputs": f"Parcel {n} is late.", "outputs": "It comes tomorrow."}
        for n in (1, 2, 3)
    ]
    (tmp_path / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def test_an_answer_that_was_being_learned_when_it_was_killed_is_learned_once(folder):
    running = Running(folder, "--reviewer", "ann", act=HANGS)
    case = running.case()
    running.post(f"/queue/{case}/draft", value="", reason="Not sent yet")
    running.post(f"/queue/{case}/answer", value="false", reason="Say sorry first.")
    second = running.case()
    running.post(f"/queue/{second}/draft", value="true", reason="Half a thou")
    until(lambda: "Learning" in text_of(running.get("/queue")), "it did not begin to learn")
    running.client.close()
    running.process.kill()
    process.finish(running.process)

    running = Running(folder, "--reviewer", "ann")
    assert "Half a thou" in running.get("/queue")
    until(lambda: "One rule added." in text_of(running.get("/queue")), "it was not learned")
    code, _, err = running.stop()
    assert (code, err) == (0, "")

    with Memory.open(folder / "memory", embeddings="local") as memory:
        (episode,) = memory.episodes("tone")
        (rule,) = memory.principles("tone")
    assert (episode.value, episode.rationale, episode.status) == (
        False,
        "Say sorry first.",
        "distilled",
    )
    assert rule.episode_ids == (episode.id,)


def test_it_says_its_words_and_stops_with_a_stream_open(folder):
    running = Running(folder, "--reviewer", "ann", act=HANGS)
    page = text_of(running.get("/queue"))
    assert "The customer wrote Parcel 1 is late." in page
    assert "Unkind" in page
    assert "Would hurt" in page
    case = running.case()
    running.post(f"/queue/{case}/answer", value="false", reason="Say sorry first.")
    with running.client.stream("GET", "/answers/1/events") as stream:
        assert next(stream.iter_lines()).startswith("data:")
        running.process.send_signal(signal.SIGINT)
        _, out, _ = process.finish(running.process)
    assert "Stopped. All answers are kept." in out


def test_a_memory_that_is_in_use_is_said_to_be(folder):
    with Memory.open(folder / "memory", embeddings="local"):
        code, _, err = process.run(folder, "web", "cases.jsonl", "--no-browser", "--port", "0")
    assert code == 1
    assert "memory" in err
