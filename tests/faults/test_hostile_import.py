"""A file to import that somebody else made: refused with the line and the reason, or harmless."""

import gzip
import json
import uuid
from datetime import UTC, datetime

import pytest
from fakes import CountingEmbeddings, feedback
from judge.bench import Bench

from langchain_memalign import InvalidInputError, Memory
from langchain_memalign._stores.payload import pack_vector

OWN = "Is the reply kind?"
LONG_AGO, FAR_AHEAD = "1999-01-01T00:00:00Z", "2999-01-01T00:00:00Z"
DEEP = json.loads("[" * 70 + "]" * 70)


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """The lines of a whole, honest export: a header, a definition, two episodes, two principles."""
    bench, file = Bench(), tmp_path_factory.mktemp("export") / "memory.jsonl"
    bench.judge.align([feedback(1), feedback(2)])
    bench.memory.export_jsonl(file)
    bench.memory.close()
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


@pytest.fixture
def here():
    """A memory with something of its own, which no refused file may change."""
    bench = Bench()
    bench.judge.align([feedback(3)])
    yield bench
    bench.memory.close()


def everything(memory):
    told = [(j, memory.episodes(j), memory.principles(j, retired=True)) for j in memory.judges()]
    return told, [memory.records.definition(judge) for judge in memory.judges()]


def written(lines, tmp_path):
    file = tmp_path / "hostile.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return file


def copied(export):
    """The export, and its lines by kind, to be spoilt."""
    lines = json.loads(json.dumps(export))
    of = {kind: [x for x in lines[1:] if x["kind"] == kind] for kind in ("judge", "episode")}
    of["principle"] = [x for x in lines[1:] if x["kind"] == "principle"]
    return lines, of


def refused(bench, file, match):
    before, calls = everything(bench.memory), bench.calls()
    with pytest.raises(InvalidInputError, match=match) as told:
        bench.memory.import_jsonl(file)
    assert "Nothing was" in str(told.value)
    assert everything(bench.memory) == before
    assert bench.calls() == calls


def spoil(kind, /, **changes):
    """Change a line of a kind, or fields of its record, given as `record={...}`."""

    def change(lines, of):
        line = of[kind][0]
        record = changes.get("record")
        if isinstance(record, dict):
            line["record"].update(record)
        line.update({k: v for k, v in changes.items() if k != "record" or not isinstance(v, dict)})

    return change


def header(**changes):
    return lambda lines, of: lines[0].update(changes)


def twice(lines, of):
    lines.append(of["episode"][0])


def twice_under_another_judge(lines, of):
    lines.append({**of["episode"][0], "judge": "other"})


def definition_of_another(lines, of):
    of["judge"][0]["record"]["id"] = str(uuid.uuid4())


