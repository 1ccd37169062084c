"""Feedback from LangSmith, over the real client and the wire."""

import asyncio
import traceback
from datetime import UTC, datetime

import pytest

from langchain_memalign import MemAlignError
from langchain_memalign.errors import ConfigurationError, InvalidInputError, SourceError
from langchain_memalign.exporters import to_langsmith_examples
from langchain_memalign.importers import (
    aimport_feedback,
    from_langsmith,
    from_langsmith_dataset,
    import_feedback,
)

from .langsmith_server import KEY, STARTED, uid


def learned(judge, client, **options):
    return import_feedback(judge, from_langsmith(client, key="tone", **options))


def test_what_experts_said_of_a_projects_runs_is_learned(langsmith, client, judge):
    langsmith.examples = [
        {
            "id": uid("example"),
            "dataset_id": uid("golden"),
            "inputs": {},
            "outputs": {"answer": "Sorry!"},
            "created_at": STARTED,
        }
    ]
    langsmith.add_run("late", reference_example_id=uid("example"))
    langsmith.say("late", score=0.0, comment="Too cold.", user="ann")
    report = learned(judge, client, project="support")
    (episode,) = judge.episodes()
    assert report.alignment.stored == (episode.id,)
    assert report.skipped == ()
    assert episode.value is False
    assert (episode.rationale, episode.reviewer) == ("Too cold.", "ann")
    assert episode.case.inputs == {"question": "Question of late?"}
    assert episode.case.outputs == {"answer": "Answer of late."}
    assert episode.case.reference_outputs == {"answer": "Sorry!"}
    assert episode.created_at == datetime(2026, 3, 2, 10, tzinfo=UTC)


def test_a_correction_counts_before_what_it_corrects(langsmith, client, judge):
    langsmith.add_run("late")
    langsmith.say(
        "late",
        source="model",
        score=1,
        comment="Kind enough.",
        correction={"score": 0, "comment": "No: say sorry first."},
    )
    learned(judge, client, project="support")
    (episode,) = judge.episodes()
    assert (episode.value, episode.rationale) == (False, "No: say sorry first.")
    assert (episode.judge_value, episode.judge_rationale) == (True, "Kind enough.")


def test_a_judges_own_score_stands_beside_the_experts(langsmith, client, judge):
    langsmith.add_run("late")
    langsmith.say("late", source="model", score=1, comment="Kind enough.")
    langsmith.say("late", score=0, user="ann")
    langsmith.say("late", comment="Cold.", user="ann")
    langsmith.say("late", value="yes", user="bob")
    learned(judge, client, run_ids=[uid("late")])
    episodes = {e.reviewer: e for e in judge.episodes()}
    assert (episodes["ann"].value, episodes["ann"].rationale) == (False, "Cold.")
    assert episodes["bob"].value is True
    assert {e.judge_value for e in episodes.values()} == {True}


def test_what_no_human_said_is_skipped_with_the_reason(langsmith, client, judge):
    for name in ("machine", "compared", "gone", "odd"):
        langsmith.add_run(name)
    del langsmith.runs[uid("gone")]
    langsmith.say("machine", source="model", score=1)
    langsmith.say("compared", score=1, comparative_experiment_id=uid("experiment"))
    langsmith.say("gone", score=1)
    langsmith.say("odd", value="perhaps")
    report = learned(judge, client, project="support")
    reasons = {item.where: item.reason for item in report.skipped}
    assert not judge.episodes()
    assert "nobody corrected it" in reasons[f"run {uid('machine')}"]
    assert "compares runs" in reasons[f"run {uid('compared')}"]
    assert "no longer has the run" in reasons[f"run {uid('gone')}"]
    assert "expected true or false" in reasons[f"run {uid('odd')}"]
    unusable = {item.where for item in report.unusable}
    assert unusable == {f"run {uid('gone')}", f"run {uid('odd')}"}


def test_the_runs_of_an_annotation_queue(langsmith, client, judge):
    item = {"id": uid("item"), "item_type": "RUN", "project_id": uid("project")}
    langsmith.add_run("done")
    langsmith.add_run("waiting")
    langsmith.queue = {
        "archived": [{**item, "run_id": uid("done"), "start_time": "2026-03-01T10:00:00Z"}],
        "needs_my_review": [
            {**item, "run_id": uid("waiting")},
            {**item, "item_type": "THREAD", "thread_id": "t"},
        ],
    }
    langsmith.say("done", score=1, comment="Warm.")
    report = learned(judge, client, queue="review")
    assert [e.rationale for e in judge.episodes()] == ["Warm."]
    reasons = sorted(item.reason for item in report.skipped)
    assert reasons == ["it has no feedback 'tone' yet.", "it is a thread; expected a run."]


