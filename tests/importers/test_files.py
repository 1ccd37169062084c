"""Files as spreadsheets, databases and scripts write them: read whole, or refused by name."""

import datetime
import gzip
import io
import json
import zipfile

import pytest

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.importers import (
    FEEDBACK_FIELDS,
    BadRow,
    FieldMap,
    Remark,
    Row,
    import_feedback,
    map_rows,
    read_rows,
)

MAPPED = "question=inputs,reply=outputs,label=value,why?=rationale"


def good(data, name="rows.csv", **options):
    rows = list(read_rows(data.encode() if isinstance(data, str) else data, name, **options))
    assert not [row for row in rows if isinstance(row, BadRow)]
    return [row.data for row in rows]


def bad(data, name):
    rows = read_rows(data.encode(), name)
    return [(row.line, row.reason) for row in rows if isinstance(row, BadRow)]


def learned(judge, rows, mapping=MAPPED):
    fields = FieldMap.parse([mapping], fields=FEEDBACK_FIELDS)
    mapped, unusable, _ = map_rows(rows, fields)
    assert not unusable
    return import_feedback(judge, [Remark(f"line {row.line}", row.data) for row in mapped])


# Cells without words.


NOTHING = """
    nan NaN -nan #N/A #NA <NA> NULL null None NA N/A n/a N.A. NaT \\N -
"""


@pytest.mark.parametrize("nothing", ["", " ", "#N/A N/A", "\u2014", *NOTHING.split()])
def test_a_cell_that_says_nothing_is_no_remark(judge, nothing):
    sheet = f"question,reply,label,why\nLate!,So?,no,{nothing}\n"
    learned(judge, read_rows(sheet.encode(), "x.csv"))
    (episode,) = judge.episodes()
    assert (episode.value, episode.rationale) == (False, None)


@pytest.mark.parametrize("nothing", ["", "nan", "#N/A", "NULL", "N/A"])
def test_a_row_without_label_teaches_by_its_remark(judge, nothing):
    sheet = f"question,reply,label,why\nLate!,So?,{nothing},Rude.\n"
    learned(judge, read_rows(sheet.encode(), "x.csv"))
    assert [(e.value, e.rationale) for e in judge.episodes()] == [(None, "Rude.")]


@pytest.mark.parametrize("name", ["id", "reviewer", "created_at"])
@pytest.mark.parametrize("nothing", ["nan", "NULL", "#N/A", "NaT", ""])
def test_rows_without_an_id_do_not_share_one(judge, name, nothing):
    sheet = f"question,reply,label,{name}\nLate!,So?,no,{nothing}\nLate!,Sorry!,yes,{nothing}\n"
    mapping = "question=inputs,reply=outputs,label=value"
    report = learned(judge, read_rows(sheet.encode(), "x.csv"), mapping)
    assert len(report.alignment.stored) == len(judge.episodes()) == 2


@pytest.mark.parametrize(
    "moment", ["2026-03-02 10:30", "2026-03-02T10:30:00", "2026-03-02T11:30:00+01:00"]
)
def test_a_moment_of_a_sheet_needs_no_time_zone(judge, moment):
    sheet = f"question,reply,label,created_at\nLate!,So?,no,{moment}\n"
    learned(judge, read_rows(sheet.encode(), "x.csv"), "question=inputs,reply=outputs,label=value")
    (episode,) = judge.episodes()
    assert episode.created_at == datetime.datetime(2026, 3, 2, 10, 30, tzinfo=datetime.UTC)


def test_what_was_judged_may_say_none():
    assert good("q,a\nWhat does f return?,None\nWhat is 0/0?,nan\n") == [
        {"q": "What does f return?", "a": "None"},
        {"q": "What is 0/0?", "a": "nan"},
    ]


def test_a_label_may_be_called_so():
    from langchain_memalign._values.types import ValueType
    from langchain_memalign.importers import with_values

    damage = ValueType(kind="choice", labels=("none", "some"))
    read = with_values({"value": "None", "judge_value": "null", "reviewer": "NA"}, damage)
    assert read == {
        "value": "none",
        "judge_value": None,
        "judge_rationale": None,
        "reviewer": "NA",
    }


@pytest.mark.parametrize("error", ["#REF!", "#VALUE!", "#NAME?", "#DIV/0!"])
def test_an_error_of_the_spreadsheet_is_no_remark(judge, error):
    sheet = f"question,reply,label,why\nLate!,So?,no,{error}\nLate!,Hm.,no,Rude.\n"
    report = learned(judge, read_rows(sheet.encode(), "x.csv"))
    assert [(s.where, s.is_unusable) for s in report.skipped] == [("line 2", True)]
    assert error in report.skipped[0].reason
    assert [e.rationale for e in judge.episodes()] == ["Rude."]


