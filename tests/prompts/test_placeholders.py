"""Instructions that were written as a template."""

import re

import openevals.prompts
import pytest

from langchain_memalign._prompts.placeholders import without_placeholders

OPENEVALS = {name: getattr(openevals.prompts, name) for name in openevals.prompts.__all__}


@pytest.mark.parametrize("prompt", OPENEVALS.values(), ids=OPENEVALS)
def test_no_placeholder_of_openevals_goes_to_the_model(prompt):
    said = without_placeholders(prompt)

    assert not re.search(r"\{\w+\}", said)
    assert "of the case" in said


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("Is {{ outputs }} polite?", "Is the outputs of the case polite?"),
        ("Is {outputs} polite?", "Is the outputs of the case polite?"),
        (
            "{{inputs.question}} against {{ expectations }}",
            "question in the inputs of the case against the reference_outputs of the case",
        ),
        (
            "Read {{ trace }} and {{ conversation }}.",
            "Read the case and the conversation in the case.",
        ),
    ],
)
def test_known_placeholders_become_words(template, words):
    assert without_placeholders(template) == words


def test_unknown_placeholders_are_warned_of():
    with pytest.warns(UserWarning, match=r"found \{\{ mood \}\}, \{tone\}, which nothing fills"):
        assert without_placeholders("{{ mood }} {tone} {tone}") == "{{ mood }} {tone} {tone}"


@pytest.mark.parametrize("text", ['Reply {"a": 1}.', "The set {1, 2}", "Say {} and {{}}."])
def test_other_braces_stay(text):
    assert without_placeholders(text) == text
