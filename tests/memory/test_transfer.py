"""Carrying a memory from one place to another: export and import."""

import json

import pytest
from fakes import CountingEmbeddings, HttpError

from langchain_memalign import Memory, ModelError
from langchain_memalign._models import NO_RETRY
from langchain_memalign.schema import Put

from .remembering import (
    JUDGE,
    Compass,
    case,
    embedded,
    episode,
    inputs_of,
    on_day,
    principle,
    remember,
    texts_of,
)

ODD = 'Größe \x00 \r\n \u2028 "quoted" 👩🏽‍🚀 \U0010ffff'


@pytest.fixture
def open_memory():
    """Opens memories that are gone after the test."""
    opened = []

    def open_(embeddings=None, **options):
        memory = Memory.open(":memory:", embeddings=embeddings or Compass(), **options)
        opened.append(memory)
        return memory

    yield open_
    for memory in opened:
        memory.close()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "export.jsonl"


def fill(memory):
    remember(
        memory,
        episode("10°", value=True, reviewer="Ann", judge_value=False, judge_rationale=ODD),
        episode({"question": "20°", ODD: [1, 2.5, None, ODD]}, value=1, day=1),
        principle("About 10°", episode_ids=(episode("10°", reviewer="Ann").id,), pinned=True),
        principle("About 20°", retired_at=on_day(3), replaced_by=principle("About 10°").id),
    )
    remember(memory, episode("30°", judge="safety", value="good"), judge="safety")
    memory.apply([Put(judge=JUDGE, record=episode("waiting at 40°", day=2))])


def everything(memory):
    return {
        judge: (
            memory.episodes(judge),
            memory.principles(judge, retired=True),
            memory.recall(judge, case(), principle_tokens=3),
        )
        for judge in memory.judges()
    }


def test_a_memory_comes_out_of_a_file_as_it_went_in(open_memory, file):
    one, other = open_memory(), open_memory()
    fill(one)
    assert one.export_jsonl(file) == 6
    assert other.import_jsonl(str(file)) == 6
    assert everything(other) == everything(one)
    assert other.judges() == ["safety", JUDGE]


def test_an_empty_memory_can_be_carried_too(open_memory, file):
    assert open_memory().export_jsonl(file) == 0
    assert open_memory().import_jsonl(file) == 0


def test_every_line_of_a_file_is_json_that_names_its_judge_and_kind(open_memory, file):
    memory = open_memory()
    fill(memory)
    memory.export_jsonl(file)
    header, *lines = map(json.loads, file.read_text(encoding="utf-8").split("\n")[:-1])
    assert header["format"] == "langchain-memalign"
    assert header["embeddings"] == {"id": memory.embeddings_id, "size": 2}
    assert {(line["judge"], line["kind"]) for line in lines} == {
        (JUDGE, "episode"),
        (JUDGE, "principle"),
        ("safety", "episode"),
    }


# What it embeds


def test_the_same_embeddings_embed_nothing(open_memory, file):
    one = open_memory()
    fill(one)
    one.export_jsonl(file)
    compass = Compass()
    open_memory(compass).import_jsonl(file)
    assert compass.calls == 0


def test_other_embeddings_embed_all_anew_but_what_waits_still_waits(open_memory, file):
    one = open_memory()
    # In these words the first embeddings find nothing.
    known = [episode(text, "reply") for text in ("alpha", "beta")]
    known = [record.model_copy(update={"status": "distilled"}) for record in known]
    remember(one, *known, principle("Rule of alpha"), principle("Rule of gamma"))
    fill(one)
    one.export_jsonl(file)
    words = CountingEmbeddings()
    other = open_memory(words)
    assert other.import_jsonl(file) == 10
    assert sorted(words.texts) == sorted(set(words.texts))
    assert "waiting at 40°" not in words.texts
    assert inputs_of(other.recall(JUDGE, case("beta", "reply"), k=2)) == ["beta", "alpha"]
    found = other.recall(JUDGE, case("alpha", "alpha"), principle_tokens=7)
    assert sorted(texts_of(found)) == ["About 10°", "Rule of alpha"]


