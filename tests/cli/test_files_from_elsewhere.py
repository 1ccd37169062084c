"""`memalign` on files of spreadsheets and annotation tools, and on words that were withdrawn."""

import io
import json

import pytest
from importers.tracking import Tracking

MAPPED = ["--map", "question=inputs,reply=outputs,label=value,why?=rationale"]


def learned(shell):
    return {(e["case"]["outputs"], e["value"], e["rationale"]) for e in shell.json("episodes")}


def workbook(path, **sheets):
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        there = book.create_sheet(title)
        for row in rows:
            there.append(row)
    file = io.BytesIO()
    book.save(file)
    path.write_bytes(file.getvalue())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.csv", "sep=;\nquestion;reply;label;why\nLate!;So?;no;NULL\n"),
        ("rows.tsv", "question\treply\tlabel\twhy\nLate!\tSo?\tno\tnan\n"),
        (
            "rows.json",
            json.dumps(
                [{"question": "Late!", "reply": "So?", "label": "no", "why": ""}] * 2, indent=2
            ),
        ),
        ("rows", "question,reply,label,why\nLate!,So?,no,#N/A\n"),
    ],
)
def test_files_of_each_layout_are_learned(shell, name, text):
    shell.write(name, text)
    report = shell.json("align", name, *MAPPED)
    assert (len(report["stored"]), report["rejected"]) == (1, [])
    assert learned(shell) == {("So?", False, None)}
    judged = shell("judge", name, "--map", "question=inputs,reply=outputs").stdout
    assert "verdict" in judged


def test_a_sheet_of_a_workbook(shell):
    rows = [["question", "reply", "label", "why"], ["Late!", "So?", False, "Rude."]]
    workbook(shell.folder / "rows.xlsx", words=rows, legend=[["a"], ["b"]])
    assert "--sheet" in shell.error("align", "rows.xlsx", *MAPPED)
    shell("align", "rows.xlsx", "--sheet", "words", *MAPPED)
    assert learned(shell) == {("So?", False, "Rude.")}


def test_what_is_no_file_of_rows_is_refused_by_name(shell):
    (shell.folder / "rows.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    assert "rows.xls: found an .xls workbook" in shell.error("align", "rows.xls")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.tsv", "question\tlabel\n"),
        ("rows.json", "[]"),
        ("rows.json", " \n"),
        ("rows.jsonl", "\ufeff\n\n"),
        ("rows.csv", "sep=;\n"),
        ("rows", ""),
    ],
)
@pytest.mark.parametrize("command", [["align"], ["judge"], ["import-feedback", "label-studio"]])
def test_a_file_without_rows_is_an_error(shell, name, text, command):
    shell.write(name, text)
    assert f"found nothing in {name}" in shell.error(*command, name)


@pytest.mark.parametrize(
    ("values", "label"),
    [
        ("ja=true,nein=false", "nein"),
        ("ja=true, Nein = false", " NEIN "),
        ("\U0001f44d=true,\U0001f44e=false", "\U0001f44e\U0001f3fd"),
        ("❤️=true,💔=false", "💔"),
        ('"3,5"=false', "3,5"),
        ("2=true,1=false", "1"),
        ("yes=false", "yes"),
        ("fair, but cold=false", None),
        ('"fair, but cold"=false', "fair, but cold"),
        ('"a=b"=false', "a=b"),
    ],
)
def test_words_for_values_may_be_given(shell, values, label):
    row = {"question": "Late!", "reply": "So?", "label": label or "fair, but cold", "why": None}
    shell.write("rows.json", json.dumps([row]))
    if label is None:
        assert "expected pairs of a word and a value" in shell.error(
            "align", "rows.json", *MAPPED, "--values", values
        )
        return
    shell("align", "rows.json", *MAPPED, "--values", values)
    assert learned(shell) == {("So?", False, None)}


def test_words_for_values_are_meant_wherever_experts_values_are_read(shell):
    rows = [f"Late {n}!,Reply {n}.,{'ja' if n % 2 else 'nein'}\n" for n in range(6)]
    shell.write("rows.csv", "question,reply,label\n" + "".join(rows))
    mapped = ["--map", "question=inputs,reply=outputs,label=value"]
    words = ["--values", "ja=true,nein=false"]
    told = shell.json("evaluate", "rows.csv", *mapped, *words)
    assert told
    shell("align", "rows.csv", *mapped, *words, "--gate", "--holdout", "rows.csv", code=None)
    assert {e["value"] for e in shell.json("episodes")} <= {True, False}


