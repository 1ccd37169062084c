"""Whatever stands around an answer, it is found; whatever is broken, no other verdict comes out."""

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage

from langchain_memalign import InvalidInputError
from langchain_memalign._models.replies import read_object
from langchain_memalign._values.types import ValueType

CASES = 60
many = settings(
    max_examples=CASES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

# Each type with its values; none of a scale's turns into another by a slip of one character.
SCALES = [
    ({"type": "boolean"}, [True, False]),
    ({"enum": ["good", "bad", "so-so"]}, ["good", "bad", "so-so"]),
    ({"enum": [1, 2, 3]}, [1, 2, 3]),
    ({"type": "integer", "minimum": 1, "maximum": 5}, [1, 2, 3, 4, 5]),
]


@dataclass
class Answer:
    """What a model means: its type, what it has to be read as, and another verdict."""

    value_type: ValueType
    fields: dict[str, Any]
    other: dict[str, Any]

    @property
    def schema(self):
        return self.value_type.verdict_schema()

    def read(self, text, **metadata):
        """What a reply is read as; None if it is no verdict."""
        try:
            data = read_object(AIMessage(text, response_metadata=metadata), None, self.schema)
            if not isinstance(data.get("rationale"), str):
                return None
            self.value_type.check(data.get("value"))
        except InvalidInputError:
            return None
        return data


PIECES = st.sampled_from(
    [
        "Polite.",
        "a { b } c",
        "} {",
        "{}",
        "```json\n{}\n```",
        '"quoted"',
        "<think>so</think>",
        "</think>",
        "[THINK]",
        "\u25c1think\u25b7",
        "<|channel|>analysis",
        "line\nbreak\tand tab",
        "back\\slash \\n",
        '{"value": true}',
        '{"rationale": "x", "relied_on": [], "value": false}',
        "\u00e9\u4e2d\U0001f600",
    ]
)
PLAIN_TEXT = st.text(st.characters(codec="utf-8", exclude_characters='"<>[]\u25c1\u25b7|'))


@st.composite
def meant(draw):
    declared, values = draw(st.sampled_from(SCALES))
    value = draw(st.sampled_from(values))
    other = draw(st.sampled_from([one for one in values if one is not value]))
    fields = {
        "rationale": " ".join(draw(st.lists(PIECES | PLAIN_TEXT, max_size=4))),
        "relied_on": draw(st.lists(st.sampled_from(["P1", "P2", "E1"]), max_size=3, unique=True)),
        "value": value,
    }
    return Answer(ValueType.parse(declared), fields, fields | {"value": other})


@st.composite
def written(draw, fields):
    """The JSON text of an answer, in a form that a model may give it."""
    said = dict(fields)
    match draw(st.integers(0, 3)), said["value"]:
        case 0, bool() as value:
            said["value"] = draw(st.sampled_from([str(value), str(value).lower()]))
        case 0, int() as value:
            said["value"] = draw(st.sampled_from([str(value), float(value), f"{value}.0"]))
        case 0, str() as value:
            said["value"] = draw(st.sampled_from([value.title(), f" {value} ", value.upper()]))
    match draw(st.integers(0, 3)), said["relied_on"]:
        case 0, []:
            said["relied_on"] = draw(st.sampled_from([None, "[]", "", "none"]))
        case 0, names:
            said["relied_on"] = draw(st.sampled_from([", ".join(names), json.dumps(names)]))
    wrap = draw(st.sampled_from(["", "", "", "verdict", "result", "parameters"]))
    data = {wrap: said} if wrap else said
    text = json.dumps(
        data, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 2]))
    )
    if draw(st.booleans()) and "\\\\" not in text:
        text = text.replace("\\n", "\n").replace("\\t", "\t")
    if draw(st.booleans()):
        text = text[:-1] + draw(st.sampled_from([",}", " , }", ",\n}"]))
    return text


MARKINGS = [
    "<think>{}</think>",
    "<thinking>{}</thinking>",
    "<reasoning>\n{}\n</reasoning>",
    "[THINK]{}[/THINK]",
    "\u25c1think\u25b7{}\u25c1/think\u25b7",
    "<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>",
    "<think>a</think>\n<think>{}</think>",
]
PROSE = st.sampled_from(
    [
        "",
        "Here it is: ",
        "Prices {in EUR} and {placeholder}. ",
        "A brace { alone. ",
        "f(x) = {x | x > 0} ",
        'He said "no". ',
        'A brace in quotes, "{". ',
        'One key {"key": ...} of it. ',
        "{} ",
        "```json\n",
    ]
)


