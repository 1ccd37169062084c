"""API keys for a LangGraph server: each belongs to a tenant, which sees its own judges alone.

Name it in langgraph.json, and close the way past it that is left open for LangGraph Studio:

    "auth": {"path": "./examples/auth.py:auth", "disable_studio_auth": true}

The keys come from the environment: MEMALIGN_API_KEYS="acme=a-long-secret,globex=another-one".
"""

import hmac
import os

from langgraph_sdk import Auth

auth = Auth()
keys = {
    tenant.strip(): key.strip()
    for tenant, _, key in (
        pair.partition("=") for pair in os.environ.get("MEMALIGN_API_KEYS", "").split(",") if pair
    )
}
if not all(keys) or not all(keys.values()) or not keys:
    raise ValueError("MEMALIGN_API_KEYS: expected tenant=key pairs with commas between them.")


@auth.authenticate
async def authenticate(headers: dict[bytes, bytes]) -> Auth.types.MinimalUserDict:
    given = headers.get(b"x-api-key", b"")
    for tenant, key in keys.items():
        if hmac.compare_digest(given, key.encode()):
            # The identity is what the graphs and the routes keep the judges apart by.
            return {"identity": tenant}
    raise Auth.exceptions.HTTPException(401, "x-api-key: found none that is known here.")


@auth.on
async def see_only_ones_own(
    ctx: Auth.types.AuthContext, value: dict[str, object]
) -> Auth.types.FilterType:
    """Threads, runs and assistants carry their tenant, and are found by it alone."""
    mine: Auth.types.FilterType = {"tenant": ctx.user.identity}
    if ctx.action in ("create", "update", "create_run"):
        metadata = value.setdefault("metadata", {})
        if not isinstance(metadata, dict) or metadata.get("created_by") == "system":
            raise Auth.exceptions.HTTPException(403, "metadata: 'system' is the server's own.")
        metadata["tenant"] = ctx.user.identity
    elif ctx.resource == "assistants" and ctx.action in ("read", "search"):
        # The graphs themselves are the system's. The type of a filter does not know "$or" yet.
        return {"$or": [mine, {"created_by": "system"}]}  # type: ignore[return-value]
    return mine


@auth.on.store
async def no_store(ctx: Auth.types.AuthContext, value: dict[str, object]) -> bool:
    return False  # the judges do not use it, and its items belong to nobody
