"""`memalign forget`, and what it clears of the CLI's own."""

import sqlite3
import uuid

import pytest
from fakes import one_rule_a_record

from langchain_memalign import Memory
from langchain_memalign.importers.learning import Source
from langchain_memalign.reviews import DeskTable, Draft, ReviewFile
from langchain_memalign.schema import Erase

from .shell import case, said


@pytest.fixture
def taught(shell, script):
    """A judge that learned two remarks of ann's, of January, and two of bob's, of February."""
    script()
    rows = [
        said(n, reviewer=name, created_at=f"2026-0{month}-0{n}T00:00:00Z")
        for n, name, month in [(1, "ann", 1), (2, "ann", 1), (3, "bob", 2), (4, "bob", 2)]
    ]
    shell.rows("feedback.jsonl", rows)
    shell("align", "feedback.jsonl")
    return shell


def left(shell):
    return sorted(episode["rationale"] for episode in shell.json("episodes"))


def test_by_id(taught):
    episode = taught.json("episodes")[0]
    report = taught.json("forget", episode["id"][:12], "--yes")
    assert report["episodes_removed"] == [episode["id"]]
    # All four were written in sight of each other: three are learned anew.
    assert len(report["principles_removed"]) == 4
    assert left(taught) == ["Remark 2.", "Remark 3.", "Remark 4."]
    assert len(taught.json("principles")) == 3


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (("--reviewer", "ann"), ["Remark 3.", "Remark 4."]),
        (("--before", "2026-02-01"), ["Remark 3.", "Remark 4."]),
        (("--contains", "TOPIC4"), ["Remark 1.", "Remark 2.", "Remark 3."]),
        (("--contains", "remark 2"), ["Remark 1.", "Remark 3.", "Remark 4."]),
        (("--reviewer", "bob", "--contains", "topic1"), [f"Remark {n}." for n in range(1, 5)]),
    ],
)
def test_what_fits_all_that_is_given_goes(taught, options, kept):
    taught("forget", *options, "--yes")
    assert left(taught) == kept


def test_it_asks_first(taught):
    assert (
        "nothing was changed" in taught("forget", "--reviewer", "ann", stdin="n\n", code=1).stderr
    )
    assert "--yes" in taught.error("forget", "--reviewer", "ann", "--json")
    assert len(left(taught)) == 4
    result = taught("forget", "--reviewer", "ann", stdin="y\n")
    assert "2 episodes" in result.stderr
    assert len(left(taught)) == 2


def test_a_dry_run_only_shows(taught):
    assert len(taught.json("forget", "--reviewer", "ann", "--dry-run")["episodes"]) == 2
    assert len(left(taught)) == 4


@pytest.mark.parametrize(
    "arguments", [(), ("zzzz",), ("--before", "yesterday"), ("--contains", "")]
)
def test_what_goes_must_be_clear(taught, arguments):
    taught.error("forget", *arguments, "--yes")
    assert len(left(taught)) == 4


def test_nothing_that_fits_is_no_error(taught):
    assert taught.json("forget", "--reviewer", "nobody", "--yes")["episodes_removed"] == []


def test_a_rule_from_elsewhere_with_the_text_is_named(taught):
    rule = taught.json("principles", "add", "Never mention topic4.")
    line = taught("forget", "--contains", "topic4", "--yes", code=1).stderr.splitlines()[-1]
    assert rule["id"][:8] in line
    assert "principles remove --erase" in line
    taught("principles", "remove", rule["id"][:8], "--erase", "--yes")
    taught("forget", "--contains", "topic4", "--yes")


def test_open_reviews_of_what_is_forgotten_are_erased_to_the_last_byte(shell, script):
    script()
    secrets = [f"marker-{uuid.uuid4().hex}" for _ in range(3)]
    # Of three cases one is answered, one recalls that one and waits, one waits by itself.
    shell.rows(
        "cases.jsonl",
        [
            case(1, outputs=f"{secrets[0]} about refunds"),
            case(1, outputs=f"{secrets[1]} about refunds"),
        ],
    )
    shell("review", "cases.jsonl", stdin=f"e\n\n{secrets[2]}\nq\n", code=1)
    files = list(shell.folder.glob("memory*sqlite*"))
    assert files
    episode = shell.json("episodes")[0]
    report = shell.json("forget", episode["id"], "--yes")
    assert report["reviews_cleared"] == 2
    for file in shell.folder.rglob("*"):
        if file.is_file() and file.name != "cases.jsonl":
            held = file.read_bytes()
            for secret in secrets:
                assert secret.encode() not in held, file
    # Both are open again.
    summary = shell.json("review", "cases.jsonl", stdin="a\na\n")
    assert summary["decisions"] == {"approve": 2}


def test_an_open_review_with_the_text_is_erased_without_an_episode(shell, script):
    script()
    shell.rows("cases.jsonl", [case(1), case(2)])
    shell("review", "cases.jsonl", stdin="s\ns\n", code=1)
    assert shell.json("forget", "--contains", "TOPIC2", "--yes")["reviews_cleared"] == 1


