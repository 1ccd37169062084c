"""Rows of other tools as cases and feedback."""

import pytest

from langchain_memalign import InvalidInputError
from langchain_memalign.importers import CASE_FIELDS, FEEDBACK_FIELDS, FieldMap


def mapped(text, row, fields=FEEDBACK_FIELDS):
    return FieldMap.parse([text], fields=fields).apply(row)


def test_paths_are_dotted_on_both_sides():
    row = {"q": {"text": "Why?"}, "turns": [{"a": "No."}, {"a": "So."}], "label": True}
    text = "label=value, q.text=inputs.question, turns.1.a=outputs.answer.text"
    assert mapped(text, row) == {
        "value": True,
        "inputs": {"question": "Why?"},
        "outputs": {"answer": {"text": "So."}},
    }


def test_fields_of_the_right_name_need_no_pair():
    row = {"inputs": "a", "outputs": "b", "label": 1, "dataset": "x"}
    assert mapped("label=value", row) == {"inputs": "a", "outputs": "b", "value": 1}


def test_a_mapped_field_stands_for_the_one_of_that_name():
    assert mapped("prompt=inputs", {"prompt": "a", "inputs": "b"}) == {"inputs": "a"}
    assert mapped("rationale=judge_rationale", {"rationale": "x"}) == {"judge_rationale": "x"}
    assert mapped("id=", {"id": 7, "inputs": "a"}) == {"inputs": "a"}


def test_a_field_that_may_be_missing_leaves_a_rows_own_one_where_it_is():
    text = "comment?=rationale"
    assert mapped(text, {"comment": "Cold.", "rationale": "Old."}) == {"rationale": "Cold."}
    assert mapped(text, {"rationale": "Mine."}) == {"rationale": "Mine."}


def test_several_fields_make_one_mapping():
    pairs = "question=inputs.question,context=inputs.context"
    row = {"question": "q", "context": None}
    assert mapped(pairs, row) == {"inputs": {"question": "q", "context": None}}


OWN = {"inputs": {"team": "A", "q": {"lang": "en"}}, "q": "Why?"}


def test_fields_mapped_into_one_join_what_it_has():
    assert mapped("q=inputs.question", OWN) == {
        "inputs": {"team": "A", "q": {"lang": "en"}, "question": "Why?"}
    }
    assert mapped("q=inputs.q.text", OWN)["inputs"]["q"] == {"lang": "en", "text": "Why?"}
    assert mapped("q=inputs.q", OWN)["inputs"] == {"team": "A", "q": "Why?"}
    assert mapped("q=inputs.team.name", OWN)["inputs"]["team"] == {"name": "Why?"}
    assert OWN == {"inputs": {"team": "A", "q": {"lang": "en"}}, "q": "Why?"}
    assert mapped("q=inputs.question", {"inputs": None, "q": "Why?"}) == {
        "inputs": {"question": "Why?"}
    }


@pytest.mark.parametrize("pick", ["inputs.team=inputs.team", "inputs=", "inputs=inputs.whole"])
def test_what_pairs_pick_from_a_field_is_all_that_stays_of_it(pick):
    row = mapped(f"q=inputs.question,{pick}", OWN)["inputs"]
    assert row.pop("question") == "Why?"
    assert (
        row
        == {
            "inputs.team=inputs.team": {"team": "A"},
            "inputs=": {},
            "inputs=inputs.whole": {"whole": OWN["inputs"]},
        }[pick]
    )


@pytest.mark.parametrize("own", ["text", [{"role": "user", "content": "text"}]])
def test_fields_cannot_join_what_is_no_object(own):
    with pytest.raises(InvalidInputError, match=r"^inputs: found a .*'inputs=inputs\.text'"):
        mapped("q=inputs.question", {"inputs": own, "q": "Why?"})


def test_names_may_hold_the_marks():
    assert mapped(r"meta\.label=value,a\,b=inputs", {"meta.label": 1, "a,b": "x"}) == {
        "value": 1,
        "inputs": "x",
    }


