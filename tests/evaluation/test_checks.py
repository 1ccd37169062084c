"""Options that make no sense are refused before anything is asked."""

import pytest
from fakes import feedback as remark
from judge.bench import Bench

from evaluation.learner import bench, words
from langchain_memalign import InvalidInputError
from langchain_memalign.evaluation.evaluate import evaluate
from langchain_memalign.evaluation.experiments import (
    ablation,
    compare_models,
    cross_validate,
    learning_curve,
)
from langchain_memalign.evaluation.gate import EvidenceGate

WORDS = words(*range(8))
NAN = float("nan")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"shards": ()}, "shards: found none"),
        ({"shards": (0, -1)}, "shards: found -1; expected a whole number >= 0"),
        ({"shards": (True,)}, "shards: found True"),
        ({"shards": "0,2"}, "shards: found a str; expected a list"),
        ({"repeats": 0}, "repeats: found 0; expected a whole number >= 1"),
        ({"concurrency": 0}, "concurrency: found 0"),
        ({"concurrency": "8"}, "concurrency: found '8'"),
        ({"seed": None}, "seed: found None"),
        ({"held_out": 1}, "held_out: found 1; expected a number between 0 and 1"),
        ({"held_out": NAN}, "held_out: found nan"),
        ({"held_out": "half"}, "held_out: found 'half'"),
        ({"helt_out": 0.5}, "unknown option 'helt_out' .did you mean 'held_out'"),
        ({"directory": 5}, "directory: found a int; expected a path"),
        ({"resampling": {"count": 5}}, "resampling: found a dict; expected a Resampling"),
        ({"prices": {"scripted": {"input": 1}}}, "found a dict for 'scripted'; expected a Price"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(options, said):
    here = bench()
    with pytest.raises(InvalidInputError, match=said):
        learning_curve(here.judge, WORDS, **options)
    assert here.model.requests == []


@pytest.mark.parametrize("experiment", [ablation, cross_validate, evaluate])
def test_every_experiment_checks_its_options(experiment):
    with pytest.raises(InvalidInputError, match="concurrency: found -1"):
        experiment(bench().judge, WORDS, concurrency=-1)
    with pytest.raises(InvalidInputError, match="feedback: found a NoneType; expected a list"):
        experiment(bench().judge, None)
    with pytest.raises(InvalidInputError, match="feedback: found a dict"):
        experiment(bench().judge, {"inputs": "x"})


def test_numbers_of_parts_are_whole():
    for measure in (cross_validate, evaluate):
        with pytest.raises(InvalidInputError, match="folds: found '3'"):
            measure(bench().judge, WORDS, folds="3")


def test_judges_to_compare_have_labels():
    with pytest.raises(InvalidInputError, match="judges: found a list; expected judges by a label"):
        compare_models([bench().judge], WORDS)


def test_words_that_an_evaluation_leaves_out_are_told():
    found = evaluate(bench().judge, [*WORDS, *WORDS[:2]])
    assert len(found.questions) == 8
    assert "2 remarks repeat a case of the same expert; the last one counts." in found.notes


@pytest.mark.parametrize("gate", [True, False, EvidenceGate, "strict", 1])
def test_what_cannot_decide_is_no_gate(gate):
    here = Bench()
    with pytest.raises(InvalidInputError, match=r"gate: found .*; expected .* EvidenceGate\(\)"):
        here.judge.align([remark(1)], gate=gate)
    assert here.model.requests == []


@pytest.mark.parametrize(
    "options",
    [{"tolerance": "x"}, {"least": 1.5}, {"most": None}, {"folds": 2.5}, {"seed": "s"}],
)
def test_settings_of_a_gate_of_the_wrong_type_are_refused(options):
    with pytest.raises(InvalidInputError, match="gate: found EvidenceGate"):
        EvidenceGate(**options)


def test_trusted_cases_are_a_list_and_serve_more_than_once():
    for holdout in ("trusted.jsonl", None, {"inputs": "x"}):
        with pytest.raises(InvalidInputError, match=r"gate, holdout: found a .*; expected a list"):
            EvidenceGate(holdout=holdout)
    gate = EvidenceGate(holdout=(word for word in words(*range(20, 32))))
    for batch in (words(0, 1), words(2, 3)):
        (trusted,) = bench().judge.align(batch, gate=gate).gate.evidence
        assert trusted.count == 12
