"""Which principles and episodes help or hurt."""

import itertools
import re

import pytest
from fakes import HttpError, principle, verdict

from evaluation.learner import bench, knows_what_it_is_shown, words
from langchain_memalign import ModelError
from langchain_memalign.evaluation.evaluate import evaluate
from langchain_memalign.evaluation.resampling import Resampling

FAST = Resampling(count=50)
UNSEEN = words(*range(20, 26))


def measured(judge, **options):
    return evaluate(judge, UNSEEN, leave_one_out=True, resampling=FAST, **options)


def test_a_harmful_rule_is_told_from_a_harmless_one():
    def misled(request):
        number = int(re.search(r"Question (\d+)", request.prompt.split("<case>")[1]).group(1))
        return verdict("Say yes." in request.prompt or number % 2 == 0)

    here = bench(misled)
    for rule in ("Say yes.", "Be brief."):
        here.judge.add_principle(rule)
    harmless, harmful = measured(here.judge).influences
    assert (harmless.text, harmless.change.value) == ("Be brief.", 0.0)
    assert (harmful.text, harmful.change.value) == ("Say yes.", -0.5)
    assert harmful.cases == len(harmful.rows) == 6


def test_what_is_judged_without_something_is_kept(tmp_path):
    left = 20

    def refuses_later(request):
        nonlocal left
        left -= request.title == "verdict"
        return HttpError(401) if left < 0 else knows_what_it_is_shown(request)

    here = bench(refuses_later)
    left = 10**6
    here.judge.align(words(*range(4)))
    left = 20
    with pytest.raises(ModelError):
        measured(here.judge, directory=tmp_path, concurrency=1)
    left = 10**6
    before = len(here.model.titled("verdict"))
    found = measured(here.judge, directory=tmp_path)
    again = len(here.model.titled("verdict")) - before
    # Four episodes and four rules; all are shown for all cases. The first is finished.
    assert again == sum(one.cases for one in found.influences) - 6
    assert found.spent.model_calls == 2 * 6 + sum(one.cases for one in found.influences)
    before = len(here.model.titled("verdict"))
    assert measured(here.judge, directory=tmp_path) == found
    assert len(here.model.titled("verdict")) == before


def test_what_is_taught_is_taught_once(tmp_path):
    lessons = itertools.count()

    def another_time_another_rule(request):
        if request.title != "principles":
            return knows_what_it_is_shown(request)
        records = re.findall(r'<record id="(R\d+)">', request.prompt)
        rules = [principle("Mind the numbers.", *records)] if next(lessons) == 0 else []
        return {"principles": rules}

    here = bench(another_time_another_rule)
    # Values alone: of a remark there would be a rule in any case.
    taught = [word.model_copy(update={"rationale": None}) for word in words(*range(4))]
    options = {"teach": taught, "directory": tmp_path}
    found = measured(here.judge, **options)
    assert {one.kind for one in found.influences} == {"principle", "episode"}
    assert len(here.model.titled("principles")) == 1

    # Taught again, with the judgements that are kept: what is no longer known cannot be left out.
    again = measured(here.judge, **options)
    assert {one.kind for one in again.influences} == {"episode"}
