"""Learning from the difference between what the judge said and what the expert said."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Literal

import pytest
from fakes import CountingEmbeddings, HttpError, feedback, one_rule_a_record, verdict
from pydantic import Field

from langchain_memalign import Episode, Feedback, ModelError, Put
from langchain_memalign.schema import JudgeRecord

CASE = {key: feedback(1)[key] for key in ("inputs", "outputs")}


def sceptical(request):
    """A model that finds everything wrong and says why."""
    if request.title == "verdict":
        return verdict(False, rationale="I find it rude.")
    return one_rule_a_record(request)


def test_distilling_shows_what_the_judge_had_said_beside_the_expert(bench):
    bench.judge.align([feedback(1, value=True, judge_value=False, judge_rationale="So rude.")])
    (request,) = bench.model.requests
    judged = request.prompt.index("So rude.")
    assert judged < request.prompt.index("Remark 1.")
    assert '<judge value="false">So rude.</judge>' in request.prompt
    assert '<expert value="true">Remark 1.</expert>' in request.prompt
    assert "what the judge did not know" in request.system


def test_a_recalled_episode_shows_what_the_judge_had_said_beside_the_expert(bench):
    bench.judge.align([feedback(1, value=True, judge_value=False, judge_rationale="So rude.")])
    bench.judge.invoke(CASE)
    prompt = bench.model.titled("verdict")[0].prompt
    assert (
        '<judge value="false">So rude.</judge>\n<expert value="true">Remark 1.</expert>' in prompt
    )


def test_without_an_earlier_verdict_none_is_shown(bench):
    bench.judge.align([feedback(1)])
    bench.judge.invoke(CASE)
    assert not any("<judge" in request.prompt for request in bench.model.requests)


def test_probing_asks_the_judge_about_new_cases_and_stores_its_word(make_bench):
    bench = make_bench(sceptical)
    report = bench.judge.align([feedback(1), feedback(2)], probe=True)
    assert {(e.judge_value, e.judge_rationale) for e in bench.judge.episodes()} == {
        (False, "I find it rude.")
    }
    distilling = bench.model.titled("principles")[0]
    assert distilling.prompt.count('<judge value="false">I find it rude.</judge>') == 2
    assert report.model_calls == len(bench.model.requests) == 3
    assert report.usage["total_tokens"] == 45


def test_a_probed_judge_does_not_see_the_new_cases_own_episode(make_bench):
    bench = make_bench(sceptical)
    # It was stored and embedded before, but never learned from.
    bench.model.respond = lambda request: HttpError(400)
    bench.judge.align([feedback(1), feedback(2)])
    bench.model.respond = sceptical
    bench.judge.align([], probe=True)
    for request in bench.model.titled("verdict"):
        asked = 1 if "topic1" in request.prompt.split("<case>")[1] else 2
        assert f"Remark {asked}." not in request.prompt
        assert f"Remark {3 - asked}." in request.prompt


def test_the_cases_are_stored_before_the_judge_is_probed(make_bench):
    bench = make_bench(lambda request: HttpError(401))
    with pytest.raises(ModelError):
        bench.judge.align([feedback(1)], probe=True)
    assert bench.remarks(status="pending") == ["Remark 1."]


def test_a_known_verdict_of_the_judge_is_not_asked_for_again(make_bench):
    bench = make_bench(sceptical)
    bench.judge.align([feedback(1, judge_value=True), feedback(2)], probe=True)
    assert len(bench.model.titled("verdict")) == 1
    bench.judge.align([feedback(1, judge_value=True), feedback(2)], probe=True)
    assert len(bench.model.titled("verdict")) == 1


def test_nobody_is_probed_unless_asked_for(bench):
    bench.judge.align([feedback(1)])
    assert bench.model.titled("verdict") == []


def test_a_judge_that_cannot_tell_is_no_obstacle_to_learning(make_bench):
    def respond(request):
        return "I would not know." if request.title == "verdict" else one_rule_a_record(request)

    bench = make_bench(respond)
    report = bench.judge.align([feedback(1)], probe=True)
    (episode,) = bench.judge.episodes(status="distilled")
    assert (episode.judge_value, episode.judge_rationale) == (None, None)
    assert report.model_calls == len(bench.model.requests)


def test_a_case_that_cannot_be_embedded_fails_only_its_record_also_when_probing(make_bench):
    poison = HttpError(400)
    embeddings = CountingEmbeddings(fail=lambda text: poison if "poison" in text else None)
    bench = make_bench(sceptical, embeddings=embeddings)
    report = bench.judge.align([feedback(1), feedback(2, outputs="poison")], probe=True)
    assert [p.episode_id for p in report.pending] == [bench.id_of("Remark 2.")]
    assert [e.judge_value for e in bench.judge.episodes(status="distilled")] == [False]


def test_half_a_character_in_a_probed_rationale_is_replaced(make_bench):
    def respond(request):
        if request.title == "verdict":
            return verdict(True, rationale="Nice \ud83d.")
        return one_rule_a_record(request)

    bench = make_bench(respond)
    bench.judge.align([feedback(1)], probe=True)
    assert bench.judge.episodes()[0].judge_rationale == "Nice ?."


@pytest.mark.parametrize("title", ["principles", "verdict"])
def test_the_model_is_told_how_the_experts_spread_over_the_values(bench, title):
    bench.judge.align([feedback(i, value=i < 3) for i in range(5)])
    bench.judge.invoke(CASE)
    (request,) = bench.model.titled(title)
    assert re.search(r"\bfalse \W*2 times\b.*\btrue \W*3 times\b", request.prompt)


ANCHORS = "what separates neighbouring values"


@pytest.mark.parametrize(
    "scale", [Annotated[int, Field(ge=1, le=5)], Annotated[float, Field(ge=0, le=5)]]
)
def test_on_a_scale_distilling_asks_for_anchors(make_bench, scale):
    bench = make_bench(value_type=scale)
    bench.judge.align([feedback(1, value=4)])
    assert ANCHORS in bench.model.requests[0].system


@pytest.mark.parametrize("labels", [bool, Literal["good", "bad"]])
def test_where_values_are_no_scale_distilling_asks_for_no_anchors(make_bench, labels):
    bench = make_bench(value_type=labels)
    bench.judge.align([feedback(1, value=None)])
    assert ANCHORS not in bench.model.requests[0].system


def test_the_judge_is_told_when_its_nearest_precedent_is_distant(bench):
    bench.judge.align([feedback(1)])
    bench.judge.invoke({"inputs": "Utterly unrelated words", "outputs": "Nothing alike whatsoever"})
    bench.judge.invoke(CASE)
    far, near = bench.model.titled("verdict")
    assert "no precedent" in far.prompt
    assert "no precedent" not in near.prompt


def test_how_near_a_precedent_must_be_can_be_set(make_bench):
    bench = make_bench(distant=0.999)
    bench.judge.align([feedback(1)])
    bench.judge.invoke({**CASE, "outputs": "Answer 1 on topic1, and more."})
    assert "no precedent" in bench.model.titled("verdict")[0].prompt


def test_the_judge_is_told_when_it_has_no_precedent_and_no_principle(bench):
    bench.judge.invoke(CASE)
    prompt = bench.model.requests[0].prompt
    assert "No earlier case is known." in prompt
    assert "None yet." in prompt


def test_of_several_near_episodes_of_one_value_one_gives_way_to_a_near_one_of_another(make_bench):
    bench = make_bench(k=3)
    near = [feedback(1, outputs=f"Answer 1 on topic1 {i}", value=True, id=str(i)) for i in range(6)]
    other = feedback(1, outputs="Answer 1 on topic1 but quite rude", value=False, id="other")
    bench.judge.align([*near, other])
    values = [r.episode.value for r in bench.judge.recall(CASE).episodes]
    assert values == [True, True, False]


def unseen(bench):
    return bench.judge.agreement().agreement.cases


def test_what_is_stored_while_another_alignment_probes_is_probed_in_its_own_turn(make_bench):
    """As by another process, which waits for its turn to probe it."""
    other = Episode.from_feedback("tone", Feedback(**feedback(2)))

    def respond(request):
        if request.title == "verdict" and not bench.remarks(status="distilled"):
            bench.memory.apply([Put(judge="tone", record=other)])
        return sceptical(request)

    bench = make_bench(respond)
    first = bench.judge.align([feedback(1)], probe=True)
    assert (len(first.distilled), bench.remarks(status="pending")) == (1, ["Remark 2."])
    second = bench.judge.align([feedback(2)], probe=True)
    assert second.distilled == (other.id,)
    assert [request.prompt.count("<judge") for request in bench.model.titled("principles")] == [
        1,
        1,
    ]
    assert unseen(bench) == 2


def test_what_another_alignment_learns_first_is_probed_all_the_same(make_bench):
    reached, opened = threading.Event(), threading.Event()

    def respond(request):
        reached.set()
        assert opened.wait(20)
        return sceptical(request)

    bench = make_bench(respond)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(bench.judge.align, [feedback(1)])
        assert reached.wait(20)
        second = pool.submit(bench.judge.align, [feedback(2)], probe=True)
        while "Remark 2." not in bench.remarks():
            assert not second.done()
        (stored,) = [e for e in bench.judge.episodes() if e.rationale == "Remark 2."]
        learned = stored.model_copy(update={"status": "distilled"})
        bench.memory.apply([Put(judge="tone", record=learned)])
        opened.set()
        assert len(first.result(20).distilled) == 1
        assert second.result(20).model_calls == 1
    said = {e.rationale: e.judge_value for e in bench.judge.episodes()}
    assert said == {"Remark 1.": None, "Remark 2.": False}
    assert unseen(bench) == 1


def test_a_probed_judge_is_not_told_the_new_cases_own_value(make_bench):
    bench = make_bench(sceptical)
    bench.judge.align([feedback(1, value=True), feedback(2, value=True)], probe=True)
    for request in bench.model.titled("verdict"):
        assert "<values_given>true (1 time)</values_given>" in request.prompt


@pytest.mark.parametrize("together", [True, False])
def test_a_case_of_several_experts_is_probed_once_and_without_any_of_their_words(
    make_bench, together
):
    bench = make_bench(sceptical)
    words = [feedback(1, reviewer="Ann"), feedback(1, reviewer="Bob", rationale="Bob's remark.")]
    if together:
        bench.judge.align(words, probe=True)
    else:
        bench.judge.align(words[:1])
        bench.judge.align(words[1:], probe=True)
    (request,) = bench.model.titled("verdict")
    assert "emark" not in request.prompt.split("<episodes>")[1]
    assert [e.judge_value for e in bench.judge.episodes()] == [False if together else None, False]
    assert unseen(bench) == 1


def test_that_a_probed_judge_cannot_tell_is_known_too(make_bench):
    def respond(request):
        return "I would not know." if request.title == "verdict" else one_rule_a_record(request)

    bench = make_bench(respond)
    bench.judge.align([feedback(1)], probe=True)
    assert bench.judge.agreement().unscored == 1
    assert bench.judge.calibrate().model_calls == 0


def test_probing_keeps_what_other_judges_said_of_the_case(make_bench):
    bench = make_bench(sceptical)
    before = JudgeRecord(said_by="another", value=True)
    bench.judge.align([feedback(1, judge_records=(before,))], probe=True)
    (episode,) = bench.judge.episodes()
    assert before in episode.judge_records
    assert len(episode.judge_records) == 2
