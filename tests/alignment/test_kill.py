"""`kill -9` at any moment loses nothing that was acknowledged, doubles nothing, leaves no byte."""

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from memory.disk import files_with

from .killed import FORGOTTEN, MARKERS, RECORDS, marker, numbers_in, open_judge, word

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parent.parent
# After how many lines of the process, at the least and at the most, it is killed; by its task.
LINES = {("align", 20): (1, 21), ("align", 50): (1, 9), ("align", 200): (1, 6), ("forget",): (2, 6)}


def killed(chance, task, directory):
    """Kill a process at work on `directory` at some moment; return what it acknowledged."""
    paths = [str(TESTS), str(TESTS.parent), os.environ.get("PYTHONPATH", "")]
    with subprocess.Popen(
        [
            sys.executable,
            TESTS / "alignment/killed.py",
            task[0],
            directory,
            *map(str, task[1:]),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    ) as process:
        said = [process.stdout.readline() for _ in range(chance.randint(*LINES[task]))]
        for _ in range(chance.randrange(1_000_000)):  # up to some dozen milliseconds of work
            pass
        process.kill()
        said += process.stdout.readlines()
    assert process.returncode == -9
    # The last line may be cut off.
    lines = [line.split() for line in said if line.endswith("\n")]
    assert lines[0] == ["started"]
    return {
        kind: {int(n) for line in lines if line[0] == kind for n in line[1:]}
        for kind in ("stored", "forgot")
    }


def episodes(judge):
    """The records in memory, each as often as it is there."""
    return Counter(n for e in judge.episodes() for n in numbers_in(e.rationale))


def assert_whole(judge, expected):
    """All is learned, nothing is there twice, every principle stands on its episodes."""
    assert episodes(judge) == Counter(expected)
    assert judge.episodes(status="pending") == []
    ids = {e.id: numbers_in(e.rationale)[0] for e in judge.episodes()}
    principles = judge.memory.principles("tone", retired=True)
    for principle in principles:
        assert [ids[id_] for id_ in principle.episode_ids] == numbers_in(principle.text)
    texts = Counter(principle.text for principle in principles)
    assert max(texts.values(), default=1) == 1
    assert texts >= Counter(f"Rule {marker(n)}." for n in expected)


@pytest.mark.parametrize("seed", range(12))
def test_kill_9_while_aligning_loses_no_acknowledged_feedback_and_doubles_none(tmp_path, seed):
    chance = random.Random(seed)
    chunk = chance.choice([20, 50, 200])
    told = killed(chance, ("align", chunk), str(tmp_path / "memory"))

    judge = open_judge(tmp_path / "memory")
    with judge.memory:
        there = set(episodes(judge))
        assert told["stored"] <= there
        judge.align([])
        assert_whole(judge, there)
        report = judge.align([word(number) for number in range(RECORDS)])
        assert (len(report.unchanged), report.overwritten) == (len(there), ())
        assert_whole(judge, range(RECORDS))
        calls = len(judge.model.requests)
        judge.align([word(number) for number in range(RECORDS)])
        assert len(judge.model.requests) == calls


@pytest.mark.parametrize("seed", range(100, 108))
def test_kill_9_while_forgetting_loses_no_episode_and_leaves_no_byte(tmp_path, seed):
    told = killed(random.Random(seed), ("forget",), str(tmp_path / "memory"))

    judge = open_judge(tmp_path / "memory")
    with judge.memory:
        there = set(episodes(judge))
        assert set(range(RECORDS)) - set(FORGOTTEN) <= there
        assert not there & told["forgot"]
        # Whether a forgetting was acknowledged or not: what is not in memory is in no file.
        assert on_disk(tmp_path) == there & set(FORGOTTEN)
        judge.align([])
        assert_whole(judge, there)
        assert on_disk(tmp_path) == there & set(FORGOTTEN)

        judge.forget(where=lambda episode: numbers_in(episode.rationale)[0] in FORGOTTEN)
        kept = set(range(RECORDS)) - set(FORGOTTEN)
        assert_whole(judge, kept)
        assert on_disk(tmp_path) == set()
    assert on_disk(tmp_path) == set()


def on_disk(directory):
    """Which of the records that are to be forgotten some file still holds the marker of."""
    return {MARKERS[m.decode()] for m in files_with(directory, *map(marker, FORGOTTEN))}
