"""Whose judges a request may see: on a server with authentication, its tenant's alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from langgraph.config import get_config

from langchain_memalign import InvalidInputError


def tenant_of(user: Any) -> str | None:
    """The tenant of an authenticated user, or None on a server without authentication.

    Args:
        user: What the server's `authenticate` returned for the request, or None. Its field
            `tenant` counts; without one its identity, which is all that is left of a user in a
            scheduled run.

    Raises:
        InvalidInputError: The user has neither.
    """
    if user is None or not _field(user, "is_authenticated", True):
        return None
    tenant = _field(user, "tenant", None) or _field(user, "identity", None)
    if not isinstance(tenant, str) or not tenant:
        raise InvalidInputError(
            f"tenant of the user: found {tenant!r:.80}; expected a text, or such an identity."
        )
    return tenant


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