@pytest.fixture
def waiting_review(shell, script):
    """A review that shows a secret of ann's and waits; her remark has a rule with bob's."""

    def waiting(respond=one_rule_a_record):
        secret = f"marker-{uuid.uuid4().hex}"
        script(respond)
        rows = [
            said(1, id="1", reviewer="ann", rationale=f"Mind {secret}"),
            said(2, id="2", reviewer="bob"),
        ]
        shell.rows("feedback.jsonl", rows)
        shell("align", "feedback.jsonl")
        shell.rows("cases.jsonl", [case(1, outputs="Another answer on topic1.")])
        shell("review", "cases.jsonl", stdin="s\n", code=1)
        assert holding(shell, secret)
        return secret

    return waiting


def holding(shell, secret):
    """The files that hold a secret, besides what was handed in."""
    there = (path for path in shell.folder.rglob("*") if path.is_file())
    kept = (path for path in there if path.suffix != ".jsonl")
    return [path.name for path in kept if secret.encode() in path.read_bytes()]


def test_reviews_are_erased_before_anything_is_learned_anew(shell, waiting_review):
    held, known = [], []

    def respond(request):
        if known and request.title == "principles":
            held.append(holding(shell, known[0]))
        return one_rule_a_record(request)

    known.append(waiting_review(respond))
    assert shell.json("forget", "--reviewer", "ann", "--yes")["reviews_cleared"] == 1
    assert held == [[]]


def test_repeating_clears_what_an_interrupted_forgetting_left(shell, waiting_review):
    secret = waiting_review()
    # As if it had been stopped after the memory.
    with Memory.open(shell.folder / "memory", embeddings="local") as memory:
        (judge,) = memory.judges()
        everything = [
            *(("episode", episode.id) for episode in memory.episodes(judge)),
            *(("principle", principle.id) for principle in memory.principles(judge)),
        ]
        memory.apply([Erase(judge=judge, kind=kind, id=id_) for kind, id_ in everything])
    assert holding(shell, secret)
    report = shell.json("forget", "--reviewer", "ann", "--yes")
    assert (report["episodes_removed"], report["reviews_cleared"]) == ([], 1)
    assert holding(shell, secret) == []


def test_what_a_reader_of_the_reviews_keeps_from_being_erased_is_no_success(
    shell, waiting_review, monkeypatch
):
    monkeypatch.setattr("langchain_memalign.reviews.file.PATIENCE_SECONDS", 0.1)
    secret = waiting_review()
    (file,) = shell.folder.glob("memory*sqlite")
    reader = sqlite3.connect(file, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM memalign_reviews").fetchone()
    said = shell("forget", "--reviewer", "ann", "--yes", code=None)
    assert said.exit_code != 0
    assert "forget again" in said.stderr
    reader.close()
    shell("forget", "--reviewer", "ann", "--yes")
    assert holding(shell, secret) == []


def test_withdrawn_words_leave_the_reviews_too(shell, waiting_review, monkeypatch):
    secret = waiting_review()

    def source(**_):
        return Source(iter(()), lambda known: {word for word in known if "ann" in word})

    monkeypatch.setattr("langchain_memalign.cli.commands.feedback.from_mlflow", source)
    shell("import-feedback", "mlflow", "--experiment", "x", "--forget-withdrawn")
    assert [e["reviewer"] for e in shell.json("episodes")] == ["bob"]
    assert holding(shell, secret) == []


def test_an_erased_rule_leaves_the_reviews_too(shell, script):
    script()
    secret = f"marker-{uuid.uuid4().hex}"
    rule = shell.json("principles", "add", f"Mind {secret}")
    shell.rows("cases.jsonl", [case(1)])
    shell("review", "cases.jsonl", stdin="s\n", code=1)
    assert any("reviews" in name for name in holding(shell, secret))
    shell("principles", "remove", rule["id"][:8], "--erase", "--yes")
    assert holding(shell, secret) == []


def test_an_answer_that_is_taken_back_leaves_the_other_reviews(shell, script):
    script()
    secret = f"marker-{uuid.uuid4().hex}"
    shell.rows("cases.jsonl", [case(1), case(1, outputs="Another answer on topic1.")])
    # The second is judged in sight of the first, which is then taken back.
    shell("review", "cases.jsonl", stdin=f"e\n\n{secret}\nu\nq\n", code=1)
    assert shell.json("episodes") == []
    assert holding(shell, secret) == []


def test_nothing_that_is_unfinished_of_who_is_forgotten_stays_on_the_page(shell, waiting_review):
    waiting_review()
    (path,) = shell.folder.glob("memory*sqlite")
    secret = f"marker-{uuid.uuid4().hex}"
    with ReviewFile(path) as file:
        DeskTable(file, "tone").meet("1", "ann")
        DeskTable(file, "tone").keep_draft("1", "c9", "key", Draft(reason=secret))
    shell("forget", "--reviewer", "ann", "--yes")
    assert holding(shell, secret) == []
