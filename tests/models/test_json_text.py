"""JSON is found in what models write around it; what is thinking is told by the tags outside."""

import pytest

from langchain_memalign._models.json_text import find_json

ANSWER = '{"value": true}'
DRAFT = '{"value": false}'


def values(text):
    return [one.value for one in find_json(text).found]


THINKING = [
    "<think>{}</think>",
    "<thinking>{}</thinking>",
    "<THINK>{}</THINK>",
    '<think type="deep">{}</think>',
    "<thought>{}</thought>",
    "<reasoning>{}</reasoning>",
    "<reflection>{}</reflection>",
    "<analysis>{}</analysis>",
    "<antThinking>{}</antThinking>",
    "<seed:think>{}</seed:think>",
    "<longcat_think>{}</longcat_think>",
    "<scratchpad>{}</scratchpad>",
    "[THINK]{}[/THINK]",
    "[think]{}[/think]",
    "\u25c1think\u25b7{}\u25c1/think\u25b7",
    "<|begin_of_thought|>{}<|end_of_thought|>",
    "<|START_THINKING|>{}<|END_THINKING|>",
    "<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>",
    "<|channel|>analysis<|message|>{}<|end|><|start|>assistant"
    "<|channel|>commentary to=functions.verdict <|constrain|>json<|message|>",
    "<|channel>thought\n{}<channel|>",
    "<unused94>thought\n{}<unused95>",
    "analysis{}assistantfinal",
    # Without what opened it, as where the chat template already wrote that.
    "{}</think>",
    "{}</thinking>",
    "{}[/THINK]",
    "{}\u25c1/think\u25b7",
    "{}<|END_THINKING|>",
    "{}<|end|><|start|>assistant<|channel|>final<|message|>",
    "{}<channel|>",
    # Twice, and one in the other.
    "<think>{}</think>\n<think>{}</think>",
    "<think>{}<think>{}</think>{}</think>",
    "{}</think>{}</think>",
]
THOUGHTS = [
    "Polite, I think.",
    f"Perhaps {DRAFT}? No.",
    "Braces: one { and } two }.",
    'He said "no". {"value": ',
    "```json\n" + DRAFT + "\n```",
    '{"value": fal',
    '{"why": "</think> or [/THINK]", "val',
]


@pytest.mark.parametrize("thoughts", THOUGHTS)
@pytest.mark.parametrize("marking", THINKING)
def test_thinking_is_dropped_in_every_marking_whatever_it_holds(marking, thoughts):
    text = marking.replace("{}", thoughts)
    held = find_json(f"{text}\n{ANSWER}")
    assert [one.value for one in held.found] == [{"value": True}]
    assert held.problem is None
    assert not held.is_cut_off


def test_a_thought_that_nothing_opened_may_quote_another_marking():
    assert values('It has {"why": "[THINK]", "val</think>' + ANSWER) == [{"value": True}]
    assert values('It has {"why": "<think>", "val[/THINK]' + ANSWER) == [{"value": True}]


@pytest.mark.parametrize("ending", ["", "<|return|>", "<|call|>", "\n```", "</answer>"])
def test_a_token_at_the_end_does_no_harm(ending):
    assert values(ANSWER + ending) == [{"value": True}]


TAGS = [
    "<think>so</think>",
    "<think>",
    "</think>",
    "[THINK]a[/THINK]",
    "\u25c1think\u25b7",
    "<|channel|>analysis",
    "<|end|>",
    "assistantfinal",
]


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("around", ["{}", "<think>Hm.</think>{}", "Hm.</think>\n```json\n{}\n```"])
def test_a_text_inside_the_json_may_hold_any_marking(around, tag):
    answer = '{"value": true, "why": "It wrote ' + tag + ' twice."}'
    (found,) = values(around.replace("{}", answer, 1))
    assert found == {"value": True, "why": f"It wrote {tag} twice."}


@pytest.mark.parametrize(
    "text",
    [
        f"<think>{ANSWER}</think>",
        f"<think>{ANSWER}",
        f"{ANSWER} is what I would say.</think>",
        f"<|channel|>analysis<|message|>{ANSWER}<|end|>",
    ],
)
def test_json_inside_the_thinking_is_no_answer(text):
    held = find_json(text)
    assert (held.found, held.problem) == ((), None)


def test_json_with_nothing_but_a_closing_tag_after_it_is_an_answer():
    assert values(f"{ANSWER}\n</think>") == [{"value": True}]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"why": "one\ntwo"}', {"why": "one\ntwo"}),
        ('{"why": "one\ttwo\r\n"}', {"why": "one\ttwo\r\n"}),
        ('{"a": 1,}', {"a": 1}),
        ('{"a": [1, 2, ] , }', {"a": [1, 2]}),
        ('{"a": [{"b": 1,},],}', {"a": [{"b": 1}]}),
        ('{"a": ",}", "b": "]",}', {"a": ",}", "b": "]"}),
        ('{"a": 1, "a": 1}', {"a": 1}),
        ('[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
        ("{}", {}),
    ],
)
def test_what_has_one_meaning_is_read(text, value):
    assert values(f"So: {text}.") == [value]


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1,,}',
        '{"a": [,]}',
        '{"a":,}',
        "{,}",
        '{"a": [1,,2]}',
        '{"a": 1, "a": 2}',
        '{"a": 1, "a": true}',
        '{"a" 1}',
        "{'a': 1}",
        "{a: 1}",
        '{"a": NaN}',
        '{"a": "b" "c"}',
    ],
)
def test_what_is_broken_in_any_other_way_is_not_mended(text):
    held = find_json(text)
    assert held.found == ()
    assert held.problem


@pytest.mark.parametrize("end", range(5, len('{"a": {"b": 1}, "c": "d, e", "f": [true]}')))
def test_json_that_begins_and_has_no_end_is_cut_off(end):
    text = '{"a": {"b": 1}, "c": "d, e", "f": [true]}'[:end]
    assert find_json(text).is_cut_off
    assert find_json(f"Look: {text}").is_cut_off


@pytest.mark.parametrize(
    "prose",
    [
        "Prices {in EUR} are fine.",
        "A set {1, 2} and a brace { alone.",
        'A brace in quotes, "{", and a key {"key": ...}.',
        "f(x) = {x | x > 0}; {{placeholder}}; ${name}",
        "C: if (a) { return b; }",
        "{",
        "}",
        '{"',
    ],
)
def test_braces_in_prose_hide_no_object(prose):
    for text in (f"{prose} {ANSWER}", f"{ANSWER} {prose}", f"{prose}\n```json\n{ANSWER}\n```"):
        held = find_json(text)
        assert [one.value for one in held.found] == [{"value": True}]
        assert not held.is_cut_off


@pytest.mark.parametrize("text", ["{" * 50_000, '{"a":' * 20_000, "[{" * 20_000, "<think>" * 9_000])
def test_endless_nesting_ends(text):
    assert find_json(text).found == ()
