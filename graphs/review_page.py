"""The page where experts teach the server's judge, over its interrupted threads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request

from graphs.context import JudgeContext, configured_judge
from graphs.tenant import tenant_of
from langchain_memalign import MemAlignJudge
from langchain_memalign.web import Page, Person, create_page
from langchain_memalign.web.server_waiting import ServerWaiting


def _identify(request: Request) -> Person:
    """The server's user; on a server without authentication, anybody who reaches it."""
    user = request.scope.get("user")
    tenant = tenant_of(user)
    if tenant is None:
        return Person(id="", name="", is_lead=True)
    name = str(getattr(user, "display_name", "") or tenant)
    return Person(id=tenant, name=name, is_lead=True, tenant=tenant)


def _judges(person: Person) -> list[MemAlignJudge]:
    return [configured_judge.judge_of(JudgeContext(), tenant=person.tenant)]


def _headers(judge: MemAlignJudge) -> Mapping[str, str]:
    """The key with which the page asks for a tenant's threads, as examples/auth.py has them."""
    tenant = judge.spec.name.rpartition("/")[0]
    pairs = (pair.partition("=") for pair in os.environ.get("MEMALIGN_API_KEYS", "").split(","))
    return next(({"x-api-key": k.strip()} for t, _, k in pairs if tenant and t == tenant), {})


def review_page() -> Page:
    """Build the page; asks nothing before the first request."""
    memory = JudgeContext().memory
    beside = "memalign" if "://" in memory else memory
    return create_page(
        _judges,
        waiting=ServerWaiting(
            os.environ.get("MEMALIGN_SERVER")
            or os.environ.get("LANGGRAPH_API_URL")  # set by `langgraph dev`
            or "http://127.0.0.1:2024",
            reviews=Path(f"{beside}.reviews.sqlite"),
            headers=_headers,
        ),
        identify=_identify,
    )
