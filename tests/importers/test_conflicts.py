"""Reviewers who contradict each other on one case, whatever they come from."""

import csv
import io
import json

import pytest

from langchain_memalign.importers import (
    FEEDBACK_FIELDS,
    FieldMap,
    Remark,
    from_few_shots,
    from_langsmith,
    from_mlflow,
    import_feedback,
    map_rows,
    read_csv,
    read_jsonl,
)

# MLflow and what it brings warn of their own deprecations.
pytestmark = pytest.mark.filterwarnings("ignore")

MAJORITY = [("ann", False, "Cold."), ("bea", False, "Curt."), ("cem", True, "Quick.")]
TIE = [("ann", False, "Cold."), ("bea", True, "Quick.")]


def rows_of(words):
    """A row for each word, a minute after the one before."""
    return [
        {
            "inputs": "Late!",
            "outputs": "So?",
            "reviewer": name,
            "value": value,
            "rationale": why,
            "created_at": f"2026-03-02T10:{minute:02}:00+00:00",
        }
        for minute, (name, value, why) in enumerate(words)
    ]


def mapped(rows):
    good, bad, _ = map_rows(rows, FieldMap.parse([], fields=FEEDBACK_FIELDS))
    assert not bad
    return [Remark(f"line {row.line}", row.data) for row in good]


def by_langsmith(request, words):
    server, client = (request.getfixturevalue(name) for name in ("langsmith", "client"))
    server.add_run("late")
    for name, value, why in words:
        server.say("late", score=float(value), comment=why, user=name)
    return from_langsmith(client, key="tone", project="support")


def by_mlflow(request, words):
    tracking = request.getfixturevalue("tracking")
    trace = tracking.trace("Late!", "So?")
    for name, value, why in words:
        tracking.say(trace, value, why, by=name)
    return from_mlflow(name="tone", experiment="support", tracking_uri=tracking.uri)


def by_csv(request, words):
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, rows_of(words)[0])
    writer.writeheader()
    writer.writerows(rows_of(words))
    return mapped(read_csv(sheet.getvalue().encode()))


def by_jsonl(request, words):
    return mapped(read_jsonl(json.dumps(row).encode() for row in rows_of(words)))


each_source = pytest.mark.parametrize("source", [by_langsmith, by_mlflow, by_csv, by_jsonl])


@each_source
@pytest.mark.parametrize(("words", "counts"), [(MAJORITY, False), (TIE, True)])
def test_all_words_are_kept_and_the_report_names_the_conflict(
    request, judge, source, words, counts
):
    report = import_feedback(judge, source(request, words))
    episodes = judge.episodes()
    assert {(e.reviewer, e.value, e.rationale) for e in episodes} == set(words)
    assert set(report.alignment.distilled) == {e.id for e in episodes}
    (conflict,) = report.alignment.conflicts
    assert set(conflict.reviewers) == {name for name, _, _ in words}
    assert conflict.value is counts
    assert judge.invoke(episodes[0].case).value is counts


def test_few_shots_tell_no_reviewers_so_the_last_word_on_a_case_counts(judge):
    shot = {"inputs": "Late!", "outputs": "So?"}
    shots = [
        {**shot, "score": 1, "reasoning": "Quick."},
        {**shot, "score": 0, "reasoning": "Cold."},
    ]
    import_feedback(judge, from_few_shots(shots))
    assert [(e.value, e.rationale) for e in judge.episodes()] == [(False, "Cold.")]
