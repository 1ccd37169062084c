"""Human assessments on MLflow traces, from a real tracking store in a file."""

from datetime import UTC, datetime, timedelta

import pytest

from langchain_memalign.errors import SourceError
from langchain_memalign.exporters import to_mlflow_assessments
from langchain_memalign.importers import from_mlflow, import_feedback

# MLflow and what it brings warn of their own deprecations.
pytestmark = pytest.mark.filterwarnings("ignore")


def learned(judge, tracking, **options):
    found = from_mlflow(name="tone", experiment="support", tracking_uri=tracking.uri, **options)
    return import_feedback(judge, found)


def test_what_experts_said_of_traces_is_learned(tracking, judge):
    trace = tracking.trace({"question": "Late!"}, "Comes tomorrow.")
    tracking.say(trace, True, "Polite.", by="gpt", kind="LLM_JUDGE")
    tracking.say(trace, False, "Too cold.")
    tracking.expect(trace, "Sorry! It comes tomorrow.")
    report = learned(judge, tracking)
    (episode,) = judge.episodes()
    assert report.alignment.stored == (episode.id,)
    assert episode.case.inputs == {"question": "Late!"}
    assert episode.case.outputs == "Comes tomorrow."
    assert episode.case.reference_outputs == {"expected_response": "Sorry! It comes tomorrow."}
    assert (episode.value, episode.rationale, episode.reviewer) == (False, "Too cold.", "ann")
    assert (episode.judge_value, episode.judge_rationale) == (True, "Polite.")


def test_reviewers_keep_their_own_words_and_an_override_counts(tracking, judge):
    trace = tracking.trace({"question": "Late!"}, "Comes tomorrow.")
    first = tracking.say(trace, True, "Fine.")
    tracking.say(trace, False, "On second thoughts, cold.", instead_of=first)
    tracking.say(trace, "yes", by="bob")
    learned(judge, tracking)
    words = {e.reviewer: (e.value, e.rationale) for e in judge.episodes()}
    assert words == {"ann": (False, "On second thoughts, cold."), "bob": (True, None)}


def test_a_word_on_a_span_is_about_that_span(tracking, judge):
    steps = [({"query": "letter"}, ["doc 1"]), ("Late!", "Comes tomorrow.")]
    trace, search, _ = tracking.trace({"question": "Late!"}, "Sorry.", steps=steps)
    tracking.say(trace, False, "Found nothing of use.", span=search)
    tracking.say(trace, True, by="gpt", kind="LLM_JUDGE", span=search)
    tracking.say(trace, True, "Kind.")
    report = learned(judge, tracking)
    assert report.skipped == ()
    told = [(e.case.inputs, e.case.outputs, e.value, e.judge_value) for e in judge.episodes()]
    assert ({"query": "letter"}, ["doc 1"], False, True) in told
    assert ({"question": "Late!"}, "Sorry.", True, None) in told
    assert len(told) == 2


def test_a_word_on_a_span_that_is_gone_is_named(tracking, judge):
    trace = tracking.trace("a", "b")
    tracking.say(trace, False, span="0123456789abcdef")
    report = learned(judge, tracking)
    assert [item.where for item in report.unusable] == [f"trace {trace}, span 0123456789abcdef"]
    assert judge.episodes() == []


def chat(*texts):
    roles = ["user", "assistant"] * len(texts)
    return [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)]


def in_words(tracking):
    first = tracking.trace({"question": "Late!"}, "Sorry.", session="s-1")
    tracking.trace("And now?", "It comes tomorrow.", session="s-1")
    return first


def with_history(tracking):
    talk = chat("Late!", "Sorry.", "And now?", "It comes tomorrow.")
    answer = {"choices": [{"message": talk[1]}]}
    first = tracking.trace({"messages": talk[:1]}, answer, session="s-1")
    tracking.trace({"messages": talk[:3]}, {"messages": talk}, session="s-1")
    return first


@pytest.mark.parametrize("turns", [in_words, with_history])
def test_a_word_on_a_session_is_about_the_whole_conversation(tracking, judge, turns):
    tracking.trace("Another", "talk.", session="s-2")
    first = turns(tracking)
    tracking.say(first, False, "Took two turns.", session="s-1")
    report = learned(judge, tracking)
    assert [item.reason for item in report.skipped] == ["it has no human assessment 'tone'."] * 2
    (episode,) = judge.episodes()
    assert episode.case.inputs is None
    said = [(m["role"], m["content"]) for m in episode.case.outputs]
    assert said == [
        ("user", "Late!"),
        ("assistant", "Sorry."),
        ("user", "And now?"),
        ("assistant", "It comes tomorrow."),
    ]
    assert (episode.value, episode.rationale) == (False, "Took two turns.")


def test_a_session_that_goes_on_is_one_case(tracking, judge):
    first = in_words(tracking)
    tracking.say(first, False, session="s-1")
    learned(judge, tracking)
    tracking.trace("Thanks.", "You are welcome.", session="s-1")
    report = learned(judge, tracking).alignment
    assert (len(report.overwritten), len(report.stored)) == (1, 0)
    (episode,) = judge.episodes()
    assert len(episode.case.outputs) == 6


