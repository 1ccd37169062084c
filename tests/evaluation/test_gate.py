"""Learning on trial: what makes the judge worse does not enter its memory."""

import re
from typing import Annotated

import pytest
from fakes import CountingEmbeddings, one_rule_a_record, verdict
from fakes import feedback as remark
from judge.bench import Bench
from pydantic import Field

from evaluation.learner import bench, knows_what_it_is_shown, words
from langchain_memalign import ConfigurationError, InvalidInputError, MemAlignJudge, Memory
from langchain_memalign.evaluation.gate import EvidenceGate
from langchain_memalign.schema import Episode, Feedback, GateDecision, Put

TOPICS = ("parcel", "fridge", "invoice", "password", "garden", "train", "hotel", "lamp")
MANNERS = {  # what the answers of a kind have in common, and what experts say of them
    "tone": {
        True: "I am so sorry about this, we will make up for the trouble right away",
        False: "read our terms and conditions, this department cannot help any customer",
    },
    "depth": {
        1: "no idea whatsoever, ask somebody else",
        3: "perhaps restart the device once and look again",
        5: "first unplug, then measure voltage, finally replace fuse number seven",
    },
}
TYPES = {"tone": bool, "depth": Annotated[int, Field(ge=1, le=5)]}
both_sets = pytest.mark.parametrize("kind", MANNERS)


def said(kind, *, seasons, harmful=False):
    """One case for each topic, manner and season; harmful words turn the scale around."""
    values = list(MANNERS[kind])
    upside_down = dict(zip(values, reversed(values), strict=True))
    return [
        {
            "inputs": f"Question about my {topic}, {season}?",
            "outputs": f"{topic}: {manner}.",
            "value": upside_down[value] if harmful else value,
            "reviewer": "bea" if harmful else "ann",
        }
        for season in seasons
        for topic in TOPICS
        for value, manner in MANNERS[kind].items()
    ]


def files(folder):
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def open_judge(tmp_path):
    """Makes the offline judge of a data set, which knows one season already."""
    with Memory.open(tmp_path / "memory", embeddings=CountingEmbeddings()) as memory:

        def make(kind):
            judge = MemAlignJudge(
                name=kind,
                instructions="Is it good?",
                value_type=TYPES[kind],
                model="precedent",
                memory=memory,
            )
            judge.align(said(kind, seasons=["spring"]))
            return judge

        yield make


@both_sets
def test_honest_words_pass_and_are_learned(open_judge, kind):
    judge = open_judge(kind)
    known = len(judge.episodes())
    report = judge.align(said(kind, seasons=["summer"]), gate=EvidenceGate())
    assert report.gate.accepted
    assert report.gate.reason.startswith("No sign that it makes the judge worse")
    assert len(judge.episodes("distilled")) == known + len(report.stored)
    assert report.refused == ()


@both_sets
@pytest.mark.parametrize("season", ["spring", "summer"])
def test_inverted_labels_are_refused_and_nothing_is_written(open_judge, tmp_path, kind, season):
    judge = open_judge(kind)
    before = files(tmp_path)
    batch = said(kind, seasons=[season, "autumn"], harmful=True)
    report = judge.align(batch, gate=EvidenceGate())
    assert not report.gate.accepted
    assert "would make the judge worse on" in report.gate.reason
    assert len(report.refused) == len(batch)
    assert (report.stored, report.distilled, report.pending) == ((), (), ())
    assert files(tmp_path) == before
    worse = [e for e in report.gate.evidence if e.high is not None and e.high < 0]
    assert all(e.after < e.before and e.low <= e.change <= e.high for e in worse)


@both_sets
def test_trusted_cases_decide_alone(open_judge, kind):
    judge = open_judge(kind)
    gate = EvidenceGate(holdout=said(kind, seasons=["winter"]), most=12)
    good = judge.align(said(kind, seasons=["summer"]), gate=gate)
    assert [(e.cases, e.count) for e in good.gate.evidence] == [("trusted cases", 12)]
    assert good.gate.accepted
    assert good.gate.model_calls == 2 * 12
    bad = judge.align(said(kind, seasons=["autumn", "winter"], harmful=True), gate=gate)
    assert not bad.gate.accepted


