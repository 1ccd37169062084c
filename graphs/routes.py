"""Beside the graphs, over HTTP and JSON: what the judges know, to read and to edit.

A query parameter for each field of the context (`memory`, `embeddings`, `model`, ...) says which
judge is meant, as in a run; without any, it is the default one of that name. The server shows the
functions' docstrings in its own documentation, which it reads as YAML.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from graphs.context import JudgeContext, check_is_servers, configured_judge
from graphs.tenant import own, tenant_of
from langchain_memalign import (
    ConfigurationError,
    EmbeddingMismatchError,
    InvalidInputError,
    MemAlignError,
    MemAlignJudge,
    MemoryLockedError,
    MemoryUnavailableError,
    ModelError,
)

try:
    from graphs.review_page import review_page
except ModuleNotFoundError as error:  # without the extra `web` there is no page
    if error.name not in ("jinja2", "uvicorn"):
        raise
    review_page = None  # type: ignore[assignment]

_STATUS: tuple[tuple[type[MemAlignError], int], ...] = (
    (InvalidInputError, 422),
    (ConfigurationError, 400),
    (EmbeddingMismatchError, 409),
    (MemoryLockedError, 409),
    (MemoryUnavailableError, 503),
    (ModelError, 502),
)


async def judges(request: Request) -> JSONResponse:
    """The names of the judges that know something."""
    memory = await asyncio.to_thread(configured_judge.memory_of, _context(request))
    return JSONResponse({"judges": own(_tenant(request), await memory.ajudges())})


async def principles(request: Request) -> JSONResponse:
    """The judge's principles that apply."""
    found = await (await _judge(request)).aprinciples()
    return JSONResponse({"principles": _json(found)})


async def add_principle(request: Request) -> JSONResponse:
    """Add the body's `text` by hand; it is pinned."""
    judge = await _judge(request)
    added = await judge.aadd_principle(_text(await _body(request)))
    return JSONResponse(added.model_dump(mode="json"), status_code=201)


async def edit_principle(request: Request) -> JSONResponse:
    """Put it in other words, the body's `text`."""
    judge = await _judge(request)
    text = _text(await _body(request))
    edited = await judge.aedit_principle(request.path_params["id"], text)
    return JSONResponse(edited.model_dump(mode="json"))


async def remove_principle(request: Request) -> JSONResponse:
    """Retire it."""
    removed = await (await _judge(request)).aremove_principle(request.path_params["id"])
    return JSONResponse(removed.model_dump(mode="json"))


async def episodes(request: Request) -> JSONResponse:
    """The judge's past cases with the experts' words."""
    found = await (await _judge(request)).aepisodes()
    return JSONResponse({"episodes": _json(found)})


async def add_episodes(request: Request) -> JSONResponse:
    """Learn the list of the body's `feedback`, as the graph `align` does."""
    judge = await _judge(request)
    feedback = (await _body(request)).get("feedback")
    if not isinstance(feedback, list):
        raise InvalidInputError(
            f"feedback: found a {type(feedback).__name__}; expected a list of feedback."
        )
    return JSONResponse((await judge.aalign(feedback)).model_dump(mode="json"))


async def forget_episode(request: Request) -> JSONResponse:
    """Erase it, and every principle that came from it."""
    judge = await _judge(request)
    report = await judge.aforget([request.path_params["id"]])
    return JSONResponse(report.model_dump(mode="json"))


async def export(request: Request) -> JSONResponse:
    """All that the judge knows, in one document."""
    judge = await _judge(request)
    known = {
        "judge": request.path_params["judge"],
        "principles": _json(await judge.aprinciples()),
        "episodes": _json(await judge.aepisodes()),
    }
    name = "".join(c if c.isalnum() else "_" for c in known["judge"] if c.isascii())
    attached = {"Content-Disposition": f'attachment; filename="{name}.json"'}
    return JSONResponse(known, headers=attached)


async def told(request: Request, error: Exception) -> JSONResponse:
    """An error of ours, as JSON: its kind, and what to do."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    return JSONResponse({"error": type(error).__name__, "message": str(error)}, status)


async def _judge(request: Request) -> MemAlignJudge:
    context = _context(request, name=request.path_params["judge"])
    return await asyncio.to_thread(configured_judge.judge_of, context, tenant=_tenant(request))


def _context(request: Request, **more: str) -> JudgeContext:
    asked = {**request.query_params, **more}
    try:
        context = JudgeContext.model_validate(asked)
    except ValidationError as error:
        fields = "; ".join(
            f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors()
        )
        known = ", ".join(JudgeContext.model_fields)
        raise InvalidInputError(f"query: {fields}. Expected fields of: {known}.") from error
    if _tenant(request) is not None:
        check_is_servers(context)
    return context


def _tenant(request: Request) -> str | None:
    return tenant_of(request.scope.get("user"))


async def _body(request: Request) -> Mapping[str, Any]:
    try:
        body = await request.json()
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"body: found no JSON ({error}); expected an object.") from error
    if not isinstance(body, dict):
        raise InvalidInputError(f"body: found a {type(body).__name__}; expected an object.")
    return body


def _text(body: Mapping[str, Any]) -> str:
    text = body.get("text")
    if not isinstance(text, str):
        raise InvalidInputError(f"text: found a {type(text).__name__}; expected the principle.")
    return text


def _json(records: list[Any]) -> list[dict[str, Any]]:
    return [record.model_dump(mode="json") for record in records]


_OF_ONE = "/memalign/{judge:path}"  # a name may hold a slash

_PAGE = [] if review_page is None else [Mount("/memalign/review", review_page())]

app = Starlette(
    routes=[
        *_PAGE,
        Route("/memalign/judges", judges),
        Route(f"{_OF_ONE}/principles", principles),
        Route(f"{_OF_ONE}/principles", add_principle, methods=["POST"]),
        Route(f"{_OF_ONE}/principles/{{id}}", edit_principle, methods=["PUT"]),
        Route(f"{_OF_ONE}/principles/{{id}}", remove_principle, methods=["DELETE"]),
        Route(f"{_OF_ONE}/episodes", episodes),
        Route(f"{_OF_ONE}/episodes", add_episodes, methods=["POST"]),
        Route(f"{_OF_ONE}/episodes/{{id}}", forget_episode, methods=["DELETE"]),
        Route(f"{_OF_ONE}/export", export),
    ],
    exception_handlers={MemAlignError: told},
)
"""What `http.app` of langgraph.json names; the server merges it with its own routes."""
