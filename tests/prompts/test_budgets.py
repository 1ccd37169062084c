"""Long cases are cut where it is marked, and the prompt stays near its budget."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_memalign._prompts.distilling import record_size
from langchain_memalign._prompts.text import estimate_tokens
from langchain_memalign.schema import Case

from .examples import distilled, episode, judged, memory, parsed, recalled

MEGABYTE = "A letter begins. " + "It goes on and on. " * 52_000 + "It is signed by Ann."
MARKUP = 450  # tokens of a prompt's fixed words and of the elements of a small case


def shown(case, tokens=1000):
    return parsed(judged(case, case_tokens=tokens).messages).find("case")


def size(messages):
    return sum(estimate_tokens(message.content) for message in messages)


def test_a_text_within_the_budget_is_not_cut():
    text = "x" * 4000
    prompt = judged(Case(inputs=text), case_tokens=1000)

    assert parsed(prompt.messages).find("case/inputs").text == text
    assert prompt.cut_tokens == 0


def test_a_long_text_keeps_its_head_and_tail_around_a_marked_cut():
    prompt = judged(Case(outputs=MEGABYTE), case_tokens=1000)
    outputs = parsed(prompt.messages).find("case/outputs")
    (cut,) = outputs

    assert outputs.text.startswith("A letter begins. It goes on")
    assert cut.tail.endswith("It goes on and on. It is signed by Ann.")
    assert MEGABYTE.startswith(outputs.text)
    assert MEGABYTE.endswith(cut.tail)
    assert cut.attrib == {"tokens": str(prompt.cut_tokens)}
    assert prompt.cut_tokens == estimate_tokens(MEGABYTE) - 1000
    assert size(prompt.messages) < 1000 + MARKUP


def test_short_neighbours_of_a_long_text_are_not_cut():
    case = Case(
        inputs={"question": "Who signed it?", "letter": MEGABYTE, "language": "en"},
        outputs="Ann signed it. " * 20,
        reference_outputs="Ann.",
    )
    element = shown(case)

    assert [field.get("name") for field in element.find("inputs") if len(field)] == ["letter"]
    assert element.find("inputs/field").text == "Who signed it?"
    assert element.find("outputs").text == "Ann signed it. " * 20
    assert element.find("reference_outputs").text == "Ann."


def test_two_long_texts_share_the_budget_that_is_left():
    element = shown(Case(inputs=MEGABYTE, outputs={"a": MEGABYTE, "b": "short"}))
    lengths = [sum(map(len, e.itertext())) for e in (element.find("inputs"), element[1][0])]

    assert lengths[0] == lengths[1] == pytest.approx(2000, abs=8)


def test_what_was_cut_of_all_texts_is_told():
    prompt = judged(Case(inputs=MEGABYTE, outputs=MEGABYTE), case_tokens=1000)
    cuts = [int(cut.get("tokens")) for cut in parsed(prompt.messages).iter("cut")]

    assert prompt.cut_tokens == sum(cuts) == 2 * estimate_tokens(MEGABYTE) - 1000


@pytest.mark.parametrize("tokens", [0, 1, 2, 3, 50])
def test_even_a_tiny_budget_gives_a_whole_prompt(tokens):
    element = shown(Case(inputs={"q": MEGABYTE, "漢字": "漢字"}, outputs=MEGABYTE), tokens)

    assert [field.tag for field in element] == ["inputs", "outputs"]


@given(
    st.text(st.sampled_from("a é漢字😀\u200b<&\n"), min_size=30, max_size=300), st.integers(0, 60)
)
@settings(deadline=None)
def test_no_character_is_cut_in_two(text, tokens):
    outputs = shown(Case(outputs=f"x{text}"), tokens).find("outputs")
    pieces = [outputs.text or "", *(cut.tail or "" for cut in outputs)]
    whole = f"x{text}".replace("\u200b", "[ZERO WIDTH SPACE]")

    assert whole.startswith(pieces[0])
    assert whole.endswith(pieces[-1])
    assert "\ufffd" not in "".join(pieces)


@pytest.mark.parametrize("character", ["漢", "😀", "é", "\u200b", "\U000e0041", "\x01"])
def test_scripts_of_many_bytes_and_invisible_characters_keep_the_budget(character):
    text = character * 100_000
    known = memory(episodes=[recalled(rationale=text)])
    prompt = judged(Case(outputs=text), known, case_tokens=1000, episode_tokens=1000)

    assert prompt.cut_tokens >= 100_000 / 4 - 1000
    assert size(prompt.messages) < 2 * 1000 + MARKUP


def test_thousands_of_keys_are_cut_with_a_mark():
    case = Case(inputs={f"key {i}": f"value {i}" for i in range(5000)}, outputs="fine")
    prompt = judged(case, case_tokens=2000)
    names = [e.get("name") for e in parsed(prompt.messages).find("case/inputs")]
    (cut,) = parsed(prompt.messages).find("case").iter("cut")

    assert names[0] == "key 0"
    assert names[-1] == "key 4999"
    assert names.count(None) == 1
    assert int(cut.get("parts")) + len(names) - 1 == 5000
    assert prompt.cut_tokens == int(cut.get("tokens")) > 10_000
    assert size(prompt.messages) < 2 * 2000 + MARKUP


def conversation(length):
    return [
        message
        for i in range(length)
        for message in (
            HumanMessage(f"Question {i}"),
            AIMessage("", tool_calls=[{"name": "look", "args": {"i": i}, "id": str(i)}]),
            ToolMessage(f"Result {i}", tool_call_id=str(i)),
        )
    ]


@pytest.mark.parametrize("where", ["alone", "in a mapping", "in two fields"])
def test_thousands_of_messages_are_cut_with_a_mark(where):
    talk = conversation(3000)
    fields = {
        "alone": {"outputs": talk},
        "in a mapping": {"inputs": {"user": "Ann", "messages": talk, "tier": "gold"}},
        "in two fields": {"inputs": talk, "outputs": {"messages": talk, "state": "done"}},
    }
    prompt = judged(Case(**fields[where]), case_tokens=2000)
    case = parsed(prompt.messages).find("case")
    messages = list(case.iter("message"))

    assert messages[0].text == "Question 0"
    assert messages[1].find("tool_call").text == '{"i": 0}'
    assert messages[-1].text == "Result 2999"
    assert len(list(case.iter("cut"))) == len(fields[where])
    assert prompt.cut_tokens > 10_000
    assert size(prompt.messages) < 2 * 2000 + MARKUP
    # Next to a long conversation, short fields stay.
    assert {"Ann", "gold"} <= set(case.itertext()) or where != "in a mapping"


def test_a_message_of_thousands_of_tool_calls_is_cut_with_a_mark():
    calls = [{"name": "look", "args": {"i": i}, "id": str(i)} for i in range(5000)]
    talk = [HumanMessage("Look everywhere"), AIMessage("Looking.", tool_calls=calls)]
    prompt = judged(Case(outputs=[*talk, HumanMessage("Stop!")]), case_tokens=1000)
    messages = parsed(prompt.messages).findall("case/outputs/message")

    assert [message.text for message in messages] == ["Look everywhere", "Looking.", "Stop!"]
    assert int(messages[1].find("cut").get("parts")) > 4900
    assert size(prompt.messages) < 2 * 1000 + MARKUP


@pytest.mark.parametrize("tokens", [50, 1000])
def test_many_keys_that_hold_many_messages_stay_near_the_budget(tokens):
    threads = {f"thread {i}": conversation(20) for i in range(100)}
    case = Case(inputs=threads, outputs="fine", reference_outputs=threads)
    prompt = judged(case, case_tokens=tokens)

    assert parsed(prompt.messages).find("case/inputs/field").get("name") == "thread 0"
    assert parsed(prompt.messages).find("case/outputs").text == "fine"
    assert size(prompt.messages) < 2 * tokens + 600 + MARKUP


def test_long_names_are_cut():
    case = Case(inputs={"k" * 100_000: "v"}, outputs=[AIMessage("Hi", name="n" * 100_000)])

    assert size(judged(case).messages) < 100 + MARKUP


def test_a_conversation_that_fits_is_whole():
    prompt = judged(Case(outputs=conversation(20)), case_tokens=2000)

    assert prompt.cut_tokens == 0
    assert len(list(parsed(prompt.messages).iter("message"))) == 60


def test_an_image_leaves_the_budget_to_the_words():
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{'iVBOR' * 99_999}"}}
    other = {"type": "image", "mime_type": "image/png", "base64": "iVBOR" * 99_999}
    words = "What is in this picture? " * 30
    prompt = judged(Case(inputs=[HumanMessage([{"type": "text", "text": words}, image, other])]))

    assert prompt.cut_tokens == 0
    assert words in parsed(prompt.messages).find("case/inputs/message").text
    assert prompt.messages[1].content.count("499987 characters of data") == 2


def test_each_episode_keeps_to_its_own_budget():
    long = [recalled(outputs=f"{i} {MEGABYTE}", rationale=MEGABYTE) for i in range(5)]
    prompt = judged(known=memory(episodes=long), episode_tokens=100)

    assert prompt.cut_tokens == 0  # that is about the case
    assert size(prompt.messages) < 5 * (2 * 100 + 60) + MARKUP
    for shown_episode in parsed(prompt.messages).iter("episode"):
        assert [len(list(part.iter("cut"))) for part in shown_episode] == [0, 1, 1]


def test_a_record_is_as_large_as_it_is_rendered():
    one = episode(outputs=MEGABYTE, rationale="Too long.", reviewer="Ann")
    larger = size(distilled([one, one])) - size(distilled([one]))

    assert record_size(one, 500) == pytest.approx(larger, abs=2)


def test_records_of_distilling_keep_to_their_budget():
    messages = distilled([episode(outputs=MEGABYTE, rationale=MEGABYTE)] * 3, record_tokens=100)

    assert size(messages) < 3 * (2 * 100 + 60) + 2 * MARKUP


@pytest.mark.parametrize("count", [21, 5000])
def test_a_scale_of_very_many_values_is_told_in_ranges(count):
    counts = {str(i / 100): 1 for i in range(count)}
    messages = judged(known=memory(value_counts=counts)).messages
    given = parsed(messages).find("values_given").text

    assert given.startswith("0 to ")
    assert given.count("(") == 10
    assert sum(int(part.split(" ")[0]) for part in given.split("(")[1:]) == count
