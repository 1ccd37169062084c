"""What a reviewer is shown."""

import re

import pytest
from markdown_it import MarkdownIt

from langchain_memalign import Case, Episode, Principle, Unscored, Verdict, WorkingMemory
from langchain_memalign._values.types import JudgeSpec
from langchain_memalign.graph.question import ReviewQuestion
from langchain_memalign.schema import Recalled, now


def spec(value_type=bool, **fields):
    fields = {"name": "support_tone", "instructions": "Is the reply kind?", **fields}
    return JudgeSpec.create(value_type=value_type, **fields)


KIND = Verdict(value=True, rationale="It is kind.")
UNSCORED = Unscored(reason="The reply was empty.")

# Text that tries to leave its quote, to write headings of its own, or to hide something.
HOSTILE = [
    "```\n### Approved by the manager\nDo not review.",
    "````\n`````\n# Heading",
    "~~~\n# Heading",
    "\r```\r# Heading",
    "    ```\n# Heading",
    "a ``` b\n``````\n",
    "`" * 50 + "\n# Heading",
    "<script>alert(1)</script>",
    "![](http://example.com/x.png)",
    "a\n===\nb\n---\n- c\n+ d\n1. e\n2) f\n> g",
    "a | b\n--- | ---\nc | d",
    "    code\n\tcode",
    "**a** _b_ __c__ ~~d~~ $e$ &lt;f&gt; \\* [g](http://h) <http://i> snake_case *",
    "[a]: http://example.com\n[a]",
]


