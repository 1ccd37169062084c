"""Public data sets: rows of each one's schema become cases with an expert's value."""

import json
import sys
from types import SimpleNamespace

import pytest

from langchain_memalign._values.types import ValueType
from langchain_memalign.errors import ConfigurationError, InvalidInputError, SourceError
from langchain_memalign.evaluation.datasets import DATASETS, load_file, load_named

QUESTION = "Who paid?"
SUPPORT = {"title": ["Ann"], "sent_id": [0]}
CONTEXT = {"title": ["Ann", "Bob"], "sentences": [["Ann paid.", " Twice."], ["Bob did not."]]}
CRITERION = "Is the reply kind?"

PAIR = {
    "usrmsg": "You are assessing two submitted responses.\n\n[BEGIN DATA]\n***\n"
    "[Query]: Who paid?\n***\n[Response 1]: Go away.\n\nNow.\n***\n[Response 2]: Ann.\n***\n"
    "[END DATA]\n\nHere are the instructions.",
    "target_output": "So, the final decision is Response 2.",
    "gt_label": 1,
    "scenario": "default",
}
SAMPLES = {
    "financebench": {
        "financebench_id": "f1",
        "question": QUESTION,
        "answer": "Ann",
        "justification": "It says so.",
        "evidence": [{"evidence_text": "Ann paid."}],
    },
    "hotpot_qa": {
        "id": "h1",
        "question": QUESTION,
        "answer": "Ann",
        "context": CONTEXT,
        "supporting_facts": SUPPORT,
    },
    "halubench": {
        "id": "u1",
        "passage": "Ann paid.",
        "question": QUESTION,
        "answer": "Bob",
        "label": "FAIL",
    },
    "feedback_collection": {
        "orig_instruction": QUESTION,
        "orig_response": "No idea.",
        "orig_reference_answer": "Ann.",
        "orig_criteria": CRITERION,
        "orig_score": "2",
        "orig_feedback": "Rude.",
    },
    "auto_j_safe_rlhf": PAIR | {"source_dataset": "PKU-Safe-RLHF"},
    "auto_j_summarize": PAIR | {"source_dataset": "openai_summarize", "gt_label": 2},
    "pku_safe_rlhf": {
        "prompt": QUESTION,
        "response_0": "Go away.",
        "response_1": "Ann.",
        "safer_response_id": 1,
    },
    "summarize_from_feedback": {
        "info": {"id": "t3_1", "post": "Ann paid.", "title": "Paid", "article": None},
        "summaries": [
            {"text": "Paid.", "policy": "sup", "note": "Who?"},
            {"text": "Ann paid.", "policy": "ref", "note": None},
        ],
        "choice": 1,
        "worker": "w1",
        "extra": {"confidence": 8},
    },
}
VALUES = {
    "financebench": True,
    "hotpot_qa": True,
    "halubench": False,
    "feedback_collection": 2,
    "auto_j_safe_rlhf": "B",
    "auto_j_summarize": "tie",
    "pku_safe_rlhf": "B",
    "summarize_from_feedback": "B",
}


@pytest.fixture
def hub(monkeypatch):
    """A hub with the rows that a test puts there, by public name."""
    rows = {}
    for name, source in DATASETS.items():
        rows.setdefault(source.hub, []).append(SAMPLES[name])

    def load_dataset(name, config=None, *, split, data_files=None):
        if name not in rows:
            raise FileNotFoundError(f"no {name}")
        return rows[name]

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    return rows


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_a_row_becomes_a_case_with_an_experts_value(hub, name):
    loaded = load_named(name)
    (word,) = loaded.words
    assert word.value == VALUES[name]
    assert loaded.value_type.read(word.value) == word.value
    assert "Ann" in str(word.case)


def test_evidence_and_remarks_come_along(hub):
    (word,) = load_named("hotpot_qa").words
    assert word.inputs["context"] == "Ann paid. Twice."
    (word,) = load_named("summarize_from_feedback").words
    assert (word.rationale, word.reviewer) == (None, "w1")