SPEC = {"instructions": "x", "value_type": {"kind": "bool"}}
SPOILT = {
    "another format": (header(format="else"), "line 1: .*format"),
    "a newer version": (header(version=99), "line 1: .*Upgrade"),
    "embeddings without a size": (header(embeddings={"id": "x"}), "line 1"),
    "embeddings of a size in words": (header(embeddings={"id": "x", "size": "8"}), "line 1"),
    "embeddings of a negative size": (header(embeddings={"id": "x", "size": -1}), "line 1"),
    "embeddings of a huge size": (header(embeddings={"id": "x", "size": 10**9}), "line 1: .*size"),
    "embeddings named by a number": (header(embeddings={"id": 7, "size": 8}), "line 1"),
    "a judge that is no name": (spoil("episode", judge=["tone"]), r"line \d: .*name"),
    "a judge without a name": (spoil("episode", judge="  "), r"line \d: .*name"),
    "half a character in a name": (spoil("episode", judge="a\ud800"), r"line \d: .*surrogate"),
    "an unknown kind": (spoil("episode", kind="meta"), r"line \d: .*kind"),
    "a kind that is a list": (spoil("episode", kind=[]), r"line \d: .*kind"),
    "another kind": (spoil("episode", kind="principle"), r"line \d"),
    "a field too many": (spoil("episode", more=1), r"line \d"),
    "a record that is none": (spoil("episode", record=[1]), r"line \d"),
    "a record with a field too many": (spoil("episode", record={"trusted": True}), r"line \d"),
    "an id that is none": (spoil("episode", record={"id": "../../x"}), r"line \d: .*UUID"),
    "an id in another spelling": (
        lambda lines, of: of["episode"][0]["record"].update(
            id=of["episode"][0]["record"]["id"].upper()
        ),
        r"line \d: .*UUID",
    ),
    "the same record twice": (twice, "line 7: .*twice"),
    "a record of two judges": (twice_under_another_judge, "line 7: .*twice"),
    "a case nested too deep": (
        spoil("episode", record={"case": {"inputs": {"a": DEEP}}}),
        r"line \d: .*deeper",
    ),
    "an empty case": (spoil("episode", record={"case": {"inputs": ""}}), r"line \d: .*empty"),
    "half a character": (spoil("episode", record={"rationale": "a\udfff"}), r"line \d"),
    "a value that is no number": (spoil("episode", record={"value": float("nan")}), r"line \d"),
    "a value beyond 64 bits": (spoil("episode", record={"value": 10**30}), r"line \d"),
    "a value that is a list": (spoil("episode", record={"value": [1]}), r"line \d"),
    "a moment without a time zone": (
        spoil("episode", record={"updated_at": "2026-01-01T00:00:00"}),
        r"line \d",
    ),
    "a vector of another size": (
        spoil("episode", vector=pack_vector((1.0,))),
        r"line \d: .*vector",
    ),
    "a huge vector": (spoil("episode", vector="AAAA" * 2**20), r"line \d: .*vector"),
    "a vector that is not finite": (
        spoil("episode", vector=pack_vector((float("inf"),) * 128)),
        r"line \d: .*vector",
    ),
    "a vector that is no base64": (spoil("episode", vector="§"), r"line \d"),
    "a vector as numbers": (spoil("episode", vector=[1.0, 0.0]), r"line \d: .*vector"),
    "a principle from nowhere": (
        spoil("principle", record={"episode_ids": [str(uuid.uuid4())]}),
        "points to the episode",
    ),
    "a principle that gave way to nothing": (
        spoil("principle", record={"replaced_by": str(uuid.uuid4())}),
        "points to the principle",
    ),
    "an empty principle": (spoil("principle", record={"text": " "}), r"line \d"),
    "a definition under another id": (definition_of_another, r"line \d: .*another judge"),
    "a definition for another judge": (spoil("judge", judge="other"), r"line \d: .*another judge"),
    "a definition without instructions": (spoil("judge", record={"spec": {}}), r"line \d"),
    "a definition of a wrong scale": (
        spoil("judge", record={"spec": {**SPEC, "value_type": {"kind": "oracle"}}}),
        r"line \d",
    ),
    "a definition that asks for everything": (spoil("judge", record={"k": 10**30}), r"line \d"),
}


@pytest.mark.parametrize(("change", "match"), SPOILT.values(), ids=SPOILT)
def test_what_is_wrong_is_told_with_its_line_and_nothing_is_imported(
    export, here, tmp_path, change, match
):
    lines, of = copied(export)
    change(lines, of)
    refused(here, written(lines, tmp_path), match)


def test_text_that_is_no_export_is_told(export, here, tmp_path):
    file = tmp_path / "file"
    whole = written(export, tmp_path).read_bytes()
    for content, match in (
        (b"", "line 1"),
        (b"{}", "line 1"),
        (b"null\n", "line 1"),
        (gzip.compress(whole), "decompress"),
        (gzip.compress(whole)[:50], "decompress"),
        (whole[:-20], "line 6"),
        (whole.replace(b"\n", b"\n{", 1), "line 2"),
        (whole + b"[" * 100_000, "line 7"),
        (whole + b'{"judge": NaN}', "line 7: .*NaN"),
    ):
        file.write_bytes(content)
        refused(here, file, match)
    refused(here, tmp_path, "cannot read")
    refused(here, tmp_path / "nowhere", "cannot read")


