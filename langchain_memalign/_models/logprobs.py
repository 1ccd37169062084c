"""How likely each value was, read from the log probabilities of a reply's tokens.

A reply names one value; the alternatives to its tokens tell how likely the others were. Where an
alternative can only lead to one value, its probability is that value's; where it may lead to
several, nobody knows how it would have gone on. Read is what OpenAI's API and its like return
(https://platform.openai.com/docs/api-reference/chat/object), and Ollama's list of the same.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage

from langchain_memalign.schema import Value

MOST_VALUES = 101
"""Of a longer scale nothing is told: its values share their tokens."""

_KEY = re.compile(rb'(?<!\\)"value"\s*:')
_BLANK = b" \t\r\n"
_DIGITS = frozenset(b"0123456789.eE+-")
# The most that may be unknown of the probability of what may be a value.
_MOST_UNKNOWN = 0.05


@dataclass(frozen=True)
class _Token:
    """What was written, and what might have been instead, each with its probability."""

    text: bytes
    probability: float
    others: tuple[tuple[bytes, float], ...]


def value_probabilities(
    message: Any, values: Sequence[Value], said: Value
) -> dict[Value, float] | None:
    """How likely each value was at the place where a reply names one.

    Args:
        message: The reply.
        values: What may be said.
        said: What was read in it.

    Returns:
        A probability for each value, which make 1; None where nobody can tell: there are no log
        probabilities, the reply does not write the value as JSON does, or more than 5 % of the
        probability of what may be a value lies where it is not known which.
    """
    told = message.response_metadata.get("logprobs") if isinstance(message, AIMessage) else None
    entries = told.get("content") if isinstance(told, Mapping) else told
    if not isinstance(entries, list) or len(values) > MOST_VALUES:
        return None
    try:
        return _likely(_at_value(entries), values, said)
    # Of another shape: it tells nothing.
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return None


def _likely(
    tokens: Iterator[tuple[_Token, bytes]], values: Sequence[Value], said: Value
) -> dict[Value, float] | None:
    spelt = {spelling: value for value in values for spelling in _spellings(value)}
    likely: dict[Value, float] = dict.fromkeys(values, 0.0)
    unknown, taken, path = 0.0, 1.0, b""
    for token, lead in tokens:
        chosen = path + token.text[len(lead) :]
        possible = _possible(chosen, spelt)
        for other, p in token.others:
            if not other.startswith(lead):
                continue
            instead = path + other[len(lead) :]
            might = _possible(instead, spelt)
            if len(might) == 1:
                likely[next(iter(might))] += taken * p
            # Blanks and a quotation mark say nothing of the value yet: left out, as if not there.
            elif might and instead.strip(_BLANK) not in (b"", b'"'):
                unknown += taken * p
        unknown += taken * _untold(token, lead, path, spelt)
        taken, path = taken * token.probability, chosen
        if len(possible) <= 1:
            break
    else:
        return None
    if possible != {said}:
        return None
    likely[said] += taken
    known = math.fsum(likely.values())
    if not known or unknown > _MOST_UNKNOWN * (known + unknown):
        return None
    return {value: p / known for value, p in likely.items()}


def _untold(token: _Token, lead: bytes, path: bytes, spelt: Mapping[bytes, Value]) -> float:
    """The most that tokens which were not returned may have of the values.

    None of them is likelier than the least likely that was, and only so many can begin a value.
    """
    told = [token.probability, *(p for _, p in token.others)]
    rest = max(0.0, 1 - math.fsum(told))
    begun = path.lstrip(_BLANK)
    if not token.others or begun in spelt:  # what ends a number can be much
        return rest
    leads = (b"",) if begun else (b"", b" ")
    fitting = {
        blank + spelling[len(begun) : end]
        for spelling in spelt
        if spelling.startswith(begun)
        for end in range(len(begun) + 1, len(spelling) + 1)
        for blank in leads
    }
    seen = {other[len(lead) :] for other, _ in token.others} | {token.text[len(lead) :]}
    return min(rest, len(fitting - seen) * min(told))


def _at_value(entries: Sequence[Any]) -> Iterator[tuple[_Token, bytes]]:
    """The tokens from the value on, each with what of it stands before."""
    texts = [_bytes(entry) for entry in entries]
    keys = list(_KEY.finditer(b"".join(texts)))
    if not keys:
        return
    start, end = keys[-1].end(), 0
    for entry, text in zip(entries, texts, strict=True):
        begin, end = end, end + len(text)
        if end > start:
            yield _token(entry), text[: max(0, start - begin)]


def _spellings(value: Value) -> set[bytes]:
    """How a reply may write a value: as JSON, or as the text that some schemas ask for."""
    written = {json.dumps(value), json.dumps(value, ensure_ascii=False)}
    if isinstance(value, float):
        written |= {f"{value:.12g}"}
    if not isinstance(value, str):
        written |= {f'"{text}"' for text in written}
    return {text.encode() for text in written}


def _possible(text: bytes, spelt: Mapping[bytes, Value]) -> set[Value]:
    """Which values may stand where JSON goes on like this."""
    begun = text.lstrip(_BLANK)
    return {value for spelling, value in spelt.items() if _fits(begun, spelling)}


def _fits(begun: bytes, spelling: bytes) -> bool:
    if len(begun) <= len(spelling):
        return spelling.startswith(begun)
    # A number goes on as long as there are digits.
    return begun.startswith(spelling) and begun[len(spelling)] not in _DIGITS


def _token(entry: Mapping[str, Any]) -> _Token:
    text = _bytes(entry)
    alternatives = {_bytes(other): _probability(other) for other in entry["top_logprobs"]}
    # What was drawn need not be among the likeliest.
    own = alternatives.pop(text, None)
    probability = _probability(entry) if own is None else own
    return _Token(text, probability, tuple(alternatives.items()))


def _bytes(entry: Mapping[str, Any]) -> bytes:
    written = entry.get("bytes")
    return bytes(written) if written is not None else str(entry["token"]).encode()


def _probability(entry: Mapping[str, Any]) -> float:
    probability = math.exp(entry["logprob"])
    if math.isnan(probability):
        raise ValueError("found a log probability that is no number")
    return min(1.0, probability)
