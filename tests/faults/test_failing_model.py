"""A chat model that fails: nothing is lost, the record to blame is found, hopeless work ends."""

import pytest
from fakes import HttpError, feedback, one_rule_a_record
from langchain_core.messages import AIMessage

from langchain_memalign import ModelError


def failing_on(remark, failure):
    """A model that fails at every request about the record with this remark."""

    def respond(request):
        if request.title == "principles" and remark in request.prompt:
            return failure
        return one_rule_a_record(request)

    return respond


@pytest.mark.parametrize("records", [7, 50])
@pytest.mark.parametrize("failure", [HttpError(400), HttpError(500), "no JSON at all"])
def test_bisecting_isolates_one_bad_record(make_bench, records, failure):
    bad = feedback(0, rationale="The bad one.")
    bench = make_bench(failing_on(bad["rationale"], failure))
    report = bench.judge.align([*(feedback(i) for i in range(1, records)), bad])
    (pending,) = report.pending
    assert pending.episode_id == bench.id_of("The bad one.")
    assert str(failure) in pending.reason or "no JSON object" in pending.reason
    assert len(report.distilled) == records - 1
    assert bench.remarks(status="pending") == ["The bad one."]
    assert len(bench.texts()) == records - 1


def test_two_bad_records_of_fifty_are_both_isolated(make_bench):
    def respond(request):
        if "Bad word" in request.prompt:
            return HttpError(400)
        return one_rule_a_record(request)

    bench = make_bench(respond)
    words = [feedback(i) for i in range(48)]
    words.insert(3, feedback(60, rationale="Bad word 60."))
    report = bench.judge.align([*words, feedback(61, rationale="Bad word 61.")])
    assert bench.remarks(status="pending") == ["Bad word 60.", "Bad word 61."]
    assert (len(report.pending), len(report.distilled)) == (2, 48)


@pytest.mark.parametrize(
    ("failure", "most_calls"), [(HttpError(500), 12), (HttpError(400), 7), ("nonsense", 14)]
)
def test_a_hopeless_model_is_given_up_after_few_calls(make_bench, failure, most_calls):
    bench = make_bench(lambda request: failure)
    report = bench.judge.align([feedback(i) for i in range(50)])
    assert len(report.pending) == 50
    assert 0 < len(bench.model.requests) <= most_calls
    assert report.model_calls == len(bench.model.requests)


@pytest.mark.parametrize("failure", [ConnectionError("refused"), TimeoutError("slow")])
def test_an_unreachable_endpoint_is_tried_again_but_its_batch_is_not_bisected(make_bench, failure):
    bench = make_bench(lambda request: failure)
    report = bench.judge.align([feedback(i) for i in range(8)])
    assert [len(r.record_ids) for r in bench.model.requests] == [8, 8, 8, 8]
    assert report.model_calls == 4
    assert len(report.pending) == 8
    assert all(str(failure) in pending.reason for pending in report.pending)


def test_an_endpoint_that_comes_back_is_not_held_against_the_batch(make_bench):
    replies = iter([ConnectionError("refused"), HttpError(503), HttpError(429)])
    bench = make_bench(lambda request: next(replies, None) or one_rule_a_record(request))
    report = bench.judge.align([feedback(1), feedback(2)])
    assert (len(report.distilled), report.pending, report.model_calls) == (2, (), 4)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_refused_access_raises_at_once_and_the_feedback_is_stored(make_bench, status):
    bench = make_bench(lambda request: HttpError(status))
    with pytest.raises(ModelError) as caught:
        bench.judge.align([feedback(1), feedback(2)])
    assert caught.value.status == status
    assert len(bench.model.requests) == 1
    assert bench.remarks(status="pending") == ["Remark 1.", "Remark 2."]
    bench.model.respond = one_rule_a_record
    assert len(bench.judge.align([]).distilled) == 2


