"""Whose judges a request may see: on a server with authentication, its tenant's alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from langgraph.config import get_config

from langchain_memalign import InvalidInputError

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SEPARATOR = "/"


def tenant_of(user: Any) -> str | None:
    """The tenant of an authenticated user, or None where users share one memory.

    Args:
        user: What the server's `authenticate` returned for the request, or None without one. Its
            field `tenant` counts.

    Raises:
        InvalidInputError: The tenant's name could be taken for another one's.
    """
    given = user.get("tenant") if isinstance(user, Mapping) else getattr(user, "tenant", None)
    if given is None:
        return None
    if not isinstance(given, str) or not _NAME.fullmatch(given):
        raise InvalidInputError(
            f"tenant: found {given!r:.80}; expected 1 to 64 letters, digits, '-' or '_'."
        )
    return given


def tenant_of_run() -> str | None:
    """The tenant of the run at hand; called inside a node."""
    return tenant_of(get_config().get("configurable", {}).get("langgraph_auth_user"))


def within(tenant: str | None, judge: str) -> str:
    """A judge's name in memory: no tenant can spell another one's."""
    return judge if tenant is None else f"{tenant}{_SEPARATOR}{judge}"


def own(tenant: str | None, names: list[str]) -> list[str]:
    """The tenant's judges of all that are in memory, by the names that it gave them."""
    start = within(tenant, "")
    return [name.removeprefix(start) for name in names if name.startswith(start)]