def test_another_size_of_the_same_model_embeds_anew(open_memory, file):
    small = open_memory(CountingEmbeddings(16), embeddings_id="bag")
    remember(small, episode("alpha"), episode("beta"))
    small.export_jsonl(file)
    large = open_memory(CountingEmbeddings(64), embeddings_id="bag")
    remember(large, episode("gamma"))
    assert large.import_jsonl(file) == 2
    assert inputs_of(large.recall(JUDGE, case("beta"), k=1)) == ["beta"]


def test_importing_again_writes_and_embeds_nothing(open_memory, file):
    one = open_memory()
    fill(one)
    one.export_jsonl(file)
    words = CountingEmbeddings()
    for memory in (one, open_memory(words)):
        memory.import_jsonl(file)
        before, texts = everything(memory), len(words.texts)
        assert memory.import_jsonl(file) == 0
        assert len(words.texts) == texts
        assert everything(memory) == before


def test_where_embedding_fails_nothing_is_imported(open_memory, file):
    one = open_memory()
    fill(one)
    one.export_jsonl(file)
    broken = CountingEmbeddings(fail=lambda text: HttpError(401))
    other = open_memory(broken, retry=NO_RETRY)
    with pytest.raises(ModelError, match=r"Check the API key\."):
        other.import_jsonl(file)
    assert other.judges() == []


# What is there already


def with_words(rationale, *, day, inputs="10°"):
    """What one expert says about one case, as of a day."""
    return episode(inputs, id="mine", rationale=rationale, day=day)


def test_an_older_word_does_not_overwrite_a_newer_one(open_memory, file):
    one, other = open_memory(), open_memory()
    remember(one, with_words("old", day=1))
    one.export_jsonl(file)
    remember(other, with_words("new", day=2))
    assert other.import_jsonl(file) == 0
    assert [e.rationale for e in other.episodes(JUDGE)] == ["new"]


@pytest.mark.parametrize("embeddings", [Compass, CountingEmbeddings])
def test_a_newer_word_overwrites_an_older_one_and_its_vector(open_memory, file, embeddings):
    one, other = open_memory(), open_memory(embeddings())
    one.apply(embedded(one, with_words("new", day=2, inputs="90°"), episode("60°")))
    one.export_jsonl(file)
    remember(other, with_words("old", day=1, inputs="0°"))
    assert other.import_jsonl(file) == 2
    assert [e.rationale for e in other.episodes(JUDGE)] == ["Noted.", "new"]
    assert inputs_of(other.recall(JUDGE, case("60°"), k=1)) == ["60°"]
    assert inputs_of(other.recall(JUDGE, case("90°"), k=1)) == ["90°"]


@pytest.mark.parametrize("embeddings", [Compass, CountingEmbeddings])
def test_a_newer_word_that_waits_is_not_found_by_the_old_one(open_memory, file, embeddings):
    one, other = open_memory(), open_memory(embeddings())
    remember(one, episode("60°"))
    one.apply([Put(judge=JUDGE, record=with_words("new", day=2, inputs="90°"))])
    one.export_jsonl(file)
    remember(other, with_words("old", day=1, inputs="0°"))
    other.import_jsonl(file)
    assert inputs_of(other.recall(JUDGE, case("0°"))) == ["60°"]


def test_a_principle_that_was_retired_there_is_retired_here(open_memory, file):
    old, new = principle("About 10°", day=1), principle("About 20°", day=5)
    gone = old.model_copy(update={"retired_at": on_day(5), "replaced_by": new.id})
    one, other = open_memory(), open_memory()
    remember(one, gone, new)
    one.export_jsonl(file)
    remember(other, old)
    assert other.import_jsonl(file) == 2
    assert other.principles(JUDGE) == [new]
    assert other.principles(JUDGE, retired=True) == [gone, new]


def test_a_principle_that_was_retired_here_stays_so(open_memory, file):
    old = principle("About 10°", day=1)
    one, other = open_memory(), open_memory()
    remember(one, old)
    one.export_jsonl(file)
    remember(other, old.model_copy(update={"retired_at": on_day(5)}))
    assert other.import_jsonl(file) == 0
    assert other.principles(JUDGE) == []
