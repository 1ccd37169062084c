"""Beside the graphs, over HTTP and JSON: what the judges know, to read and to edit.

A query parameter for each field of the context (`memory`, `embeddings`, `model`, ...) says which
judge is meant, as in a run; without any, it is the default one of that name. What only reads makes
nothing. Errors of a memory tell neither files nor hosts; these are in the server's log. The server
shows the functions' docstrings in its own documentation, which it reads as YAML.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from graphs.context import JudgeContext, check_is_servers, configured_judge
from graphs.memories import check_listed
from graphs.tenant import own, tenant_of
from langchain_memalign import (
    ConfigurationError,
    EmbeddingMismatchError,
    InvalidInputError,
    MemAlignError,
    MemAlignJudge,
    MemoryLockedError,
    MemoryStoreError,
    MemoryUnavailableError,
    ModelError,
)
from langchain_memalign._concurrency import off_loop

_LARGEST_BODY = 16 * 2**20
_MOST_FEEDBACK = 10_000
_ORIGINS = (
    r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
    r"|https://([a-z]+\.)?smith\.langchain\.com"
)
_log = logging.getLogger(__name__)


class _TooLarge(InvalidInputError):
    """A body, or a list in it, is longer than is taken at once."""


try:
    from graphs.review_page import review_page
except ModuleNotFoundError as error:  # without the extra `web` there is no page
    if error.name not in ("jinja2", "uvicorn"):
        raise
    review_page = None  # type: ignore[assignment]

_STATUS: tuple[tuple[type[MemAlignError], int], ...] = (
    (_TooLarge, 413),
    (InvalidInputError, 422),
    (ConfigurationError, 400),
    (EmbeddingMismatchError, 409),
    (MemoryLockedError, 409),
    (MemoryUnavailableError, 503),
    (ModelError, 502),
)


_OF_MEMORIES: tuple[tuple[type[MemoryStoreError], str], ...] = (
    (EmbeddingMismatchError, "the memory was made with other embeddings."),
    (MemoryLockedError, "somebody else is at work on the memory; try again."),
    (MemoryUnavailableError, "the memory cannot be reached or written; try again later."),
    (MemoryStoreError, "the memory cannot be used; the server's log says why."),
)


async def judges(request: Request) -> JSONResponse:
    """The names of the judges that know something."""
    memory = await off_loop(configured_judge.begun_memory_of, _context(request))
    names = [] if memory is None else await memory.ajudges()
    return JSONResponse({"judges": own(_tenant(request), names)})


async def principles(request: Request) -> JSONResponse:
    """The judge's principles that apply."""
    return JSONResponse({"principles": (await _known(request))["principles"]})


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
    return JSONResponse({"episodes": (await _known(request))["episodes"]})


async def add_episodes(request: Request) -> JSONResponse:
    """Learn the list of the body's `feedback`, as the graph `align` does."""
    judge = await _judge(request)
    feedback = (await _body(request)).get("feedback")
    if not isinstance(feedback, list):
        raise InvalidInputError(
            f"feedback: found a {type(feedback).__name__}; expected a list of feedback."
        )
    if len(feedback) > _MOST_FEEDBACK:
        raise _TooLarge(
            f"feedback: found {len(feedback)}; expected at most {_MOST_FEEDBACK} in one request."
        )
    return JSONResponse((await judge.aalign(feedback)).model_dump(mode="json"))


async def forget_episode(request: Request) -> JSONResponse:
    """Erase it, and every principle that came from it."""
    judge = await _judge(request)
    report = await judge.aforget([request.path_params["id"]])
    return JSONResponse(report.model_dump(mode="json"))


async def export(request: Request) -> JSONResponse:
    """All that the judge knows, in one document."""
    known = {"judge": request.path_params["judge"], **await _known(request)}
    name = "".join(c if c.isalnum() else "_" for c in known["judge"] if c.isascii())
    attached = {"Content-Disposition": f'attachment; filename="{name[:64] or "judge"}.json"'}
    return JSONResponse(known, headers=attached)


async def told(request: Request, error: Exception) -> JSONResponse:
    """An error of ours, as JSON: its kind, and what to do."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    kind = next(kind for kind in type(error).__mro__ if not kind.__name__.startswith("_"))
    said = str(error)
    if isinstance(error, MemoryStoreError):
        _log.info("a memory could not be used: %s", said)
        said = next((words for of, words in _OF_MEMORIES if isinstance(error, of)), "")
    return JSONResponse({"error": kind.__name__, "message": said}, status)


async def _judge(request: Request) -> MemAlignJudge:
    context = _context(request, name=request.path_params["judge"])
    return await off_loop(configured_judge.judge_of, context, tenant=_tenant(request))


async def _known(request: Request) -> dict[str, list[dict[str, Any]]]:
    """What the judge knows; nothing where there is no memory yet."""
    context = _context(request, name=request.path_params["judge"])
    if await off_loop(configured_judge.begun_memory_of, context) is None:
        return {"principles": [], "episodes": []}
    judge = await _judge(request)
    return {
        "principles": _json(await judge.aprinciples()),
        "episodes": _json(await judge.aepisodes()),
    }


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
    check_listed(context.memory)
    if _tenant(request) is not None:
        check_is_servers(context)
    return context


def _tenant(request: Request) -> str | None:
    return tenant_of(request.scope.get("user"))


async def _body(request: Request) -> Mapping[str, Any]:
    sent = await _bytes(request)
    try:
        body = json.loads(sent)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"body: found no JSON ({error}); expected an object.") from error
    if not isinstance(body, dict):
        raise InvalidInputError(f"body: found a {type(body).__name__}; expected an object.")
    return body


async def _bytes(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_BODY:
            raise _TooLarge(f"body: found more than {_LARGEST_BODY} bytes; expected fewer.")
    return bytes(body)


def _text(body: Mapping[str, Any]) -> str:
    text = body.get("text")
    if not isinstance(text, str):
        found = "nothing" if text is None else f"a {type(text).__name__}"
        raise InvalidInputError(f"text: found {found}; expected the principle in words.")
    return text


def _json(records: list[Any]) -> list[dict[str, Any]]:
    return [record.model_dump(mode="json") for record in records]


class _OwnOrigins:
    """Lets no page of another site send requests; browsers say which page one comes from."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        origin = headers.get("origin")
        # The page sees to that itself, by tokens in its forms.
        is_page = scope.get("path", "").startswith("/memalign/review")
        if origin is not None and not is_page and not _is_own(origin, headers.get("host", "")):
            told = {"error": "ConfigurationError", "message": "this page's origin is not allowed."}
            await JSONResponse(told, 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _is_own(origin: str, host: str) -> bool:
    allowed = os.environ.get("MEMALIGN_ORIGINS", "").split(",")
    is_known = origin in allowed or re.fullmatch(_ORIGINS, origin) is not None
    return is_known or urlsplit(origin).netloc == host


_OF_ONE = "/memalign/{judge:path}"  # a name may hold a slash


async def _to_page(request: Request) -> Response:
    return RedirectResponse(f"{request.url.path}/queue")


_PAGE: list[BaseRoute] = []
if review_page is not None:
    _PAGE = [Route("/memalign/review", _to_page), Mount("/memalign/review", review_page())]

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
    middleware=[Middleware(_OwnOrigins)],
)
"""What `http.app` of langgraph.json names; the server merges it with its own routes."""
