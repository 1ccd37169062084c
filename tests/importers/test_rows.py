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
        Row(2, {"question": "Late!\nWhere is it?", "label": "good", "why": None}),
        Row(5, {"question": {"a": 1}, "label": "bad", "why": 'Cold, "very"'}),
    ]


def test_a_row_with_too_many_cells_does_not_hide_the_others():
    rows = list(read_csv(b"a,b\n1,2,3\n4,5\n"))
    assert [type(row) for row in rows] == [BadRow, Row]
    assert "found 3 cells" in rows[0].reason


def taken(sheet):
    """The fields of the rows that can be used, and the lines of those that cannot."""
    rows = list(read_csv(sheet.encode()))
    good = [row.data for row in rows if isinstance(row, Row)]
    return good, [row.line for row in rows if isinstance(row, BadRow)]


@pytest.mark.parametrize(
    ("sheet", "labels", "bad"),
    [
        ('q,label\n"a,1\nb,2\nc,3\n', "23", [2]),
        ('q,label\na,"1\nb,"2"\n"c",3\n', "23", [2]),
        ('q,label\n"a,1\n"b,2\nc,3\n', "3", [2, 3]),
        ('q,label\n"a" x,1\nb,2\n', "2", [2]),
        # The end of a broken cell is no row of its own.
        ('q,label\n"a\nb\nc" x,1\nd,2\n', "2", [2, 3, 4]),
        ('q,label\n5" pipe,1\n"say ""a\nb""",2\n', "12", []),
    ],
)
def test_a_quote_that_is_not_closed_hides_no_other_row(sheet, labels, bad):
    good, lines = taken(sheet)
    assert ("".join(row["label"] for row in good), lines) == (labels, bad)


def test_the_line_of_a_broken_row_is_told_and_the_rest_is_learned(judge):
    sheet = b'inputs,outputs,value\nLate!,So?,no\n"Late!,Hm.,no\nLate!,Sorry.,yes\n'
    rows, bad, _ = map_rows(read_csv(sheet), FieldMap.parse([], fields=FEEDBACK_FIELDS))
    assert [row.line for row in rows] == [2, 4]
    assert [(row.line, "quote that is not closed" in row.reason) for row in bad] == [(3, True)]


def test_a_cell_may_be_of_any_length():
    long = "word, " * 1_000_000
    good, bad = taken(f'q,label\n"{long}",1\nb,2\n')
    assert [len(row["q"]) for row in good] == [len(long), 1]
    assert bad == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("before", ["", "{end}", " {end}{end}", ";;{end}"])
@pytest.mark.parametrize("names", ["question;label", '"question";label', '"question";"label"'])
def test_columns_are_told_apart_by_their_names(end, before, names):
    lines = [names, "Late, again, and again?;good", '"a, b; c";bad']
    good, bad = taken(before.format(end=end) + end.join(lines))
    assert [row["label"] for row in good] == ["good", "bad"]
    assert [row["question"] for row in good] == ["Late, again, and again?", "a, b; c"]
    assert bad == []


def test_a_comma_in_a_quoted_name_tells_no_columns_apart():
    assert taken('"who, when, why";label\nann;good\n')[0] == [
        {"who, when, why": "ann", "label": "good"}
    ]


@pytest.mark.parametrize(
    ("sheet", "problem"),
    [
        (b"a,b\n\xff,1\n", "UTF-8"),
        (b"a,a\n1,2\n", "'a' twice"),
        (b'\na,"b\n1,2\n', "line 2: found a quote"),
    ],
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
    assert {item.where for item in report.skipped} == {"example 3", "example 4"}
    assert [item.where for item in report.unusable] == ["example 4"]
