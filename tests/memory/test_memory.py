"""Opening, holding and closing a memory."""

import tempfile

import pytest
from fakes import CountingEmbeddings, HttpError

from langchain_memalign import (
    EmbeddingMismatchError,
    Memory,
    MemoryCorruptError,
    MemoryUnavailableError,
    ModelError,
)
from langchain_memalign._models import NO_RETRY, Retry
from langchain_memalign._stores.base import Point
from langchain_memalign._stores.edge.store import EdgeStore
from langchain_memalign.schema import Put

from .remembering import (
    JUDGE,
    Compass,
    case,
    embedded,
    episode,
    inputs_of,
    principle,
    remember,
)


@pytest.fixture
def place(tmp_path):
    return tmp_path / "memory"


def test_a_directory_keeps_what_was_remembered(place):
    with Memory.open(place, embeddings=Compass()) as memory:
        remember(memory, episode("10°", value=True), principle("About 0°"))
        before = memory.recall(JUDGE, case())
        said, rules = memory.episodes(JUDGE), memory.principles(JUDGE)
    with Memory.open(str(place), embeddings=Compass()) as again:
        assert again.recall(JUDGE, case()) == before
        assert (again.episodes(JUDGE), again.principles(JUDGE)) == (said, rules)


def test_opening_embeds_nothing(place):
    compass = Compass()
    with Memory.open(place, embeddings=compass) as memory:
        remember(memory, episode("10°"))
    calls = compass.calls
    Memory.open(place, embeddings=compass).close()
    assert compass.calls == calls


def test_a_memory_in_memory_is_its_own_and_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with (
        Memory.open(":memory:", embeddings=Compass()) as one,
        Memory.open(":memory:", embeddings=Compass()) as other,
    ):
        remember(one, episode("10°"))
        assert (one.judges(), other.judges()) == ([JUDGE], [])
    assert list(tmp_path.iterdir()) == []


async def test_a_memory_is_a_context_manager_for_async_code_too(place):
    async with Memory.open(place, embeddings=Compass()) as memory:
        await memory.aapply([Put(judge=JUDGE, record=episode("10°"))])
    async with Memory.open(place, embeddings=Compass()) as memory:
        assert len(await memory.aepisodes(JUDGE)) == 1


def test_a_memory_says_where_it_is_and_what_it_holds(place):
    with Memory.open(place, embeddings=Compass(), embeddings_id="compass") as memory:
        assert (memory.location, memory.embeddings_id) == (str(place), "compass")
        assert repr(memory) == f"Memory({str(place)!r}, embeddings='compass')"
        assert "Not reached:" in memory.guarantee


def test_judges_are_those_that_have_something_there(place):
    with Memory.open(place, embeddings=Compass()) as memory:
        assert memory.judges() == []
        memory.apply([Put(judge="tone", record=episode("1°"))])
        memory.apply([Put(judge="Safety", record=principle("Be safe.", judge="Safety"))])
        assert memory.judges() == ["Safety", "tone"]


def test_episodes_come_oldest_first_and_by_status(place):
    late, early = episode("1°", day=2), episode("2°", day=1)
    done = episode("3°", day=3).model_copy(update={"status": "distilled"})
    with Memory.open(place, embeddings=Compass()) as memory:
        memory.apply([Put(judge=JUDGE, record=record) for record in (late, done, early)])
        assert memory.episodes(JUDGE) == [early, late, done]
        assert memory.episodes(JUDGE, status="pending") == [early, late]
        assert memory.episodes(JUDGE, status="distilled") == [done]
        assert memory.episodes("nobody") == []


@pytest.mark.parametrize("kind", ["episode", "principle"])
def test_a_record_that_cannot_be_read_is_named_with_a_remedy(place, kind):
    store = EdgeStore.open(place)
    id_ = "6f1c5a0e-6d0b-4a53-9f0c-0c6d2e0f7a11"
    store.write([Point(id=id_, kind=kind, judge=JUDGE, record='{"from": "the future"}')])
    store.close()
    with Memory.open(place, embeddings=Compass()) as memory:
        read = memory.episodes if kind == "episode" else memory.principles
        with pytest.raises(
            MemoryCorruptError, match=f"the {kind} {id_} .* cannot be read.*upgrade"
        ):
            read(JUDGE, **({} if kind == "episode" else {"retired": True}))


# Embeddings that do not fit