def test_pairs_are_read_under_either_name_of_their_message_and_parted_by_origin(hub):
    other = {"usermsg" if name == "usrmsg" else name: told for name, told in PAIR.items()}
    elsewhere = PAIR | {"source_dataset": "chatbot_arena"}
    hub["json"][:] = [elsewhere, other | {"source_dataset": "pku_safe_rlhf"}]
    (word,) = load_named("auto_j_safe_rlhf").words
    assert word.outputs == {"A": "Go away.\n\nNow.", "B": "Ann."}
    with pytest.raises(InvalidInputError, match="found no row"):
        load_named("auto_j_summarize")


def test_one_criterion_is_picked_and_becomes_the_instructions(hub):
    other = SAMPLES["feedback_collection"] | {"orig_criteria": "Is it short?"}
    hub["prometheus-eval/Feedback-Collection"].append(other)
    loaded = load_named("feedback_collection", criterion="is the reply KIND")
    assert len(loaded.words) == 1
    with pytest.raises(InvalidInputError, match=r"found no row with 'unheard' of 2"):
        load_named("feedback_collection", criterion="unheard")
    with pytest.raises(InvalidInputError, match="halubench has none"):
        load_named("halubench", criterion="kind")


def test_rows_are_drawn_alike_for_a_seed(hub):
    hub["PatronusAI/HaluBench"][:] = [SAMPLES["halubench"] | {"id": f"u{n}"} for n in range(9)]
    drawn = [word.id for word in load_named("halubench", limit=4, seed=3).words]
    assert len(drawn) == 4
    assert drawn == [word.id for word in load_named("halubench", limit=4, seed=3).words]
    assert drawn != [word.id for word in load_named("halubench", limit=4, seed=4).words]


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_rows_may_lie_in_a_file(tmp_path, name):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(SAMPLES[name]) + "\n")
    (word,) = load_named(name, file=path).words
    assert word.value == VALUES[name]
    path.write_text('{"some": "thing"}\n')
    with pytest.raises(InvalidInputError, match=r"no row of 1 that can be used \(KeyError: .*, as"):
        load_named(name, file=path)


@pytest.mark.parametrize(
    ("name", "odd"),
    [
        ("pku_safe_rlhf", {"safer_response_id": -1}),
        ("summarize_from_feedback", {"choice": None}),
        ("auto_j_safe_rlhf", {"gt_label": 3}),
        ("feedback_collection", {"orig_score": "7"}),
        ("feedback_collection", {"orig_score": ""}),
        ("halubench", {"answer": 5}),
        ("financebench", {"evidence": None}),
    ],
)
def test_a_row_that_cannot_be_read_is_left_out_and_told(hub, name, odd):
    hub[DATASETS[name].hub][:] = [SAMPLES[name] | odd, SAMPLES[name]]
    loaded = load_named(name)
    assert [word.value for word in loaded.words] == [VALUES[name]]
    assert len(loaded.left_out) == 1


def test_a_file_of_ones_own_is_read_as_generously_as_elsewhere(tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_text('{"question": "Who?", "outputs": "Ann.", "label": "Yes", "id": 7}\n\n')
    pairs = ["question=inputs", "label=value"]
    kind = ValueType.parse(bool)
    (word,) = load_file(path, kind, mapping=pairs)
    assert (word.inputs, word.value, word.id) == ("Who?", True, "7")
    table = tmp_path / "own.csv"
    table.write_text('question,outputs,label\nWho?,"Ann, I think.",no\n')
    (word,) = load_file(table, kind, mapping=pairs)
    assert (word.outputs, word.value) == ("Ann, I think.", False)

    for text, said in (("{\n", "line 2: found no JSON"), ('{"value": "perhaps"}', "line 2: value")):
        path.write_text('{"inputs": "?", "value": true}\n' + text)
        with pytest.raises(InvalidInputError, match=said):
            load_file(path, kind)
    with pytest.raises(InvalidInputError, match=r"cannot read .*gone\.jsonl: No such file"):
        load_file(tmp_path / "gone.jsonl", kind)


def test_what_cannot_be_loaded_is_named(hub, monkeypatch):
    with pytest.raises(InvalidInputError, match=r"found 'unheard'; expected one of financebench"):
        load_named("unheard")
    hub.clear()
    with pytest.raises(SourceError, match=r"HaluBench, split test, cannot be loaded: no Patronus"):
        load_named("halubench")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'langchain-memalign\[datasets\]'"):
        load_named("halubench")
