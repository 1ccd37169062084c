"""One conversation is one case, in whatever form it arrives."""

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

from langchain_memalign.content import is_messages, normalise
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


def test_the_tool_use_of_anthropic_dicts_is_a_tool_call():
    def messages(run):
        use = {"type": "tool_use", "id": f"toolu_{run}", "name": "weather", "input": {"city": "X"}}
        result = {"type": "tool_result", "tool_use_id": f"toolu_{run}", "content": "22"}
        return [
            {"role": "assistant", "content": [{"type": "text", "text": "Let me see."}, use]},
            {"role": "user", "content": [result]},
        ]

    assert Case(inputs=messages("a")).key == Case(inputs=messages("b")).key
    assert Case(inputs=messages("a")).inputs == [
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [{"name": "weather", "args": {"city": "X"}, "id": "call_1"}],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "22"}],
        },
    ]


def test_content_blocks_that_repeat_tool_calls_are_left_out():
    calls = [{"name": "weather", "args": {}, "id": "a"}]
    blocks = [{"type": "text", "text": "One moment."}, {"type": "tool_use", "id": "a"}]

    assert Case(inputs=[AIMessage(blocks, tool_calls=calls)]) == Case(
        inputs=[AIMessage("One moment.", tool_calls=calls)]
    )


def test_thoughts_are_the_same_under_another_signature():
    def thought(run):
        block = {"type": "thinking", "thinking": "Hm.", "signature": run, "index": 0}
        return AIMessage([block, {"type": "text", "text": "Yes."}])

    assert Case(outputs=thought("a")).key == Case(outputs=thought("b")).key
    assert "Hm." in str(Case(outputs=thought("a")).outputs)


@pytest.mark.parametrize("arguments", ['{"city": "Paris"}', '{ "city" : "Paris" }'])
def test_arguments_as_json_text_are_the_arguments(arguments):
    call = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": arguments}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}

    expected = AIMessage("", tool_calls=[{"name": "weather", "args": {"city": "Paris"}, "id": "x"}])
    assert Case(inputs=[message]) == Case(inputs=[expected])


@pytest.mark.parametrize(
    "broken", ['{"city": ', '{"n": NaN}', '["Paris"]', '"{}"', '{"a": ' + "9" * 30 + "}", "\\ud800"]
)
def test_arguments_that_no_tool_could_take_stay_text(broken):
    call = {"id": "1", "function": {"name": "weather", "arguments": broken}}
    case = Case(inputs=[{"role": "assistant", "content": "", "tool_calls": [call]}])

    assert case.inputs[0]["tool_calls"][0]["args"] == broken
    assert Case(**case.model_dump(mode="json")) == case


def test_arguments_that_look_like_a_message_stay_arguments():
    args = {"role": "user", "content": "Hi", "id": 7}
    call = {"name": "create_message", "args": args, "id": "1"}

    case = Case(inputs=[AIMessage("", tool_calls=[call])])
    assert case.inputs[0]["tool_calls"][0]["args"] == args


def test_a_call_without_arguments_has_none():
    call = {"name": "now", "function": {"no": "name"}}
    case = Case(inputs=[{"role": "assistant", "tool_calls": [call]}])

    assert case.inputs[0]["tool_calls"] == [{"name": "now", "args": None, "id": "call_1"}]


def test_a_refusal_is_part_of_the_conversation():
    of_openai = {"role": "assistant", "content": None, "refusal": "I cannot help."}
    of_langchain = AIMessage("", additional_kwargs={"refusal": "I cannot help."})

    assert Case(outputs=of_openai) == Case(outputs=of_langchain)
    assert Case(outputs=of_openai).outputs[0]["refusal"] == "I cannot help."


def test_a_failed_tool_differs_from_one_that_succeeded():
    succeeded = ToolMessage("none", tool_call_id="1")
    failed = ToolMessage("none", tool_call_id="1", status="error")

    assert Case(inputs=[succeeded]).key != Case(inputs=[failed]).key


def test_which_call_a_tool_answers_is_part_of_the_conversation():
    def messages(answered):
        calls = [{"name": n, "args": {}, "id": n} for n in ("a", "b")]
        return [AIMessage("", tool_calls=calls), ToolMessage("1", tool_call_id=answered)]

    assert Case(inputs=messages("a")).key != Case(inputs=messages("b")).key


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
    ],
)
def test_data_that_only_looks_like_a_message_is_kept_as_it_is(data):
    assert Case(inputs=data).inputs == data
    assert Case(inputs=[data, "other"]).inputs == [data, "other"]


@pytest.mark.parametrize(
    "calls", [5, "abc", {"a": 1}, [None, "x", {"no": "name"}, {"function": {"no": "name"}}]]
)
def test_odd_tool_calls_are_kept(calls):
    case = Case(inputs=[{"role": "assistant", "content": "", "tool_calls": calls}])

    assert Case(**case.model_dump()) == case
    kept = case.inputs[0]["tool_calls"]
    assert kept == (calls if isinstance(calls, list) else [calls])


def test_pydantic_objects_are_dumped():
    class Answer(BaseModel):
        text: str
        sources: list[Document]

    case = Case(outputs=Answer(text="22", sources=[Document("It is warm.", metadata={"p": 1})]))

    assert case.outputs["text"] == "22"
    assert case.outputs["sources"][0]["page_content"] == "It is warm."
    assert case.outputs["sources"][0]["metadata"] == {"p": 1}