def test_again_it_costs_nothing_and_what_was_edited_is_learned_anew(langsmith, client, judge):
    langsmith.add_run("late")
    said = langsmith.say("late", score=0, comment="Too cold.", user="ann")
    learned(judge, client, project="support")
    again = learned(judge, client, project="support").alignment
    assert len(again.unchanged) == 1
    assert again.embedded == again.model_calls == 0
    said["comment"] = "Cold, and late."
    edited = learned(judge, client, project="support").alignment
    assert edited.overwritten == again.unchanged
    assert [e.rationale for e in judge.episodes()] == ["Cold, and late."]


def test_only_runs_with_newer_feedback(langsmith, client, judge):
    for name in ("old", "new"):
        langsmith.add_run(name)
        langsmith.say(name, score=1, comment=f"Comment on {name}.")
    since = datetime(2026, 3, 2, 10, 1, tzinfo=UTC)
    learned(judge, client, project="support", since=since)
    assert [e.rationale for e in judge.episodes()] == ["Comment on new."]


def test_a_server_that_stops_in_the_middle_loses_and_doubles_nothing(langsmith, client, judge):
    for number in range(130):
        langsmith.add_run(f"run {number}")
        langsmith.say(f"run {number}", score=1)
    langsmith.breaks_at = 2
    broken = learned(judge, client, project="support")
    assert "run the same import again" in broken.incomplete
    assert len(judge.episodes()) == 100
    langsmith.breaks_at = None
    whole = learned(judge, client, project="support")
    assert whole.incomplete is None
    assert len(whole.alignment.unchanged) == 100
    assert len(judge.episodes()) == 130


def test_a_refused_key_is_said_at_once(langsmith, client, judge):
    langsmith.key = "another"
    with pytest.raises(ConfigurationError, match="LANGSMITH_API_KEY") as refused:
        learned(judge, client, project="support")
    told = "".join(traceback.format_exception(refused.value))
    assert "Invalid token" in told
    assert KEY not in told


def test_a_key_that_expires_in_the_middle_loses_and_doubles_nothing(langsmith, client, judge):
    for number in range(130):
        langsmith.add_run(f"run {number}")
        langsmith.say(f"run {number}", score=1)
    langsmith.breaks_at, langsmith.expires = 2, True
    broken = learned(judge, client, project="support")
    assert "LANGSMITH_API_KEY" in broken.incomplete
    assert KEY not in broken.incomplete
    assert len(judge.episodes()) == 100
    langsmith.breaks_at = None
    whole = learned(judge, client, project="support")
    assert len(whole.alignment.unchanged) == 100
    assert len(judge.episodes()) == 130


@pytest.mark.parametrize("place", [{"project": "nowhere"}, {"queue": "nowhere"}])
def test_a_place_that_is_not_there(langsmith, client, judge, place):
    with pytest.raises(SourceError, match="nowhere"):
        learned(judge, client, **place)


@pytest.mark.parametrize("place", [{}, {"project": "a", "queue": "b"}])
def test_where_to_look_must_be_clear(client, judge, place):
    with pytest.raises(InvalidInputError, match="one of project, queue and run_ids"):
        learned(judge, client, **place)


def test_a_dataset_with_a_field_mapping(langsmith, client, judge):
    langsmith.examples = [
        {
            "id": uid(f"example {n}"),
            "dataset_id": uid("golden"),
            "inputs": {"question": f"Q{n}?", "answer": "A."},
            "outputs": {"label": "good"} if n else {},
            "created_at": STARTED,
        }
        for n in range(2)
    ]
    mapping = ["inputs.question=inputs", "inputs.answer=outputs", "outputs.label=rationale"]
    found = from_langsmith_dataset(client, "golden", mapping=mapping)
    report = import_feedback(judge, found)
    assert [e.case.inputs for e in judge.episodes()] == ["Q1?"]
    assert "no field 'outputs.label'" in report.skipped[0].reason


def test_exported_episodes_come_back_the_same(langsmith, client, judge):
    judge.align(
        [
            {"inputs": "Late!", "outputs": "So?", "value": False, "rationale": "Rude."},
            {"inputs": "Late!", "outputs": "Sorry.", "value": True, "judge_value": False},
        ]
    )
    before = {(e.case.outputs, e.value, e.rationale, e.judge_value) for e in judge.episodes()}
    examples = to_langsmith_examples(judge.episodes(), judge="tone")
    langsmith.examples = [{**example, "dataset_id": uid("golden")} for example in examples]
    judge.forget(where=lambda _: True)
    import_feedback(judge, from_langsmith_dataset(client, "golden"))
    after = {(e.case.outputs, e.value, e.rationale, e.judge_value) for e in judge.episodes()}
    assert after == before


