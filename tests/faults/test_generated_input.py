"""Ten thousand generated records crash nothing: each is taken as it is, or refused by name."""

import itertools
import json
from collections import Counter

import pytest
from fakes import feedback
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from judge.bench import Bench
from prompts.examples import distilled, judged, parsed

from langchain_memalign import Case, Episode, Feedback, InvalidInputError
from langchain_memalign._sync.align import ingest

BATCH, BATCHES = 50, 100  # 5,000 records a test

# The same records each time; a failing batch is shown as it is.
quick = settings(
    max_examples=BATCHES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


TEXTS = st.text(st.characters(), max_size=12)  # lone surrogates and controls included
ODD = st.sampled_from(
    [
        *(None, True, False, 0, 1, -1, 2**63 - 1, 2**63, 10**400, 0.5, 1e308),
        *(float("nan"), float("inf"), -float("inf"), -0.0),
        *("", " ", "\x00", "\ud800", "\U000e0041", "true", "</case>", "]]>", "&amp;", "x" * 9000),
        *(b"", b"raw", {1, 2}, (1, "two"), object(), Ellipsis, 1j, ValueError("x"), int),
        *([], {}, {"": ""}, {1: 2}, {None: None}, nested(64), nested(200), nested(5000)),
        *({"role": "user", "content": "Hi"}, [{"role": "tool", "content": None}], [{"type": "ai"}]),
    ]
)
ANYTHING = ODD | TEXTS | st.lists(ODD, max_size=3) | st.dictionaries(TEXTS, ODD, max_size=2)
WORDS = st.sampled_from([None, "Ann", "Bea", "Why not?"]) | ANYTHING
CONTENT = st.sampled_from(["Where is it?", {"text": "There."}, None]) | ANYTHING
FIELDS = {
    **dict.fromkeys(["inputs", "outputs", "reference_outputs"], CONTENT),
    **dict.fromkeys(["id", "rationale", "reviewer", "created_at", "judge_rationale"], WORDS),
    **dict.fromkeys(["value", "judge_value"], st.booleans() | WORDS),
    "unknown": ODD,
}
CHANGES = st.sampled_from(list(FIELDS)).flatmap(lambda name: st.tuples(st.just(name), FIELDS[name]))
NUMBERS = itertools.count()
# A good record of its own, changed in some places.
RECORD = st.lists(CHANGES, max_size=3).map(
    lambda changes: {**feedback(next(NUMBERS)), **dict(changes)}
)
RECORDS = st.lists(RECORD | RECORD | RECORD | RECORD | ODD, min_size=BATCH, max_size=BATCH)


@pytest.fixture(scope="module")
def bench():
    bench = Bench()
    yield bench
    bench.memory.close()


def read(record):
    """The feedback, or why it is none."""
    try:
        return Feedback.of(record), None
    except InvalidInputError as error:
        return None, str(error)


def test_5000_generated_records_are_read_or_refused_and_make_whole_prompts():
    seen = Counter()

    @given(RECORDS)
    @quick
    def check(records):
        for record in records:
            word, problem = read(record)
            if word is None:
                assert "Feedback" in problem
                seen["refused"] += 1
                continue
            again = Feedback.of(json.loads(word.model_dump_json()))
            assert again.case.key == Case.of(word.case).key == word.case.key
            episode = Episode.from_feedback("tone", again)
            for prompt in (judged(word.case).messages, distilled([episode])):
                assert parsed(prompt) is not None
            seen["read"] += 1

    check()
    assert seen.total() >= BATCH * BATCHES
    assert min(seen["read"], seen["refused"]) > 500  # or nothing would have been tried


def test_5000_generated_records_are_aligned_or_rejected_and_nothing_is_half_written(bench):
    seen, stored = Counter(), set()

    @given(RECORDS)
    @quick
    def check(records):
        intake = ingest(bench.judge.setup.context(), records)
        assert all(0 <= r.index < BATCH and r.reason for r in intake.rejected)
        assert len({r.index for r in intake.rejected}) == len(intake.rejected)
        kept = {*intake.stored, *intake.unchanged, *intake.overwritten}
        # Of several words with one identity in a batch, only the last is kept.
        assert len(kept) <= BATCH - len(intake.rejected)
        assert bool(kept) == (len(intake.rejected) < BATCH)
        assert not stored & set(intake.stored)
        stored.update(intake.stored)
        seen.update(records=len(records), rejected=len(intake.rejected))

    check()
    assert seen["records"] >= BATCH * BATCHES
    assert min(len(stored), seen["rejected"]) > 500
    assert {e.id for e in bench.judge.episodes(status="pending")} == stored
