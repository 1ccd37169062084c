"""On request, a principle that changes no verdict of its batch is not learned."""

import re

import pytest
from fakes import HttpError, ScriptedModel, feedback, principle, verdict

from langchain_memalign import GateDecision
from langchain_memalign.schema import Erase

DATES, IDLE = "Never promise a day.", "Be all that a reply should be."
BATCH = [
    feedback(1, outputs="It comes on Monday.", value=False, rationale="No days, ever."),
    feedback(2, outputs="It comes.", value=True, rationale="As it should be in all."),
    feedback(3, outputs="It will come.", value=True, rationale=None),
]


class Strict:
    """A judge that finds all good, but goes by the rule about days; it learns what it is told."""

    def __init__(self, *rules):
        self.rules = rules
        self.fails_on = None

    def __call__(self, request):
        if request.title != "verdict":
            return {"principles": list(self.rules)}
        case = request.prompt.rpartition("<case>")[2]
        if self.fails_on and self.fails_on in case:
            return HttpError(400)
        return verdict(not (DATES in request.prompt and "Monday" in case))


@pytest.fixture
def strict():
    return Strict(principle(DATES, "R1"), principle(IDLE, "R2"))


def tried(bench):
    """How many judgements were made."""
    return len(bench.model.titled("verdict"))


def test_what_changes_no_verdict_is_not_learned_and_named(make_bench, strict):
    bench = make_bench(strict)
    report = bench.judge.align(BATCH, only_effective=True)
    assert bench.texts() == [DATES]
    (warning,) = report.warnings
    assert IDLE in warning
    assert "3 cases" in warning
    assert (len(report.distilled), report.remarks_covered) == (3, 1)
    # Each case as it is, the first rule on its own case, the other one on all.
    assert tried(bench) == 3 + 1 + 3
    assert report.model_calls == tried(bench) + 1


def test_nothing_is_tried_unless_asked_for(make_bench, strict):
    bench = make_bench(strict)
    bench.judge.align(BATCH)
    assert bench.texts() == [DATES, IDLE]
    assert tried(bench) == 0


async def test_it_is_tried_on_a_loop_too(make_bench, strict):
    bench = make_bench(strict)
    await bench.judge.aalign(BATCH, only_effective=True)
    assert bench.texts() == [DATES]


def test_the_judge_is_tried_without_the_experts_words_on_the_batch(make_bench, strict):
    bench = make_bench(strict)
    bench.judge.align([{**BATCH[0], "reviewer": "Ann", "rationale": "Ann's own words."}])
    bench.judge.align(BATCH, only_effective=True)
    for request in bench.model.titled("verdict"):
        assert not re.search("No days, ever|As it should be", request.prompt)
        is_hers = "Monday" in request.prompt.rpartition("<case>")[2]
        assert ("Ann's own" in request.prompt) is not is_hers


def test_a_principle_that_replaces_another_is_tried_in_its_place(make_bench, strict):
    strict.rules = [principle(DATES, "R1")]
    bench = make_bench(strict)
    bench.judge.align(BATCH[:1])
    strict.rules = [principle("Days are fine.", "R1", relation="replaces", target="P1")]
    again = feedback(7, outputs="It comes on Monday!", value=True, rationale="Days are fine now.")
    bench.judge.align([again], only_effective=True)
    assert bench.texts() == ["Days are fine."]
    last = bench.model.titled("verdict")[-1]
    assert DATES not in last.prompt.rpartition("<episodes>")[0]


def test_a_second_judge_over_the_same_memory_is_tried_too(make_bench, strict):
    """The first finds all good, whatever it is told; the rule changes what the second says."""
    bench = make_bench(strict)
    easy = ScriptedModel(respond=lambda _: verdict(True))
    pair = bench.judge_named("tone", model=easy, distiller=bench.model)
    pair = pair.escalating_to(bench.judge, sure=0.9)
    report = pair.align(BATCH, only_effective=True)
    assert bench.texts() == [DATES]
    assert len(report.warnings) == 1
    assert len(easy.requests) == tried(bench) == 3 + 1 + 3


def test_what_a_failing_call_leaves_in_doubt_is_learned(make_bench, strict):
    strict.fails_on = "It will come."
    bench = make_bench(strict)
    report = bench.judge.align(BATCH, only_effective=True)
    assert bench.texts() == [DATES, IDLE]
    assert report.warnings == ()


def test_a_judge_that_reaches_no_verdict_tells_nothing_of_a_principle(make_bench, strict):
    bench = make_bench(lambda r: "I cannot say." if r.title == "verdict" else strict(r))
    report = bench.judge.align(BATCH, only_effective=True)
    assert bench.texts() == [DATES, IDLE]
    assert report.warnings == ()


@pytest.mark.parametrize("forgotten", [BATCH[:1], BATCH], ids=["one", "all"])
def test_what_is_forgotten_while_it_is_distilled_is_not_tried(make_bench, strict, forgotten):
    said = [word["rationale"] for word in forgotten]

    def respond(request):
        going = [e.id for e in bench.judge.episodes() if e.rationale in said]
        bench.memory.apply([Erase(judge="tone", kind="episode", id=id_) for id_ in going])
        return strict(request)

    bench = make_bench(respond)
    strict.rules = [principle(IDLE, "R2")]
    bench.judge.align(BATCH, only_effective=True)
    assert not any("Monday" in request.prompt for request in bench.model.titled("verdict"))
    assert bench.judge.episodes(status="pending") == []


def test_what_is_known_already_is_no_new_principle_to_be_tried(make_bench, strict):
    bench = make_bench(strict)
    bench.judge.add_principle(IDLE)
    strict.rules = [principle(IDLE.lower(), "R2")]
    report = bench.judge.align(BATCH[1:2], only_effective=True)
    assert (report.warnings, report.remarks_covered, tried(bench)) == ((), 1, 0)


def test_the_calls_are_bounded_and_what_they_do_not_reach_is_learned(make_bench, strict):
    records = [f"R{n}" for n in range(1, 51)]
    strict.rules = [principle(f"{IDLE} {n}", *records) for n in range(20)]
    bench = make_bench(strict)
    report = bench.judge.align([feedback(n) for n in range(50)], only_effective=True)
    # Fifty cases as they are, and with each of seven rules.
    assert tried(bench) == 400
    assert len(bench.texts()) == 20 - 7
    assert "13 of the principles were learned without being tried" in report.warnings[-1]


def test_behind_a_gate_it_is_tried_in_the_copy(make_bench, strict):
    bench = make_bench(strict)
    accept = GateDecision(accepted=True, reason="Yes.")
    bench.judge.align(BATCH, only_effective=True, gate=lambda *_: accept)
    assert bench.texts() == [DATES]
