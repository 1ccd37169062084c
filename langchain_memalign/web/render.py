"""Templates: pages as a whole, and the fragments of them that htmx asks for."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from langchain_memalign.web import words
from langchain_memalign.web.views.text import seen

_HERE = Path(__file__).parent


def _content(path: Path) -> bytes:
    """A static file as it is sent: comments of the style sheet are for who reads the source."""
    content = path.read_bytes()
    return re.sub(rb"/\*.*?\*/\s*", b"", content, flags=re.S) if path.suffix == ".css" else content


STATIC = {
    path.name: (_content(path), kind)
    for path in sorted((_HERE / "static").iterdir())
    if (
        kind := {
            ".css": "text/css; charset=utf-8",
            ".js": "text/javascript; charset=utf-8",
            ".svg": "image/svg+xml",
            ".txt": "text/plain; charset=utf-8",
        }.get(path.suffix, "")
    )
}
DIGEST = hashlib.sha256(b"".join(content for content, _ in STATIC.values())).hexdigest()[:12]

_environment = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_environment.filters["seen"] = seen
_environment.globals["states"] = words.STATES


_NOTHING: Mapping[str, Any] = {
    "problem": None,
    "flash": None,
    "told": "",
    "focus": False,
    "strip": None,
    "not_exact": None,
}


def url(request: Request, path: str, **query: Any) -> str:
    """The address of a page of ours, wherever this one is mounted."""
    given = {key: value for key, value in query.items() if value not in (None, "")}
    tail = f"?{urlencode(given)}" if given else ""
    return f"{request.scope.get('root_path', '')}{quote(path)}{tail}"


def render(request: Request, template: str, **context: Any) -> str:
    """A template as text."""
    root = request.scope.get("state", {}).get("top_root", request.scope.get("root_path", ""))
    return _environment.get_template(template).render(
        url=lambda path, **query: url(request, path, **query),
        static=lambda name: f"{root}/static/{DIGEST}/{name}",
        csrf=request.scope.get("state", {}).get("csrf", ""),
        **{**_NOTHING, **context},
    )


def is_fragment(request: Request) -> bool:
    """Whether htmx asks for a part of the page."""
    return (
        request.headers.get("hx-request") == "true"
        and "hx-history-restore-request" not in request.headers
    )


def page(request: Request, template: str, *, status: int = 200, **context: Any) -> Response:
    """A whole page, or a fragment, as an answer."""
    return HTMLResponse(render(request, template, **context), status)


def see(request: Request, path: str, **query: Any) -> Response:
    """Go to another page, after a form."""
    return RedirectResponse(url(request, path, **query), 303)
