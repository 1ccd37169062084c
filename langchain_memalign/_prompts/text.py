"""Untrusted text made safe and short enough for a prompt.

Prompts are well-formed XML: every section is an element, and text from cases, episodes, feedback
and principles is escaped, so that it cannot end its element, open another, or pose as one. What a
parser reads back is exactly what was rendered.
"""

from __future__ import annotations

import re
from xml.sax.saxutils import escape as without_markup
from xml.sax.saxutils import quoteattr

from langchain_memalign._prompts.invisible import written_out

_BYTES_PER_TOKEN = 4
_LONGEST_ATTRIBUTE = 300
_PLACE = re.compile(r"\{(\w+)\}")


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text without a tokeniser: one per four bytes of UTF-8.

    OpenAI's rule of thumb is four characters of English a token
    (https://help.openai.com/en/articles/4936856); bytes keep the estimate honest for scripts
    whose characters take several tokens.
    """
    return -(-len(text.encode("utf-8")) // _BYTES_PER_TOKEN)


def fill(template: str, **parts: str) -> str:
    """Put parts into a template's places, such as {scale}; what is in a part stays as it is."""
    return _PLACE.sub(lambda place: parts.get(place[1], place[0]), template)


def visible(text: str) -> str:
    """Return text with plain line ends, and with invisible characters written out by name.

    But where they are in use, as joiners in Persian, Indic scripts and emoji are.
    """
    # Most text is plain, which is told much faster than by looking for what is not.
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return written_out(text.replace("\r\n", "\n").replace("\r", "\n"))


def escape(text: str) -> str:
    """Return text that stays text inside an XML element, with invisible characters made visible."""
    return without_markup(visible(text))


def attribute(text: str, longest: int = _LONGEST_ATTRIBUTE) -> str:
    """Return text as a quoted XML attribute value; a very long one is cut and says so."""
    text = visible(text)
    if len(text) > longest:
        text = f"{text[:longest]}… [{len(text) - longest} characters cut]"
    return quoteattr(text, {"\n": "&#10;", "\t": "&#9;"})


def shorten(text: str, tokens: int) -> tuple[str, int, str]:
    """Cut the middle out of a text.

    Returns:
        Head, how many tokens were cut (0 when the text fits), and tail. What is asked tends to
        stand at the start, what is concluded at the end.
    """
    total = estimate_tokens(text)
    if total <= tokens:
        return text, 0, ""
    encoded = text.encode("utf-8")
    half = max(tokens, 0) * _BYTES_PER_TOKEN // 2
    # A character cut in two at the border is dropped.
    head = encoded[:half].decode("utf-8", errors="ignore")
    tail = encoded[len(encoded) - half :].decode("utf-8", errors="ignore")
    return head, total - tokens, tail


def clip(text: str, tokens: int) -> str:
    """Escape a text, cut to a budget; the place of the cut is marked by a `cut` element."""
    # Made visible first: a name is longer than its character, and the budget is for what is sent.
    head, cut, tail = shorten(visible(text), tokens)
    if not cut:
        return without_markup(head)
    return f'{without_markup(head)}<cut tokens="{cut}"/>{without_markup(tail)}'
