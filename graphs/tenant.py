"""Whose judges a request may see: on a server with authentication, its tenant's alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from langgraph.config import get_config

from langchain_memalign import InvalidInputError


def tenant_of(user: Any) -> str | None:
    """The tenant of an authenticated user, or None on a server without authentication.

    It is the user's identity and nothing else: of whoever set up a scheduled run, the server keeps
    no more than that.

    Args:
        user: What the server's `authenticate` returned for the request, or None.

    Raises:
        InvalidInputError: The user has no identity.
    """
    if user is None or not _field(user, "is_authenticated", True):
        return None
    identity = _field(user, "identity", None)
    if not isinstance(identity, str) or not identity:
        raise InvalidInputError(
            f"identity of the user: found {identity!r:.80}; expected a text, the tenant's name."
        )
    return identity


def _field(user: Any, name: str, otherwise: Any) -> Any:
    if isinstance(user, Mapping):
        return user.get(name, otherwise)
    return getattr(user, name, otherwise)


def tenant_of_run() -> str | None:
    """The tenant of the run at hand; called inside a node."""
    return tenant_of(get_config().get("configurable", {}).get("langgraph_auth_user"))


def within(tenant: str | None, judge: str) -> str:
    """A judge's name in memory: no tenant can spell another one's."""
    return judge if tenant is None else f"{quote(tenant, safe='')}/{judge}"


def own(tenant: str | None, names: list[str]) -> list[str]:
    """The tenant's judges of all that are in memory, by the names that it gave them."""
    start = within(tenant, "")
    return [name.removeprefix(start) for name in names if name.startswith(start)]
