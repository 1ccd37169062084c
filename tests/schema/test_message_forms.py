"""One conversation with tools is one case, whichever SDK wrote it down."""

import dataclasses
import json
from typing import Any

import pytest
from pydantic import create_model

from langchain_memalign._content import is_messages
from langchain_memalign._prompts.content import embedding_texts, render_case
from langchain_memalign.schema import Case

from .message_forms import FORMS, langchain, openai_chat, pydantic_ai

every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


@every_form
def test_the_same_conversation_is_the_same_case(form):
    case = Case(outputs=form("another-run"))

    assert case.outputs == Case(outputs=langchain()).outputs
    assert case.key == Case(outputs=langchain()).key


@every_form
def test_another_answer_is_another_case(form):
    assert Case(outputs=form(answer="23.")).key != Case(outputs=form()).key


@every_form
def test_it_is_embedded_without_ids(form):
    _, text = embedding_texts(Case(outputs=form("run7x")))

    assert "run7x" not in text
    assert "call_1" not in text
    assert text == embedding_texts(Case(outputs=langchain()))[1]


@every_form
def test_it_reads_as_turns(form):
    shown, cut = render_case(Case(outputs=form("run7x")), 1000)

    roles = [part.split('"', 1)[0] for part in shown.split('<message role="')[1:]]
    expected = "system user assistant tool tool assistant user assistant tool assistant"
    assert roles == expected.split()
    assert "run7x" not in shown
    assert not cut


@every_form
def test_it_stays_what_it_is_when_it_is_read_again(form):
    case = Case(inputs={"messages": form()})

    assert is_messages(case.inputs["messages"])
    assert Case(**json.loads(case.model_dump_json())) == case


def as_objects(value):
    """Mappings as the dataclasses that a client gives back before they are dumped."""
    if isinstance(value, list):
        return [as_objects(item) for item in value]
    if not isinstance(value, dict) or not {"kind", "part_kind"} & value.keys():
        return value
    fields = {name: as_objects(item) for name, item in value.items()}
    return dataclasses.make_dataclass("Sent", fields)(**fields)


def test_messages_that_are_dataclasses_are_messages():
    assert Case(outputs=as_objects(pydantic_ai())) == Case(outputs=pydantic_ai())


def test_messages_that_are_pydantic_objects_are_messages():
    def sent(message):
        return create_model("Sent", **dict.fromkeys(message, (Any, ...)))(**message)

    messages = list(map(sent, openai_chat()))
    assert Case(outputs=messages) == Case(outputs=openai_chat())
    assert Case(outputs=messages[-1]) == Case(outputs=openai_chat()[-1:])


def test_several_choices_are_no_conversation():
    choices = [{"index": i, "message": {"role": "assistant", "content": str(i)}} for i in range(2)]
    case = Case(outputs={"id": "1", "object": "chat.completion", "choices": choices})

    assert [choice["message"][0]["content"] for choice in case.outputs["choices"]] == ["0", "1"]
