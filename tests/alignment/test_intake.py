"""Taking feedback in: stored before it is used, each word once, the newest word counts."""

from collections import Counter
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fakes import CountingEmbeddings, feedback, one_rule_a_record, principle

from langchain_memalign import Feedback, InvalidInputError


def test_feedback_is_stored_as_pending_before_the_first_model_call(make_bench):
    seen = []

    def look(request):
        seen.append(Counter(e.status for e in bench.judge.episodes()))
        return one_rule_a_record(request)

    bench = make_bench(look)
    bench.judge.align([feedback(1), feedback(2)])
    assert seen == [{"pending": 2}]
    assert Counter(e.status for e in bench.judge.episodes()) == {"distilled": 2}


def test_an_alignment_reports_what_it_stored_and_learned(bench):
    report = bench.judge.align([feedback(1), feedback(2)])
    episodes = {e.id for e in bench.judge.episodes()}
    assert set(report.stored) == set(report.distilled) == episodes
    assert (report.pending, report.rejected, report.warnings) == ((), (), ())
    assert list(report.principles_added) == bench.judge.principles()
    assert [p.text for p in report.principles_added] == ["Rule: Remark 1.", "Rule: Remark 2."]
    assert (report.model_calls, report.embedded) == (1, 6)
    assert report.usage == {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    assert report.seconds > 0


def test_the_same_feedback_twice_changes_nothing_and_calls_nothing(bench):
    bench.judge.align([feedback(1), feedback(2)])
    before = bench.judge.episodes(), bench.judge.principles(), bench.calls()
    report = bench.judge.align([feedback(2), feedback(1)])
    assert (bench.judge.episodes(), bench.judge.principles(), bench.calls()) == before
    assert (len(report.unchanged), report.stored, report.distilled) == (2, (), ())
    assert (report.model_calls, report.embedded) == (0, 0)


def test_message_ids_and_usage_do_not_make_a_case_another(bench):
    def said(id_, tokens):
        message = {"type": "ai", "content": "Hello.", "id": id_, "usage_metadata": tokens}
        return feedback(1, outputs=[message])

    bench.judge.align([said("run-1", {"input_tokens": 1})])
    report = bench.judge.align([said("run-2", {"input_tokens": 7})])
    assert (len(report.unchanged), len(bench.judge.episodes())) == (1, 1)


def test_changed_feedback_overwrites_its_episode_and_refreshes_the_principles_it_fed(bench):
    bench.judge.align([feedback(1, rationale="Old word."), feedback(2)])
    report = bench.judge.align([feedback(1, rationale="New word.")])
    assert report.overwritten == report.distilled == (bench.id_of("New word."),)
    assert [p.text for p in report.principles_retired] == ["Rule: Old word."]
    assert bench.remarks() == ["New word.", "Remark 2."]
    assert bench.texts() == ["Rule: Remark 2.", "Rule: New word."]
    assert "Old word" not in bench.model.requests[-1].prompt


def test_changed_feedback_keeps_its_id_its_first_date_and_its_embedding(bench):
    bench.judge.align([feedback(1)])
    (old,) = bench.judge.episodes()
    bench.embeddings.texts.clear()
    bench.judge.align([feedback(1, value=True)])
    (new,) = bench.judge.episodes()
    assert (new.id, new.created_at, new.value) == (old.id, old.created_at, True)
    assert new.updated_at > old.updated_at
    assert bench.embeddings.texts == ["Rule: Remark 1."]


def test_the_other_source_of_a_principle_is_learned_anew_when_one_source_changes(make_bench):
    def together(request):
        if "First." in request.prompt and "Second." in request.prompt:
            return {"principles": [principle("Both.", "R1", "R2")]}
        return one_rule_a_record(request)

    bench = make_bench(together)
    bench.judge.align([feedback(1, rationale="First."), feedback(2, rationale="Second.")])
    assert bench.texts() == ["Both."]
    report = bench.judge.align([feedback(1, rationale="Changed.")])
    assert len(report.distilled) == 2
    assert sorted(bench.texts()) == ["Rule: Changed.", "Rule: Second."]
    # A second change concerns what stands now, not what was retired before.
    report = bench.judge.align([feedback(1, rationale="Changed again.")])
    assert report.distilled == (bench.id_of("Changed again."),)
    assert sorted(bench.texts()) == ["Rule: Changed again.", "Rule: Second."]


def test_a_rule_that_a_human_rewrote_survives_changed_feedback(bench):
    bench.judge.align([feedback(1)])
    (rule,) = bench.judge.principles()
    bench.judge.edit_principle(rule.id, "A human's rule.")
    bench.judge.align([feedback(1, rationale="Changed.")])
    assert bench.texts() == ["A human's rule.", "Rule: Changed."]


def test_what_the_judge_had_said_stays_known_when_only_the_expert_changes_his_mind(bench):
    bench.judge.align([feedback(1, judge_value=True, judge_rationale="Polite.")])
    bench.judge.align([feedback(1, rationale="Not polite at all.")])
    (episode,) = bench.judge.episodes()
    assert (episode.judge_value, episode.judge_rationale) == (True, "Polite.")


def test_a_new_value_for_the_same_words_is_a_change_even_if_python_calls_it_equal(make_bench):
    bench = make_bench(value_type={"type": "number", "minimum": 0, "maximum": 1})
    bench.judge.align([feedback(1, value=1)])
    assert len(bench.judge.align([feedback(1, value=1.0)]).unchanged) == 1
    assert len(bench.judge.align([feedback(1, value=0)]).overwritten) == 1


def test_feedback_with_an_id_is_replaced_by_later_feedback_with_that_id(bench):
    bench.judge.align([feedback(1, id="ticket-7")])
    bench.embeddings.texts.clear()
    report = bench.judge.align([feedback(2, id="ticket-7")])
    assert len(report.overwritten) == 1
    (episode,) = bench.judge.episodes()
    assert (episode.case.inputs, episode.rationale) == (feedback(2)["inputs"], "Remark 2.")
    # It is another case, so it is found by that case and no longer by the old one.
    assert feedback(2)["inputs"] in bench.embeddings.texts
    (found,) = bench.judge.recall({k: feedback(2)[k] for k in ("inputs", "outputs")}).episodes
    assert found.similarity == pytest.approx(1.0, abs=1e-4)


def test_several_reviewers_of_one_case_are_several_episodes_and_recalled_as_one(bench):
    words = [feedback(1, reviewer=r, rationale=f"{r} says.") for r in ("Ann", "Bob", None)]
    assert len(bench.judge.align(words).stored) == 3
    (recalled,) = bench.judge.recall({k: words[0][k] for k in ("inputs", "outputs")}).episodes
    assert {e.reviewer for e in (recalled.episode, *recalled.also)} == {"Ann", "Bob", None}
    bench.judge.invoke({k: words[0][k] for k in ("inputs", "outputs")})
    prompt = bench.model.titled("verdict")[-1].prompt
    assert all(word["rationale"] in prompt for word in words)


def test_of_two_words_on_one_case_in_a_batch_the_later_one_counts(bench):
    report = bench.judge.align([feedback(1), feedback(2), feedback(1, rationale="Better so.")])
    assert len(report.stored) == 2
    assert bench.remarks() == ["Better so.", "Remark 2."]


def test_unusable_records_are_rejected_by_index_and_the_others_are_stored(bench):
    report = bench.judge.align(
        [
            feedback(1),
            feedback(2, value="perhaps"),
            {"inputs": "Nobody said anything."},
            feedback(3, inputs="", outputs=""),
            feedback(4, rationale="\ud800"),
            feedback(5, reviewr="misspelt"),
            42,
            Feedback(**feedback(6)),
        ]
    )
    assert [r.index for r in report.rejected] == [1, 2, 3, 4, 5, 6]
    reasons = [r.reason for r in report.rejected]
    assert "'perhaps'" in reasons[0]
    assert "true or false" in reasons[0]
    assert "reviewr" in reasons[4]
    assert all("expected" in reason for reason in reasons)
    assert bench.remarks(status="distilled") == ["Remark 1.", "Remark 6."]


def test_a_batch_of_only_unusable_records_is_an_error_with_the_first_reasons(bench):
    with pytest.raises(InvalidInputError) as caught:
        bench.judge.align([feedback(i, value=3) for i in range(20)])

    said = str(caught.value)
    assert said.startswith("20 of 20 items of feedback cannot be used: item 0: value: found 3; ")
    assert "item 2: " in said
    assert "item 3: " not in said
    assert (bench.judge.episodes(), bench.calls()) == ([], (0, 0))


def test_that_some_records_are_unusable_is_logged(bench, caplog):
    bench.judge.align([feedback(1), feedback(2, value=3)])

    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "1 of 2 items of feedback cannot be used: item 1: value: found 3" in record.message


@pytest.mark.parametrize("value", ["yes", "pass", 1, "1", np.bool_(True), Decimal(1)])
def test_people_s_values_are_read_as_they_mean_them(bench, value):
    bench.judge.align([feedback(1, value=value, judge_value="no")])

    (episode,) = bench.judge.episodes()
    assert (episode.value, episode.judge_value) == (True, False)


FRAME = pd.DataFrame(
    {
        "inputs": ["Where is it?", "Thanks!"],
        "outputs": ["Unknown.", "Welcome."],
        "value": [np.nan, 1.0],
        "rationale": ["Too cold.", np.nan],
        "reviewer": [7, 8],
    }
)


@pytest.mark.parametrize(
    "table", [FRAME, pa.Table.from_pandas(FRAME, preserve_index=False), FRAME.to_dict("records")]
)
def test_a_table_is_taken_as_its_rows(bench, table):
    report = bench.judge.align(table)

    assert (len(report.stored), report.rejected) == (2, ())
    said = [(e.value, e.rationale, e.reviewer) for e in bench.judge.episodes()]
    assert sorted(said, key=str) == [(None, "Too cold.", "7"), (True, None, "8")]


def test_what_stands_for_unreadable_characters_is_said_in_the_report(bench):
    report = bench.judge.align([feedback(1, rationale="Too\0cold."), feedback(2)])

    (warning,) = report.warnings
    assert warning.startswith("1 of the episodes hold U+FFFD, which stands for NUL")


@pytest.mark.parametrize("unusable", ["text", {"inputs": "one record"}, 5, None])
def test_feedback_that_is_no_list_is_an_error(bench, unusable):
    with pytest.raises(InvalidInputError, match="expected a list"):
        bench.judge.align(unusable)


def test_feedback_may_come_from_a_generator(bench):
    assert len(bench.judge.align(feedback(i) for i in range(3)).stored) == 3


def test_a_value_alone_and_a_remark_alone_are_feedback(bench):
    report = bench.judge.align([feedback(1, rationale=None), feedback(2, value=None)])
    assert len(report.distilled) == 2
    assert bench.texts() == ["Rule: Remark 2."]


def test_aligning_nothing_does_nothing(bench):
    report = bench.judge.align([])
    assert report.model_copy(update={"seconds": 0.0}) == type(report)()
    assert bench.calls() == (0, 0)


def test_what_can_never_be_recalled_is_said_in_the_report(make_bench):
    class Blank(CountingEmbeddings):
        def _embed(self, text):
            return [0.0] * self.size if "topic1" in text else super()._embed(text)

    report = make_bench(embeddings=Blank()).judge.align([feedback(1), feedback(2)])

    (warning,) = report.warnings
    assert "zero vectors for 1 of the episodes, which are therefore never recalled" in warning
