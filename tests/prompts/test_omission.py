"""Data that no text model reads is marked with its kind and size; words never are."""

import base64
import hashlib
import json
import random
import re
import textwrap

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_memalign._prompts.content import embedding_texts, render_case
from langchain_memalign.schema import Case

from .examples import judged

NOISE = random.Random(1).randbytes(60_000)
PNG = b"\x89PNG\r\n\x1a\n" + NOISE
BARE = base64.b64encode(NOISE).decode()
LINES = base64.encodebytes(PNG).decode()

DATA = {
    "bare": (BARE, "data, 60 kB"),
    "with its kind": (base64.b64encode(PNG).decode(), "image/png, 60 kB"),
    "in lines": (LINES, "image/png, 60 kB"),
    "in lines of a letter": ("\n".join(textwrap.wrap(BARE, 64)), "data, 60 kB"),
    "for addresses": (base64.urlsafe_b64encode(NOISE).decode(), "data, 60 kB"),
    "in JSON": (json.dumps({"file": LINES}), "image/png, 60 kB"),
    "data URL": (f"See data:application/pdf;base64,{BARE}", "application/pdf, 60 kB"),
    "Markdown": (f"![chart](data:image/png;base64,{BARE})", "image/png, 60 kB"),
    "hexadecimal": (NOISE.hex(), "hexadecimal, 60 kB"),
    "of text": (base64.b64encode(b"The quick brown fox. " * 3000).decode(), "text, 63 kB"),
    "of zeros": (base64.b64encode(b"%PDF-1.7" + bytes(60_000)).decode(), "application/pdf, 60 kB"),
}
PLACES = {
    "text": lambda data: data,
    "mapping": lambda data: {"answer": data},
    "list": lambda data: ["Here:", data],
    "message": lambda data: [AIMessage(data)],
    "tool call": lambda data: [
        AIMessage("", tool_calls=[{"name": "save", "args": {"content": data}, "id": "1"}])
    ],
    "tool's answer": lambda data: [ToolMessage(data, tool_call_id="1")],
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize(("data", "mark"), DATA.values(), ids=DATA)
def test_data_is_marked_with_its_kind_and_size(data, mark, place):
    case = Case(inputs="Draw it.", outputs=place(data))
    shown, cut = render_case(case, 30_000)
    _, embedded = embedding_texts(case)

    for text in (shown, embedded):
        assert len(text) < 400
        assert f"[{mark}: " in text
    assert not cut


def test_what_stands_around_data_stays():
    text = f"Look: {BARE}\nThanks a lot\nfor it"

    _, embedded = embedding_texts(Case(outputs=text))
    assert re.fullmatch(r"Look: \S{8}…\[data, .*left out\]\nThanks a lot\nfor it", embedded)


@pytest.mark.parametrize(
    "words",
    [
        "word " * 400,
        "-".join(["some", "slug", "of", "words"] * 60),
        "/usr/lib/python3/dist_packages/foo/bar/" * 20,
        "https://example.com/" + "a/b_c-d/" * 60,
        "SomeCamelCaseName" * 40,
        "some_snake_case_name_" * 40,
        "0123456789" * 60,
        "Donaudampfschifffahrtsgesellschaft" * 10,
        "ACGT" * 300,
        "x" * 5000,
        "|---" * 200,
        "\n".join(hashlib.sha256(bytes([i])).hexdigest() for i in range(6)),
    ],
)
def test_words_names_paths_and_numbers_stay(words):
    assert embedding_texts(Case(outputs=words)) == (None, words)


B64 = base64.b64encode(PNG).decode()
URL = f"data:image/png;base64,{B64}"
IMAGES = {
    "LangChain": {"type": "image", "base64": B64, "mime_type": "image/png"},
    "LangChain, before": {
        "type": "image",
        "source_type": "base64",
        "data": B64,
        "mime_type": "image/png",
    },
    "OpenAI": {"type": "image_url", "image_url": {"url": URL, "detail": "auto"}},
    "OpenAI, short": {"type": "image_url", "image_url": URL},
    "Responses": {"type": "input_image", "image_url": URL, "detail": "auto"},
    "Anthropic": {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": B64},
        "cache_control": {"type": "ephemeral"},
    },
    "Bedrock": {"image": {"format": "png", "source": {"bytes": PNG}}},
    "Gemini": {"inlineData": {"mimeType": "image/png", "data": B64}},
    "Gemini, in Python": {"text": None, "inline_data": {"mime_type": "image/png", "data": B64}},
    "OpenTelemetry": {
        "type": "blob",
        "modality": "image",
        "mime_type": "image/png",
        "content": B64,
    },
    "Vercel": {"type": "image", "image": B64, "mimeType": "image/png"},
    "Vercel, of a user": {"type": "file", "mediaType": "image/png", "url": URL},
    "Pydantic AI": {"kind": "binary", "data": B64, "media_type": "image/png"},
    "in lines": {
        "type": "image",
        "base64": base64.encodebytes(PNG).decode(),
        "mime_type": "image/png",
    },
}


def seen(image):
    return Case(inputs=[{"role": "user", "content": [{"type": "text", "text": "What?"}, image]}])


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_an_image_is_the_same_image_in_every_form(image):
    case = seen(image)

    assert case == seen(IMAGES["LangChain"])
    assert "[image/png, 60 kB: " in render_case(case, 1000)[0]
    assert len(embedding_texts(case)[0]) < 100


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_a_model_that_sees_gets_the_image(image):
    content = judged(seen(image), sees=True).messages[1].content

    assert IMAGES["LangChain"] in content
    text = content[0]["text"]
    assert "What?\n[image 1, attached]" in text
    assert "left out" not in text


def test_a_linked_image_is_one_too():
    url = "https://example.com/a.png"
    case = Case(inputs=HumanMessage([{"type": "image_url", "image_url": {"url": url}}]))

    assert {"type": "image", "url": url} in judged(case, sees=True).messages[1].content
    assert url in judged(case).messages[1].content


def test_words_in_the_place_of_a_file_stay_words():
    notes = {"type": "document", "source": {"type": "text", "data": "No refunds after May."}}

    assert "No refunds after May." in render_case(seen(notes), 1000)[0]


def test_thoughts_read_as_text():
    case = Case(outputs=AIMessage([{"type": "thinking", "thinking": "Hm."}, "Yes."]))

    assert '<field name="reasoning">Hm.</field>Yes.' in render_case(case, 1000)[0]


@pytest.mark.parametrize("before", range(65_530, 65_545))
def test_data_in_a_long_text_is_marked_wherever_it_stands(before):
    """Long texts are looked through in parts."""
    words = ("lorem ipsum " * 12_000)[: before - 1] + " "
    (shown, _) = render_case(Case(inputs=f"{words}{LINES} and {BARE} end"), 10**6)
    assert "image/png, 60 kB" in shown
    assert "data, 60 kB" in shown
    assert "end" in shown
    assert BARE[100:200] not in shown
    assert LINES[100:150] not in shown
