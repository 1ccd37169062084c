"""One conversation is one case, in whatever form it arrives."""

from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.load import dumpd
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    SystemMessageChunk,
    ToolMessage,
    convert_to_openai_messages,
    message_to_dict,
)
from pydantic import BaseModel

from langchain_memalign._content import is_messages, normalise
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Case


def conversation(run="a", city="Paris", answer="22 degrees."):
    """The same conversation in two runs: ids, usage and tool-call ids differ."""
    calls = [{"name": "weather", "args": {"city": city}, "id": f"call_{run}"}]
    usage = {"input_tokens": len(run), "output_tokens": 2, "total_tokens": len(run) + 2}
    return [
        SystemMessage("Be brief.", id=f"sys-{run}"),
        HumanMessage("How warm is it?", id=f"human-{run}"),
        AIMessage("", tool_calls=calls, id=f"ai-{run}", usage_metadata=usage),
        ToolMessage("22", tool_call_id=f"call_{run}", id=f"tool-{run}"),
        AIMessage(answer, id=f"end-{run}", response_metadata={"model": run}),
    ]


FORMS = {
    "messages": lambda messages: messages,
    "tuple of messages": tuple,
    "dumps of LangGraph": lambda messages: [m.model_dump() for m in messages],
    "dumps of LangGraph in JSON": lambda messages: [m.model_dump(mode="json") for m in messages],
    "dumps of LangSmith's traces": lambda messages: [dumpd(m) for m in messages],
    "dumps of LangSmith's datasets": lambda messages: [message_to_dict(m) for m in messages],
    "OpenAI": lambda messages: convert_to_openai_messages(messages),
}
every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


@every_form
def test_the_same_conversation_is_the_same_case_in_every_form_and_run(form):
    inputs = form(conversation("another-run"))

    assert Case(inputs=inputs) == Case(inputs=conversation())
    assert Case(inputs=inputs).key == Case(inputs=conversation()).key


@every_form
def test_nested_messages_are_found_in_every_form(form):
    inputs = {"messages": form(conversation("b")), "thread": "1"}
    plain = {"messages": conversation("a"), "thread": "1"}

    assert Case(inputs=inputs).key == Case(inputs=plain).key
    assert is_messages(Case(inputs=inputs).inputs["messages"])


@every_form
@pytest.mark.parametrize("other", [{"city": "Rome"}, {"answer": "19 degrees."}])
def test_another_answer_or_tool_argument_is_another_case(form, other):
    assert Case(inputs=form(conversation(**other))).key != Case(inputs=form(conversation())).key


def test_messages_are_kept_in_one_plain_form():
    assert normalise(conversation(), where="inputs") == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "How warm is it?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"name": "weather", "args": {"city": "Paris"}, "id": "call_1"}],
        },
        {"role": "tool", "content": "22", "tool_call_id": "call_1"},
        {"role": "assistant", "content": "22 degrees."},
    ]


@pytest.mark.parametrize(
    "alone",
    [
        AIMessage("Sorry!", id="1"),
        AIMessage("Sorry!").model_dump(),
        dumpd(AIMessage("Sorry!")),
        {"role": "assistant", "content": "Sorry!"},
        {"role": "assistant", "content": "Sorry!", "refusal": None, "annotations": []},
        {"role": "assistant", "content": [{"type": "text", "text": "Sorry!"}]},
        AIMessageChunk("Sor") + AIMessageChunk("ry!"),
        {
            "id": "msg_7",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Sorry!", "annotations": []}],
            "usage": {"input_tokens": 3},
        },
    ],
)
def test_a_message_alone_is_a_conversation_of_one(alone):
    assert Case(outputs=alone).outputs == [{"role": "assistant", "content": "Sorry!"}]
    assert Case(outputs={"reply": alone}).key == Case(outputs={"reply": [alone]}).key


def test_pairs_of_role_and_content_are_messages_among_messages():
    pairs = [("system", "Be brief."), ("human", "Hi"), ("ai", "Hello")]
    messages = [SystemMessage("Be brief."), HumanMessage("Hi"), AIMessage("Hello")]

    assert Case(inputs={"messages": pairs}) == Case(inputs={"messages": messages})


def test_chunks_of_other_roles_are_messages_of_these_roles():
    assert Case(inputs=[SystemMessageChunk("Be brief.")]) == Case(
        inputs=[SystemMessage("Be brief.")]
    )


def test_a_role_of_its_own_is_kept():
    case = Case(inputs=[HumanMessage("Once"), ChatMessage("upon a time", role="narrator")])

    assert case.inputs[1] == {"role": "narrator", "content": "upon a time"}
    assert is_messages(case.inputs)
    assert Case(**case.model_dump()) == case


def test_what_a_message_carries_besides_is_kept_in_every_form():
    message = AIMessage("Hi", mood="cheerful")

    case = Case(inputs=message)
    assert case.inputs[0]["mood"] == "cheerful"
    assert case == Case(inputs=message.model_dump())


def test_thoughts_are_the_same_under_another_signature():
    def thought(run):
        block = {"type": "thinking", "thinking": "Hm.", "signature": run, "index": 0}
        return AIMessage([block, {"type": "text", "text": "Yes."}])

    assert Case(outputs=thought("a")).key == Case(outputs=thought("b")).key
    assert "Hm." in str(Case(outputs=thought("a")).outputs)


def test_a_refusal_is_part_of_the_conversation():
    of_openai = {"role": "assistant", "content": None, "refusal": "I cannot help."}
    of_langchain = AIMessage("", additional_kwargs={"refusal": "I cannot help."})

    assert Case(outputs=of_openai) == Case(outputs=of_langchain)
    assert Case(outputs=of_openai).outputs[0]["refusal"] == "I cannot help."


def test_a_failed_tool_differs_from_one_that_succeeded():
    succeeded = ToolMessage("none", tool_call_id="1")
    failed = ToolMessage("none", tool_call_id="1", status="error")

    assert Case(inputs=[succeeded]).key != Case(inputs=[failed]).key


@pytest.mark.parametrize(
    "data",
    [
        {"type": "tool", "content": "a hammer", "id": 7},
        {"type": "article", "content": "text", "id": 7},
        {"role": "nurse", "content": "Write a letter.", "id": 7},
        {"role": ["user"], "content": "text"},
        {"role": {}, "type": [], "content": {}},
        {"lc": 1, "type": "constructor", "id": ["x"], "kwargs": None},
        {"type": "ai", "data": "text"},
        {"tool_calls": 5},
        ["user", "Hi"],
    ],
)
def test_data_that_only_looks_like_a_message_is_kept_as_it_is(data):
    assert Case(inputs=data).inputs == data
    assert Case(inputs=[data, data]).inputs == [data, data]
    assert Case(inputs=[data, "other"]).inputs == [data, "other"]


def test_pydantic_objects_are_dumped():
    class Answer(BaseModel):
        text: str
        sources: list[Document]

    case = Case(outputs=Answer(text="22", sources=[Document("It is warm.", metadata={"p": 1})]))

    assert case.outputs["text"] == "22"
    assert case.outputs["sources"][0]["page_content"] == "It is warm."
    assert case.outputs["sources"][0]["metadata"] == {"p": 1}


def test_a_pydantic_object_that_cannot_be_dumped_is_refused_with_a_remedy():
    class Node(BaseModel):
        next: Any = None

    endless = Node()
    endless.next = endless

    with pytest.raises(
        InvalidInputError, match=r"outputs\.node is a Node .* pass a mapping of what"
    ):
        Case(outputs={"node": endless})
