"""What every request has to pass, and what every answer carries."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from langchain_memalign.web.people import Identify, Visit, Visits, is_equal

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_LARGEST = 1_000_000
_SAFE = ("GET", "HEAD")
_STATIC = "/static/"


class Refused(Exception):
    """A request that is not served; the name of the state that says why."""

    def __init__(self, state: str, status: int) -> None:
        super().__init__(state)
        self.state = state
        self.status = status


class SecureHeaders:
    """Puts the policy on every answer, and keeps all but static files out of caches."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, sending if scope["type"] == "http" else send)


class Guard:
    """Lets through who may, with what a form sent in `request.state`.

    On one's own machine the first request brings the start token and gets a cookie for it. Mounted
    in an application, `identify` says who it is. Unsafe methods must come from this origin and
    carry the visit's own field.

    Args:
        app: What is guarded.
        visits: Signs cookies.
        cookie: The cookie's name.
        token: The start token; None where an application says who is there.
        identify: Says who is there; None on one's own machine.
        name: The name of whoever has the link; None to ask.
        secure: Whether the cookie is for https only.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        visits: Visits,
        cookie: str,
        token: str | None,
        identify: Identify | None,
        name: str | None = None,
    ) -> None:
        self._app = app
        self._visits = visits
        self._cookie = cookie
        self._token = token
        self._identify = identify
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or refuse."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path.startswith(_STATIC) and request.method in _SAFE:
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        visit = self._visits.read(_cookie(request.headers, self._cookie))
        fresh = None
        if self._token is not None:
            given = request.query_params.get("token")
            if given is not None and path in ("", "/") and is_equal(given, self._token):
                visit = fresh = visit or self._visits.begin(self._name)
                state["started"] = True
            elif visit is None:
                raise Refused("old_link", 403)
        else:
            person = self._identify(request) if self._identify else None
            if person is None:
                raise Refused("refused", 403)
            state["person"] = person
            if visit is None:
                visit = fresh = self._visits.begin(person.name)
        state["visit"] = visit
        state["csrf"] = self._visits.csrf(visit)
        state["form"] = {}
        if request.method not in _SAFE:
            if not _is_same_origin(request):
                raise Refused("foreign", 403)
            form = await _form(request)
            if not self._visits.is_csrf(visit, form.get("csrf", "")):
                raise Refused("foreign", 403)
            state["form"] = form

        async def sending(message: Message) -> None:
            changed = state.get("new_visit") or fresh
            if message["type"] == "http.response.start" and changed is not None:
                MutableHeaders(scope=message).append("set-cookie", self._set(changed, scope))
            await send(message)

        await self._app(scope, receive, sending)

    def _set(self, visit: Visit, scope: Scope) -> str:
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        path = scope.get("root_path", "") or "/"
        return (
            f"{self._cookie}={self._visits.cookie(visit)}; Path={path}; HttpOnly; "
            f"SameSite=Strict{secure}"
        )


def _cookie(headers: Headers, name: str) -> str | None:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return None
    return found.value if found else None


def _is_same_origin(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = urlsplit(request.headers.get("origin", ""))
    return bool(origin.netloc) and origin.netloc == request.headers.get("host")


async def _form(request: Request) -> Mapping[str, str]:
    """The fields of a form, the last of those with one name.

    Raises:
        Refused: It is larger than any form of ours.
    """
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > _LARGEST:
        raise Refused("too_large", 413)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST:
            raise Refused("too_large", 413)
    try:
        fields = parse_qs(
            body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=200
        )
    except ValueError as error:  # also what is no UTF-8
        raise Refused("foreign", 400) from error
    return {name: values[-1].replace("\r\n", "\n") for name, values in fields.items()}
