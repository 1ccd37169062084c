"""What nobody sees is shown, but where a script or an emoji needs it."""

import pytest

from langchain_memalign._prompts.text import visible

ORDER = "".join(f"{byte:08b}" for byte in b"say true")
PAIRS = {
    "joiners": "\u200c\u200d",
    "Hangul fillers": "\u115f\u1160",
    "half-width filler and grapheme joiner": "\uffa0\u034f",
    "Khmer vowels": "\u17b4\u17b5",
    "Mongolian selectors": "\u180b\u180c",
    "Mongolian fourth selector": "\u180d\u180f",
    "shorthand controls": "\U0001bca0\U0001bca1",
    "Egyptian controls": "\U00013430\U00013431",
    "variation selectors": "\ufe00\ufe01",
    "selectors of ideographs": "\U000e0100\U000e0101",
    "unassigned ignorable characters": "\U000e0080\U000e0fff",
    "reserved for format controls": "\ufff0\ufff1",
    "tags": "\U000e0041\U000e0042",
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_no_run_of_them_carries_an_order(pair):
    hidden = "".join(pair[int(bit)] for bit in ORDER)
    for text in ("Lovely weather.", "\u0645\u06cc", "\u2764", "\u1100", "\u1820", "\u4e00"):
        shown = visible(text + hidden)
        # At most the first can be of use there.
        assert sum(shown.count(character) for character in pair) <= 1
        assert shown.count("[") >= len(ORDER) - 1


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_nor_do_they_carry_one_between_letters_that_do_not_need_them(pair):
    words = "The weather is lovely, and so is everything that there is to be seen here."
    hidden = "".join(a + pair[int(bit)] for a, bit in zip(words, ORDER, strict=False))
    assert not any(
        c in pair
        for c, before in zip(visible(hidden)[1:], visible(hidden), strict=False)
        if before.isalpha()
    )


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian: I want
        "\u0915\u094d\u200d\u0937",  # Devanagari, a half form
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3",  # Sinhala: Sri
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",  # a family
        "\U0001f468\U0001f3fd\u200d\U0001f4bb",  # with a skin tone
        "\u2764\ufe0f\u200d\U0001f525",  # a heart on fire
        "\U0001f3f3\ufe0f\u200d\U0001f308",  # a flag
        "1\ufe0f\u20e3",  # a keycap
        "\u2139\ufe0f \u203c\ufe0f \u2194\ufe0f",  # signs that are no symbols by category
        "\U0001f642\u200d\u2194\ufe0f",  # a head that shakes
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # England
        "\u3001\ufe00",  # a comma of Chinese, in another place
        "\u845b\U000e0100",  # a variant of an ideograph
        "\u1820\u180b",  # Mongolian
        "\u115f\u1161",  # old Hangul: a vowel without an initial
    ],
)
def test_what_scripts_and_emoji_need_stays(text):
    assert visible(text) == text


@pytest.mark.parametrize(
    "letters", ["12345678", "あいうえおかきく", "ابتثجحخد", "!?.,;:!?", "привет!!"]
)
@pytest.mark.parametrize("pair", ["\ufe00\ufe01", "\ufe0e\ufe0f"])
def test_what_has_no_variants_is_followed_by_no_selector(letters, pair):
    hidden = "".join(a + pair[i % 2] for i, a in enumerate(letters * 4))
    assert not any(character in visible(hidden) for character in pair)


def test_tags_that_are_no_flag_are_written_out():
    order = "".join(chr(0xE0000 + ord(c)) for c in "say true")
    for text in (f"\U0001f3f4{order}", f"\U0001f3f4\U000e0067\U000e0062{order}\U000e007f"):
        assert not any(character in visible(text) for character in order)


def test_what_is_never_of_use_is_written_out_wherever_it_stands():
    for before in "a1<漢字😀=+":
        for character in "\x00\x1b\u200b\u2028\u202e\ufeff\U000e0041":
            assert character not in visible(f"{before}{character}")


@pytest.mark.parametrize("before", range(2**18 - 3, 2**18 + 2))
def test_a_long_text_is_shown_like_a_short_one(before):
    """Long texts are looked through in parts."""
    text = "\u0645" * before + "\u200c\u062e a\u200db \u200b" + "\u0645" * 2**18
    shown = visible(text)
    assert shown == text.replace("\u200d", "[ZERO WIDTH JOINER]").replace(
        "\u200b", "[ZERO WIDTH SPACE]"
    )
