"""What the pages of Agent Inbox and Agent Chat UI really sent, answered and learned.

The requests in `tests/recorded` are what those pages sent to a LangGraph server when they were
operated in a browser: approved, edited, rejected or responded to, answered impossibly and then
corrected. Here their answers resume the graph; `tests/server/test_recorded_clients.py` sends the
requests themselves.
"""

import json
from pathlib import Path

import pytest
from fakes import one_rule_a_record, verdict
from langgraph.types import Command

from langchain_memalign import create_review_graph

from .cases import CASE, question

RECORDED = Path(__file__).parents[1] / "recorded"
CLIENTS = {
    name: json.loads((RECORDED / f"{name}.json").read_text("utf-8"))["sent"]
    for name in ("agent_inbox", "agent_chat_ui")
}
PAIR = {**CASE, "outputs": {"A": "We are sorry. We look for it.", "B": "We look for it."}}

# By the judge's values: which they are, what it said, and what the person gave instead.
KINDS = {
    "boolean": (bool, False, True),
    "labels": ({"enum": ["good", "fair", "bad"]}, "bad", "fair"),
    "scale": ({"type": "integer", "minimum": 1, "maximum": 5}, 1, 4),
    "pair": ({"enum": ["A", "B", "tie"]}, "A", "tie"),
}
AGAIN = "asked again"


def learned(client, kind, did):
    """The value and the remark that are learned from what a person did."""
    _, said, given = KINDS[kind]
    is_boolean = kind == "boolean"
    in_chat = client == "agent_chat_ui"
    return {
        "approve": (said, None),
        "value": (given, None),
        "both": (given, "It is short, and that is fine here.\nNo excuses."),
        "reason": (said, "Offer a refund."),
        # To reject false is to say true; to respond is to remark.
        "sentence": (given if is_boolean and in_chat else None, "It is honest about the delay."),
        # Whether this refuses the verdict, or gives it, cannot be told of true and false.
        "no": (
            (AGAIN if in_chat else (None, "No. It never says sorry."))
            if is_boolean
            else (None, "It never says sorry.")
        ),
        "impossible": AGAIN,
        "corrected": (given, "Nobody apologises here."),
    }[did]


ANSWERS = [
    pytest.param(client, kind, did, id=f"{client}-{kind}-{did}")
    for client, sent in CLIENTS.items()
    for kind in KINDS
    for did, request in sent.get(kind, {}).items()
    if "resume" in request["body"].get("command", {}) and did != "ignored"
]


def test_every_kind_of_value_was_answered_in_every_client():
    assert all(set(KINDS) <= set(sent) for sent in CLIENTS.values())
    assert len(ANSWERS) == 60


@pytest.mark.parametrize(("client", "kind", "did"), ANSWERS)
async def test_a_real_pages_answer_is_learned_as_it_was_meant(
    drive, make_bench, saver, thread, client, kind, did
):
    values, said, _ = KINDS[kind]

    def respond(request):
        return verdict(said) if request.title == "verdict" else one_rule_a_record(request)

    bench = make_bench(respond, value_type=values)
    graph = create_review_graph(bench.judge, checkpointer=saver)
    await drive.invoke(graph, PAIR if kind == "pair" else CASE, thread)

    answer = CLIENTS[client][kind][did]["body"]["command"]["resume"]
    state = await drive.invoke(graph, Command(resume=answer), thread)

    expected = learned(client, kind, did)
    if expected == AGAIN:
        (action,) = question(state)["action_requests"]
        assert action["name"].startswith("Please answer again (")
        assert bench.judge.episodes() == []
    else:
        (episode,) = bench.judge.episodes()
        assert (episode.value, episode.rationale) == expected
        assert episode.judge_value == said