def test_a_blank_cell_is_no_missing_column():
    fields = FieldMap.parse(["q=inputs.q,hint=inputs.hint,note?=outputs"], fields=FEEDBACK_FIELDS)
    rows = read_rows(b"q,hint,note,outputs,value\nWhy?,,,So.,1\nWho?,x\n", "rows.csv")
    mapped, unusable, _ = map_rows(rows, fields)
    assert unusable == []
    assert [row.data for row in mapped] == [
        {"inputs": {"q": "Why?", "hint": None}, "outputs": "So.", "value": "1"},
        {"inputs": {"q": "Who?", "hint": "x"}, "outputs": None, "value": None},
    ]


# How the columns are parted.


@pytest.mark.parametrize(
    ("first", "mark"),
    [
        ("sep=;", ";"),
        ("SEP=;", ";"),
        ('"sep=;"', ";"),
        ("sep=,", ","),
        ("sep=\t", "\t"),
        ("sep=|", "|"),
        ("sep=^", "^"),
        ("\nsep=;", ";"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_first_line_of_a_spreadsheet_says_what_parts_the_cells(first, mark, end):
    lines = [first, mark.join(["who: a,b;c", "label"]), mark.join(["ann", "good"])]
    if mark in ",;":
        lines[1] = mark.join(["who", "label"])
    (row,) = good(end.join(lines))
    assert list(row.values()) == ["ann", "good"]


def test_such_a_line_counts_as_one():
    assert bad("sep=;\na;b\n1;2;3\n", "x.csv")[0][0] == 3


@pytest.mark.parametrize("name", ["rows.tsv", "ROWS.TSV", "rows.tab", "rows.txt", "rows", "-"])
def test_tabs_part_columns(name):
    assert good("q\tlabel\nLate, again\tgood\n", name) == [{"q": "Late, again", "label": "good"}]


def test_bars_part_columns_where_nothing_else_does():
    assert good("q|label\nLate, again; so|good\n") == [{"q": "Late, again; so", "label": "good"}]
    assert good("which (a|b|c)?,label\na,good\n") == [{"which (a|b|c)?": "a", "label": "good"}]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["rows.csv", "rows.txt", "rows.tsv"])
def test_what_a_spreadsheet_calls_unicode_text(name, encoding):
    assert good("q\tlabel\nSpät!\tgood\n".encode(encoding), name) == [
        {"q": "Spät!", "label": "good"}
    ]


# JSON that people or tools laid out.

ROWS = [{"inputs": {"q": "[a,\n{b"}}, {"inputs": {"q": "é"}, "tags": [1, [2]]}, {"inputs": "c"}]


def jq(rows):
    return "\n".join(json.dumps(row, indent=2) for row in rows)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        json.dumps(ROWS, indent=1, ensure_ascii=False),
        "[\n" + ",\n".join(map(json.dumps, ROWS)) + "\n]\n",
        "[\n" + ",\n".join(map(json.dumps, ROWS)) + ",\n]\n",
        "\n\n" + json.dumps(ROWS, indent="\t").replace("\n", "\r\n"),
        "[" + json.dumps(ROWS[0]) + ",\n" + ",\n".join(map(json.dumps, ROWS[1:])) + "]",
        "\n".join(map(json.dumps, ROWS)),
        "\r\n\r\n".join(map(json.dumps, ROWS)),
        " ".join(map(json.dumps, ROWS)),
        jq(ROWS),
        jq(ROWS).replace("\n}\n{", "\n}{"),
    ],
)
@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl", "rows.txt", "-"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_objects_are_read_whole_however_they_are_laid_out(text, name, encoding):
    assert good(text.encode(encoding), name) == ROWS


def test_one_object_over_several_lines():
    assert good(json.dumps(ROWS[1], indent=2), "row.json") == [ROWS[1]]


def test_objects_are_named_by_their_line():
    rows = read_rows(json.dumps([ROWS[2], 7, ROWS[2]], indent=1).encode(), "rows.json")
    assert [(type(row), row.line) for row in rows] == [(Row, 2), (BadRow, 5), (Row, 6)]
    rows = read_rows(json.dumps([ROWS[2], 7, ROWS[2]]).encode(), "rows.json")
    assert [(type(row), row.line) for row in rows] == [(Row, 1), (BadRow, 2), (Row, 3)]


@pytest.mark.parametrize("indent", [None, 2])
def test_half_an_array_gives_what_is_whole_of_it(indent):
    text = json.dumps(ROWS, indent=indent)[:-12]
    rows = list(read_rows(text.encode(), "rows.json"))
    assert [row.data for row in rows if isinstance(row, Row)] == ROWS[:2]
    (problem,) = (row for row in rows if isinstance(row, BadRow))
    assert "no JSON" in problem.reason
    rows = list(read_rows(json.dumps(ROWS, indent=indent)[:-1].encode(), "rows.json"))
    assert [row.data for row in rows if isinstance(row, Row)] == ROWS
    assert "not closed" in rows[-1].reason


