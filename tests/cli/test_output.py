"""What people read: in logs and pipes, in terminals of few characters, and of one or of many."""

import json
import os
import subprocess

import pytest

from .process import ROOT, finish, start
from .shell import case, said

ENVIRONMENT = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}


def run_in(encoding, folder, *arguments, stdin=""):
    """Run a command whose standard streams have an encoding."""
    process = start(
        folder,
        *arguments,
        env=ENVIRONMENT | {"PYTHONIOENCODING": encoding},
        encoding=encoding.partition(":")[0],
        stdin=subprocess.PIPE,
    )
    process.stdin.write(stdin)
    process.stdin.close()
    process.stdin = None
    return finish(process)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1:strict"])
def test_a_review_works_where_not_all_characters_can_be_shown(shell, encoding):
    shell.rows("cases.jsonl", [case(1, inputs="Where is Łukasz' parcel? 📦")])
    code, out, err = run_in(
        encoding, shell.folder, "review", "cases.jsonl", stdin="e\n\nSay sorry first.\n"
    )
    assert code == 0, err
    assert "Where is ?ukasz' parcel? ?" in out
    assert "Learned: Rule: Say sorry first." in out
    assert [e["rationale"] for e in shell.json("episodes")] == ["Say sorry first."]


def test_what_is_learned_is_reported_where_not_all_characters_can_be_shown(shell):
    shell.rows("feedback.jsonl", [said(1, rationale="Zażółć → 📦")])
    code, out, err = run_in("cp1252", shell.folder, "align", "feedback.jsonl")
    assert code == 0, err
    assert "stored\t1" in out
    assert "Rule: Za?ó?? ? ?" in out
    assert run_in("ascii", shell.folder, "principles")[0] == 0


def test_an_answer_in_another_encoding_than_the_terminals_does_not_end_a_review(shell):
    shell.rows("cases.jsonl", [case(1)])
    process = start(
        shell.folder, "review", "cases.jsonl", env=ENVIRONMENT, stdin=subprocess.PIPE, text=False
    )
    _, err = process.communicate(b"e\n\nZu k\xfchl.\n", timeout=120)
    assert process.returncode == 0, err
    (episode,) = shell.json("episodes")
    assert episode["rationale"] == "Zu k\N{REPLACEMENT CHARACTER}hl."


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_full_disk_under_the_output_is_no_failure_of_the_work(shell, options):
    shell.rows("feedback.jsonl", [said(1)])
    with open("/dev/full", "w") as full:
        process = start(shell.folder, "align", "feedback.jsonl", *options, stdout=full)
        code, _, err = finish(process)
    assert (code, err.count("\n")) == (1, 1)
    assert "the work is done and kept" in err
    assert len(shell.json("episodes")) == 1


def test_tables_in_a_pipe_have_a_title_and_headings(shell, script):
    script()
    shell.rows("feedback.jsonl", [said(1), said(2)])
    log = shell("align", "feedback.jsonl").stdout
    assert log.startswith("Alignment\n\tnumber\nstored\t2\n")
    assert "\n\nPrinciples\n\tid\tprinciple\tfrom\nadded\t" in log
    first, second, *rows = shell("principles").stdout.splitlines()
    assert first == "Principles of tone"
    assert second.split("\t") == ["id", "principle", "from", "since"]
    assert [len(row.split("\t")[0]) for row in rows] == [8, 8]


@pytest.fixture
def disputed(shell):
    """A judge that agrees with none of two experts' words, and knows nothing of two others."""

    def parcel(number, **fields):
        return said(number, inputs=f"My parcel {number} is late.", outputs="We know.", **fields)

    shell.rows("feedback.jsonl", [parcel(n, value=False) for n in range(6)])
    shell("align", "feedback.jsonl")
    far = [said(n, inputs=f"Quark{n}!", outputs=f"Zebra{n}.") for n in (8, 9)]
    own = parcel(7, value=True, id="TICKET-2026-0000001")
    shell.rows("disputed.jsonl", [own, parcel(6, value=True), *far])
    return shell


def test_ids_that_were_made_are_short_and_a_persons_own_are_whole(disputed):
    shown = disputed("evaluate", "disputed.jsonl").stdout
    rows = shown.partition("2 disagreements")[2].partition("\n\n")[0].splitlines()[2:]
    first, *others = (row.split("\t")[0] for row in rows)
    assert first == "TICKET-2026-0000001"
    assert [len(id_) for id_ in others] == [8, 8, 8]


def test_abstentions_are_no_disagreements(disputed):
    shown = disputed("evaluate", "disputed.jsonl").stdout
    report = (disputed.folder / "evaluation" / "report.md").read_text("utf-8")
    for text in (shown, report):
        assert "2 disagreements, 2 unscored" in text


@pytest.mark.parametrize(
    ("number", "told"), [(1, "1 line rejected"), (2, "2 lines rejected"), (3, "3 lines rejected")]
)
def test_rejected_lines_are_counted_in_right_words(shell, script, number, told):
    script()
    shell.rows("feedback.jsonl", [said(1), *["no json"] * number])
    assert told in shell("align", "feedback.jsonl", code=1).stderr


def test_one_case_that_waits_is_one_case(shell):
    shell.rows("cases.jsonl", [case(1), "no json"])
    told = shell("review", "cases.jsonl", stdin="q\n", code=1).stderr
    assert "1 case without an answer" in told
    assert "1 line not usable" in told


@pytest.mark.parametrize("command", ["align", "judge", "review", "evaluate", "learning-curve"])
def test_an_empty_file_is_an_error(shell, command):
    for name in ("empty.jsonl", "empty.csv"):
        for text in ("", "\n\n", "\ufeff"):
            shell.write(name, text)
            line = shell.error(command, name)
            assert f"found nothing in {name}; expected" in line


def test_a_table_of_headings_alone_is_empty_too(shell):
    shell.write("rows.csv", "inputs,outputs,value\n")
    assert "found nothing in rows.csv" in shell.error("align", "rows.csv")


@pytest.mark.parametrize(
    ("path", "value_type"),
    [
        ("judge.yaml", "bool"),
        ("other.toml", "1-5"),
        ("below/judge.yaml", "0.0-1.0"),
        ("below/other.yaml", "good,fair,bad"),
    ],
)
def test_init_writes_the_files_that_it_names(shell, path, value_type):
    (shell.folder / "judge.yaml").unlink()
    (shell.folder / "below").mkdir()
    told = shell("init", path, "--value-type", value_type).stderr
    commands = [line.split()[1:] for line in told.splitlines() if line.startswith("  memalign ")]
    assert [command[0] for command in commands] == ["align", "judge", "review", "web"]
    align, judge, review, web = commands
    assert shell(*align).stdout.count("stored\t")
    assert shell.json("episodes", *align[2:])
    lines = [json.loads(line) for line in shell(*judge, code=None).stdout.splitlines()]
    assert sorted(line["line"] for line in lines) == [1, 2]
    shell(*review, stdin="n\nn\n")
    assert web[1:] == review[1:]


def test_init_leaves_files_of_these_names_as_they_are(shell):
    (shell.folder / "judge.yaml").unlink()
    shell.rows("feedback.jsonl", [said(1)])
    before = (shell.folder / "feedback.jsonl").read_text()
    written = shell.json("init")
    assert written == {"path": "judge.yaml", "samples": ["cases.jsonl"]}
    assert (shell.folder / "feedback.jsonl").read_text() == before