@st.composite
def noise_before(draw, answer):
    """Prose and thoughts, of which some hold a draft of another verdict."""
    prose = draw(PROSE) + draw(PLAIN_TEXT)
    if draw(st.booleans()):
        return prose
    marking = draw(st.sampled_from(MARKINGS))
    draft = answer.other
    if draw(st.booleans()):
        # What opened the thought stood in the prompt, so that a tag quoted in it would open it.
        marking, draft = "Hm. {}" + marking.partition("{}")[2], draft | {"rationale": "Hm."}
    said = json.dumps(draft)
    drafts = ["", f"Perhaps {said}? No.", f"{said}\nor {{x}}", said[:-9]]
    thought = draw(PROSE) + draw(PLAIN_TEXT) + draw(st.sampled_from(drafts))
    return marking.replace("{}", thought) + "\n" + prose


AFTER = st.sampled_from(
    ["", "\n```", "<|return|>", " As {you} asked.", " That is {all", " }", "\n\nDone."]
)


@given(data=st.data())
@many
def test_a_correct_answer_in_noise_is_found(data):
    answer = data.draw(meant())
    text = data.draw(noise_before(answer)) + data.draw(written(answer.fields)) + data.draw(AFTER)
    read = answer.read(text)
    assert read == answer.fields
    assert type(read["value"]) is type(answer.fields["value"])


def is_never_another(answer, text, **metadata):
    read = answer.read(text, **metadata)
    if read is not None:
        assert read["value"] == answer.fields["value"]
        assert type(read["value"]) is type(answer.fields["value"])


@given(data=st.data())
@many
def test_a_damaged_answer_is_never_another_verdict(data):
    answer = data.draw(meant())
    text = data.draw(written(answer.fields))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, max(0, len(text) - 2)))
        match data.draw(st.integers(0, 2)):
            case 0:
                text = text[:at] + text[at + data.draw(st.integers(1, 12)) :]
            case 1:
                text = text[:at] + data.draw(st.sampled_from(list('{}[]",:\\ \n<>x7'))) + text[at:]
            case 2:
                text = text[:at] + text[max(0, at - data.draw(st.integers(1, 40))) :]
    is_never_another(answer, data.draw(noise_before(answer)) + (text or "?") + data.draw(AFTER))


@given(data=st.data())
@many
def test_a_reply_that_was_cut_off_is_never_another_verdict(data):
    answer = data.draw(meant())
    text = data.draw(noise_before(answer)) + data.draw(written(answer.fields))
    end = data.draw(st.integers(0, len(text)))
    is_never_another(answer, text[:end], finish_reason="length")


@given(data=st.data())
@many
def test_two_verdicts_that_differ_are_none(data):
    answer = data.draw(meant())
    texts = [data.draw(written(answer.fields)), data.draw(written(answer.other))]
    first, second = data.draw(st.permutations(texts))
    between = data.draw(PROSE)
    assert answer.read(data.draw(noise_before(answer)) + first + between + second) is None


@given(data=st.data())
@many
def test_a_verdict_that_an_unmasked_quotation_ends_early_is_never_what_it_quotes(data):
    answer = data.draw(meant())
    quoted = data.draw(written(answer.other))
    start = data.draw(st.sampled_from(["It says ", 'It says "}" and ', 'He "said" ']))
    end = data.draw(st.sampled_from(["", " itself", '" and "']))
    value = json.dumps(answer.fields["value"])
    text = f'{{"rationale": "{start}"{quoted}"{end}", "relied_on": [], "value": {value}}}'
    is_never_another(answer, data.draw(noise_before(answer)) + text)


@given(data=st.data())
@many
def test_a_value_that_is_none_of_the_scale_is_never_one(data):
    answer = data.draw(meant())
    bad = data.draw(
        st.sampled_from([None, [], {}, "yes", "no", 0, 7, 1.5, "very good", "4/5", "1 or 2", ""])
        | st.sampled_from([True, False] if answer.value_type.kind != "boolean" else [0, 1, "1"])
    )
    text = json.dumps(answer.fields | {"value": bad})
    assert answer.read(data.draw(noise_before(answer)) + text) is None