def test_words_that_take_back_most_of_what_was_said_contradict_it(open_judge):
    judge = open_judge("tone")
    turned = [{**w, "value": not w["value"]} for w in said("tone", seasons=["spring"])]
    corrected = judge.align(turned[:3], gate=EvidenceGate())
    assert corrected.gate.accepted
    assert len(corrected.overwritten) == 3
    assert not judge.align(turned, gate=EvidenceGate()).gate.accepted


def test_a_first_batch_has_nothing_to_be_held_against():
    strict = EvidenceGate(when_unknown="refuse", folds=0)
    here = bench()
    refused = here.judge.align(words(*range(6)), gate=strict)
    assert not refused.gate.accepted
    assert here.judge.episodes() == []
    accepted = here.judge.align(words(*range(6)), gate=EvidenceGate())
    assert (accepted.gate.accepted, accepted.gate.is_backed) == (True, False)
    assert accepted.warnings == (accepted.gate.reason,)
    assert "found no case, expected at least 10" in accepted.gate.reason
    assert len(here.judge.episodes()) == 6


def test_the_batch_itself_is_judged_by_judges_taught_its_other_parts():
    report = bench().judge.align(words(*range(12)), gate=EvidenceGate())
    (batch,) = report.gate.evidence
    assert (batch.cases, batch.count) == ("cases of the batch, as new", 12)
    assert (batch.before, batch.after) == (0.5, 1.0)
    # 24 judgements and three more times learning; learning what is written is not repeated.
    assert report.gate.model_calls == 24 + 3
    assert report.model_calls == report.gate.model_calls + 1


def test_a_model_that_is_out_of_reach_proves_nothing():
    reachable = True

    def respond(request):
        return knows_what_it_is_shown(request) if reachable else "no idea"

    here = bench(respond)
    here.judge.align(words(*range(12)))
    reachable = False
    report = here.judge.align(words(*range(20, 32)), gate=EvidenceGate(when_unknown="refuse"))
    assert (report.gate.accepted, report.gate.is_backed) == (False, False)
    assert "at least 10 of a kind that the judge can score" in report.gate.reason
    assert len(here.judge.episodes()) == 12


@pytest.mark.parametrize(("lost", "accepted"), [(3, True), (5, False)])
def test_a_few_unlucky_cases_are_no_evidence(lost, accepted):
    def unlucky_with_the_new_rule(request):
        if request.title != "verdict":
            return one_rule_a_record(request)
        number = int(re.search(r"Question (\d+)", request.prompt.split("<case>")[1]).group(1))
        fails = "Remark 90." in request.prompt and number < 20 + lost
        return verdict((number % 2 == 0) is not fails)

    gate = EvidenceGate(holdout=words(*range(20, 45)))
    report = bench(unlucky_with_the_new_rule).judge.align(words(90), gate=gate)
    (trusted,) = report.gate.evidence
    # A bootstrap of 25 cases would be sure of either: three are missing from one resample of 24.
    assert trusted.high < 0
    assert trusted.chance == pytest.approx(0.5**lost)
    assert report.gate.accepted is accepted


def always(accepted):
    return lambda current, candidate, feedback: GateDecision(accepted=accepted, reason="So.")


def test_any_callable_decides_and_what_was_learned_is_not_paid_twice():
    plain, gated = Bench(), Bench()
    expected = plain.judge.align([remark(n) for n in range(4)])
    report = gated.judge.align([remark(n) for n in range(4)], gate=always(True))
    assert gated.calls() == plain.calls()
    assert gated.texts() == plain.texts()
    assert gated.remarks("distilled") == plain.remarks("distilled")
    assert report.model_calls == expected.model_calls
    case = {"inputs": "Question number 2 about topic2?", "outputs": "Answer 2 on topic2."}
    assert [r.similarity for r in gated.judge.recall(case).episodes] == [
        r.similarity for r in plain.judge.recall(case).episodes
    ]