def test_async_does_the_same(langsmith, client, judge):
    langsmith.add_run("late")
    langsmith.say("late", score=0, comment="Too cold.")

    async def twice():
        first = await aimport_feedback(judge, from_langsmith(client, key="tone", project="support"))
        again = await aimport_feedback(judge, from_langsmith(client, key="tone", project="support"))
        return first.alignment.stored, again.alignment.unchanged

    stored, unchanged = asyncio.run(twice())
    assert len(stored) == 1
    assert stored == unchanged


def test_feedback_itself_is_told_where_to_go(judge):
    with pytest.raises(MemAlignError, match=r"judge\.align"):
        import_feedback(judge, [{"inputs": "a", "value": True}])


def withdrawing(server):
    """A project of which one word after another is deleted, emptied or loses its run."""
    for name in ("kept", "deleted", "emptied", "lost", "shared"):
        server.add_run(name)
    said = {
        name: server.say(name, score=0.0, comment="Cold.", user="ann")
        for name in ("kept", "deleted", "emptied", "lost", "shared")
    }
    server.say("shared", score=1.0, user="bea")
    yield
    server.feedback.remove(said["deleted"])
    said["emptied"] |= {"score": None, "comment": None}
    del server.runs[said["lost"]["run_id"]]
    server.feedback.remove(said["lost"])
    server.feedback.remove(said["shared"])
    yield


@pytest.mark.parametrize("place", ["project", "since", "run_ids"])
def test_what_is_gone_is_reported_and_forgotten_when_asked(langsmith, client, judge, place):
    withdrawal = withdrawing(langsmith)
    next(withdrawal)
    assert (
        import_feedback(judge, from_langsmith(client, key="tone", project="support")).withdrawn
        == ()
    )
    elsewhere = {"inputs": "x", "outputs": "y", "value": True}
    other = f"langsmith:{uid('elsewhere')}:{uid('deleted')}:tone"
    judge.align([{**elsewhere, "source_id": other}])
    before = {e.id: e for e in judge.episodes()}
    next(withdrawal)
    where = {
        "project": {"project": "support"},
        "since": {"project": "support", "since": datetime(2027, 1, 1, tzinfo=UTC)},
        "run_ids": {"run_ids": [uid("kept")]},
    }[place]
    report = import_feedback(judge, from_langsmith(client, key="tone", **where))
    gone = {before[id_].case.inputs["question"] for id_ in report.withdrawn}
    assert gone == {f"Question of {n}?" for n in ("deleted", "emptied", "lost", "shared")}
    assert {before[id_].reviewer for id_ in report.withdrawn} == {"ann"}
    assert len(judge.episodes()) == len(before)
    found = from_langsmith(client, key="tone", project="support")
    report = import_feedback(judge, found, forget_withdrawn=True)
    assert len(report.forgotten.episodes_removed) == 4
    assert {e.id for e in judge.episodes()} == before.keys() - set(report.withdrawn)


def test_a_dataset_that_lost_examples(langsmith, client, judge):
    judge.align([{"inputs": f"q{n}", "outputs": "a", "value": True} for n in range(3)])
    langsmith.examples = [
        {**e, "dataset_id": uid("golden"), "modified_at": e["created_at"], "runs": []}
        for e in to_langsmith_examples(judge.episodes(), judge="tone")
    ]
    judge.forget(where=lambda _: True)
    import_feedback(judge, from_langsmith_dataset(client, "golden"))
    assert len(judge.episodes()) == 3
    del langsmith.examples[0], langsmith.examples[0]
    report = import_feedback(judge, from_langsmith_dataset(client, "golden"), forget_withdrawn=True)
    assert len(report.withdrawn) == len(report.forgotten.episodes_removed) == 2
    assert len(judge.episodes()) == 1


def test_a_source_that_fails_when_it_is_asked_again_forgets_nothing(langsmith, client, judge):
    langsmith.add_run("late")
    langsmith.say("late", score=0.0, user="ann")
    import_feedback(judge, from_langsmith(client, key="tone", project="support"))
    langsmith.feedback.clear()
    found = from_langsmith(client, key="tone", project="support")
    list(found)
    langsmith.key = "another"
    report = import_feedback(judge, found, forget_withdrawn=True)
    assert "refuses the key" in report.incomplete
    assert (report.withdrawn, len(judge.episodes())) == ((), 1)
