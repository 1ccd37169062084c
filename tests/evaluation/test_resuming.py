"""An experiment goes on where it broke off, and takes over nothing that is stale."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import verdict

from evaluation.learner import bench, knows_what_it_is_shown, word, words
from langchain_memalign import InvalidInputError
from langchain_memalign.evaluation.evaluate import evaluate
from langchain_memalign.evaluation.experiments import learning_curve
from langchain_memalign.evaluation.resampling import Resampling
from langchain_memalign.evaluation.trials import Condition, EvalCase, Judgement, Trial

FAST = Resampling(count=50)
TAUGHT, UNSEEN = words(*range(8)), words(*range(20, 26))


def curve(judge, **options):
    given = {"unseen": UNSEEN, "shards": (0, 2, 4), "repeats": 2, "resampling": FAST}
    return learning_curve(judge, options.pop("taught", TAUGHT), **{**given, **options})


def test_a_corrected_label_is_not_held_against_what_was_kept(tmp_path):
    curve(bench().judge, directory=tmp_path)
    corrected = [word(20, value=False), *UNSEEN[1:]]
    again = curve(bench().judge, unseen=corrected, directory=tmp_path)
    assert {row.expert for row in again.rows if row.id == "f20"} == {False}
    assert again.figures == curve(bench().judge, unseen=corrected).figures


def test_an_evaluation_sees_a_corrected_label_too(tmp_path):
    first = evaluate(bench().judge, UNSEEN, directory=tmp_path, resampling=FAST)
    corrected = [word(20, value=False), *UNSEEN[1:]]
    again = evaluate(bench().judge, corrected, directory=tmp_path, resampling=FAST)
    assert len(again.disagreements) == len(first.disagreements) + 1


@pytest.mark.parametrize(
    "changed", [{"rationale": "Other."}, {"judge_value": True}, {"id": "x"}, {"reviewer": "ann"}]
)
def test_whatever_is_taught_makes_another_training(changed):
    trainings = [
        Trial(setting=Condition(), teach=(given,)).training_id
        for given in (word(1), word(1).model_copy(update=changed))
    ]
    assert trainings[0] != trainings[1]


def test_another_address_or_temperature_is_another_judge(tmp_path):
    asked = []
    for settings in ({}, {"base_url": "http://a/v1"}, {"base_url": "http://b/v1"}, {"seed": 1}):
        here = bench()
        for name, setting in settings.items():
            object.__setattr__(here.model, name, setting)
        curve(here.judge, directory=tmp_path)
        asked.append(len(here.model.titled("verdict")))
    assert asked == [50] * 4


def test_a_judge_that_asks_another_second_is_another_judge(tmp_path):
    def right(request):
        return verdict(True) if request.title == "verdict" else knows_what_it_is_shown(request)

    second, other = bench(right), bench(right)
    other.judge.add_principle("Be kind.")
    asked = []
    for next_, sure in ((None, 1.0), (second, 1.0), (second, 0.5), (second, 1.0), (other, 1.0)):
        here = bench()
        judge = here.judge.escalating_to(next_.judge, sure=sure) if next_ else here.judge
        evaluate(judge, UNSEEN, directory=tmp_path, resampling=FAST)
        asked.append(len(here.model.titled("verdict")) > 0)
    assert asked == [True, True, True, False, True]


def test_words_with_odd_separators_of_lines_are_kept_and_read(tmp_path):
    odd = "one\u2028two\x85three\x0bfour"

    def respond(request):
        answer = knows_what_it_is_shown(request)
        return {**answer, "rationale": odd} if request.title == "verdict" else answer

    first = curve(bench(respond).judge, directory=tmp_path)
    here = bench(respond)
    assert curve(here.judge, directory=tmp_path).rows == first.rows
    assert here.model.requests == []


def test_a_file_that_lost_whole_lines_is_named(tmp_path):
    curve(bench().judge, directory=tmp_path)
    path = max(tmp_path.glob("*.jsonl"), key=lambda file: file.stat().st_size)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-1]))
    with pytest.raises(
        InvalidInputError, match=r"found \d+ judgements, of \d+; .* Remove the file"
    ):
        curve(bench().judge, directory=tmp_path)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInputError, match=r"cannot keep judgements in .*/file"):
        curve(bench().judge, directory=tmp_path / "file")


def test_experts_of_one_case_are_one_case_to_an_interval():
    several = [word(n, reviewer=who) for n in range(6) for who in ("ann", "bea")]
    several = [w.model_copy(update={"id": None}) for w in several]
    alone = [w for w in several if w.reviewer == "ann"]
    two, one = (evaluate(bench().judge, ws, resampling=FAST).last for ws in (several, alone))
    assert (len(two.rows), len(one.rows)) == (12, 6)
    pair = [found.estimates["exact_match"] for found in (two, one)]
    assert (pair[0].low, pair[0].high) == (pair[1].low, pair[1].high)


def test_rows_without_a_case_stand_for_themselves():
    row = Judgement(setting=Condition(), split="unseen", id="1", expert=True)
    assert row.unit == "1"
    asked = EvalCase(id="1", case=word(1).case, expert=True)
    assert row.model_copy(update={"case": asked.case.key}).unit == asked.case.key


KILLED = """
import os, signal
from evaluation.learner import bench, knows_what_it_is_shown
from evaluation.test_resuming import curve

left = 20
def respond(request):
    global left
    left -= request.title == "verdict"
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return knows_what_it_is_shown(request)

curve(bench(respond).judge, directory={directory!r}, concurrency=1)
"""


def test_after_a_kill_within_a_cell_the_finished_ones_are_kept(tmp_path):
    tests = Path(__file__).parents[1]
    path = os.pathsep.join([str(tests), str(tests.parent)])
    ended = subprocess.run(
        [sys.executable, "-c", KILLED.format(directory=str(tmp_path))],
        env=os.environ | {"PYTHONPATH": path},
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob("*.jsonl"))) == 1  # the first cell has 14 judgements
    here = bench()
    found = curve(here.judge, directory=tmp_path)
    assert len(here.model.titled("verdict")) == 50 - 14
    assert found.figures == curve(bench().judge).figures
