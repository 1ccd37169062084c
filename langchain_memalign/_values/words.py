"""The words, marks and numbers with which people say yes, no, a rating, or nothing at all.

What is here has one meaning wherever it is typed; what a word means for a judge's values, and what
it means as an answer to a question, is decided by those who read it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


TRUE = _listed("true t 1 pass passed")
FALSE = _listed("false f 0 fail failed")
YES = _listed("yes y ja j oui sí si sim да はい 是 👍")
NO = _listed("no n nein nee non não nao нет いいえ 否 👎")

TICKS = _listed("✅ ✔ ☑")
CROSSES = _listed("❌ ✗ ✘ ✖ ❎")

ASSENT = (
    _listed("""
    ok okay okey k fine sure yep yeah yup yea aye agree agreed approve approved accept accepted
    confirm confirmed exactly indeed absolutely lgtm send release ship deliver 👌 🆗 💯
    """)
    | YES
    | TICKS
    | {
        "all good",
        "all right",
        "alright",
        "go ahead",
        "go for it",
        "looks fine",
        "looks good",
        "looks good to me",
        "looks ok",
        "no objection",
        "no objections",
        "no problem",
        "of course",
        "i agree",
        "einverstanden",
        "passt",
        "d'accord",
        "send it",
        "send this",
        "send it out",
        "send the reply",
        "release it",
        "ship it",
        "let it pass",
        "let it through",
        "thumbs up",
        "works for me",
    }
)
"""Words that agree with what was said, or let it go ahead."""

DISSENT = (
    _listed("""
    nope nah disagree reject rejected deny denied decline declined refuse refused withhold block
    blocked 🚫 ⛔ 🙅
    """)
    | NO
    | CROSSES
    | {
        "block it",
        "cannot approve",
        "do not send",
        "do not send it",
        "don't agree",
        "don't send",
        "don't send it",
        "do not release",
        "do not release it",
        "don't release",
        "don't release it",
        "hold it",
        "hold it back",
        "i disagree",
        "i do not agree",
        "i don't agree",
        "never send this",
        "no way",
        "not agreed",
        "not approved",
        "not fine",
        "not ok",
        "not okay",
        "not really",
        "stop it",
        "thumbs down",
        "withhold it",
    }
)
"""Words that disagree with what was said, or hold it back."""

CORRECT = frozenset(
    ["correct", "right", "that's right", "is right", "spot on", "richtig", "well done"]
)
WRONG = frozenset(
    ["incorrect", "wrong", "not right", "not correct", "not true", "falsch", "mistake", "nonsense"]
)
"""Of a verdict these agree or disagree; of what was judged they may be a value."""

EMPTY = _listed("""
    good great perfect nice excellent amazing bad terrible awful horrible hm hmm hmmm meh eh uh um
    well idk dunno true false pass passed fail failed comment todo tbd na n/a nan none nothing null
    nil skip next done test thumbs 🙂 🙁 😀 😃 😄 😊 😡 😠 😢 😞 😕 😐 🤔 🤷 ❤ ♥ 🔥 🎉 💩 🙏 ❓ ❗ ⚠
    """)
"""Words that stand where nothing was said, or say that something is good or bad and no more."""

_ORDERS = _listed(
    "accept approve block confirm decline deliver deny fail pass refuse reject release send ship"
)
_NAMED = _listed("na n/a nan nil null tbd todo")
_AMOUNTS = _listed("none nothing")

VAGUE = (
    _listed("""
    poor weak decent average mediocre better worse best worst high low higher lower harsh strict
    lenient generous unclear depends wins win won winner prefer preferred draw tied equal edit
    respond remark stop help undo back quit exit
    """)
    | EMPTY
    | {"this one", "that one", "the one"}
)
"""Words that tell neither which value is right nor why."""

MODIFIERS = _listed("""
    not never no very really so too much more less quite rather somewhat pretty kinda almost mostly
    barely partly partially half both neither either other another same different maybe perhaps
    possibly probably unsure between or nor isn't wasn't don't doesn't can't won't shouldn't
    """)
"""Words that make another value, or none, of the one beside them."""

FILLERS = _listed("""
    a an the it it's its is are was be been this that that's these here there i i'd i'll i'm me my
    we you he she they would will should must can could think believe find guess give
    gives gave rate rated rating score scored value verdict grade mark label answer reply response
    please thanks thank to for from as and of in on with make set change must clearly definitely
    certainly obviously simply just only still overall imo imho sorry oh ah hey hi points point pts
    out das ist es eine ein
    """) | {"i say", "i'd say", "i would say", "let's say"}
"""Words around a value that add nothing to it."""

CONTRASTS = _listed("but though although however yet except aber jedoch mais pero")

_NUMBER_WORDS = "zero one two three four five six seven eight nine ten"
NUMBERS = {word: float(number) for number, word in enumerate(_NUMBER_WORDS.split())}

# Variation selectors, skin tones, joiners and the frame of a keycap change how a mark looks only.
_LOOKS = re.compile("[\ufe00-\ufe0f\u200d\u20e3\U0001f3fb-\U0001f3ff]")
_QUOTES = str.maketrans("\u2018\u2019`\u201c\u201d\u201e", "'''\"\"\"")
_QUOTING = "\"'«»\u2039\u203a()[]{}*_~ "
_ENDING = ".,;:!…\u3002\uff01"
_LEADING = re.compile(rf"[{_ENDING}]+(?!\d)")
_MARK = re.compile("([\u2190-\u2604\u2607-\u2b4f\u2b51-\u2bff\U0001f000-\U0001faff])")
_NUMBER = r"[-+]?(?:\d+(?:[.,]\d+)*|[.,]\d+)(?:e[-+]?\d+)?"
_RATING = re.compile(
    rf"(?P<number>{_NUMBER}|{'|'.join(NUMBERS)})"
    rf"(?:\s*(?:/|of|out of|von|sur|de)\s*(?P<top>{_NUMBER}|{'|'.join(NUMBERS)}))?"
    r"(?:\s*(?P<stars>stars?|sterne?|étoiles?|estrellas?)|\s+(?:points?|pts|punkte?))?"
)
_STARS = re.compile("([★⭐🌟✭✮]+)([☆✩]*)")
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+")
# Scripts that put no blanks between words.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_UNSPACED_SENTENCE = 4
_BRAILLE = re.compile("[\u2801-\u28ff]")


def plain(text: str) -> str:
    """Text as it is compared: no case, no looks of marks, no punctuation around it."""
    text = _LOOKS.sub("", unicodedata.normalize("NFC", text)).translate(_QUOTES).casefold()
    text = " ".join(text.split()).lstrip(_QUOTING).rstrip(_QUOTING + _ENDING)
    return _LEADING.sub("", text, count=1).strip() if text[:1] in _ENDING else text


def tokens(text: str) -> list[str]:
    """The words of a text as `plain` gives them; every mark is a word of its own."""
    spaced = _MARK.sub(r" \1 ", _LOOKS.sub("", text))
    found = (plain(word) for word in spaced.replace("?", " ").split())
    return [word for word in found if word.strip("-\u2013\u2014=")]


def is_sentence(text: str) -> bool:
    """Whether a text can say why: two words at least, or as much in a script without blanks."""
    words = [word for word in text.split() if any(map(str.isalpha, word))]
    return len(words) > 1 or len(_UNSPACED.findall(text)) >= _UNSPACED_SENTENCE


def says_nothing(text: str) -> bool:
    """Whether a text states no rule, in whatever script: only where that is certain.

    It has neither letter nor digit ("-", an emoji, zero-width characters); or it is a rating, or
    nothing but words for yes, no, good, bad or nothing ("OK", "n/a", "lgtm") which make no order
    together, as "reject null" does. Any other word may be a reason, however short: "Rude.", two
    Chinese characters.
    """
    if not any(map(str.isalnum, text)) and not _BRAILLE.search(text):
        return True
    known = ASSENT | DISSENT | TRUE | FALSE | EMPTY | {"no comment"}
    words = set(tokens(text))
    if plain(text) in known or (words <= known and not _may_be_an_order(words)):
        return True
    return any(map(str.isdigit, text)) and read_rating(text) is not None


def _may_be_an_order(words: set[str]) -> bool:
    """Whether words that say nothing each may name what is wanted or not: "no 🙂", "send none"."""
    orders, refusals = words & _ORDERS, words & DISSENT
    marks = {word for word in words - DISSENT if _MARK.fullmatch(word)}
    return bool(
        ((orders | refusals) and words & _NAMED)
        or (orders and words & _AMOUNTS)
        or (refusals and marks)
    )


@dataclass(frozen=True)
class Rating:
    """A number that someone gave.

    Attributes:
        numbers: What it may be: "1,000" is one, or a thousand.
        top: Of how many, where that was said: "4/5".
        in_stars: Whether it counts stars.
    """

    numbers: frozenset[float]
    top: float | None = None
    in_stars: bool = False


def read_rating(text: str) -> Rating | None:
    """Read "4", "3,5", "four", "4/5", "4 out of 5", "5 stars", "★★★☆☆"; None if it is no number."""
    word = plain(text)
    if stars := _STARS.fullmatch(word.replace(" ", "")):
        filled, empty = (len(group) for group in stars.groups())
        return Rating(frozenset([float(filled)]), filled + empty if empty else None, in_stars=True)
    if (found := _RATING.fullmatch(word)) is None:
        return None
    tops = _numbers(found["top"]) if found["top"] else {None}
    if len(tops) != 1:
        return None
    (top,) = tops
    return Rating(_numbers(found["number"]), top, in_stars=bool(found["stars"]))


def _numbers(word: str) -> frozenset[float]:
    if word in NUMBERS:
        return frozenset([NUMBERS[word]])
    candidates = {word, word.replace(",", ".", 1)} - ({word} if "," in word else set())
    if _THOUSANDS.fullmatch(word):
        candidates.add(word.replace(",", ""))
    read = set()
    for candidate in candidates:
        try:
            read.add(float(candidate))
        except ValueError:  # 1.2.3
            continue
    return frozenset(read)
