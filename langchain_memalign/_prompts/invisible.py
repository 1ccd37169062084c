"""Characters that a human reviewer does not see, but a model reads: in use, or carrying something.

Whole instructions can hide in them: one of two such characters after each letter is a bit. They are
those with Unicode's property Default_Ignorable_Code_Point
(https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point), and format controls. That they
may stay only where they do something follows Unicode's security mechanisms, UTS 39, in what they
say of joiners (https://www.unicode.org/reports/tr39/#Joining_Controls).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

# Never of use in what people read: controls, soft hyphens, bidirectional overrides, zero-width
# spaces, vowels of Khmer that Unicode advises against, and the "tag" block.
_NEVER = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u17b4\u17b5\u180e\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
# Of use in some places: joiners, fillers, selectors of variants, format controls of some scripts.
_JOINERS = "\u200c\u200d"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_OF_SCRIPTS = {
    "HANGUL": "\u115f\u1160",
    "MONGOLIAN": "\u180b-\u180d\u180f",
    "DUPLOYAN": "\U0001bca0-\U0001bca3",
    "EGYPTIAN": "\U00013430-\U0001343f",
}
_SOMETIMES = f"{_JOINERS}\u034f{_SELECTORS}{''.join(_OF_SCRIPTS.values())}"
_INVISIBLE = re.compile(f"[{_NEVER}{_SOMETIMES}]")
_SELECTOR = re.compile(f"[{_SELECTORS}]")
_PLACES = {script: re.compile(f"[{them}]") for script, them in _OF_SCRIPTS.items()}

# Scripts that need joiners, by the first word of their characters' names.
_NAMES = """
ARABIC SYRIAC MANDAIC NKO MONGOLIAN PHAGS-PA ADLAM HANIFI MANICHAEAN SOGDIAN CHORASMIAN DEVANAGARI
BENGALI GURMUKHI GUJARATI ORIYA TAMIL TELUGU KANNADA MALAYALAM SINHALA TIBETAN MYANMAR KHMER
BALINESE JAVANESE SUNDANESE BRAHMI KAITHI CHAKMA GRANTHA TIRHUTA NEWA SIDDHAM MODI TAKRI MEETEI
SHARADA KHOJKI KHUDAWADI
"""
_JOINING = frozenset(_NAMES.split())
_AT_ONCE = 2**18
_EMOJI_SELECTORS, _LEAST_OF_IDEOGRAPHS = "\ufe0e\ufe0f", "\U000e0100"
# By the first word of their names, what has standardised variants besides emoji and mathematics
# (https://www.unicode.org/Public/UCD/latest/ucd/StandardizedVariants.txt).
_VARIED = frozenset({"CJK", "MYANMAR", "PHAGS-PA", "EGYPTIAN", "FULLWIDTH", "IDEOGRAPHIC"})
# The flags of England, Scotland and Wales, the only ones that are written with tags.
_COUNTRIES = "|".join(
    "".join(chr(0xE0000 + ord(c)) for c in name) for name in ("eng", "sct", "wls")
)
_FLAGS = re.compile(f"\U0001f3f4\U000e0067\U000e0062(?:{_COUNTRIES})\U000e007f")


def unseen(text: str) -> Iterator[re.Match[str]]:
    """Where a text holds an invisible character that is not in use there."""
    return (m for m in _INVISIBLE.finditer(text) if not _is_in_use(text, m.start()))


def written_out(text: str) -> str:
    """Return text with invisible characters written out by name, but where they are in use."""
    parts, last = [], 0
    # A bit at a time: no other thread runs while a pattern is looked for.
    for start in range(0, len(text), _AT_ONCE):
        for match in _INVISIBLE.finditer(text, start, start + _AT_ONCE):
            parts += [text[last : match.start()], _checked(match)]
            last = match.end()
    return "".join([*parts, text[last:]])


def _checked(match: re.Match[str]) -> str:
    character = match.group()
    if _is_in_use(match.string, match.start()):
        return character
    return f"[{unicodedata.name(character, f'U+{ord(character):04X}')}]"


def _is_in_use(text: str, at: int) -> bool:
    character, before, after = text[at], text[max(at - 1, 0) : at], text[at + 1 : at + 2]
    if character in _JOINERS:
        if before == _EMOJI_SELECTORS[1]:
            before = text[max(at - 2, 0) : at - 1]
        is_symbol = bool(before) and unicodedata.category(before) in ("So", "Sk")
        if is_symbol:
            return bool(after) and unicodedata.category(after) in ("So", "Sm")  # arrows are Sm
        return not _INVISIBLE.match(before) and _script(before) in _JOINING
    if character == "\u034f":
        is_alone = bool(before) and not _INVISIBLE.match(before)
        return is_alone and unicodedata.category(before) in ("Mn", "Mc")
    for script, pattern in _PLACES.items():
        if pattern.match(character):
            beside = (before, after) if script == "HANGUL" else (before,)
            return any(_script(c) == script and not _INVISIBLE.match(c) for c in beside if c)
    if "\U000e0020" <= character <= "\U000e007f":
        flag = _FLAGS.search(text, max(at - 6, 0), at + 7)
        return flag is not None and flag.start() < at < flag.end()
    return bool(_SELECTOR.match(character)) and _is_selected(character, before, after)


def _is_selected(selector: str, before: str, after: str) -> bool:
    """Whether what stands before a variation selector has variants of that kind."""
    if not before or _INVISIBLE.match(before):
        return False
    if selector >= _LEAST_OF_IDEOGRAPHS:
        return _script(before) == "CJK"
    if selector not in _EMOJI_SELECTORS:
        of_script = _script(before) in _VARIED or before == "0"
        return of_script or unicodedata.category(before) == "Sm"
    if before in "0123456789#*":
        return after == "\u20e3"  # a keycap
    is_sign = unicodedata.category(before) in ("So", "Sm", "Sk")
    return is_sign or before in "\u203c\u2049\u2139\u3030"


def _script(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0] if character else ""
