"""`memalign principles`, `episodes`, `export`, `import`, `copy`."""

import json
import os
import tempfile

import pytest
from fakes import one_rule_a_record

from langchain_memalign import InvalidInputError
from langchain_memalign._stores.edge.store import EdgeStore
from langchain_memalign.cli import objects
from langchain_memalign.cli.options import full_id

from .shell import said


@pytest.fixture
def taught(shell, script):
    script()
    shell.rows("feedback.jsonl", [said(1), said(2)])
    shell("align", "feedback.jsonl")
    return shell


def texts(shell, *options):
    return [principle["text"] for principle in shell.json("principles", "list", *options)]


def test_principles_are_written_changed_and_removed(taught):
    added = taught.json("principles", "add", "Be kind.")
    assert texts(taught) == ["Rule: Remark 1.", "Rule: Remark 2.", "Be kind."]
    taught("principles", "edit", added["id"][:8], "Be very kind.")
    learned = taught.json("principles")[0]
    taught("principles", "remove", learned["id"])
    assert texts(taught) == ["Rule: Remark 2.", "Be very kind."]
    assert len(texts(taught, "--retired")) == 4
    assert texts(taught, "--as-of", "2000-01-01") == []


def test_erasing_a_principle_asks_first(taught):
    learned = taught.json("principles")[0]
    taught("principles", "remove", learned["id"], "--erase", stdin="n\n", code=1)
    assert len(texts(taught)) == 2
    taught("principles", "remove", learned["id"], "--erase", "--yes")
    assert texts(taught, "--retired") == ["Rule: Remark 2."]


def test_a_superseded_episode_is_listed_shown_and_restored(shell, script):
    def turning(request):
        if request.title == "superseded":
            return {"superseded": [{"case": "C1", "reason": "It is otherwise now."}]}
        (rule,) = one_rule_a_record(request)["principles"]
        known = 'id="P1"' in request.prompt
        return {"principles": [rule | ({"relation": "replaces", "target": "P1"} if known else {})]}

    script(turning)
    for number in (1, 2):
        shell.rows(f"{number}.jsonl", [said(number)])
        report = shell("align", f"{number}.jsonl").stdout
    assert "It is otherwise now." in report
    (episode,) = shell.json("episodes", "list", "--status", "superseded")
    assert episode["rationale"] == "Remark 1."
    assert "superseded" in shell("episodes", "list").stdout
    shell("episodes", "restore", episode["id"][:10])
    assert shell.json("episodes", "list", "--status", "superseded") == []
    shell("episodes", "restore", episode["id"][:10], code=2)


def test_lists_are_lines_in_a_pipe(taught):
    rows = [line.split("\t") for line in taught("principles").stdout.splitlines()[2:]]
    assert [row[1] for row in rows] == ["Rule: Remark 1.", "Rule: Remark 2."]
    rows = [line.split("\t") for line in taught("episodes", "list").stdout.splitlines()[2:]]
    assert [(row[1], row[4], row[6]) for row in rows] == [
        ("false", "Remark 1.", "distilled"),
        ("true", "Remark 2.", "distilled"),
    ]


def test_an_episode_is_shown_with_what_was_learned_from_it(taught):
    episode = taught.json("episodes")[0]
    shown = taught.json("episodes", "show", episode["id"][:10])
    assert shown["rationale"] == "Remark 1."
    assert shown["principle_ids"] == [taught.json("principles")[0]["id"]]
    assert "rationale\tRemark 1." in taught("episodes", "show", episode["id"]).stdout


def test_the_beginning_of_an_id_must_tell_it_from_others(taught):
    assert "principles list" in taught.error("principles", "edit", "zzz", "Text.")
    with pytest.raises(InvalidInputError, match="found 2 ids that begin with 'abc'"):
        full_id("abc", ["abcd", "abce", "bcde"], what="episode")
    assert full_id("ABCD", ["abcd", "abcde"], what="episode") == "abcd"
    assert "begins with ''" in taught.error("episodes", "show", "")


def test_lists_begin_no_memory(shell):
    for command in ("principles", "episodes"):
        assert "found no memory at" in shell.error(command)
    assert "found no memory at" in shell.error("export", "out.jsonl")
    assert not (shell.folder / "memory").exists()


