"""A judge whose answers follow from what it is shown, so that experiments have known outcomes."""

import re

from fakes import one_rule_a_record, verdict
from judge.bench import Bench

from langchain_memalign import Feedback


def word(number, *, value=None, rationale="", **fields):
    """A distinct remark; even numbers are good."""
    return Feedback(
        id=f"f{number}",
        inputs=f"Question {number} about topic{number}?",
        outputs=f"Answer {number} on topic{number}.",
        value=number % 2 == 0 if value is None else value,
        rationale=rationale or f"Remark {number}.",
        **fields,
    )


def words(*numbers):
    return [word(number) for number in numbers]


def knows_what_it_is_shown(request):
    """Right about a case with an episode or a rule shown; without any, always true."""
    if request.title != "verdict":
        return one_rule_a_record(request)
    number = int(re.search(r"Question (\d+)", request.prompt.split("<case>")[1]).group(1))
    knows = "<episode " in request.prompt or "Rule:" in request.prompt
    return verdict(number % 2 == 0 if knows else True, *re.findall(r'id="(P\d+)"', request.prompt))


def bench(respond=knows_what_it_is_shown, **options):
    return Bench(respond, instructions="Is the answer good?", **options)