@pytest.mark.parametrize("probe", [False, True])
def test_after_access_was_refused_no_further_batch_or_probe_is_begun(make_bench, probe):
    bench = make_bench(lambda request: HttpError(401))
    with pytest.raises(ModelError, match="API key"):
        bench.judge.align([feedback(i) for i in range(200)], max_concurrency=1, probe=probe)
    assert len(bench.model.requests) == 1
    assert len(bench.judge.episodes(status="pending")) == 200


def test_what_stayed_pending_is_learned_by_the_next_alignment_and_only_that(make_bench):
    bench = make_bench(failing_on("Remark 3.", HttpError(400)))
    bench.judge.align([feedback(i) for i in range(6)])
    bench.model.requests.clear()
    bench.model.respond = one_rule_a_record
    report = bench.judge.align([])
    assert report.distilled == (bench.id_of("Remark 3."),)
    assert (report.stored, report.pending) == ((), ())
    (request,) = bench.model.requests
    assert request.record_ids == ["R1"]
    assert "Remark 3." in request.prompt
    assert sorted(bench.texts()) == [f"Rule: Remark {i}." for i in range(6)]


def test_one_batch_of_four_that_returns_invalid_json_then_500s_for_good_stays_pending(make_bench):
    doomed = []

    def respond(request):
        if request.title != "principles":
            return one_rule_a_record(request)
        if not doomed and "Remark 7." in request.prompt:
            doomed.extend(f"Remark {i}." for i in range(200) if f"Remark {i}." in request.prompt)
            return "{ this is no JSON"
        if any(remark in request.prompt for remark in doomed):
            return HttpError(500)
        return one_rule_a_record(request)

    bench = make_bench(respond)
    report = bench.judge.align([feedback(i) for i in range(200)])
    assert 40 <= len(doomed) <= 50
    assert bench.remarks(status="pending") == sorted(doomed)
    assert {p.episode_id for p in report.pending} == {bench.id_of(remark) for remark in doomed}
    assert all("Error code: 500" in pending.reason for pending in report.pending)
    assert (len(report.distilled), len(bench.texts())) == (200 - len(doomed), 200 - len(doomed))

    bench.model.respond = one_rule_a_record
    bench.model.requests.clear()
    report = bench.judge.align([])
    assert (len(report.distilled), report.pending, report.stored) == (len(doomed), (), ())
    assert sum(len(request.record_ids) for request in bench.model.requests) == len(doomed)
    assert sorted(bench.texts()) == sorted(f"Rule: Remark {i}." for i in range(200))


def test_a_model_that_declines_leaves_the_records_pending_with_its_words(make_bench):
    refusal = AIMessage("", additional_kwargs={"refusal": "I do not do that."})
    bench = make_bench(lambda request: refusal)
    report = bench.judge.align([feedback(1)])
    assert "I do not do that." in report.pending[0].reason
    # Asking a model that declined to repair its reply would be of no use.
    assert len(bench.model.requests) == 1


def test_keys_in_a_providers_error_do_not_reach_the_report(make_bench):
    bench = make_bench(lambda request: ValueError("wrong key sk-abcdef1234567890 used"))
    report = bench.judge.align([feedback(1)])
    assert "sk-abcdef1234567890" not in repr(report)


@pytest.mark.parametrize("failure", [ConnectionError("down"), HttpError(401), HttpError(500)])
def test_a_model_down_while_re_distilling_does_not_stop_the_forgetting(make_bench, failure):
    def together(request):
        if request.title == "principles" and len(request.record_ids) == 2:
            return {"principles": [{"text": "Both.", "sources": ["R1", "R2"]}]}
        return one_rule_a_record(request)

    bench = make_bench(together)
    bench.judge.align([feedback(1), feedback(2)])
    bench.model.respond = lambda request: failure
    report = bench.judge.forget([bench.id_of("Remark 1.")])
    assert (len(report.episodes_removed), len(report.principles_removed)) == (1, 1)
    assert [p.episode_id for p in report.pending] == [bench.id_of("Remark 2.")]
    assert str(failure) in report.pending[0].reason
    assert bench.texts(retired=True) == []
    bench.model.respond = one_rule_a_record
    bench.judge.align([])
    assert bench.texts() == ["Rule: Remark 2."]
