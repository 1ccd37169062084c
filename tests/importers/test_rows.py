"""Spreadsheets as CSV, and openevals' few-shot examples."""

import pytest

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.importers import (
    FEEDBACK_FIELDS,
    BadRow,
    FieldMap,
    Row,
    from_few_shots,
    import_feedback,
    map_rows,
    read_csv,
)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_columns_are_told_apart_as_spreadsheets_write_them(mark):
    sheet = mark.join(["question", "label", "why"]) + "\r\n"
    sheet += mark.join(['"Late!\nWhere is it?"', "good", ""]) + "\r\n\r\n"
    sheet += mark.join(['"{""a"": 1}"', "bad", '"Cold, ""very"""'])
    assert list(read_csv(sheet.encode("utf-8-sig"))) == [
        Row(3, {"question": "Late!\nWhere is it?", "label": "good"}),
        Row(5, {"question": {"a": 1}, "label": "bad", "why": 'Cold, "very"'}),
    ]


def test_a_row_with_too_many_cells_does_not_hide_the_others():
    rows = list(read_csv(b"a,b\n1,2,3\n4,5\n"))
    assert [type(row) for row in rows] == [BadRow, Row]
    assert "found 3 cells" in rows[0].reason


@pytest.mark.parametrize(
    ("sheet", "problem"),
    [(b"a,b\n\xff,1\n", "UTF-8"), (b"a,a\n1,2\n", "'a' twice")],
)
def test_what_is_no_sheet_is_an_error(sheet, problem):
    with pytest.raises(InvalidInputError, match=problem):
        list(read_csv(sheet))


def test_columns_are_mapped():
    fields = FieldMap.parse(["question=inputs.question,label=value"], fields=FEEDBACK_FIELDS)
    rows, bad, unused = map_rows(read_csv(b"question,label,id,team\nWhere?,good,7,A\n"), fields)
    assert rows == [Row(2, {"id": "7", "inputs": {"question": "Where?"}, "value": "good"})]
    assert (bad, unused) == ([], ["team"])


def test_few_shot_examples(judge):
    examples = [
        {"inputs": "Late!", "outputs": "So?", "score": 0.0, "reasoning": "Rude."},
        {"inputs": {"q": "Late!"}, "outputs": "Sorry.", "score": True, "reasoning": None},
        {"inputs": "Late!", "outputs": "Hm."},
        "no example",
    ]
    report = import_feedback(judge, from_few_shots(examples))
    words = {(e.case.outputs, e.value, e.rationale) for e in judge.episodes()}
    assert words == {("So?", False, "Rude."), ("Sorry.", True, None)}
    places = [item.where for item in report.skipped]
    assert sorted(places) == ["example 3", "example 4"]
