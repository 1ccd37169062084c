"""What a reviewer is shown."""

import re

import pytest

from langchain_memalign import Case, Unscored, Verdict
from langchain_memalign._values import ValueType
from langchain_memalign.graph.question import response_schema, review_request

BOOLEAN = ValueType.parse(bool)
KIND = Verdict(value=True, rationale="It is kind.")
UNSCORED = Unscored(reason="The reply was empty.")

# Text that tries to leave its code block, to write headings of its own, or to hide something.
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
]


def outside_code(markdown):
    """What a reader sees outside of code blocks, by CommonMark's rule for fences."""
    shown, fence = [], None
    for line in re.split(r"\r\n|\r|\n", markdown):
        opened = re.match(r" {0,3}(`{3,})([^`]*)$", line)
        if fence is None and opened:
            fence = opened[1]
        elif fence and re.match(r" {0,3}(`+)\s*$", line) and len(line.strip()) >= len(fence):
            fence = None
        elif fence is None:
            shown.append(line)
    assert fence is None, "a code block was never closed"
    return "\n".join(shown)


def description(case, outcome=KIND, problem=None):
    return review_request(case, outcome, BOOLEAN, problem)["action_requests"][0]["description"]


@pytest.mark.parametrize("text", HOSTILE)
def test_untrusted_text_stays_in_its_code_block(text):
    harmless = description(Case(inputs="a", outputs="b", reference_outputs="c"))
    hostile = description(
        Case(inputs=text, outputs={text: [text]}, reference_outputs=text),
        Verdict(value=True, rationale=text),
    )
    assert outside_code(hostile) == outside_code(harmless)


@pytest.mark.parametrize("text", HOSTILE)
def test_the_reason_to_ask_again_is_one_line_without_markup(text):
    first, rest = description(Case(outputs="b"), problem=text).split("\n", 1)
    assert first.startswith("**That answer could not be used:** ")
    assert rest == "\n" + description(Case(outputs="b"))
    assert not re.search(r"(?<!\\)[`#<!\[]", first)


def test_a_plain_reason_to_ask_again_is_shown_as_it_is():
    shown = description(Case(outputs="b"), problem="expected true or false, not 'maybe'.")
    assert "could not be used:** expected true or false, not 'maybe'.\n" in shown


@pytest.mark.parametrize("text", HOSTILE)
def test_the_reason_of_of_an_unscored_case_stays_in_its_code_block(text):
    case = Case(outputs="b")
    assert outside_code(description(case, Unscored(reason=text))) == outside_code(
        description(case, UNSCORED)
    )


def test_hidden_characters_are_shown():
    assert "[RIGHT-TO-LEFT OVERRIDE]" in description(Case(outputs="a\u202eb"))


def test_a_long_text_is_cut_and_says_so():
    shown = description(Case(outputs="start " + "x" * 100_000 + " end"))
    assert len(shown) < 20_000
    assert re.search(r"start x+\n\[… \d+ tokens left out …\]\nx+ end\n", shown)


def test_messages_and_mappings_are_shown_as_json():
    shown = description(Case(inputs=[{"role": "user", "content": "Grüße"}], outputs={"a": 1}))
    assert '"content": "Grüße"' in shown
    assert '"a": 1' in shown
    assert "reference_outputs" not in shown


@pytest.mark.parametrize(
    ("outcome", "args", "allowed"),
    [
        (KIND, {"value": "true", "rationale": "It is kind."}, ["approve", "edit", "reject"]),
        (
            Verdict(value="bad", rationale="Cold."),
            {"value": "bad", "rationale": "Cold."},
            ["approve", "edit", "reject"],
        ),
        (
            Verdict(value=0.5, rationale="So so."),
            {"value": "0.5", "rationale": "So so."},
            ["approve", "edit", "reject"],
        ),
        (UNSCORED, {"value": "", "rationale": ""}, ["edit", "reject"]),
    ],
)
def test_it_is_a_request_that_both_inboxes_draw(outcome, args, allowed):
    shown = review_request(Case(outputs="a"), outcome, BOOLEAN)
    (request,) = shown["action_requests"]
    (config,) = shown["review_configs"]
    assert request["name"] == config["action_name"] == "review_judgment"
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
    form = response_schema(Verdict(value=value, rationale="."), ValueType.parse(declared))
    field = form["properties"]["value"]
    assert {**field, **drawn, "default": value} == field
    assert form["properties"]["decision"]["enum"] == ["approve", "edit", "reject", "ignore"]
    # Flat, as Studio's form wants it.
    assert all(isinstance(f["type"], str) for f in form["properties"].values())
    assert form["required"] == ["decision"]


def test_the_form_offers_no_approval_without_a_verdict():
    form = response_schema(UNSCORED, BOOLEAN)
    assert form["properties"]["decision"]["enum"] == ["edit", "reject", "ignore"]
    assert "default" not in form["properties"]["value"]
