"""Exports of Label Studio and Argilla, in the forms that they write."""

import json

import pytest

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.importers import (
    Remark,
    from_argilla,
    from_label_studio,
    import_feedback,
    read_rows,
)


def said(judge):
    return {(e.case.outputs, e.reviewer, e.value, e.rationale) for e in judge.episodes()}


def result(name, kind, **value):
    return {
        "id": "x7",
        "from_name": name,
        "to_name": "reply",
        "type": kind,
        "origin": "manual",
        "value": value,
    }


def choice(*labels, name="tone"):
    return result(name, "choices", choices=list(labels))


def text(*lines, name="comment"):
    return result(name, "textarea", text=list(lines))


def annotation(number, *results, by=1, **fields):
    moment = f"2026-03-02T10:{number:02}:00.123456Z"
    return {
        "id": number,
        "completed_by": by,
        "result": list(results),
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": moment,
        "updated_at": moment,
        "lead_time": 4.2,
        "task": 1,
        "project": 83,
        **fields,
    }


def task(number, *annotations, prompt="Late!", response="So?", **fields):
    return {
        "id": number,
        "project": 83,
        "data": {"prompt": prompt, "response": response},
        "annotations": list(annotations),
        "predictions": [],
        "drafts": [],
        "meta": {},
        **fields,
    }


ANN = {"id": 4, "email": "ann@example.org", "first_name": "Ann", "last_name": ""}


@pytest.mark.parametrize("indent", [None, 2])
def test_each_annotators_word_on_a_task_is_learned(judge, indent):
    tasks = [
        task(1, annotation(1, choice("no"), text("Cold.", "Curt."), by=ANN)),
        task(
            2,
            annotation(2, choice("yes"), by=ANN),
            annotation(3, choice("no"), text("Where is the sorry?"), by=7),
            response="It is late.",
        ),
        task(3, annotation(4, text("Good."), by=7), response="Sorry!"),
    ]
    rows = read_rows(json.dumps(tasks, indent=indent).encode(), "export.json")
    report = import_feedback(judge, from_label_studio(rows))
    assert report.skipped == ()
    assert said(judge) == {
        ("So?", "ann@example.org", False, "Cold.\nCurt."),
        ("It is late.", "ann@example.org", True, None),
        ("It is late.", "7", False, "Where is the sorry?"),
        ("Sorry!", "7", None, "Good."),
    }
    assert {e.case.inputs for e in judge.episodes()} == {"Late!"}
    assert len(report.alignment.conflicts) == 1


def test_what_is_no_word_on_a_whole_task_is_skipped_with_the_reason(judge):
    region = {"start": 0, "end": 4, "text": "Late"}
    tasks = [
        task(1),
        task(2, annotation(1, was_cancelled=True)),
        task(3, annotation(2)),
        task(4, annotation(3, result("tone", "choices", choices=["no"], **region))),
        task(5, annotation(4, result("words", "labels", labels=["rude"], **region), choice("no"))),
        task(6, annotation(5, choice("no", "yes"))),
        task(7, annotation(6, choice("perhaps"))),
    ]
    report = import_feedback(judge, from_label_studio(tasks))
    reasons = [(item.where, item.is_unusable) for item in report.skipped]
    assert reasons == [
        ("task 1", False),
        ("task 2, annotation 1", False),
        ("task 3, annotation 2", False),
        ("task 4, annotation 3", False),
        ("task 6, annotation 5", True),
        ("task 7, annotation 6", True),
    ]
    assert "parts of the task" in report.skipped[3].reason
    assert [e.value for e in judge.episodes()] == [False]


def test_the_newest_annotation_of_an_annotator_counts(judge):
    changed = annotation(1, choice("yes"), updated_at="2026-03-05T10:00:00Z")
    import_feedback(judge, from_label_studio([task(1, changed, annotation(2, choice("no")))]))
    assert [e.value for e in judge.episodes()] == [True]


