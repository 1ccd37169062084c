"""By which words a case is remembered."""

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_memalign._prompts.content import embedding_texts
from langchain_memalign._prompts.text import estimate_tokens
from langchain_memalign.schema import Case


def test_inputs_and_outputs_are_separate_texts():
    assert embedding_texts(Case(inputs="Where is it?", outputs="Unknown.")) == (
        "Where is it?",
        "Unknown.",
    )


def test_the_reference_is_not_what_was_judged():
    case = Case(inputs="Where is it?", outputs="Unknown.", reference_outputs="On its way.")

    assert embedding_texts(case) == ("Where is it?", "Unknown.")


@pytest.mark.parametrize("blank", [None, "", " \n", {}, [], {"a": ""}, {"a": None}, [[], {}]])
def test_what_is_blank_has_no_text(blank):
    assert embedding_texts(Case(inputs=blank, outputs="Unknown.")) == (None, "Unknown.")


def test_keys_are_left_out():
    case = Case(inputs={"question": "Where?", "meta": {"plan": "gold", "years": 3, "vip": True}})

    assert embedding_texts(case) == ("Where?\ngold\n3\ntrue", None)


def test_messages_give_their_content_and_tool_calls_without_roles_and_ids():
    calls = [{"name": "find", "args": {"customer": "c7", "type": "late"}, "id": "x"}]
    case = Case(
        inputs={"messages": [HumanMessage("Where is it?")]},
        outputs=[
            AIMessage("Let me see.", tool_calls=calls),
            ToolMessage("not found", tool_call_id="x", status="error"),
            AIMessage("", additional_kwargs={"refusal": "I cannot tell."}),
        ],
    )

    inputs, outputs = embedding_texts(case)
    assert inputs == "Where is it?"
    assert [line for line in outputs.split("\n") if line] == [
        "Let me see.",
        "find",
        "c7",
        "late",
        "not found",
        "I cannot tell.",
    ]


def test_images_are_left_out():
    image = {"type": "image", "mime_type": "image/png", "base64": "iVBOR" * 9999}
    linked = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{'iVBOR' * 9999}"}}
    case = Case(inputs=[HumanMessage([{"type": "text", "text": "What is it?"}, image, linked])])

    text, _ = embedding_texts(case)
    assert text.startswith("What is it?")
    assert len(text) < 200


def test_the_same_answer_has_the_same_text_in_every_form():
    cases = [
        Case(outputs=AIMessage("Sorry!", id="1")),
        Case(outputs=[{"role": "assistant", "content": "Sorry!"}]),
        Case(outputs={"answer": "Sorry!"}),
        Case(outputs="Sorry!"),
    ]

    assert {embedding_texts(case) for case in cases} == {(None, "Sorry!")}


def test_a_text_too_long_for_an_embedding_keeps_its_head_and_tail():
    text = "It begins. " + "It goes on. " * 100_000 + "It ends."
    shown, _ = embedding_texts(Case(inputs=text))

    assert shown.startswith("It begins. It goes on.")
    assert " … " in shown
    assert shown.endswith("It goes on. It ends.")
    assert estimate_tokens(shown) <= 6002