def test_a_memory_is_carried_by_a_file(taught):
    assert taught.json("export", "out.jsonl") == {"records": 4}
    assert "already" in taught.error("export", "out.jsonl")
    taught("export", "out.jsonl", "--overwrite")
    taught.configure("./memory", "./second")
    assert taught.json("import", "out.jsonl") == {"records": 4}
    assert taught.json("import", "out.jsonl") == {"records": 0}
    assert texts(taught) == ["Rule: Remark 1.", "Rule: Remark 2."]
    taught.write("broken.jsonl", "{}\n")
    assert "broken.jsonl, line 1" in taught.error("import", "broken.jsonl")


def test_a_memory_is_copied(taught):
    assert taught.json("copy", "memory", "second") == {"found": 4, "records": 4}
    assert taught.json("copy", "memory", "second") == {"found": 4, "records": 0}
    taught.write(
        "other.yaml", (taught.folder / "judge.yaml").read_text().replace("./memory", "third")
    )
    taught.configure("./memory", "./second")
    taught("copy", "judge.yaml", "other.yaml")
    before = taught.json("episodes")
    taught.configure("./second", "./third")
    assert taught.json("episodes") == before
    assert "twice" in taught.error("copy", "memory", "./memory/")
    assert "found no memory at" in taught.error("copy", "nowhere", "fourth")
    assert "does not outlive the command" in taught.error("copy", "memory", ":memory:")


@pytest.mark.parametrize("server", ["http://localhost:6333", "localhost:6333"])
def test_copying_to_a_server_takes_the_key_from_the_environment(taught, monkeypatch, server):
    opened, really = [], objects.Memory.open

    def note(location, **options):
        if location == server:
            opened.append((location, options["api_key"].get_secret_value()))
            location, options = taught.folder / "server", {"embeddings": options["embeddings"]}
        return really(location, **options)

    monkeypatch.setattr(objects.Memory, "open", note)
    monkeypatch.setenv("QDRANT_API_KEY", "k-123456")
    result = taught("copy", "memory", server)
    assert opened == [(server, "k-123456")]
    assert "k-123456" not in result.output


def test_a_place_is_known_in_each_of_its_spellings(taught):
    assert "twice" in taught.error("copy", "localhost:6333", "HTTP://localhost:6333/")
    assert "begins with s3://" in taught.error("copy", "memory", "s3://bucket/memory")
    assert not (taught.folder / "s3:").exists()


def test_a_memory_that_is_held_is_worth_another_try(taught):
    with taught.memory() as memory:
        location = memory.location
    held = EdgeStore.open(location)  # as another process has it
    try:
        assert "held by" in taught.error("principles", code=1)
    finally:
        held.close()


def test_other_embeddings_need_the_set_up_changed(taught):
    taught.configure("embeddings: local", "embeddings: openai:text-embedding-3-small")
    assert "openai:text-embedding-3-small" in taught.error("principles")


def test_demo_tells_its_story_offline(shell, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(shell.folder))
    told = shell.json("demo")
    assert [v["value"] for v in told["before"].values()] == [True, True, True]
    assert [v["value"] for v in told["after"].values()] == [False, False, True]
    assert [v["value"] for v in told["at_last"].values()] == [True, True, True]
    assert len(shell("demo").stdout.splitlines()[2:]) == 3


@pytest.mark.parametrize("name", ["[/red] [bold]x", "a\tb | c", "\x1b[2Jgone", "../../x", "😀 $x$"])
def test_a_judge_may_be_called_anything(shell, name):
    shell.configure("name: tone", f"name: {json.dumps(name, ensure_ascii=False)}")
    shell.rows("feedback.jsonl", [said(1)])
    shell("align", "feedback.jsonl")
    for command in ("principles", "episodes"):
        shown = shell(command).output
        assert name.replace("\x1b", "\ufffd").replace("\t", " ") in shown
        assert "\x1b" not in shown
    assert set(os.listdir(shell.folder)) == {"judge.yaml", "feedback.jsonl", "memory"}
