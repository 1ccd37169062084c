"""A bad line to the server: nothing is lost, doubled or back, and errors say what helps."""

import random
import re
import secrets
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from fakes import CountingEmbeddings, ScriptedModel, feedback, one_rule_a_record
from judge.bench import NO_WAIT
from memory.conftest import KEY
from memory.deployment import AT_ONCE, Deployment
from memory.points import EVERYTHING, id_of, names, point
from qdrant_rest.line import Line
from qdrant_rest.states import needs_all_nodes

from langchain_memalign import MemAlignJudge, MemoryStoreError, MemoryUnavailableError

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def line(rest):
    made = Line(rest.url)
    yield made
    made.close()


@pytest.fixture
def over_line(line, rest):
    """A collection of its own, reached over the line."""
    deployment = Deployment(line.url, KEY, f"test-{uuid.uuid4().hex}", rest=rest)
    yield deployment
    line.meets = lambda request: None
    line.release()
    deployment.discard()


@pytest.fixture
def direct(over_line, rest):
    """The same collection, reached without the line."""
    deployment = Deployment(rest.url, KEY, over_line.collection, rest=rest)
    yield deployment
    for opened in deployment._opened:
        opened.close()


def judge_on(memory):
    return MemAlignJudge(
        name="tone",
        instructions="Is the reply kind?",
        value_type=bool,
        model=ScriptedModel(respond=one_rule_a_record),
        memory=memory,
        retry=NO_WAIT,
    )


# What comes late

LATE = {
    "a part of its record": r"PUT /collections/[^/]+/points",
    "naming its record": r"POST /collections/aliases",
    "carrying it out": r"POST /collections/[^/]+/points/batch",
}


def keep_one(line, pattern):
    """Keep the first request of a kind back."""
    left = [1]

    def meets(request):
        if left and re.fullmatch(pattern, request):
            left.pop()
            return "kept"
        return None

    line.meets = meets


def leave_late(line, store, pattern, record):
    """Begin a write of which one request stays in the line, until its sender gives up."""
    store.acquire("writer")  # so that the request is one of the write itself
    keep_one(line, pattern)
    try:
        with pytest.raises(MemoryUnavailableError, match="no answer"):
            store.write([point("a", record=record), point("b", record=record)])
    finally:
        store.release("writer")
    line.wait_until_kept()


@pytest.mark.parametrize("pattern", LATE.values(), ids=LATE)
def test_a_write_that_arrives_after_a_takeover_changes_nothing(
    line, over_line, direct, rest, pattern
):
    marker = secrets.token_hex(16)
    slow = over_line.open(timeout=1, lease_seconds=1)
    slow.write([point("a")])
    leave_late(line, slow, pattern, marker)
    other = direct.open(lease_seconds=1)
    other.write([point("c")], erased=[id_of("a"), id_of("b")])
    line.release()
    assert line.met == ["kept"]
    assert names(other.scan(EVERYTHING)) == {"c"}
    with rest.all_living():
        other.scrub()
    assert rest.find(marker) == []
    # And who had sent it goes on.
    line.meets = lambda request: None
    slow.write([point("d")])
    assert names(other.scan(EVERYTHING)) == {"c", "d"}


def test_nor_does_it_after_its_sender_has_gone_on(line, over_line, direct):
    slow = over_line.open(timeout=1, lease_seconds=60)
    slow.write([point("a")])
    leave_late(line, slow, LATE["carrying it out"], "late")
    line.meets = lambda request: None
    slow.write([], erased=[id_of("a"), id_of("b")])
    line.release()
    assert direct.open().scan(EVERYTHING) == []


def test_a_forgotten_word_does_not_come_back_by_a_late_request(line, over_line, direct, rest):
    marker = secrets.token_hex(16)
    options = {"lease_seconds": 1, "lease_wait": 20}
    slow = judge_on(over_line.open_memory(CountingEmbeddings(8), timeout=1, **options))
    slow.align([feedback(1)])
    keep_one(line, LATE["carrying it out"])
    with pytest.raises(MemoryStoreError, match="no answer"):
        slow.align([feedback(2, rationale=f"Said {marker}.")])
    line.wait_until_kept()
    other = judge_on(direct.open_memory(CountingEmbeddings(8), **options))
    other.align([])
    other.forget(where=lambda episode: marker in episode.rationale)
    line.release()
    with rest.all_living():
        other.memory.scrub()
    assert [e.rationale for e in other.episodes()] == ["Remark 1."]
    assert not any(marker in p.text for p in other.memory.principles("tone", retired=True))
    assert rest.find(marker) == []


