"""Tool calls of every provider are calls of a name with arguments, whatever their ids."""

import json

import pytest
from langchain_core.load import dumpd
from langchain_core.messages import AIMessage, AIMessageChunk, FunctionMessage, ToolMessage

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Case


def test_streamed_chunks_add_up_to_the_message_that_was_streamed():
    def chunk(args, **more):
        call = {"name": None, "id": None, "index": 0, "type": "tool_call_chunk", **more}
        return AIMessageChunk("", tool_call_chunks=[{**call, "args": args}])

    streamed = chunk('{"city": ', name="weather", id="1") + chunk('"Paris"}')
    whole = AIMessage("", tool_calls=[{"name": "weather", "args": {"city": "Paris"}, "id": "2"}])

    assert Case(outputs=streamed) == Case(outputs=whole) == Case(outputs=streamed.model_dump())


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
        {"role": "tool", "content": "22", "tool_call_id": "call_1"},
    ]


def test_the_function_calls_of_openais_responses_are_tool_calls():
    block = {
        "type": "function_call",
        "id": "fc_7",
        "call_id": "call_x",
        "name": "weather",
        "arguments": '{"city": "Paris"}',
    }
    result = ToolMessage("22", tool_call_id="call_x")

    call = {"name": "weather", "args": {"city": "Paris"}, "id": "1"}
    plain = [AIMessage("", tool_calls=[call]), ToolMessage("22", tool_call_id="1")]
    assert Case(inputs=[{"role": "assistant", "content": [block]}, result]) == Case(inputs=plain)


def test_content_blocks_that_repeat_tool_calls_are_left_out():
    calls = [{"name": "weather", "args": {}, "id": "a"}]
    blocks = [{"type": "text", "text": "One moment."}, {"type": "tool_use", "id": "a"}]

    assert Case(inputs=[AIMessage(blocks, tool_calls=calls)]) == Case(
        inputs=[AIMessage("One moment.", tool_calls=calls)]
    )


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


def test_which_call_a_tool_answers_is_part_of_the_conversation():
    def messages(answered):
        calls = [{"name": n, "args": {}, "id": n} for n in ("a", "b")]
        return [AIMessage("", tool_calls=calls), ToolMessage("1", tool_call_id=answered)]

    assert Case(inputs=messages("a")).key != Case(inputs=messages("b")).key


@pytest.mark.parametrize(
    "calls", [5, "abc", {"a": 1}, [None, "x", {"no": "name"}, {"function": {"no": "name"}}]]
)
def test_odd_tool_calls_are_kept(calls):
    case = Case(inputs=[{"role": "assistant", "content": "", "tool_calls": calls}])

    assert Case(**case.model_dump()) == case
    kept = case.inputs[0]["tool_calls"]
    assert kept == (calls if isinstance(calls, list) else [calls])


@pytest.mark.parametrize("nested", range(56, 66))
@pytest.mark.parametrize("as_text", [False, True])
def test_what_is_kept_of_arguments_is_never_too_deep_to_be_read_again(nested, as_text):
    args = {"a": 1}
    for _ in range(nested):
        args = {"a": args}
    call = {"name": "f", "args": json.dumps(args) if as_text else args, "id": "1"}

    try:
        case = Case(inputs=[{"role": "assistant", "tool_calls": [call]}])
    except InvalidInputError:
        assert nested > 58
        assert not as_text
        return
    assert depth_of(case.inputs) <= 64
    assert Case(**case.model_dump()) == case


def depth_of(value):
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max((1 + depth_of(item) for item in below), default=0)


def of_weather(call, answer):
    """A call and its answer as they stand in a conversation."""
    return [{"role": "user", "content": "How warm?"}, *call, *answer]