@pytest.mark.parametrize("broken", ["{", '{"inputs": ', "nonsense", '{"inputs": "a"} x', "[1"])
@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_line_that_is_broken_hides_no_other(broken, place):
    lines = list(map(json.dumps, ROWS))
    lines.insert(place, broken)
    rows = list(read_rows("\n".join(lines).encode(), "rows.jsonl"))
    assert [row.data for row in rows if isinstance(row, Row)] == ROWS
    assert [row.line for row in rows if isinstance(row, BadRow)] == [place + 1]


# Workbooks.


def workbook(**sheets):
    """An .xlsx file of these sheets, each a list of rows."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        there = book.create_sheet(title)
        for row in rows:
            there.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


SHEET = [
    ["question", "reply", "label", "why"],
    ["Late!", "So?", False, "Rude.\nSay sorry."],
    [],
    ["Late!", "Sorry!", "yes", None],
]


@pytest.mark.parametrize("name", ["rows.xlsx", "rows.csv", "-"])
def test_a_workbook_is_learned(judge, name):
    report = learned(judge, read_rows(workbook(words=SHEET, empty=[]), name))
    assert len(report.alignment.stored) == 2
    assert {(e.case.outputs, e.value, e.rationale) for e in judge.episodes()} == {
        ("So?", False, "Rude.\nSay sorry."),
        ("Sorry!", True, None),
    }


def test_the_cells_of_a_workbook_are_what_they_hold():
    moment = datetime.datetime(2026, 3, 2, 10, 30)  # noqa: DTZ001 (spreadsheets know no zones)
    cells = [7, 2.5, True, moment, moment.date(), '{"a": 1}', "#N/A", None]
    names = ["int", "float", "bool", "moment", "day", "json", "na", "blank"]
    (row,) = good(workbook(one=[names, cells]), "x.xlsx")
    assert row == {
        "int": 7,
        "float": 2.5,
        "bool": True,
        "moment": "2026-03-02T10:30:00",
        "day": "2026-03-02T00:00:00",
        "json": {"a": 1},
        "na": None,
        "blank": None,
    }


def test_of_several_sheets_with_rows_one_has_to_be_named():
    data = workbook(words=SHEET, legend=[["a"], ["b"]])
    with pytest.raises(InvalidInputError, match=r"'words', 'legend'.*--sheet"):
        list(read_rows(data, "rows.xlsx"))
    assert good(data, "rows.xlsx", sheet="legend") == [{"a": "b"}]
    with pytest.raises(InvalidInputError, match=r"no sheet 'words '; .*'words', 'legend'"):
        list(read_rows(data, "rows.xlsx", sheet="words "))
    with pytest.raises(InvalidInputError, match="expected a workbook"):
        list(read_rows(b"a,b\n1,2\n", "rows.csv", sheet="words"))


def test_a_formula_that_nobody_worked_out_is_named():
    rows = list(read_rows(workbook(one=[["a", "b"], ["x", "=1+1"], ["y", 2]]), "x.xlsx"))
    assert rows[1] == Row(3, {"a": "y", "b": 2})
    assert isinstance(rows[0], BadRow)
    assert "=1+1" in rows[0].reason


def test_more_cells_than_names_are_named():
    rows = list(read_rows(workbook(one=[["a"], ["x", "note"], ["y"]]), "x.xlsx"))
    assert [(type(row), row.line) for row in rows] == [(BadRow, 2), (Row, 3)]


def zipped(**files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name, text in files.items():
            file.writestr(name, text)
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"an \.xls workbook.*\.xlsx or CSV"),
        (b"PAR1\x15\x04", "a Parquet file"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), "a gzip file"),
        (b"%PDF-1.7", "a PDF"),
        (b"SQLite format 3\0", "a SQLite database"),
        (b"a,b\n1,\0\n", "a binary file"),
        (zipped(mimetype="application/vnd.oasis.opendocument.spreadsheet"), r"an \.ods workbook"),
        (zipped(rows="a,b\n1,2\n"), "a zip file"),
        (workbook(one=SHEET)[:900], r"a broken \.xlsx"),
    ],
)
@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "rows.xlsx", "-"])
def test_what_cannot_be_read_is_refused_by_name(data, problem, name):
    with pytest.raises(InvalidInputError, match=problem):
        list(read_rows(data, name))


def test_a_workbook_needs_the_extra(monkeypatch):
    import sys

    from langchain_memalign.errors import ConfigurationError

    data = workbook(one=SHEET)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ConfigurationError, match=r"langchain-memalign\[sheets\]"):
        list(read_rows(data, "rows.xlsx"))