@needs_all_nodes
def test_a_scrub_that_lost_its_lease_says_so_and_the_next_forgetting_finishes_it(
    line, over_line, direct, rest
):
    marker = secrets.token_hex(16)
    options = {"lease_seconds": 1, "lease_wait": 20, "timeout": 20}
    slow = judge_on(over_line.open_memory(CountingEmbeddings(8), **options))
    other = judge_on(direct.open_memory(CountingEmbeddings(8), **options))
    slow.align([feedback(1), feedback(2, rationale=f"Said {marker}.")])
    copying, go_on = threading.Event(), threading.Event()

    def meets(request):
        """Wait before the copy is made, and meanwhile be heard of no more."""
        if re.fullmatch(rf"PUT /collections/{over_line.collection}\.\w+", request):
            copying.set()
            go_on.wait(60)
        elif copying.is_set() and not go_on.is_set() and "/aliases" in request:
            return "cut"
        return None

    line.meets = meets
    with ThreadPoolExecutor(1) as pool:
        forgetting = pool.submit(slow.forget, where=lambda e: marker in e.rationale)
        assert copying.wait(60)
        other.align([feedback(3)])
        go_on.set()
        said = forgetting.result().guarantee
    assert "It was not scrubbed: lost the lease 'writer'" in said
    assert rest.find(marker) != []
    assert "no byte of them is left" in other.forget(where=lambda e: False).guarantee
    assert rest.find(marker) == []
    assert sorted(e.rationale for e in slow.episodes()) == ["Remark 1.", "Remark 3."]
    # Nor is anything left of the copy that was begun in vain.
    found = [c["name"] for c in rest.ask("GET", "/collections")["collections"]]
    assert sum(name.startswith(over_line.collection) for name in found) == 1


# What is delayed, cut, halved, reordered

WAYS = ("cut", "lost", "half", "half answer", "overtaken", 0.02)


def by_chance(seed, share):
    """A line on which a share of the requests meets something, the same for the same seed."""
    chance, guard = random.Random(seed), threading.Lock()

    def meets(request):
        with guard:
            return chance.choice(WAYS) if chance.random() < share else None

    return meets


def until_it_works(work, problems):
    """Do what a user does: read what the error says, and repeat."""
    for _ in range(20):
        try:
            return work()
        except MemoryStoreError as error:
            problems.append(str(error))
    raise AssertionError(problems[-1])


@pytest.mark.parametrize("seed", range(3))
def test_a_bad_line_loses_and_doubles_nothing(line, over_line, direct, rest, seed):
    marker = secrets.token_hex(16)
    line.meets, problems, began = by_chance(seed, 0.25), [], time.monotonic()
    options = {"timeout": 5, "lease_seconds": 2, "lease_wait": 20}
    memory = until_it_works(
        lambda: over_line.open_memory(CountingEmbeddings(8), **options), problems
    )
    judge = until_it_works(lambda: judge_on(memory), problems)
    batches = [[feedback(1), feedback(2, rationale=f"Said {marker}.")], [feedback(3), feedback(4)]]
    for batch in batches:
        until_it_works(lambda batch=batch: judge.align(batch), problems)
        shown = until_it_works(
            lambda: judge.invoke({"inputs": "Question number 1", "outputs": "x"}), problems
        )
        assert shown.episode_ids
    gone = until_it_works(
        lambda: judge.forget(where=lambda e: marker in (e.rationale or "")), problems
    )
    until_it_works(lambda: judge.align([]), problems)
    with rest.all_living():
        until_it_works(memory.scrub, problems)
    assert line.met
    assert "expected" in " ".join(problems) or not problems
    assert gone.pending == ()
    assert time.monotonic() - began < 120, "it waited for something without a limit"
    found = judge_on(direct.open_memory(CountingEmbeddings(8)))
    assert sorted(e.rationale for e in found.episodes("distilled")) == [
        f"Remark {n}." for n in (1, 3, 4)
    ]
    assert sorted(p.text for p in found.principles()) == [f"Rule: Remark {n}." for n in (1, 3, 4)]
    assert len(found.episodes()) == 3
    assert rest.find(marker) == []


def test_a_line_that_is_only_slow_costs_time_and_nothing_else(line, over_line):
    line.meets = lambda request: 0.02
    judge = judge_on(over_line.open_memory(CountingEmbeddings(8), timeout=5))
    assert len(judge.align([feedback(1)]).distilled) == 1
    assert len(judge.invoke({"inputs": "Question number 1", "outputs": "x"}).episode_ids) == 1
    assert len(judge.forget(where=lambda e: True).episodes_removed) == 1


@pytest.mark.parametrize("way", ["cut", "lost", "half", "half answer"])
def test_a_line_that_lets_nothing_through_is_told_with_what_helps(line, over_line, way):
    store = over_line.open(timeout=1, retry=AT_ONCE)
    line.meets = lambda request: way
    with pytest.raises(MemoryUnavailableError, match=r"(found|expected).*:") as told:
        store.scan(EVERYTHING)
    assert line.url in str(told.value)
    began = time.monotonic()
    with pytest.raises(MemoryUnavailableError):
        store.write([point("a")])
    assert time.monotonic() - began < 30
    line.meets = lambda request: None
    store.write([point("a")])
    assert names(store.scan(EVERYTHING)) == {"a"}