def test_what_the_judges_values_mean_is_read_from_files_too(shell):
    shell.configure(
        "model: precedent", "value_meanings: {true: kind, false: cold}\nmodel: precedent"
    )
    shell.write("rows.csv", "inputs,outputs,value\nLate!,So?,Cold\n")
    shell("align", "rows.csv")
    assert learned(shell) == {("So?", False, None)}
    shot = [{"inputs": "Late!", "outputs": "Sorry!", "score": "kind"}]
    shell.write("examples.json", json.dumps(shot))
    shell("import-feedback", "few-shots", "examples.json")
    assert learned(shell) == {("So?", False, None), ("Sorry!", True, None)}


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ("ja", "expected pairs"),
        ("=true", "expected pairs"),
        ("ja=", "expected pairs"),
        ("ja=perhaps", "expected true or false"),
        ("ja=true,JA=false", "'ja' for True and False"),
    ],
)
def test_words_that_say_nothing_are_refused(shell, values, problem):
    shell.write("rows.csv", "question,reply,label\nLate!,So?,ja\n")
    assert problem in shell.error("align", "rows.csv", *MAPPED, "--values", values)


def test_an_export_of_label_studio(shell):
    answer = {"from_name": "tone", "type": "choices", "value": {"choices": ["kalt"]}}
    why = {"from_name": "why", "type": "textarea", "value": {"text": ["Rude."]}}
    said = [{"id": n, "completed_by": n, "result": [answer, why][: 3 - n]} for n in (1, 2)]
    task = {"id": 1, "data": {"prompt": "Late!", "response": "So?"}, "annotations": said}
    shell.write("export.json", json.dumps([task, {**task, "id": 2, "annotations": []}], indent=1))
    result = shell("import-feedback", "label-studio", "export.json", "--values", "kalt=false")
    assert "task 2 skipped: it has no annotation." in result.stderr
    assert learned(shell) == {("So?", False, "Rude."), ("So?", False, None)}
    assert {e["reviewer"] for e in shell.json("episodes")} == {"1", "2"}


def test_an_export_of_argilla(shell):
    record = {
        "id": "r1",
        "fields": {"prompt": "Late!", "response": "So?"},
        "responses": {
            "tone": [{"value": "no", "user_id": "u-1"}, {"value": "yes", "user_id": "u-2"}],
            "notes": [{"value": "Rude.", "user_id": "u-1"}],
        },
    }
    shell.rows("records.jsonl", [record])
    shell("import-feedback", "argilla", "records.jsonl")
    assert learned(shell) == {("So?", False, "Rude."), ("So?", True, None)}


# MLflow and what it brings warn of their own deprecations.
@pytest.mark.filterwarnings("ignore")
def test_what_was_withdrawn_is_told_and_forgotten_when_asked(shell, tmp_path):
    tracking = Tracking(f"sqlite:///{tmp_path}/mlflow.db")
    trace = tracking.trace("Late!", "So?")
    said = tracking.say(trace, False, "Jane Doe hates that.")
    tracking.say(trace, False, by="bea")
    command = ["import-feedback", "mlflow", "--experiment", "support"]
    command += ["--tracking-uri", tracking.uri]
    assert "no longer there" not in shell(*command).stderr
    tracking.unsay(trace, said)
    assert "1 episode no longer there" in shell(*command).stderr
    assert len(shell.json("episodes")) == 2
    told = shell.json(*command, "--forget-withdrawn")
    assert len(told["withdrawn"]) == len(told["forgotten"]["episodes_removed"]) == 1
    assert learned(shell) == {("So?", False, None)}
    assert b"Jane Doe" not in b"".join(
        file.read_bytes() for file in (shell.folder / "memory").rglob("*") if file.is_file()
    )
    (episode,) = shell.json("episodes")
    shell("forget", "--source", episode["source_id"], "--yes")
    assert shell.json("episodes") == []