def test_what_is_gone_is_reported_and_forgotten_when_asked(tracking, judge):
    steps = [("find", "found")]
    kept, cleared, deleted, spanned, talked = (
        tracking.trace(f"Question {n}?", "No.", session="s-1" if n == 4 else None)
        if n != 3
        else tracking.trace("Question 3?", "No.", steps=steps)
        for n in range(5)
    )
    spanned, span = spanned
    tracking.say(kept, False, by="bea")
    withdrawn = [
        (trace, tracking.say(trace, False, "Cold.", **about))
        for trace, about in [
            (kept, {}),
            (cleared, {}),
            (deleted, {}),
            (spanned, {"span": span}),
            (talked, {"session": "s-1"}),
        ]
    ]
    assert learned(judge, tracking).withdrawn == ()
    elsewhere = {"inputs": "x", "outputs": "y", "value": True, "source_id": "mlflow:1@0:tr:tone"}
    judge.align([elsewhere, {**elsewhere, "source_id": "ticket:7", "inputs": "z"}])
    before = {e.id: e for e in judge.episodes()}
    for trace, assessment in withdrawn:
        if trace == deleted:
            tracking.delete(trace)
        elif trace == cleared:
            tracking.say(trace, None, "", instead_of=assessment)
        else:
            tracking.unsay(trace, assessment)

    report = learned(judge, tracking, since=datetime.now(UTC) + timedelta(hours=1))
    gone = [before[id_] for id_ in report.withdrawn]
    assert len(gone) == 5
    assert {(e.reviewer, e.rationale) for e in gone} == {("ann", "Cold.")}
    assert report.forgotten is None
    assert len(judge.episodes()) == len(before)

    found = from_mlflow(name="tone", experiment="support", tracking_uri=tracking.uri)
    report = import_feedback(judge, found, forget_withdrawn=True)
    assert set(report.forgotten.episodes_removed) == {e.id for e in gone}
    assert {e.id for e in judge.episodes()} == before.keys() - {e.id for e in gone}
    assert learned(judge, tracking).withdrawn == ()


def test_what_no_human_said_is_skipped_with_the_reason(tracking, judge):
    machine = tracking.trace("a", "b")
    tracking.say(machine, True, kind="LLM_JUDGE")
    other = tracking.trace("c", "d")
    tracking.say(other, True, name="safety")
    odd = tracking.trace("e", "f")
    tracking.say(odd, "perhaps")
    report = learned(judge, tracking)
    reasons = {item.where: item.reason for item in report.skipped}
    assert not judge.episodes()
    assert reasons[f"trace {machine}"] == reasons[f"trace {other}"]
    assert "no human assessment 'tone'" in reasons[f"trace {other}"]
    assert "expected true or false" in reasons[f"trace {odd}"]
    assert [item.where for item in report.unusable] == [f"trace {odd}"]


def test_again_only_what_is_new_or_edited_costs(tracking, judge):
    # More than a page of traces.
    for number in range(101):
        tracking.say(tracking.trace(f"Question {number}", "Answer"), True)
    first = learned(judge, tracking).alignment
    assert len(first.stored) == 101
    again = learned(judge, tracking).alignment
    assert (len(again.unchanged), again.embedded, again.model_calls) == (101, 0, 0)
    tracking.say(tracking.trace("Question of its own", "Answer"), False)
    grown = learned(judge, tracking).alignment
    assert (len(grown.stored), len(grown.unchanged)) == (1, 101)


def test_only_newer_traces(tracking, judge):
    tracking.say(tracking.trace("a", "b"), True)
    report = learned(judge, tracking, since=datetime.now(UTC) + timedelta(hours=1))
    assert report.alignment.stored == report.skipped == ()


def test_a_server_that_stops_in_the_middle_loses_and_doubles_nothing(tracking, judge, monkeypatch):
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    traces = [tracking.trace(f"Question {n}?", "No.") for n in range(101)]
    for trace in traces:
        tracking.say(trace, False)
    search = MlflowClient.search_traces

    def stopped(self, *args, page_token=None, **options):
        if page_token:
            raise MlflowException("connection refused")
        return search(self, *args, page_token=page_token, **options)

    with monkeypatch.context() as broken:
        broken.setattr(MlflowClient, "search_traces", stopped)
        report = learned(judge, tracking)
    assert "connection refused" in report.incomplete
    assert "run the same import again" in report.incomplete
    assert len(report.alignment.stored) == len(judge.episodes()) == 100

    again = learned(judge, tracking)
    assert again.incomplete is None
    assert (len(again.alignment.stored), len(again.alignment.unchanged)) == (1, 100)
    assert len(judge.episodes()) == 101


def test_an_experiment_that_is_not_there(tracking, judge):
    with pytest.raises(SourceError, match="'elsewhere'"):
        import_feedback(
            judge, from_mlflow(name="tone", experiment="elsewhere", tracking_uri=tracking.uri)
        )


def test_exported_episodes_come_back_the_same(tracking, judge):
    judge.align(
        [
            {
                "inputs": "Late!",
                "outputs": "So?",
                "value": False,
                "rationale": "Rude.",
                "judge_value": True,
                "judge_rationale": "Short.",
                "reviewer": "ann",
            },
            {"inputs": "Late!", "outputs": "Sorry.", "value": True, "reviewer": "bob"},
            {"inputs": "Late!", "outputs": "Hm.", "rationale": "Vague.", "reviewer": "bob"},
        ]
    )

    def words():
        return {
            (e.case.outputs, e.value, e.rationale, e.reviewer, e.judge_value, e.judge_rationale)
            for e in judge.episodes()
        }

    before = words()
    for record in to_mlflow_assessments(judge.episodes(), judge="tone"):
        trace = tracking.trace(record["inputs"], record["outputs"])
        for assessment in record["assessments"]:
            tracking.log(trace, assessment)
    judge.forget(where=lambda _: True)
    learned(judge, tracking)
    assert words() == before