def test_a_prediction_is_the_judges_own_value(judge):
    predictions = [{"model_version": "m", "result": [choice("yes"), text("Short.")]}]
    tasks = [task(1, annotation(1, choice("no"), text("Cold.")), predictions=predictions)]
    import_feedback(judge, from_label_studio(tasks))
    (episode,) = judge.episodes()
    assert (episode.judge_value, episode.judge_rationale) == (True, "Short.")


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        (result("it", "rating", rating=4), 4),
        (result("it", "number", number=3.5), 3.5),
        (result("it", "choices", choices=["Good"]), "Good"),
        (result("it", "pairwise", selected="left"), "left"),
        (result("it", "taxonomy", taxonomy=[["tone", "cold"]]), ["tone", "cold"]),
    ],
)
def test_a_value_of_any_kind_of_control(answer, value):
    (found,) = from_label_studio([task(1, annotation(1, answer))])
    assert isinstance(found, Remark)
    assert found.fields["value"] == value


def test_of_several_controls_the_mapping_says_which_is_which():
    said_of_it = annotation(
        1, choice("no"), choice("en", name="language"), text("Cold."), text("b", name="todo")
    )
    tasks = [task(1, said_of_it), task(2, annotation(2, choice("yes")))]
    with pytest.raises(InvalidInputError, match=r"'tone', 'language'.*'tone=value'"):
        list(from_label_studio(tasks))
    with pytest.raises(InvalidInputError, match=r"'comment', 'todo'.*'comment=rationale'"):
        list(from_label_studio(tasks, mapping=["tone=value"]))
    mapping = ["tone=value,comment=rationale,prompt=inputs.question,response=outputs"]
    first, second = from_label_studio(tasks, mapping=mapping)
    assert first.fields["inputs"] == {"question": "Late!"}
    assert (first.fields["value"], first.fields["rationale"]) == ("no", "Cold.")
    assert (second.fields["value"], second.fields["rationale"]) == ("yes", None)
    dropped, _ = from_label_studio(tasks, mapping=["language=,todo="])
    assert (dropped.fields["value"], dropped.fields["rationale"]) == ("no", "Cold.")


def test_the_short_form_needs_a_mapping(judge):
    row = {"id": 1, "prompt": "Late!", "response": "So?", "tone": "no", "comment": "Cold."}
    by = {"annotator": 3, "annotation_id": 9, "created_at": "2026-03-02T10:00:00Z"}
    rows = [
        {**row, **by},
        {**row, **by, "id": 2, "response": "Hm.", "tone": "yes", "comment": {"text": ["A", "B"]}},
        {k: v for k, v in {**row, **by, "id": 3, "response": "Well."}.items() if k != "comment"},
    ]
    with pytest.raises(InvalidInputError, match="map them"):
        import_feedback(judge, from_label_studio(rows))
    import_feedback(judge, from_label_studio(rows, mapping=["tone=value,comment=rationale"]))
    assert said(judge) == {
        ("So?", "3", False, "Cold."),
        ("Hm.", "3", True, "A\nB"),
        ("Well.", "3", False, None),
    }
    assert {e.case.inputs for e in judge.episodes()} == {"Late!"}


@pytest.mark.parametrize(
    ("data", "case"),
    [
        ({"text": "Late!"}, ("Late!", None, None)),
        ({"q": "a", "context": "b"}, ({"q": "a", "context": "b"}, None, None)),
        ({"question": "a", "Answer": "b", "expected": "c"}, ("a", "b", "c")),
        ({"inputs": "a", "outputs": "b", "source": "x.csv"}, ("a", "b", None)),
        ({"answer": "a", "response": "b"}, ({"answer": "a", "response": "b"}, None, None)),
        ({"number": 4, "reply": 7}, ({"number": 4}, {"value": 7}, None)),
        ({"id": 9, "value": 3, "prompt": "a"}, ({"id": 9, "value": 3, "prompt": "a"}, None, None)),
    ],
)
def test_what_is_what_in_a_tasks_data(judge, data, case):
    tasks = [task(1, annotation(1, choice("no")), data=data)]
    import_feedback(judge, from_label_studio(tasks))
    (episode,) = judge.episodes()
    found = episode.case
    assert (found.inputs, found.outputs, found.reference_outputs) == case
    assert episode.value is False


def test_the_same_export_again_changes_nothing_and_an_edit_is_learned(judge):
    tasks = [task(1, annotation(1, choice("no"))), task(2, annotation(2, choice("no")))]
    first = import_feedback(judge, from_label_studio(tasks)).alignment
    assert len(first.stored) == 2
    tasks[1] = task(2, annotation(2, choice("yes")))
    again = import_feedback(judge, from_label_studio(tasks)).alignment
    assert (len(again.unchanged), len(again.overwritten), len(again.stored)) == (1, 1, 0)


# Argilla, of each version.

