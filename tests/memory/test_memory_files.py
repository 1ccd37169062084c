"""Files that are no export, or not any more, and files that cannot be written."""

import json
import resource

import pytest

from langchain_memalign import InvalidInputError, Memory, MemoryStoreError

from .remembering import JUDGE, Compass, episode, principle, remember


@pytest.fixture(scope="module")
def memory():
    """Three records, which are only read."""
    with Memory.open(":memory:", embeddings=Compass()) as memory:
        remember(memory, episode("10°"), episode("20°"), principle("About 0°"))
        yield memory


@pytest.fixture(scope="module")
def empty():
    """A memory into which nothing gets."""
    with Memory.open(":memory:", embeddings=Compass()) as memory:
        yield memory


@pytest.fixture
def file(tmp_path):
    return tmp_path / "export.jsonl"


@pytest.fixture
def exported(memory, file):
    """The lines of an export of three records; the first is its header."""
    memory.export_jsonl(file)
    return file.read_text(encoding="utf-8").splitlines()


def changed(line, **fields):
    return json.dumps({**json.loads(line), **fields})


BROKEN = {
    "cut off": lambda line: line[: len(line) // 2],
    "no object": lambda line: "[1, 2]",
    "nothing": lambda line: "null",
    "too deep": lambda line: "[" * 100_000 + "]" * 100_000,
    "another kind": lambda line: changed(line, kind="opinion"),
    "no judge": lambda line: changed(line, judge=None),
    "without a field": lambda line: json.dumps({"judge": JUDGE, "kind": "episode"}),
    "an unknown field": lambda line: changed(line, record={**json.loads(line)["record"], "x": 1}),
    "no record": lambda line: changed(line, record="text"),
    "an id that is none": lambda line: changed(
        line, record={**json.loads(line)["record"], "id": "7"}
    ),
    "no base64": lambda line: changed(line, vector="!!!"),
    "half a number": lambda line: changed(line, vector="AAAA"),
    "a vector of another size": lambda line: changed(line, vector="AACAPw=="),
    "a vector that is no number": lambda line: changed(line, vector="AADAfwAAwH8AAMB/AADAfw=="),
}


@pytest.mark.parametrize("problem", BROKEN)
def test_a_broken_line_is_named_and_nothing_is_imported(empty, file, exported, problem):
    exported[2] = BROKEN[problem](exported[2])
    file.write_text("\n".join(exported) + "\n", encoding="utf-8")
    with pytest.raises(InvalidInputError) as caught:
        empty.import_jsonl(file)
    assert f"{file}, line 3: " in str(caught.value)
    assert "Nothing was imported." in str(caught.value)
    assert empty.judges() == []


def test_a_record_that_is_there_twice_is_named(empty, file, exported):
    file.write_text("\n".join([*exported, "", exported[1]]), encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"line 6: the record .* is there twice"):
        empty.import_jsonl(file)


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (None, "this is not an export"),
        ("", "line 1: Expecting value"),
        ("{}", "this is not an export"),
        ('{"format": "csv", "version": 1}', "this is not an export"),
        ('{"format": "langchain-memalign", "version": 2}', r"version 2; expected 1\. Upgrade"),
        ('{"format": "langchain-memalign", "version": 1, "embeddings": "bag"}', "line 1: "),
    ],
)
def test_a_file_with_another_header_is_refused(empty, file, exported, header, problem):
    file.write_text("" if header is None else "\n".join([header, *exported[1:]]), encoding="utf-8")
    with pytest.raises(InvalidInputError, match=problem):
        empty.import_jsonl(file)
    assert empty.judges() == []


def test_what_cannot_be_read_is_refused(empty, tmp_path):
    (tmp_path / "latin-1").write_bytes('{"format": "gr\xf6\xdfe"}'.encode("latin-1"))
    for name in ("missing", ".", "latin-1"):
        with pytest.raises(InvalidInputError, match=r"cannot read .*Nothing was imported\."):
            empty.import_jsonl(tmp_path / name)


# Files that cannot be written


def test_an_export_that_fails_leaves_the_former_file_as_it_was(memory, file):
    file.write_text("precious", encoding="utf-8")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(MemoryStoreError, match=r"cannot export to .*Choose another place"):
            memory.export_jsonl(file)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert file.read_text(encoding="utf-8") == "precious"
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("place", ["no/such/directory/export.jsonl", "."])
def test_an_export_to_where_no_file_can_be_says_so(memory, tmp_path, place):
    with pytest.raises(MemoryStoreError, match="cannot export to"):
        memory.export_jsonl(tmp_path / place)
    assert list(tmp_path.iterdir()) == []


def test_an_export_takes_the_place_of_the_former_one(memory, empty, file):
    empty.export_jsonl(file)
    former = file.read_text(encoding="utf-8")
    assert memory.export_jsonl(file) == 3
    assert len(file.read_text(encoding="utf-8").splitlines()) == len(former.splitlines()) + 3
