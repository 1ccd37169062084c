"""Keys and tokens kept out of what errors say: those that are known, and what looks like one."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

_SHORTEST = 6
_DEEPEST = 3  # a chat model holds clients, which hold headers

# What is called a secret and holds a digit, what stands where credentials do, and what looks like a
# key whatever it is called: prefixes that providers document for their keys.
_SECRET = re.compile(
    r"""(?<![a-z])((?:(?:api)?key|token|secret|password)\b(?:\ provided)?["']?
            \s*[:=]?\s*["']?) (?=\S*\d)[\w.*+/~\-]{6,}=*
      | (?<![a-z])(authorization\b["']?\s*[:=]\s*["']?(?:(?:bearer|basic|digest)\s+)?)
            [\w.*+/~\-]{6,}=*
      | \b((?:bearer|basic)\s+(?!auth|token|cred|scheme|header|realm|access)["']?)
            [\w.*+/~\-]{6,}=*
      | (\b[a-z][a-z0-9+.\-]*://) [^\s/@"']+@
      | \b((?:sk|pk|rk|gsk|xai|hf|r8|pplx|nvapi|lsv2|gh[pousr]|github_pat|glpat|xox[a-z]|dapi|
              ya29|shp(?:at|ca|pa|ss)|dop_v1|npm|pypi|AC|SG)[-_.]|AIza|AKIA|ASIA|eyJ
            |xapp-|dapi(?=[0-9a-f]{6}))[\w.*\-]{6,}""",
    re.IGNORECASE | re.VERBOSE,
)
_NAMED = re.compile(
    r"(?:^|[_-])(?:\w*key|token|secret|passw\w*|credentials?|authorization|cookie)(?:$|[_-])",
    re.IGNORECASE,
)


def without_secrets(text: str, known: Iterable[str] | str | None = None) -> str:
    """Return a provider's message without the keys and tokens that it may quote.

    Args:
        text: The message.
        known: A secret, or several, taken out whatever they look like.
    """
    values = [known] if isinstance(known, str) else list(known or ())
    # The longest first: one may be a part of another.
    for value in sorted(filter(None, values), key=len, reverse=True):
        text = text.replace(value, "…")
    return _SECRET.sub(lambda match: f"{next(filter(None, match.groups()))}…", text)


def secrets_of(holder: Any) -> frozenset[str]:
    """The secrets that a model, embeddings or another client object holds, as they may be quoted.

    Looked for are what pydantic keeps as a secret, text in fields and headers whose name says that
    it is one, and the user's part of addresses.

    Args:
        holder: The object; its own fields, and theirs, are looked through.
    """
    found = {v for v in _held(holder, "", _DEEPEST, set()) if len(v) >= _SHORTEST}
    packed = {base64.b64encode(value.encode()).decode() for value in found}
    return frozenset(found | packed | {quote(value, safe="") for value in found})


def _held(value: Any, name: str, depth: int, seen: set[int]) -> Iterator[str]:
    if callable(getattr(value, "get_secret_value", None)):
        value, name = value.get_secret_value(), "secret"
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    if isinstance(value, str):
        yield from _in_text(value, name)
        return
    if depth < 0 or id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, Mapping):
        inner = [(str(key), item) for key, item in list(value.items())]
    elif isinstance(value, list | tuple):
        inner = [(name, item) for item in value]
    elif type(value).__name__ in ("URL", "Headers"):  # of httpx, whose fields are its own affair
        inner = [(name, str(value))] if type(value).__name__ == "URL" else list(value.items())
    else:
        inner = list(getattr(value, "__dict__", {}).items())
    for key, item in inner:
        yield from _held(item, key, depth - 1, seen)


def _in_text(text: str, name: str) -> Iterator[str]:
    if _NAMED.search(name):
        yield text
        yield from text.split()[1:]  # "Bearer ..."
    if "://" in text and "@" in text:
        try:
            address = urlsplit(text)
        except ValueError:
            return
        if address.password:
            yield address.password
            yield unquote(address.password)
            user = f"{unquote(address.username or '')}:{unquote(address.password)}"
            yield base64.b64encode(user.encode()).decode()
