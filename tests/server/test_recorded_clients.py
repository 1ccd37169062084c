"""The requests that the pages of Agent Inbox and Agent Chat UI really sent, sent again.

They were recorded in a browser (`tests/recorded` says from which). They are sent as they are, but
for what a server makes up: ids of threads, assistants and checkpoints.
"""

import json
from pathlib import Path

import httpx
import pytest

from .test_langgraph_dev import CASE, Talk, known

RECORDED = Path(__file__).parents[1] / "recorded"
CLIENTS = {
    name: json.loads((RECORDED / f"{name}.json").read_text("utf-8"))["sent"]
    for name in ("agent_inbox", "agent_chat_ui")
}
PAGE = "http://localhost:3000"  # where both say that they run
FOUND = "4"  # the value that the person gave, and that is none


class Page(Talk):
    """A page that has a thread open."""

    def __init__(self, server, client, graph, judge):
        super().__init__(server, graph, judge)
        self.sent = CLIENTS[client]

    @property
    def checkpoint(self):
        return self.server.client.threads.get_state(self.id)["checkpoint"]["checkpoint_id"]

    def send(self, kind, did, at=None):
        """Send what was sent then, from a checkpoint; the thread as it is afterwards."""
        request = self.sent[kind][did]
        body = dict(request["body"])
        if "assistant_id" in body:
            body["assistant_id"] = self.graph
        if "checkpoint" in body:
            body["checkpoint"] = {**body["checkpoint"], "checkpoint_id": at or self.checkpoint}
        reply = httpx.post(
            f"{self.server.url}/threads/{self.id}/{request['path']}",
            json=body,
            headers={"Origin": PAGE},
            timeout=60,
        )
        reply.raise_for_status()
        assert reply.headers["access-control-allow-origin"] == PAGE
        return self.server.client.threads.get(self.id)


def assistant(server, graph, judge):
    """An assistant for that judge, as the page was opened with one."""
    made = server.client.assistants.create(graph, context={"name": judge}, name=judge)
    return made["assistant_id"]


def waiting(thread):
    """What a thread asks."""
    ((interrupt,),) = thread["interrupts"].values()
    return interrupt["value"]


def teach(server, judge, value):
    """Let a judge learn one case, from which it will judge the next."""
    given = {**CASE, "inputs": "My parcel is lost!", "value": value}
    thread = server.client.threads.create()["thread_id"]
    server.client.runs.wait(thread, "align", input={"feedback": [given]}, context={"name": judge})


@pytest.mark.parametrize("client", CLIENTS)
def test_an_impossible_value_is_asked_again_and_corrected(server, client):
    page = Page(server, client, "review", f"{client} corrects")
    teach(server, page.context["name"], value=False)
    page.begin()

    again = page.send("boolean", "impossible")

    assert again["status"] == "interrupted"
    asked = waiting(again)
    (action,) = asked["action_requests"]
    assert action["name"].startswith(f"Please answer again (value: found '{FOUND}'; expected true")
    assert action["args"]["value"] == action["arguments"]["value"] == FOUND
    # Else their button would approve false, and drop the reason that it shows.
    assert asked["review_configs"][0]["allowed_decisions"] == ["edit", "reject"]
    end = page.send("boolean", "corrected")
    assert end["status"] == "idle"
    assert end["values"]["feedback"]["value"] is True
    assert "Nobody apologises here." in end["values"]["messages"][-1]["content"]
    rules = known(server, page.context["name"])["principles"]
    assert [rule["text"] for rule in rules] == ["Nobody apologises here."]


# Agent Inbox writes the end of the thread; Agent Chat UI only asks LangGraph to go there, which
# leaves what waits as it is.
@pytest.mark.parametrize(
    ("client", "status"), [("agent_inbox", "idle"), ("agent_chat_ui", "interrupted")]
)
def test_who_marks_a_review_as_resolved_teaches_nothing(server, client, status):
    page = Page(server, client, "review", f"{client} resolves")
    page.begin()

    end = page.send("boolean", "resolved")

    assert end["status"] == status
    assert end["values"].get("feedback") is None
    assert known(server, page.context["name"])["episodes"] == []


def test_a_review_is_ignored_in_agent_inbox(server):
    page = Page(server, "agent_inbox", "review", "ignored")
    page.begin()

    end = page.send("boolean", "ignored")

    assert end["status"] == "idle"
    assert known(server, "ignored")["episodes"] == []


def test_a_message_in_agent_chat_ui_is_a_case_also_while_another_waits(server):
    page = Page(server, "agent_chat_ui", assistant(server, "review", "typed"), "typed")

    first = page.send("chat", "begin")
    shown = first["values"]["messages"]
    # What it reads of every message; what the thread waits for is drawn below the last.
    assert all({"id", "type", "content", "additional_kwargs"} <= set(m) for m in shown)
    assert [message["type"] for message in shown] == ["human", "ai"]
    assert "a message is a case of its own" in shown[-1]["content"]
    assert waiting(first)["action_requests"][0]["name"] == "typed: Not our job."

    second = page.send("chat", "typed while it waits")
    assert waiting(second)["action_requests"][0]["name"] == "typed: No. It never says sorry."


def test_an_answer_in_agent_chat_ui_is_not_learned_of_the_message_before_it_was_edited(server):
    page = Page(server, "agent_chat_ui", assistant(server, "review", "L6"), "L6")
    page.send("chat", "begin")
    first = page.checkpoint
    begun = server.client.threads.get_history(page.id)[-1]["checkpoint"]["checkpoint_id"]

    edited = page.send("chat", "message edited", at=begun)
    assert waiting(edited)["action_requests"][0]["name"] == "L6: That is not our job."
    # This is shown then. Once of three times, the page sent its answer to the checkpoint of the
    # question before; the answer itself was recorded when it did not.
    again = page.send("chat", "answered then", at=first)

    (action,) = waiting(again)["action_requests"]
    assert action["name"].startswith("Please answer again (that answers another question, 'L6: Th")
    assert action["name"].endswith(": L6: Not our job.")
    assert known(server, "L6")["episodes"] == []


def test_an_agents_reply_is_held_back_in_agent_chat_ui(server):
    page = Page(server, "agent_chat_ui", assistant(server, "guardrail", "held"), "held")

    held = page.send("guardrail", "begin")
    assert waiting(held)["action_requests"][0]["name"].startswith("Send this reply? The judge ")
    again = page.send("guardrail", "unclear")
    assert waiting(again)["action_requests"][0]["name"].startswith("Please answer again (found 'Hm")
    withheld = page.send("guardrail", "rejected")
    assert "withheld" in withheld["values"]["messages"][-1]["content"]
    page.send("guardrail", "another")
    sent = page.send("guardrail", "edited")
    assert sent["values"]["messages"][-1]["content"] == "We are so sorry. We look for it."