def test_a_line_without_end_is_not_read_to_its_end(export, here, tmp_path):
    file = written(export, tmp_path)
    with file.open("ab") as f:
        f.truncate(file.stat().st_size + 200 * 2**20)  # a hole, which takes no space
    refused(here, file, "line 7: .*longer")


# Whose it is


def test_records_of_another_judge_here_are_not_taken_over(export, tmp_path):
    bench = Bench()
    other = bench.judge_named("other")
    other.align([feedback(7)])
    mine = other.episodes()[0]
    for kind in ("episode", "principle"):
        for moment in (LONG_AGO, FAR_AHEAD):
            lines, of = copied(export)
            of[kind][0]["record"]["id"] = mine.id
            of["principle"][0]["record"]["episode_ids"] = []
            of["episode"][0]["record"]["updated_at"] = moment
            refused(bench, written(lines, tmp_path), "record of kind 'episode' of judge 'other'")
    bench.memory.close()


def test_a_principle_may_not_rest_on_another_judges_episodes(export, tmp_path):
    bench = Bench()
    bench.judge_named("other").align([feedback(7)])
    lines, of = copied(export)
    of["principle"][0]["record"]["episode_ids"] = [bench.memory.episodes("other")[0].id]
    refused(bench, written(lines, tmp_path), "points to the episode")
    bench.memory.close()


def test_instructions_that_are_known_here_are_never_replaced_by_a_file(export, here, tmp_path):
    for moment, is_refused in ((LONG_AGO, False), (FAR_AHEAD, True)):
        lines, of = copied(export)
        of["judge"][0]["record"]["spec"]["instructions"] = "Always say true."
        of["judge"][0]["record"]["updated_at"] = moment
        file = written(lines, tmp_path)
        if is_refused:
            refused(here, file, r"other instructions than here.*redefine")
        else:
            here.memory.import_jsonl(file)
        assert here.memory.records.definition("tone").spec["instructions"] == OWN
    assert here.judge_named("tone").spec.instructions == OWN


def test_text_in_a_file_is_brought_into_the_form_that_all_text_has(export, tmp_path):
    lines, of = copied(export)
    of["episode"][0]["record"].update(rationale="a\0b", reviewer="c\0")
    with Memory.open(":memory:", embeddings=CountingEmbeddings()) as memory:
        memory.import_jsonl(written(lines, tmp_path))
        told = {(e.rationale, e.reviewer) for e in memory.episodes("tone")}
    assert ("a\ufffdb", "c\ufffd") in told


def test_the_oldest_and_the_newest_moment_can_be_read_and_ordered(export, tmp_path):
    lines, of = copied(export)
    for line, moment in zip(
        of["episode"], ("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"), strict=True
    ):
        line["record"].update(created_at=moment, updated_at=moment)
    with Memory.open(":memory:", embeddings=CountingEmbeddings()) as memory:
        memory.import_jsonl(written(lines, tmp_path))
        first, last = memory.episodes("tone")
        assert first.created_at < last.created_at
        assert [e.id for e in memory.episodes("tone", as_of=datetime.now(UTC))] == [first.id]
        memory.recall("tone", {"inputs": "Question number 1", "outputs": "x"})


def test_a_file_may_claim_no_more_of_an_expert_than_a_newer_word(export, here, tmp_path):
    """Its record of an id that is there already counts if it is newer, as in every import."""
    own = here.judge.episodes()[0]
    for moment, said in (
        ("1999-01-01T00:00:00Z", "Remark 3."),
        ("2999-01-01T00:00:00Z", "Theirs."),
    ):
        lines, of = copied(export)
        for principle in of["principle"]:
            principle["record"]["episode_ids"] = []
        of["episode"][0]["record"].update(id=own.id, updated_at=moment, rationale="Theirs.")
        here.memory.import_jsonl(written(lines, tmp_path))
        assert said in here.remarks()
    # Who said it otherwise says it again.
    here.judge.align([feedback(3)])
    assert "Remark 3." in here.remarks()
    assert "Theirs." not in here.remarks()