async def test_the_async_twin_decides_the_same():
    sync, asynchronous = Bench(), Bench()
    for accepted in (False, True):
        one = sync.judge.align([remark(1)], gate=always(accepted))
        other = await asynchronous.judge.aalign([remark(1)], gate=always(accepted))
        assert one.gate == other.gate
        assert sync.remarks() == asynchronous.remarks() == ["Remark 1."] * accepted
    report = await bench().judge.aalign(words(*range(12)), gate=EvidenceGate())
    assert report.gate == bench().judge.align(words(*range(12)), gate=EvidenceGate()).gate


def test_a_gate_sees_copies_and_the_usable_words():
    here, seen = Bench(), []

    def meddling(current, candidate, feedback):
        seen.append((len(current.episodes()), len(candidate.episodes()), feedback))
        current.add_principle("Never mind.")
        candidate.forget(where=lambda episode: True)
        return GateDecision(accepted=True, reason="So.")

    here.judge.align([remark(1)])
    report = here.judge.align([remark(2), {"inputs": "?"}], gate=meddling)
    ((before, after, usable),) = seen
    assert (before, after) == (1, 2)
    assert [word.rationale for word in usable] == ["Remark 2."]
    assert all(isinstance(word, Feedback) for word in usable)
    assert [rejected.index for rejected in report.rejected] == [1]
    assert here.remarks() == ["Remark 1.", "Remark 2."]
    assert "Never mind." not in here.texts()


def test_a_gate_that_fails_or_says_nothing_leaves_the_memory_as_it_is():
    here = Bench()

    def failing(current, candidate, feedback):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        here.judge.align([remark(1)], gate=failing)
    with pytest.raises(ConfigurationError, match="found a bool as its decision"):
        here.judge.align([remark(1)], gate=lambda current, candidate, feedback: True)
    assert here.judge.episodes() == []


def test_what_is_known_already_needs_no_decision():
    here = Bench()
    here.judge.align([remark(1)])
    report = here.judge.align([remark(1)], gate=always(False))
    assert (len(report.unchanged), report.gate, report.refused) == (1, None, ())


def test_what_waited_before_waits_on_where_the_batch_is_refused():
    failing = True

    def respond(request):
        return (
            "no idea" if failing and request.title == "principles" else one_rule_a_record(request)
        )

    here = Bench(respond)
    (waiting,) = here.judge.align([remark(1)]).pending
    failing = False
    report = here.judge.align([remark(2)], gate=always(False))
    assert [p.episode_id for p in report.pending] == [waiting.episode_id]
    assert here.remarks("pending") == ["Remark 1."]
    assert here.judge.align([], gate=always(True)).distilled == (waiting.episode_id,)
    assert here.remarks("distilled") == ["Remark 1."]


def test_a_memory_that_changed_meanwhile_is_not_overwritten():
    here = Bench()

    def while_someone_writes(current, candidate, feedback):
        here.judge.add_principle("Say sorry first.")
        return GateDecision(accepted=True, reason="So.")

    report = here.judge.align([remark(1)], gate=while_someone_writes)
    assert not report.gate.accepted
    assert "changed while the gate compared; align again" in report.gate.reason
    assert (here.remarks(), here.texts()) == ([], ["Say sorry first."])
    assert here.judge.align([remark(1)], gate=always(True)).gate.accepted


def test_feedback_that_comes_in_meanwhile_does_not_matter():
    here = Bench()

    def while_someone_teaches(current, candidate, feedback):
        later = Episode.from_feedback("tone", Feedback.of(remark(2)))
        here.memory.apply([Put(judge="tone", record=later)])
        return GateDecision(accepted=True, reason="So.")

    assert here.judge.align([remark(1)], gate=while_someone_teaches).gate.accepted
    assert (here.remarks("distilled"), here.remarks("pending")) == (["Remark 1."], ["Remark 2."])


@pytest.mark.parametrize(
    "options", [{"confidence": 0.5}, {"least": 0}, {"folds": 1}, {"when_unknown": "hope"}]
)
def test_settings_that_make_no_sense_are_refused(options):
    with pytest.raises(InvalidInputError, match="gate: found EvidenceGate"):
        EvidenceGate(**options)
