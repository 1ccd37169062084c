"""`judge.health`: judges with known faults, and what is found of them."""

import json
from typing import Annotated, Literal

import pytest
from fakes import CountingEmbeddings, HttpError, ScriptedModel, principle, verdict
from pydantic import Field

from langchain_memalign import InvalidInputError

from .conftest import Simulated, case_of, chance, number_of


def word(number, **fields):
    return {
        "inputs": f"Question number {number} about topic{number}?",
        "outputs": f"Answer {number} on topic{number}.",
        "value": number % 2 == 0,
        **fields,
    }


NEW = {"outputs": "An answer on topic99."}
WORDS = [word(number) for number in range(60)]


def right(request, _):
    return number_of(request) % 2 == 0


def test_a_judge_without_faults_has_none(taught):
    report = taught(right, WORDS).judge.health()
    assert (report.cases, report.agreement.value) == (60, 1)
    assert (report.flips.value, report.flips_shuffled.value, report.unscored.value) == (0, 0, 0)
    assert (report.tpr.value, report.tnr.value) == (1, 1)
    assert (report.worse, report.concerns) == ((), ())
    assert report.length.value == pytest.approx(0, abs=1e-9)
    assert report.model_calls == report.to_ask == 180


def test_what_it_costs_is_told_before_anything_is_asked(taught):
    bench = taught(right, WORDS)
    before = bench.calls()
    report = bench.judge.health([NEW], ask=False)
    assert (report.to_ask, report.model_calls) == (181, 0)
    assert bench.calls() == before
    assert "181 model calls" in str(report)


def test_a_sample_is_the_same_again_also_from_a_memory_that_has_grown(taught):
    bench = taught(right, WORDS)

    def asked():
        bench.model.requests.clear()
        bench.judge.health(sample=10)
        return {number_of(request) for request in bench.model.requests}

    first = asked()
    assert len(first) == 10
    assert asked() == first
    bench.judge.align([word(number) | {"rationale": None} for number in range(60, 70)])
    assert len(asked() & first) >= 6


def test_nothing_is_written(taught, tmp_path):
    bench = taught(right, WORDS)
    bench.memory.export_jsonl(tmp_path / "before")
    bench.judge.health(sample=10)
    bench.memory.export_jsonl(tmp_path / "after")
    assert (tmp_path / "after").read_bytes() == (tmp_path / "before").read_bytes()


def test_the_experts_word_on_the_case_is_not_shown(taught):
    bench = taught(right, WORDS)
    bench.judge.health(sample=10)
    for request in bench.model.requests:
        assert f"topic{number_of(request)}." not in request.prompt.split("<case>")[0]


def test_progress_is_told_from_before_the_first_call(taught):
    told = []
    bench = taught(right, WORDS)
    bench.judge.health(sample=5, progress=lambda *done: told.append(done), max_concurrency=1)
    assert told == [(n, 5) for n in range(6)]


def test_flips_when_asked_again_are_found(taught):
    def unsteady(request, time):
        return right(request, 0) ^ (time == 2 and chance(number_of(request)) < 0.3)

    report = taught(unsteady, WORDS).judge.health()
    assert report.flips.low < 0.3 < report.flips.high
    assert report.flips.value > 0.1
    assert report.flips_shuffled.value == 0


def test_flips_when_past_cases_are_shuffled_are_found(taught):
    def by_the_first(request, _):
        return 'value="true"' in request.prompt.split("</episode>")[0]

    report = taught(by_the_first, WORDS).judge.health()
    assert report.flips.value == 0
    assert report.flips_shuffled.value > 0.1


def test_an_answer_that_fails_to_come_again_is_a_flip(taught):
    def silent(request, time):
        return "no value" if time in (2, 3) else True

    report = taught(silent, WORDS).judge.health(sample=20)
    assert report.flips.value == 1
    assert report.unscored.value == 0


PAIRS = [
    {
        "inputs": f"Question {n} about topic{n}?",
        "outputs": {"A": f"Plain words on topic{n}.", "B": f"Golden words on topic{n}."},
        "value": "B",
    }
    for n in range(40)
]
BETTER = {"value_type": Literal["A", "B", "tie"], "instructions": "Which one is better?"}


def test_a_judge_that_favours_the_first_of_a_pair_is_found(taught):
    def first(request, _):
        return "A"

    report = taught(first, PAIRS, **BETTER).judge.health()
    assert (report.flips_swapped.value, report.prefers_first.value) == (1, 1)
    assert "In pairs it favours the first one." in report.concerns
    assert report.flips.value == 0