def test_other_embeddings_are_refused_with_found_expected_and_remedy(place):
    with Memory.open(place, embeddings=Compass(), embeddings_id="first") as memory:
        remember(memory, episode("10°"))
    with pytest.raises(EmbeddingMismatchError) as caught:
        Memory.open(place, embeddings=Compass(), embeddings_id="second")
    message = str(caught.value)
    assert f"{place} holds embeddings of 'first' (size 2); found 'second'" in message
    assert "export_jsonl()" in message
    # It was not left open by the attempt.
    with Memory.open(place, embeddings=Compass(), embeddings_id="first") as again:
        assert inputs_of(again.recall(JUDGE, case())) == ["10°"]


def test_a_memory_that_holds_no_vector_yet_takes_any_embeddings(place):
    with Memory.open(place, embeddings=Compass(), embeddings_id="first") as memory:
        memory.apply([Put(judge=JUDGE, record=episode("10°"))])
    with Memory.open(place, embeddings=Compass(), embeddings_id="second") as again:
        remember(again, *again.episodes(JUDGE))
        assert inputs_of(again.recall(JUDGE, case())) == ["10°"]


def test_another_size_of_the_same_model_is_refused_with_found_expected_and_remedy(place):
    with Memory.open(place, embeddings=CountingEmbeddings(64), embeddings_id="bag") as memory:
        remember(memory, episode("ten"))
    with Memory.open(place, embeddings=CountingEmbeddings(32), embeddings_id="bag") as memory:
        for attempt in (
            lambda: memory.recall(JUDGE, case("ten")),
            lambda: embedded(memory, principle("A rule.")),
        ):
            with pytest.raises(EmbeddingMismatchError) as caught:
                attempt()
            assert "bag now returns vectors of size 32; expected 64" in str(caught.value)
            assert "export the memory and import it into a new one" in str(caught.value)
        assert len(memory.episodes(JUDGE)) == 1


def test_vectors_of_another_size_are_not_written(place):
    with Memory.open(place, embeddings=CountingEmbeddings(64), embeddings_id="bag") as memory:
        remember(memory, episode("ten"))
        with pytest.raises(EmbeddingMismatchError):
            memory.apply([Put(judge=JUDGE, record=episode("one"), vector=(1.0, 0.0))])
        assert [e.case.inputs for e in memory.episodes(JUDGE)] == ["ten"]


# Embeddings that fail


def test_failing_embeddings_are_asked_again_as_patiently_as_was_said():
    failures = []
    embeddings = CountingEmbeddings(fail=lambda text: failures.pop() if failures else None)
    retry = Retry(attempts=2, first_wait=0)
    with Memory.open(":memory:", embeddings=embeddings, retry=retry) as memory:
        remember(memory, episode("ten"))
        failures += [HttpError(503)]
        assert inputs_of(memory.recall(JUDGE, case("ten"))) == ["ten"]
        failures += [HttpError(503)] * 2
        with pytest.raises(ModelError, match="CountingEmbeddings failed") as caught:
            memory.recall(JUDGE, case("ten"))
    assert caught.value.attempts == 2


async def test_failing_embeddings_fail_the_async_recall_in_the_same_way():
    failures = []
    embeddings = CountingEmbeddings(fail=lambda text: failures.pop() if failures else None)
    with Memory.open(":memory:", embeddings=embeddings, retry=NO_RETRY) as memory:
        remember(memory, episode("ten"))
        failures += [HttpError(401)]
        with pytest.raises(ModelError, match=r"Check the API key\."):
            await memory.arecall(JUDGE, case("ten"))


# Closing


OPERATIONS = {
    "judges": (),
    "episodes": (JUDGE,),
    "principles": (JUDGE,),
    "recall": (JUDGE, case()),
    "apply": ([Put(judge=JUDGE, record=episode("20°"))],),
    "export_jsonl": ("{tmp_path}/export.jsonl",),
    "import_jsonl": ("{tmp_path}/import.jsonl",),
}


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_closed_memory_says_so(tmp_path, operation):
    with Memory.open(":memory:", embeddings=Compass()) as memory:
        remember(memory, episode("10°"), principle("About 0°"))
        memory.export_jsonl(tmp_path / "import.jsonl")
        # What was read before must not be given out as if the memory were still there.
        memory.recall(JUDGE, case(), k=0)
    arguments = [
        part.format(tmp_path=tmp_path) if isinstance(part, str) else part
        for part in OPERATIONS[operation]
    ]
    options = {"k": 0} if operation == "recall" else {}
    with pytest.raises(MemoryUnavailableError, match="closed"):
        getattr(memory, operation)(*arguments, **options)
    with pytest.raises(MemoryUnavailableError, match="closed"):
        await getattr(memory, f"a{operation}")(*arguments, **options)


async def test_closing_twice_is_harmless():
    memory = Memory.open(":memory:", embeddings=Compass())
    memory.close()
    await memory.aclose()
    memory.close()
