"""Keys and tokens kept out of what errors say: those that are known, and what looks like one."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

_SHORTEST, _SHORTEST_OF_ENVIRONMENT = 6, 8
_DEEPEST = 5  # a chat model holds clients, which hold headers
_MOST = 20_000  # fields that are looked at

# Last words of names of what must not be said, as in OPENAI_API_KEY, x-api-key and accessToken.
_LAST = (
    "key|apikey|token|secret|password|passwd|passphrase|pwd|passcode|credentials?|authorization"
    "|cookies?|signature|bearer|jwt"
)
_NAMED = re.compile(rf"(?:^|[\W_]|(?<=[a-z])(?=[A-Z]))(?i:{_LAST}|auth|pat|sig)s?$")
_BEGINS = r"(?:(?<![\w.\-])|(?<=%[0-9a-f][0-9a-f]))"
_NAMES = rf"(?:[\w.\-]{{1,60}}?(?:(?<![^\W_])|(?<=[a-z])(?-i:(?=[A-Z]))))?(?:{_LAST})"
_QUOTES = r"""(?:\\*["'`]|%22|%27|&quot;)"""
_IS = rf"{_QUOTES}*\s*(?:[:=]|%3A|%3D)(?:\s|%20)*b?"

# What is called a secret, what stands where credentials do, and what looks like a key whatever it
# is called: prefixes that providers document for their keys. The group before it stays.
_SECRET = re.compile(
    rf"""
      -----BEGIN\ [A-Z ]*(?:KEY|CERTIFICATE)[A-Z ]*-----.*?(?:-----END[^-]*-----|\Z)
      | (?<![a-z])((?:(?:proxy-)?authorization|(?:set-)?cookie){_IS}) (?:
            {_QUOTES}(?:(?!{_QUOTES}).)+ | (?:\[?(?:\w+)\s+)? [^\s"',][^\r\n]*)
      | ((?:[?&;]|%3F|%26)(?:key|code|sig|auth|pat|session(?:_?id)?|{_NAMES})=) [^\s&"'<>#]+
      | ({_BEGINS}{_NAMES}{_IS}{_QUOTES}) (?:(?!{_QUOTES}).){{4,}}
      | ({_BEGINS}{_NAMES}(?:=|%3D)) [^\s&,;"'<>]{{4,}}
      | ({_BEGINS}[\w.\-]{{0,60}}[_\-.](?:{_LAST}):\s*) [^\s&,;"'<>]{{6,}}
      | ((?<![a-z])(?:password|passwd|passphrase|pwd):\s*) [^\s&,;"'<>]{{6,}}(?=[\s&,;"'<>]*$)
      | (?<![a-z])((?:(?:api)?key|token|secret|password)\b(?:\ (?:provided|is))?["']?
            \s*[:=]?\s*["']?) (?:(?=\S*\d)[\w.*+/~\-]{{6,}}|[\w*+/~\-]{{16,}})=*
      | \b((?:bearer|basic)\s+(?!auth|token|cred|scheme|header|realm|access)["']?)
            [\w.*+/~\-]{{6,}}=*
      | (\b[a-z][a-z0-9+.\-]{{0,30}}://)
            (?:[^\s/"'?\#]{{1,500}}|[^\s/:@"']{{1,200}}:(?!\d+/)[^\s@"']{{1,500}})@
      | (hooks\.slack\.com/services/) [\w/]+
      | \b(1//0|(?:sk|pk|rk|gsk|csk|xai|hf|r8|pplx|nvapi|lsv2|gh[pousr]|github_pat|glpat|xox[a-z]
            |dapi|ya29|shp(?:at|ca|pa|ss)|dop_v1|npm|pypi|AC|SG|fw|jina|tvly|figd|lin_api|tgp_v1
            )[-_.]|AIza|AKIA|ASIA|ATATT|eyJ|xapp-|dapi(?=[0-9a-f]{{6}})) [\w.*\-]{{6,}}
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def without_secrets(text: str, known: Iterable[str] | str | None = None) -> str:
    """Return a provider's message without the keys and tokens that it may quote.

    Args:
        text: The message.
        known: A secret, or several, taken out whatever they look like, also where they are encoded
            or escaped. Those of the environment are known anyway.
    """
    values = {known} if isinstance(known, str) else set(known or ())
    forms = {form for value in values | set(_of_environment()) for form in _forms(value)}
    if forms:
        # The longest first: one may be a part of another.
        found = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
        text = re.sub(found, "…", text, flags=re.IGNORECASE)
    return _SECRET.sub(lambda match: f"{next(filter(None, match.groups()), '')}…", text)


def secrets_of(holder: Any) -> frozenset[str]:
    """The secrets that a model, embeddings or another client object holds, as it holds them.

    Looked for are what pydantic keeps as a secret, text in fields and headers whose name says that
    it is one, and what addresses carry of a user, or as a parameter with such a name.

    Args:
        holder: The object; its own fields, and theirs, are looked through.
    """
    return frozenset(v for v in _held(holder) if len(v.strip()) >= _SHORTEST)


def _held(holder: Any) -> Iterator[str]:
    waiting: list[tuple[Any, str]] = [(holder, "")]
    seen: set[int] = set()
    for _ in range(_DEEPEST):
        inner: list[tuple[Any, str]] = []
        for value, name in waiting:
            if callable(getattr(value, "get_secret_value", None)):
                value, name = value.get_secret_value(), "secret"
            if isinstance(value, bytes):
                value = value.decode("utf-8", errors="replace")
            if isinstance(value, str):
                yield from _in_text(value, name)
            elif id(value) not in seen and len(seen) < _MOST:
                seen.add(id(value))
                inner += _fields(value, name)
        waiting = inner


def _fields(value: Any, name: str) -> Iterable[tuple[Any, str]]:
    """What an object holds, each by its name."""
    if isinstance(value, ModuleType | type | FunctionType | int | float | None):
        return ()
    if isinstance(value, list | tuple | set | frozenset):
        return [(item, name) for item in value]
    kind = type(value).__name__
    if kind == "URL":  # of httpx, whose fields are its own affair
        return [(str(value), name)]
    if isinstance(value, Mapping) or kind in ("Headers", "Cookies"):
        # What is kept under one such name is kept there whatever its own is.
        return [(v, name if _NAMED.search(name) else _text(k)) for k, v in list(value.items())]
    slots = [s for k in type(value).__mro__ for s in _names(getattr(k, "__slots__", ()))]
    fields = {s: getattr(value, s, None) for s in slots if not s.startswith("__")}
    of_class = {k: v for k, v in vars(type(value)).items() if isinstance(v, str)}
    return [(v, k) for k, v in (of_class | fields | getattr(value, "__dict__", {})).items()]


def _names(slots: Any) -> Iterable[str]:
    return (slots,) if isinstance(slots, str) else slots


def _text(key: Any) -> str:
    return key.decode("utf-8", errors="replace") if isinstance(key, bytes) else str(key)


def _in_text(text: str, name: str) -> Iterator[str]:
    if _NAMED.search(name):
        yield text
        yield from text.split()[1:]  # "Bearer ..."
    if "://" not in text:
        return
    try:
        address = urlsplit(text)
        parameters = parse_qsl(address.query)
    except ValueError:
        return
    for value in (address.password or address.username, *_named(parameters)):
        if value:
            yield value
            yield unquote(value)


def _named(parameters: Iterable[tuple[str, str]]) -> Iterator[str]:
    return (value for name, value in parameters if _NAMED.search(name) or name == "code")


def _of_environment() -> Iterator[str]:
    for name, value in os.environ.items():
        if _NAMED.search(name) and len(value) >= _SHORTEST_OF_ENVIRONMENT and os.sep not in value:
            yield value


def _forms(secret: str) -> Iterator[str]:
    """What a secret looks like where it is quoted, escaped or encoded; its lines, if several."""
    secret = secret.strip()
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    raw = secret.encode("utf-8", errors="surrogatepass")
    yield quote(raw, safe="")
    yield quote_plus(raw)
    yield raw.hex()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(raw).decode().rstrip("=")
        # Also behind other bytes, such as a user's name: what comes of its own bits alone.
        for before in (1, 2):
            inside = encode(bytes(before) + raw).decode()[before + 1 : (before + len(raw)) * 4 // 3]
            if len(inside) > _SHORTEST:
                yield inside
    lines = secret.splitlines()
    if len(lines) > 1:
        yield from (s for line in lines if len(s := line.strip()) > _SHORTEST and s[0] != "-")
