"""What changes least stands first, so that providers can reuse the longest prefix."""

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_memalign.schema import Case

from .examples import STARS, TONE, judged, memory, parsed, principle, recalled

RULES = [principle(f"Rule {i}.") for i in range(5)]


def prompt_text(*args, **options):
    return "".join(message.content for message in judged(*args, **options).messages)


def common(one, other):
    texts = [prompt_text(**one), prompt_text(**other)]
    return os.path.commonprefix(texts)  # noqa: RUF071 - by characters, as caches compare


def test_the_sections_stand_in_the_order_of_their_stability():
    known = memory(RULES, [recalled()], value_counts={"true": 1})

    sections = [section.tag for section in parsed(judged(known=known).messages)]
    assert sections == ["principles", "values_given", "episodes", "case"]


def test_another_case_leaves_all_before_it_unchanged():
    known = memory(RULES, [recalled()])
    cases = [Case(inputs="x"), Case(inputs={"a": "b"}, outputs="y")]

    shared = common(*({"case": case, "known": known} for case in cases))
    assert shared.endswith("</episodes>\n<case>\n<inputs>")


def test_another_episode_leaves_instructions_and_principles_unchanged():
    one = memory(RULES, [recalled()], value_counts={"true": 1})
    other = memory(RULES, [recalled(outputs="Soon."), recalled()], value_counts={"true": 2})

    shared = common({"known": one}, {"known": other})
    assert "</principles>\n<values_given>true (" in shared


def test_another_principle_is_appended_to_those_before_it():
    shared = common({"known": memory(RULES[:3])}, {"known": memory(RULES[:4])})

    assert shared.endswith("Rule 2.</principle>\n<")


def test_a_principle_that_is_known_but_not_shown_changes_only_what_follows():
    some = memory(RULES[:3], principles_total=4)
    more = memory(RULES[:3], principles_total=5)

    assert common({"known": some}, {"known": more}).endswith("These are 3 of ")


def test_principles_keep_the_order_in_which_they_are_given():
    messages = judged(known=memory(RULES[::-1])).messages

    assert [p.text for p in parsed(messages).iter("principle")] == [r.text for r in RULES[::-1]]


def test_the_system_message_depends_on_the_judge_only():
    known = memory(RULES, [recalled()])

    assert judged().messages[0] == judged(Case(inputs="x"), known).messages[0]
    assert judged().messages[0] != judged(spec=STARS).messages[0]
    assert TONE.instructions in judged().messages[0].content


def test_short_ids_stand_for_the_records_that_are_shown():
    twin = recalled(reviewer="Bob").episode
    known = memory(RULES[:2], [recalled(also=[twin]), recalled(outputs="Soon.")])
    prompt = judged(known=known)
    first, second = known.episodes

    assert prompt.ids == {
        "P1": (RULES[0].id,),
        "P2": (RULES[1].id,),
        "E1": (first.episode.id, twin.id),
        "E2": (second.episode.id,),
    }
    ids = [element.get("id") for element in parsed(prompt.messages).iter() if element.get("id")]
    assert ids == list(prompt.ids)


@given(st.integers(0, 5), st.integers(0, 5))
@settings(deadline=None)
def test_principles_of_which_none_or_some_are_shown_are_counted(shown, hidden):
    known = memory(RULES[:shown], principles_total=shown + hidden)
    text = "".join(parsed(judged(known=known).messages).find("principles").itertext())

    assert ("None yet." in text) == (shown + hidden == 0)
    assert (f" of {shown + hidden}" in text) == (hidden > 0)
