"""Judges that err in known ways, on cases of which experts have given the value."""

import random
import re

import pytest
from fakes import verdict
from judge.conftest import bench, make_bench

__all__ = ["bench", "make_bench"]


def case_of(request):
    """What is judged, as it stands in the prompt."""
    return re.search(r"<case>(.*)</case>", request.prompt, re.DOTALL)[1]


def number_of(request):
    return int(re.search(r"topic(\d+)", case_of(request))[1])


class Simulated:
    """A judge that answers by a function of the request and of how often it was asked the case."""

    def __init__(self, judge):
        self.judge = judge
        self.asked = {}

    def __call__(self, request):
        if request.title != "verdict":
            return {request.title: []}
        case = case_of(request)
        self.asked[case] = self.asked.get(case, 0) + 1
        return verdict(self.judge(request, self.asked[case]))


def chance(*parts):
    """A number from 0 to 1 that is drawn anew for other parts, and the same for the same ones."""
    return random.Random(" ".join(map(str, parts))).random()


@pytest.fixture
def taught(make_bench):
    """Make a bench whose experts gave values without a remark, and whose judge is simulated."""

    def make(judge, words, **options):
        bench = make_bench(Simulated(judge), **options)
        bench.judge.align([{"rationale": None, **word} for word in words])
        bench.model.requests.clear()
        return bench

    return make