ODD = {"v.1": 1, "score, final": 2, "a=b": 3, "Good?": 4, "it's": 5, 'say "a"': 6, "a": {"b.c": 7}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"v.1"=value', 1),
        ("'v.1'=value", 1),
        (r"v\.1=value", 1),
        ("v.1=value", 1),
        ('"score, final"=value', 2),
        (' "score, final" = value , ', 2),
        (r"score\, final=value", 2),
        ('"a=b"=value', 3),
        ("'a=b'?=value", 3),
        ('"Good?"=value', 4),
        ('"Good?"?=value', 4),
        (r"Good\?=value", 4),
        ("Good?=value", 4),
        ("it's=value", 5),
        ("'it''s'=value", 5),
        ('"say ""a"""=value', 6),
        ('a."b.c"=value', 7),
        ("a.b.c=value", 7),
    ],
)
def test_a_column_may_be_called_anything(text, value):
    fields = FieldMap.parse([text], fields=FEEDBACK_FIELDS)
    assert fields.apply(ODD) == {"value": value}
    assert fields.missing([ODD]) is None
    assert len(fields.unused([ODD])) == len(ODD) - 1


def test_targets_may_be_quoted_too():
    text = '"score, final"=outputs."of it, all",a=inputs'
    assert mapped(text, ODD) == {"outputs": {"of it, all": 2}, "inputs": {"b.c": 7}}


def test_a_nested_field_comes_before_a_name_with_dots():
    assert mapped("v.1=value", {"v": {"1": "nested"}, "v.1": "flat"}) == {"value": "nested"}


def test_a_message_names_a_column_as_it_is_mapped():
    with pytest.raises(InvalidInputError, match=r"no field '\"a, b\"'; .*'\"a, b\"\?=value'"):
        mapped('"a, b"=value', {"inputs": 1})


def test_a_blank_field_that_may_be_missing_counts_as_missing():
    row = {"comment": None, "rationale": "Mine."}
    assert mapped("comment?=rationale", row) == {"rationale": "Mine."}
    assert mapped("comment=rationale", row) == {"rationale": None}


def test_a_missing_field_is_an_error_unless_it_may_be_missing():
    with pytest.raises(InvalidInputError, match=r"no field 'note'; found inputs\..*'note\?=ratio"):
        mapped("note=rationale", {"inputs": "a"})
    assert mapped("note?=rationale", {"inputs": "a"}) == {"inputs": "a"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("label", "expected pairs"),
        ("=value", "expected pairs"),
        ("a=b=c", "expected pairs"),
        ("label=verdict", "found the target 'verdict'.*expected one of inputs, outputs"),
        ("label=value.x", "go deeper"),
        ("a..b=inputs", "dotted paths"),
        ("a=inputs,b=inputs", "one source for each target"),
        ("a=inputs,b=inputs.question", "one source for each target"),
    ],
)
def test_what_is_no_mapping_is_refused(text, problem):
    with pytest.raises(InvalidInputError, match=problem):
        FieldMap.parse([text], fields=FEEDBACK_FIELDS)


def test_a_case_has_no_value():
    with pytest.raises(InvalidInputError, match="expected one of id, inputs, outputs, reference"):
        FieldMap.parse(["label=value"], fields=CASE_FIELDS)


def test_errors_name_line_and_field(shell):
    rows = [{"q": "a", "label": "yes"}, {"q": "b"}, "no json", [1], {"q": "c", "label": "maybe"}]
    shell.rows("rows.jsonl", rows)
    report = shell.json("align", "rows.jsonl", "--map", "q=inputs,label=value", code=1)
    assert len(report["stored"]) == 1
    reasons = {row["line"]: row["reason"] for row in report["rejected"]}
    assert set(reasons) == {2, 3, 4, 5}
    assert "no field 'label'" in reasons[2]
    assert "no JSON" in reasons[3]
    assert "JSON array" in reasons[4]
    assert "'maybe'" in reasons[5]


def test_a_field_that_no_row_has_is_a_slip(shell):
    shell.rows("rows.jsonl", [{"question": "a"}, {"question": "b"}])
    line = shell.error("judge", "rows.jsonl", "--map", "qestion=inputs")
    assert "none of the 2 rows has 'qestion'; line 1 has question." in line


def test_fields_not_used_are_told_once(shell):
    shell.rows("rows.jsonl", [{"inputs": f"a{n}", "refernce_outputs": "b"} for n in range(3)])
    result = shell("judge", "rows.jsonl", code=1)
    assert result.stderr.count("not used: refernce_outputs") == 1


def test_a_field_that_another_stands_for_is_told(shell):
    shell.rows("rows.jsonl", [{"inputs": "a", "prompt": "b"}])
    result = shell("judge", "rows.jsonl", "--map", "prompt=inputs", code=1)
    assert "not used: inputs (" in result.stderr