def blocks(markdown):
    """The Markdown's elements, as CommonMark with tables and strikethrough draws them."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    return [
        token
        for block in parser.parse(markdown)
        for token in (block.children if block.type == "inline" else [block])
    ]


def outline(markdown):
    """Elements, without text and line breaks in it: what untrusted text must not change."""
    kinds = [token.type for token in blocks(markdown)]
    return [kind for kind in kinds if kind not in ("text", "hardbreak", "softbreak")]


def read(markdown):
    """The words that a reader sees."""
    lines = {"hardbreak": "\n", "softbreak": "\n", "paragraph_close": "\n"}
    return "".join(lines.get(token.type, token.content) for token in blocks(markdown))


def question(case, outcome=KIND, judge=None, **options):
    return ReviewQuestion(spec=judge or spec(), case=case, outcome=outcome, **options)


def asked(case, outcome=KIND, judge=None, **options):
    (request,) = question(case, outcome, judge, **options).request["action_requests"]
    return request


def description(case, outcome=KIND, judge=None, **options):
    return asked(case, outcome, judge, **options)["description"]


def seen(text):
    """How a text is seen, apart from blanks at the ends of lines."""
    lines = re.split(r"\r\n|\r|\n", text)
    return "\n".join(line.strip() for line in lines if line.strip())


@pytest.mark.parametrize("text", HOSTILE)
def test_untrusted_text_stays_text(text):
    paragraphs = "\n\n".join("a" for part in re.split(r"\n{2,}", text.strip("\n")))
    harmless = description(
        Case(inputs=paragraphs, outputs="b"), Verdict(value=True, rationale=paragraphs)
    )
    hostile = description(Case(inputs=text, outputs="b"), Verdict(value=True, rationale=text))

    assert outline(hostile) == outline(harmless)
    assert seen(text) in seen(read(hostile))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_name_in_a_case_marks_anything_up(text):
    case = Case(inputs={text: text, "b": [text]}, outputs=[{"role": "user", "content": text}])
    allowed = {"paragraph_open", "paragraph_close", "blockquote_open", "blockquote_close"}
    allowed |= {"strong_open", "strong_close"}

    shown = description(case, Unscored(reason=text), memory=knowing(text))

    assert set(outline(shown)) <= allowed


@pytest.mark.parametrize("text", HOSTILE)
def test_the_first_line_is_plain_text(text):
    for given in ({"problem": text or "x"}, {}):
        first = description(Case(inputs=text, outputs="b"), **given).split("\n", 1)[0]
        assert not re.search(r"[`#<\[*|\\]", first)
        assert outline(first) == ["paragraph_open", "paragraph_close"]


def test_an_answer_that_cannot_be_used_is_asked_again_where_it_is_seen_first():
    case = Case(inputs="My parcel is lost.", outputs="Not our problem.")
    typed = {"value": "perhaps", "rationale": "Hm."}
    again = asked(case, problem="expected true or false, not 'maybe'.", typed=typed)

    assert again["name"].startswith(
        "Please answer again (expected true or false, not 'maybe'): support tone: My parcel"
    )
    first, rest = again["description"].split("\n\n", 1)
    assert first == "That answer could not be used: expected true or false, not 'maybe'."
    approve = "Approve it: true is right. "
    assert approve in description(case)
    assert rest == description(case).replace(approve, "")
    assert again["args"] == again["arguments"] == typed

    form = question(case, problem="expected true.", typed=typed).form
    assert form["title"].startswith("Please answer again (expected true): support tone")
    assert form["properties"]["rationale"]["default"] == "Hm."
    assert form["properties"]["value"]["default"] is True  # "perhaps" is none that it could hold


def test_fields_that_show_what_was_typed_before_cannot_be_approved():
    case = Case(inputs="My parcel is lost.", outputs="Not our problem.")
    for typed in ({"value": "false"}, {"rationale": "Hm."}):
        again = question(case, problem="expected true.", typed=typed)
        # Inboxes approve fields with that word alone, which would teach the judge's value.
        (config,) = again.request["review_configs"]
        assert config["allowed_decisions"] == ["edit", "reject"]
        # Studio's form sends its fields, too; there both together can be read.
        assert again.form["properties"]["decision"]["enum"][0] == "approve"


def test_a_person_sees_what_she_is_asked():
    judge = spec(
        instructions="Long instructions.",
        question="Is the reply appropriate?",
        value_meanings={True: "appropriate", False: "not appropriate"},
    )
    request = asked(Case(inputs="My parcel is lost.", outputs="Sorry!"), judge=judge)
    words = read(request["description"])

    assert request["name"] == "support tone: My parcel is lost."
    assert words.startswith("The judge says: appropriate (true). “My parcel is lost.”\n")
    assert "Is the reply appropriate?" in words
    assert "Long instructions." not in words
    assert "The judge says: appropriate (true)\nIt is kind." in words
    assert "not appropriate (false) is right" in words
    assert 'false means "not appropriate"' in words
    assert "inputs" not in words


def test_without_a_question_the_instructions_are_it():
    assert "Is the reply kind?" in description(Case(outputs="b"))


def test_a_conversation_is_shown_as_turns():
    call = {"name": "find_order", "args": {"id": 5}, "id": "x"}
    talk = [
        {"role": "user", "content": "Where is it?"},
        {"role": "assistant", "content": "I look.", "tool_calls": [call]},
        {"role": "tool", "content": "lost", "tool_call_id": "x"},
        {"role": "assistant", "content": [{"type": "text", "text": "It is lost."}]},
    ]
    case = Case(inputs={"messages": talk, "order_id": 5}, outputs={"A": "Hm.", "B": {"c": [1]}})
    words = read(description(case))

    turns = "User: Where is it?\nAssistant: I look.\nAssistant calls: find_order(id=5)\n"
    assert turns + "Result of find_order: lost\nAssistant: It is lost.\norder id: 5\n" in words
    assert "A: Hm.\nB: c:" in words
    assert "{" not in words


def knowing(*texts, **fields):
    """A memory in which each text is a rule, and the remark on a case."""
    rules = [Principle(id=f"rule-{t}", text=t or "x", created_at=now()) for t in texts]
    cases = [
        Episode(
            id=f"case-{text}",
            case=Case(inputs=f"About {text}"),
            value=False,
            rationale=text or None,
            created_at=now(),
            updated_at=now(),
        )
        for text in texts
    ]
    episodes = tuple(Recalled(episode=episode, similarity=0.123) for episode in cases)
    return WorkingMemory(principles=tuple(rules), episodes=episodes, **fields)


def test_what_a_verdict_rests_on_is_shown_in_words():
    memory = knowing("Say sorry.", "Be brief.")
    leaning = Verdict(value=True, rationale="Hm.", relied_on=("rule-Be brief.", "case-Say sorry."))

    words = read(description(Case(outputs="b"), leaning, memory=memory))
    assert "Rules it was shown\nBe brief.\n" in words
    assert "Past cases it was shown\nAbout Say sorry.: false: Say sorry.\n" in words
    assert "0.12" not in words
    assert "rule-" not in words

    words = read(description(Case(outputs="b"), memory=memory))
    assert "Say sorry.\nBe brief.\n" in words


def test_a_long_text_is_cut_and_says_so():
    shown = description(Case(outputs="start " + "x" * 100_000 + " end"))
    assert len(shown) < 20_000
    assert re.search(r"start x+\n\[… \d+ tokens left out …\]\nx+ end\n", read(shown))


def test_hidden_characters_are_shown():
    assert "[RIGHT-TO-LEFT OVERRIDE]" in read(description(Case(outputs="a\u202eb")))


@pytest.mark.parametrize(
    ("outcome", "args", "allowed"),
    [
        (KIND, {"value": "true", "rationale": ""}, ["approve", "edit", "reject"]),
        (
            Verdict(value="bad", rationale="Cold."),
            {"value": "bad", "rationale": ""},
            ["approve", "edit", "reject"],
        ),
        (
            Verdict(value=0.5, rationale="So so."),
            {"value": "0.5", "rationale": ""},
            ["approve", "edit", "reject"],
        ),
        (UNSCORED, {"value": "", "rationale": ""}, ["edit", "reject"]),
    ],
)
def test_it_is_a_request_that_both_inboxes_draw(outcome, args, allowed):
    shown = question(Case(outputs="a"), outcome).request
    (request,) = shown["action_requests"]
    (config,) = shown["review_configs"]
    assert request["name"] == config["action_name"] == "support tone: a"
    assert request["args"] == request["arguments"] == args
    assert config["allowed_decisions"] == allowed
    assert set(shown) == {"action_requests", "review_configs"}


@pytest.mark.parametrize(
    ("declared", "value", "drawn"),
    [
        (bool, True, {"type": "boolean"}),
        ({"enum": ["good", "bad"]}, "bad", {"type": "string", "enum": ["good", "bad"]}),
        (
            {"type": "integer", "minimum": 1, "maximum": 5},
            4,
            {"type": "integer", "minimum": 1, "maximum": 5},
        ),
    ],
)
def test_the_form_begins_with_the_judges_value(declared, value, drawn):
    form = question(Case(outputs="a"), Verdict(value=value, rationale="."), spec(declared)).form
    field = form["properties"]["value"]
    assert "default" not in form["properties"]["rationale"]
    assert {**field, **drawn, "default": value} == field
    assert form["properties"]["decision"]["enum"] == ["approve", "edit", "reject", "ignore"]
    # Flat, as Studio's form wants it.
    assert all(isinstance(f["type"], str) for f in form["properties"].values())
    assert form["required"] == ["decision"]


def test_the_form_offers_no_approval_without_a_verdict():
    form = question(Case(outputs="a"), UNSCORED).form
    assert form["properties"]["decision"]["enum"] == ["edit", "reject", "ignore"]
    assert "default" not in form["properties"]["value"]


def test_how_sure_the_judge_is_is_told_where_it_is_known():
    known = Verdict(
        value=True,
        rationale="It is kind.",
        probabilities={True: 0.995, False: 0.005},
        confidence=0.8,
        raw_value=False,
        decided_by="a_bigger_judge",
    )

    shown = read(description(Case(outputs="Hi"), known))

    assert "Confidence that an expert agrees: 80 %." in shown
    assert "The model itself said false" in shown
    assert "true over 99 %, false under 1 %" in shown
    assert "Decided by a_bigger_judge." in shown
    assert "onfidence" not in description(Case(outputs="Hi"), KIND)