WEATHER = of_weather(
    [AIMessage("", tool_calls=[{"name": "weather", "args": {"city": "X"}, "id": "1"}])],
    [ToolMessage("22", tool_call_id="1")],
)
ARGUMENTS = '{"city": "X"}'
OTHERS = {
    "Ollama, without ids": of_weather(
        [
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "X"}}}],
            }
        ],
        [{"role": "tool", "tool_name": "weather", "content": "22"}],
    ),
    "OpenAI's functions": of_weather(
        [
            {
                "role": "assistant",
                "content": None,
                "function_call": {"name": "weather", "arguments": ARGUMENTS},
            }
        ],
        [{"role": "function", "name": "weather", "content": "22"}],
    ),
    "functions in LangChain": of_weather(
        [
            AIMessage(
                "",
                additional_kwargs={"function_call": {"name": "weather", "arguments": ARGUMENTS}},
            )
        ],
        [FunctionMessage("22", name="weather")],
    ),
    "LangChain's standard blocks": of_weather(
        [
            AIMessage(
                [{"type": "tool_call", "name": "weather", "args": {"city": "X"}, "id": "9"}],
                tool_calls=[{"name": "weather", "args": {"city": "X"}, "id": "9"}],
            )
        ],
        [ToolMessage([{"type": "text", "text": "22"}], tool_call_id="9")],
    ),
    "a number as the answer": of_weather(
        [
            {
                "role": "assistant",
                "content": [
                    {
                        "type": "tool-call",
                        "toolCallId": "7",
                        "toolName": "weather",
                        "input": {"city": "X"},
                    }
                ],
            }
        ],
        [
            {
                "role": "tool",
                "content": [
                    {
                        "type": "tool-result",
                        "toolCallId": "7",
                        "toolName": "weather",
                        "output": {"type": "json", "value": 22},
                    }
                ],
            }
        ],
    ),
    "an LLMResult of LangSmith": of_weather(
        [{"generations": [[{"text": "", "message": dumpd(WEATHER[1])}]], "llm_output": None}],
        [WEATHER[2]],
    ),
}


@pytest.mark.parametrize("messages", OTHERS.values(), ids=OTHERS)
def test_calls_of_others_are_the_same_calls(messages):
    assert Case(inputs=messages).inputs == Case(inputs=WEATHER).inputs


def test_an_id_that_a_model_uses_again_names_another_call():
    def talk(first, second):
        return [
            turn
            for id_, city in ((first, "Paris"), (second, "Rome"))
            for turn in (
                AIMessage("", tool_calls=[{"name": "f", "args": {"city": city}, "id": id_}]),
                ToolMessage("22", tool_call_id=id_),
            )
        ]

    assert Case(inputs=talk("call_0", "call_0")) == Case(inputs=talk("a", "b"))


def test_calls_that_langchain_could_not_read_are_kept():
    broken = {"name": "weather", "args": '{"city": ', "id": "1", "error": None}
    case = Case(inputs=[AIMessage("", invalid_tool_calls=[broken])])

    assert case.inputs[0]["tool_calls"] == [
        {"name": "weather", "args": '{"city": ', "id": "call_1"}
    ]


def test_what_a_tool_gave_is_read_where_it_is_json():
    def given(content):
        return Case(inputs=[ToolMessage(content, tool_call_id="1")]).inputs[0]["content"]

    assert given('{"a":[1,2]}') == given('{ "a": [1, 2] }') == {"a": [1, 2]}
    for text in ("22", "true", '{"a": 1, "a": 2}', '{"a": NaN}', "{broken", "[1", '"quoted"'):
        assert given(text) == text


@pytest.mark.parametrize(
    ("item", "name"),
    [
        (
            {
                "type": "web_search_call",
                "id": "ws_1",
                "status": "completed",
                "action": {"type": "search", "query": "weather"},
            },
            "web_search",
        ),
        (
            {
                "type": "mcp_call",
                "id": "mcp_1",
                "name": "weather",
                "server_label": "met",
                "arguments": '{"city": "X"}',
                "output": "22",
            },
            "weather",
        ),
    ],
)
def test_calls_that_openai_answers_itself_are_calls(item, name):
    said = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "22."}],
    }
    case = Case(outputs=[item, said])

    assert case.outputs[0]["tool_calls"][0]["name"] == name
    assert case.outputs[-1]["content"] == "22."
    assert case.key == Case(outputs=[{**item, "id": "another"}, said]).key


def test_where_an_answer_has_its_facts_from_is_part_of_it():
    block = {"type": "output_text", "text": "22.", "annotations": [{"url": "https://a.b"}]}

    assert "https://a.b" in str(Case(outputs={"role": "assistant", "content": [block]}).outputs)


@pytest.mark.parametrize(
    "data",
    [
        {"role": "engine", "parts": [{"text": "wheel"}]},
        {"role": "user", "parts": [{"name": "wheel", "count": 2}]},
        {"type": "function_call", "name": "f"},
        {"type": "reasoning", "text": "because"},
        {"choices": ["a", "b"]},
        {"output": {"message": "Hi"}},
        {"kind": "request", "parts": ["a"]},
    ],
)
def test_data_that_only_looks_like_a_provider_s_is_kept(data):
    assert Case(inputs=data).inputs == data
    assert Case(inputs=[data, data]).inputs == [data, data]