def test_a_judge_that_follows_a_pair_has_no_preference(taught):
    def golden(request, _):
        return "B" if case_of(request).index("Golden") > case_of(request).index("Plain") else "A"

    report = taught(golden, PAIRS, **BETTER).judge.health()
    assert report.flips_swapped.value == 0
    assert report.prefers_first is None
    assert report.agreement.value == 1


SCALE = {"value_type": Annotated[int, Field(ge=1, le=5)], "instructions": "How good is it?"}
ESSAYS = [
    word(n, value=3, outputs=f"On topic{n}. " + "So it is. " * (1 << (n % 6))) for n in range(60)
]


def test_a_judge_that_favours_long_outputs_is_found(taught):
    def by_length(request, _):
        noise = chance(number_of(request)) < 0.3
        return min(5, 2 + number_of(request) % 6 // 2 + noise)

    report = taught(by_length, ESSAYS, **SCALE).judge.health()
    assert report.length.low > 0
    assert 0.05 < report.length.value < 0.25
    assert "It values longer outputs higher than experts do." in report.concerns


def test_one_that_errs_whatever_the_length_is_not(taught):
    def by_chance(request, _):
        return 2 + int(chance(number_of(request)) * 3)

    report = taught(by_chance, ESSAYS, **SCALE).judge.health()
    assert report.length.low < 0 < report.length.high


def test_an_agreeable_judge_is_found(taught):
    def agreeable(request, _):
        return right(request, 0) or chance(number_of(request)) < 0.75

    report = taught(agreeable, WORDS).judge.health()
    assert report.tpr.value == 1
    assert report.tnr.low < 0.25 < report.tnr.high
    assert report.agreeableness.low > 0.4
    assert "It is agreeable" in " ".join(report.concerns)


def test_a_pass_rate_is_corrected_for_it(taught):
    """Three in ten of the data set should pass; the judge passes far more."""

    def agreeable(request, _):
        return right(request, 0) or chance(number_of(request)) < 0.4

    data = [{"outputs": f"Answer on topic{2 * n + (n % 10 > 2)}."} for n in range(100, 200)]
    bench = taught(agreeable, WORDS)
    found = bench.judge.health(data, sample=60).pass_rate
    assert found.observed.value > 0.5
    assert found.low < 0.3 < found.high
    assert found.value < 0.45


def test_of_a_judge_that_passes_everything_no_pass_rate_is_told(taught):
    found = taught(lambda *_: True, WORDS).judge.health([NEW]).pass_rate
    assert found.value is None
    assert "add up to 1.00" in found.why


def test_drift_after_a_change_of_model_is_found(taught):
    bench = taught(right, WORDS)
    bench.judge.calibrate()

    def blunt(request, _):
        return True

    other = ScriptedModel(respond=Simulated(blunt), name="blunt")
    successor = bench.judge_named("tone", model=other, probabilities=None)
    report = successor.health()
    drift = report.drift
    assert (drift.before.value, drift.now.value) == (1, 0.5)
    assert (drift.gained, drift.lost) == (0, 30)
    assert drift.chance < 1e-6
    assert "Experts agree with it less often on the same cases" in report.worse[0]


def test_without_drift_nothing_is_worse(taught):
    bench = taught(right, WORDS)
    bench.judge.calibrate()
    report = bench.judge.health()
    assert (report.drift.since, report.drift.chance) == ("itself, earlier", 1)
    assert report.worse == ()


def test_a_second_judge_is_no_drift_of_the_first(taught):
    """Drift is the first judge's own, and what it costs counts the second's calls."""
    bench = taught(right, WORDS)
    wrong = ScriptedModel(respond=Simulated(lambda request, n: not right(request, n)), name="other")
    second = bench.judge_named("tone", model=wrong, probabilities=None)
    pair = bench.judge.escalating_to(second, sure=1.0)
    bench.judge.calibrate()
    second.calibrate()
    bench.model.requests.clear()
    wrong.requests.clear()

    planned, report = pair.health(sample=10, ask=False), pair.health(sample=10)

    assert report.agreement.value == 0  # what the second says counts
    assert (report.drift.since, report.drift.lost) == ("itself, earlier", 0)
    assert report.worse == ()
    assert planned.to_ask == report.model_calls == len(bench.model.requests + wrong.requests)


def test_a_remark_without_a_value_is_not_shown_either(taught):
    bench = taught(right, WORDS[:4])
    bench.judge.align([word(1, value=None, rationale="Secret of one.", reviewer="Bob")])
    bench.model.requests.clear()
    bench.judge.health()
    asked = [request.prompt for request in bench.model.titled("verdict")]
    own = [prompt for prompt in asked if "topic1?" in prompt.rpartition("<case>")[2]]
    assert own
    assert not any("Secret of one" in prompt for prompt in own)


def test_what_a_principle_does_is_told_on_request(make_bench):
    rules = ("Even is good.", "Mind the weather.", "Long live the odd.")

    def judge(request, _):
        good = number_of(request) % 2 == 0
        if rules[0] not in request.prompt:
            return not good
        return good ^ (rules[2] in request.prompt and number_of(request) % 4 == 0)

    bench = make_bench(Simulated(judge))
    bench.judge.align([{**one, "rationale": None} for one in WORDS])
    for rule in rules:
        bench.judge.add_principle(rule)
    planned = bench.judge.health(sample=20, principles=True, ask=False)
    report = bench.judge.health(sample=20, principles=True)
    assert planned.to_ask == report.model_calls == 20 * 6
    harmful, idle, useful = report.principles
    assert (harmful.text, idle.text, useful.text) == (rules[2], rules[1], rules[0])
    assert (idle.changed, idle.helped, idle.hurt) == (0, 0, 0)
    assert harmful.hurt > 0 == harmful.helped
    assert useful.helped > 0
    assert "principles without effect" in str(report)
    assert bench.judge.health(sample=20).principles == ()


def test_worse_than_a_baseline_in_a_file(taught, tmp_path):
    bench = taught(right, WORDS)
    file = tmp_path / "health.json"
    file.write_text(bench.judge.health().model_dump_json())
    assert bench.judge.health(baseline=file).worse == ()
    bench.model.respond = Simulated(lambda request, time: time % 2 == 0)
    found = bench.judge.health(baseline=file).worse
    assert any("flip more often" in said for said in found)
    same = bench.judge.health(baseline=json.loads(file.read_text())).worse
    assert len(same) == len(found)


@pytest.mark.parametrize("text", [None, "{}", "no JSON"])
def test_what_is_no_baseline_is_refused_before_anything_is_asked(taught, tmp_path, text):
    bench = taught(right, WORDS[:3])
    file = tmp_path / "health.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InvalidInputError, match=r"health\.json"):
        bench.judge.health(baseline=file)
    assert bench.model.requests == []


@pytest.mark.parametrize(
    "wrong", [{"sample": -1}, {"seed": "x"}, {"max_concurrency": 0}, {"baseline": 3}]
)
def test_unusable_numbers_are_refused(bench, wrong):
    with pytest.raises(InvalidInputError, match=next(iter(wrong))):
        bench.judge.health(**wrong)


def test_a_judge_that_was_taught_nothing_says_so(bench):
    report = bench.judge.health()
    assert (report.cases, report.model_calls) == (0, 0)


def test_a_case_that_cannot_be_embedded_is_unscored_and_stops_no_other(taught):
    broken = []
    embeddings = CountingEmbeddings(fail=lambda text: HttpError(400) if text in broken else None)
    bench = taught(right, WORDS[:12], embeddings=embeddings)
    broken += [WORDS[3]["outputs"]]
    report = bench.judge.health()
    assert (report.unscored.count, report.agreement.cases) == (1, 11)


async def test_on_a_loop_the_same_is_found(taught):
    bench = taught(right, WORDS)
    found = await bench.judge.ahealth(sample=20)
    same = bench.judge.health(sample=20)
    apart = {"created_at", "seconds"}
    assert found.model_dump(exclude=apart) == same.model_dump(exclude=apart)


def test_superseded_cases_are_not_asked_about(make_bench):
    def respond(request):
        if request.title == "verdict":
            return verdict(True)
        if request.title == "superseded":
            return {"superseded": [{"case": "C1", "reason": "Otherwise now."}]}
        known = 'id="P1"' in request.prompt
        rule = principle("Now." if known else "Before.", *request.record_ids)
        return {"principles": [rule | ({"relation": "replaces", "target": "P1"} if known else {})]}

    bench = make_bench(respond)
    bench.judge.align([word(1, rationale="Yes.")])
    bench.judge.align([word(2, rationale="No.")])
    assert len(bench.judge.episodes(status="superseded")) == 1
    assert bench.judge.health(ask=False).cases == 1
    assert bench.judge.calibrate(ask=False).to_ask == 1
