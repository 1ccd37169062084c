"""Feedback that cannot be used, or only just: named by record and field, and nothing else suffers.

Each record comes between two good ones, which must be stored and learned whatever it is.
"""

import json

import pytest
from fakes import feedback
from prompts.examples import parsed

from langchain_memalign import InvalidInputError


def nested(depth):
    value = "deep"
    for _ in range(depth):
        value = {"a": value}
    return value


REFUSED = {
    "neither value nor rationale": (feedback(1, value=None, rationale=" "), "found neither"),
    "value outside the type": (feedback(1, value="perhaps"), "value: found 'perhaps'; expected"),
    "value of another type": (feedback(1, value=7), "value: found 7; expected true or false"),
    "the judge's value": (feedback(1, judge_value=3), "judge_value: found 3; expected"),
    "unknown field": (feedback(1, valeu=True), "valeu: unknown field; expected only inputs"),
    "empty case": (feedback(1, inputs="", outputs=" \n"), "the case is empty: expected inputs"),
    "nothing at all": ({}, "the case is empty"),
    "NaN": (feedback(1, inputs={"a": [float("nan")]}), "inputs.a[0] is nan"),
    "infinity": (feedback(1, outputs={"a": float("inf")}), "outputs.a is inf"),
    "infinity as the value": (feedback(1, value=float("inf")), "value: found inf; expected a f"),
    "lone surrogate": (feedback(1, outputs={"a": ["\ud800"]}), "outputs.a[0] holds a lone"),
    "lone surrogate in a key": (feedback(1, inputs={"\udfff": 1}), "lone surrogate"),
    "lone surrogate in a remark": (feedback(1, rationale="a\ud800"), "rationale: text holds a"),
    "lone surrogate in a name": (feedback(1, reviewer="\ud800"), "reviewer: text holds a lone"),
    "nesting of 200": (feedback(1, inputs=nested(200)), "deeper than 64 levels; flatten it"),
    "endless nesting": (feedback(1, outputs=nested(100_000)), "deeper than 64 levels"),
    "bytes": (feedback(1, outputs=b"raw"), "outputs is bytes; decode it"),
    "bytes deep within": (feedback(1, inputs={"a": [b"raw"]}), "inputs.a[0] is bytes"),
    "bytes as a remark": (feedback(1, rationale=b"raw"), "rationale: "),
    "huge integer": (feedback(1, inputs={"a": 10**30}), "inputs.a is an integer beyond 64 bits"),
    "huge integer as the value": (feedback(1, value=10**5000), "value: found an integer beyond"),
    "a set": (feedback(1, inputs={"a": {1}}), "inputs.a is"),
    "a bare number": (feedback(1, inputs=5), "inputs"),
    "a date without a zone": (feedback(1, created_at="2026-01-01T00:00:00"), "created_at"),
    "no mapping": (42, "found a int; expected a Feedback or a mapping"),
    "keys that are no text": ({1: 2}, "expected a Feedback or a mapping"),
    "nothing": (None, "found a NoneType; expected"),
}


@pytest.mark.parametrize(("record", "told"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_named_and_the_rest_is_learned(bench, record, told):
    report = bench.judge.align([feedback(8), record, feedback(9)])
    ((index, reason),) = report.rejected
    assert index == 1
    assert told in reason
    assert len(reason) < 1000
    assert bench.remarks(status="distilled") == ["Remark 8.", "Remark 9."]
    assert (len(report.stored), len(report.distilled), report.pending) == (2, 2, ())
    assert len(bench.texts()) == 2


def test_a_case_to_judge_that_cannot_be_used_is_an_error_with_the_field(bench):
    for inputs in (b"raw", {"a": float("nan")}, nested(200), "\ud800", {"a": 10**30}):
        with pytest.raises(InvalidInputError, match=r"Case is not usable: inputs"):
            bench.judge.invoke({"inputs": inputs})
    assert bench.model.requests == []


FIVE_MB = "word " * 2**20
ODD = {
    "5 MB of inputs": {"inputs": FIVE_MB},
    "5 MB of remark": {"rationale": FIVE_MB},
    "a word of 1 MB": {"outputs": "x" * 2**20},
    "1 MB in 2,000 fields": {"outputs": {f"field {i}": "x" * 500 for i in range(2000)}},
    "control characters": {"outputs": "a\x01b\x1b[31mc\x7f", "rationale": "\x07 bell"},
    "nesting of 60": {"inputs": nested(60)},
    "largest integer": {"inputs": {"a": 2**63 - 1}},
    "long name": {"reviewer": "Ann" * 100_000},
}


@pytest.mark.parametrize("fields", ODD.values(), ids=ODD)
def test_what_is_only_odd_or_long_is_kept_whole_and_shown_with_marked_cuts(bench, fields):
    record = feedback(1, **fields)
    report = bench.judge.align([feedback(8), record, feedback(9)])
    assert (len(report.distilled), report.rejected, report.pending) == (3, (), ())
    kept = {e.rationale: e for e in bench.judge.episodes()}[record["rationale"]]
    assert kept.reviewer == record.get("reviewer")
    assert kept.case.inputs == record["inputs"]
    assert kept.case.outputs == record["outputs"]
    bench.judge.invoke({key: record[key] for key in ("inputs", "outputs")})
    for request in bench.model.requests:
        assert len(request.prompt) < 500_000
        assert not {"\x01", "\x1b", "\x07", "\x7f"} & set(request.prompt)
        size = len(json.dumps(fields))
        assert ("characters cut]" in request.prompt) or size < 10**5 or _is_cut(request)


def _is_cut(request):
    return any(int(cut.get("tokens")) > 1000 for cut in parsed(request.messages).iter("cut"))