WORDS = [("u-1", "no", "Cold."), ("u-2", "yes", None)]
FIELDS = {"prompt": "Late!", "response": "So?"}
KEYS = {"id": "r1", "_server_id": "5b1", "metadata": {"team": "A"}, "vectors": {}}


def nested(words):
    responses = {
        "tone": [{"value": value, "user_id": user} for user, value, _ in words],
        "comment": [{"value": why, "user_id": user} for user, _, why in words if why],
    }
    suggestions = {"tone": {"value": "yes", "score": 0.8, "agent": "m"}}
    return {**KEYS, "fields": FIELDS, "responses": responses, "suggestions": suggestions}


def flat(words):
    return {
        "id": "r1",
        "_server_id": "5b1",
        "status": "completed",
        **FIELDS,
        "tone.responses": [value for _, value, _ in words],
        "tone.responses.users": [user for user, _, _ in words],
        "tone.responses.status": ["submitted" for _ in words],
        "comment.responses": [why for _, _, why in words if why],
        "comment.responses.users": [user for user, _, why in words if why],
        "comment.responses.status": ["submitted" for _, _, why in words if why],
        "tone.suggestion": "yes",
        "tone.suggestion.score": 0.8,
        "tone.suggestion.agent": "m",
    }


def rest(words):
    return {
        "id": "5b1",
        "external_id": "r1",
        "status": "completed",
        "fields": FIELDS,
        "metadata": None,
        "responses": [
            {
                "id": f"a-{user}",
                "user_id": user,
                "status": "submitted",
                "values": {"tone": {"value": value}} | ({"comment": {"value": why}} if why else {}),
            }
            for user, value, why in words
        ],
        "suggestions": [{"question_name": "tone", "value": "yes", "agent": "m"}],
    }


def before_2(words):
    return {
        **FIELDS,
        "tone": [{"user_id": u, "value": v, "status": "submitted"} for u, v, _ in words],
        "comment": [{"user_id": u, "value": w, "status": "submitted"} for u, _, w in words if w],
        "tone-suggestion": "yes",
        "tone-suggestion-metadata": {"type": None, "score": None, "agent": "m"},
        "external_id": "r1",
        "metadata": "{}",
    }


@pytest.mark.parametrize("form", [nested, flat, rest, before_2])
def test_each_annotators_word_on_a_record_is_learned(judge, form):
    rows = read_rows(json.dumps([form(WORDS)], indent=1).encode(), "records.json")
    report = import_feedback(judge, from_argilla(rows))
    assert report.skipped == ()
    assert said(judge) == {("So?", "u-1", False, "Cold."), ("So?", "u-2", True, None)}
    assert {(e.case.inputs, e.judge_value) for e in judge.episodes()} == {("Late!", True)}
    again = import_feedback(judge, from_argilla([form(WORDS)])).alignment
    assert len(again.unchanged) == 2


@pytest.mark.parametrize("state", ["draft", "discarded"])
@pytest.mark.parametrize("form", [flat, rest, before_2])
def test_what_was_not_submitted_is_no_word(judge, form, state):
    record = json.loads(json.dumps(form(WORDS)).replace("submitted", state))
    report = import_feedback(judge, from_argilla([record]))
    assert [item.is_unusable for item in report.skipped] == [False, False]
    assert all(state.removesuffix("ed") in item.reason for item in report.skipped)
    assert judge.episodes() == []


def test_a_record_without_responses_is_skipped(judge):
    report = import_feedback(judge, from_argilla([nested([])]))
    assert [item.where for item in report.skipped] == ["record r1"]


def test_of_several_questions_the_mapping_says_which_is_which():
    record = nested(WORDS)
    record["responses"]["quality"] = [{"value": 4, "user_id": "u-1"}]
    with pytest.raises(InvalidInputError, match=r"'tone', 'quality'.*'tone=value'"):
        list(from_argilla([record]))
    found = list(from_argilla([record], mapping=["quality=value,prompt=inputs.q"]))
    told = [(item.fields["value"], item.fields["inputs"]) for item in found]
    assert told == [(4, {"q": "Late!"}), (None, {"q": "Late!"})]


def test_what_cannot_be_read_is_named():
    rows = read_rows(b'[{"id": 1, "data": {}, "annotations": []}, 7', "export.json")
    found = list(from_label_studio(rows))
    assert [(item.where, item.is_unusable) for item in found][1] == ("line 2", True)
