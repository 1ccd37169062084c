"""How likely each value was, read from the log probabilities of a reply's tokens."""

import math

import pytest
from langchain_core.messages import AIMessage

from langchain_memalign._models.logprobs import value_probabilities

HEAD = ['{"rationale', '":"It is.","relied_on":[],"', "value", '":']


def told(*tokens, head=HEAD, text=False):
    """A message of which each token is given as text, or as its alternatives, the drawn one first.

    With `text`, tokens come without their bytes.
    """
    entries = []
    for token in [*head, *tokens]:
        shares = token if isinstance(token, dict) else {token: 1.0}
        drawn = next(iter(shares))
        top = [entry(word, p, text) for word, p in shares.items() if p is not None]
        entries.append({**entry(drawn, shares[drawn] or 0.001, text), "top_logprobs": top})
    content = "".join(e["token"] for e in entries)
    return AIMessage(content, response_metadata={"logprobs": {"content": entries}})


def entry(word, probability, text):
    said = {"token": word, "logprob": math.log(probability)}
    return said if text else {**said, "bytes": list(word.encode())}


def rounded(probabilities):
    return {value: round(p, 6) for value, p in probabilities.items()}


def test_the_alternatives_to_a_token_are_the_other_values():
    message = told({"true": 0.8, "false": 0.15, "null": 0.05}, "}")

    found = value_probabilities(message, [True, False], True)

    assert rounded(found) == {True: 0.842105, False: 0.157895}  # of 0.95, without null


@pytest.mark.parametrize("text", [True, False])
def test_a_label_of_several_tokens_is_followed_along(text):
    message = told(
        {' "': 1.0},
        {"ex": 0.7, "goo": 0.2, "bad": 0.1},
        {"cellent": 0.9, "treme": 0.1},
        {'"': 1.0},
        "}",
        text=text,
    )

    found = value_probabilities(message, ["excellent", "extreme", "good", "bad"], "excellent")

    assert rounded(found) == {"excellent": 0.63, "extreme": 0.07, "good": 0.2, "bad": 0.1}


def test_the_parts_of_a_token_around_the_value_do_not_count():
    head = [*HEAD[:-1], ""]
    message = told({'":"good"}': 0.6, '":"bad"}': 0.3, '",': 0.1}, head=head)

    found = value_probabilities(message, ["good", "bad"], "good")

    assert rounded(found) == {"good": 0.666667, "bad": 0.333333}


def test_a_number_ends_where_no_digit_follows():
    message = told({" ": 1.0}, {"1": 0.8, "7": 0.2}, {"}": 0.75, "0": 0.25}, "\n")

    found = value_probabilities(message, range(1, 11), 1)

    assert rounded(found)[1] == 0.6
    assert rounded(found)[10] == 0.2
    assert rounded(found)[7] == 0.2
    assert rounded(found)[2] == 0.0


def test_numbers_may_be_written_in_short():
    levels = [0.0, 0.5, 1.0]
    message = told({"1": 0.5, "0": 0.5}, {"}": 1.0})

    assert value_probabilities(message, levels, 1.0) is None  # 0 may be 0.5

    message = told({"0": 1.0}, {".": 0.75, "}": 0.25}, {"5": 1.0}, "}")
    assert rounded(value_probabilities(message, levels, 0.5)) == {0.0: 0.25, 0.5: 0.75, 1.0: 0.0}


def test_another_way_of_writing_the_same_is_left_out():
    message = told({' "': 0.6, '"': 0.4}, {"good": 0.9, "bad": 0.1}, '"}')

    found = value_probabilities(message, ["good", "bad"], "good")

    assert rounded(found) == {"good": 0.9, "bad": 0.1}


def test_what_was_drawn_though_it_is_unlikely_counts():
    message = told({"false": None, "true": 0.99, "null": 0.0005}, "}")

    found = value_probabilities(message, [True, False], False)

    assert found[False] == pytest.approx(0.001 / 0.991)


@pytest.mark.parametrize(
    ("message", "values", "said"),
    [
        (
            told({'"': 1.0}, {"g": 0.6, "b": 0.4}, {"ood": 1.0}, '"}'),
            ["good", "bad", "big"],
            "good",
        ),
        (told({"true": 0.6, "t": 0.2, "f": 0.2}, "}"), [True, False], False),
        (told({"true": 0.5}, "}"), [True, False], True),
        (told({"true": 0.9, "no": 0.02}, "}"), [True, False], False),
        (told('"Yes"}'), [True, False], True),
        (told("}", head=["{"]), [True, False], True),
        (AIMessage('{"value": true}'), [True, False], True),
        (AIMessage("", response_metadata={"logprobs": None}), [True, False], True),
        (AIMessage("", response_metadata={"logprobs": {"content": [{"token": "a"}]}}), [1, 2], 1),
        (AIMessage("", response_metadata={"logprobs": {"content": [3]}}), [1, 2], 1),
        (told({"true": math.nan, "false": 0.4}, "}"), [True, False], True),
        (None, [True, False], True),
    ],
    ids=[
        "several values under one token",
        "another value was read",
        "half of the probability is not returned",
        "read otherwise than written",
        "not written as JSON does",
        "no value",
        "no log probabilities",
        "none of them",
        "of another shape",
        "of no shape",
        "no number",
        "no message",
    ],
)
def test_what_cannot_be_told_is_not_guessed(message, values, said):
    assert value_probabilities(message, values, said) is None


def test_words_in_the_rationale_are_no_value():
    quoted = r'"He wrote \"value\": true"'
    head = ['{"rationale":', quoted, ',"value":']
    message = told({"false": 0.9, "true": 0.1}, "}", head=head)

    assert rounded(value_probabilities(message, [True, False], False)) == {True: 0.1, False: 0.9}


def test_letters_cut_in_two_tokens_are_put_together():
    def part(raw, probability, *others):
        top = [{"token": "?", "bytes": list(o), "logprob": math.log(p)} for o, p in others]
        return {
            "token": "?",
            "bytes": list(raw),
            "logprob": math.log(probability),
            "top_logprobs": top,
        }

    entries = [
        part(b'{"value":"', 1.0, (b'{"value":"', 1.0)),
        part(b"s\xc3", 0.7, (b"s\xc3", 0.7), (b"s", 0.3)),
        part(b"\xbc\xc3\x9f", 0.9, (b"\xbc\xc3\x9f", 0.9), (b"\xa4", 0.1)),
        part(b'"}', 1.0, (b'"}', 1.0)),
    ]
    message = AIMessage("", response_metadata={"logprobs": {"content": entries}})

    assert value_probabilities(message, ["süß", "sauer"], "süß") is None  # "s" may be either

    entries[1] = part(b"s\xc3", 0.7, (b"s\xc3", 0.7), (b"sa", 0.3))
    found = value_probabilities(message, ["süß", "sauer"], "süß")
    assert rounded(found) == {"süß": 0.7, "sauer": 0.3}


def test_ollamas_list_is_read_too():
    entries = told({"true": 0.75, "false": 0.25}, "}").response_metadata["logprobs"]["content"]
    message = AIMessage("", response_metadata={"logprobs": entries})

    assert rounded(value_probabilities(message, [True, False], True)) == {True: 0.75, False: 0.25}
