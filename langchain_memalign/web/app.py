"""The page as an ASGI application: to be mounted, or served by `memalign web`."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import quote

from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from langchain_memalign.errors import (
    ConfigurationError,
    InvalidInputError,
    MemAlignError,
    MemoryLockedError,
    MemoryUnavailableError,
    ModelError,
)
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.reviews import DeskSettings
from langchain_memalign.reviews.wording import Wording
from langchain_memalign.web import render, words
from langchain_memalign.web.desk import Desk
from langchain_memalign.web.people import Identify, Person, Visit, Visits, by_request_user
from langchain_memalign.web.routes import (
    agreement,
    answering,
    cases,
    conflicts,
    forget,
    learned,
    queue,
    rules,
    settings,
)
from langchain_memalign.web.routes import waiting as waiting_list
from langchain_memalign.web.security import Guard, Refused, SecureHeaders
from langchain_memalign.web.waiting import Waiting
from langchain_memalign.web.wording import Words
from langchain_memalign.web.worker import Worker

Judges: TypeAlias = (
    MemAlignJudge | Sequence[MemAlignJudge] | Callable[[Person], Sequence[MemAlignJudge]]
)
"""One judge, several, or a function that says which of them a person may see."""


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    raise Refused("gone", 404)


_SCREENS = Router(
    [
        *queue.ROUTES,
        *answering.ROUTES,
        *waiting_list.ROUTES,
        *learned.ROUTES,
        *rules.ROUTES,
        *cases.ROUTES,
        *conflicts.ROUTES,
        *agreement.ROUTES,
        *forget.ROUTES,
        *settings.ROUTES,
    ],
    default=_nowhere,
)
_CHOSEN = "/in/"

log = logging.getLogger(__name__)


def create_page(
    judges: Judges,
    *,
    waiting: Waiting,
    identify: Identify | None = None,
    allowed_hosts: Sequence[str] | None = None,
    wording: Mapping[str, Wording] | None = None,
    settings: DeskSettings | None = None,
) -> Page:
    """The page where experts teach judges, to be mounted in an application.

    Learning starts with the first request and runs in threads of its own. The page belongs behind
    the application's login: a request without a person is refused.

    Args:
        judges: The judge, several judges, or a function from a person to the judges that the
            person may see, such as a tenant's.
        waiting: Where the cases come from, with the review file.
        identify: A function from a request to the person who sent it, or None for nobody. The
            default is the user of Starlette's authentication, who is a lead with the scope
            "memalign:lead".
        allowed_hosts: Host names under which the page may be reached; None if the application
            checks that.
        wording: The words on screen for questions, values and fields, by the judge's name.
        settings: How cases are worked through, until a lead changes it.

    Returns:
        An ASGI application; call its `close` when the application ends.

    Examples:
        >>> app = FastAPI()
        >>> app.mount("/review", create_page(judge, waiting=LocalWaiting(cases, reviews=path)))
    """
    return Page(
        judges,
        waiting=waiting,
        identify=identify or by_request_user,
        allowed_hosts=allowed_hosts,
        wording=wording,
        settings=settings,
    )


class Page:
    """The application; see `create_page`.

    Args:
        judges: As for `create_page`.
        waiting: As for `create_page`.
        identify: As for `create_page`; None if the start token says who is there.
        allowed_hosts: As for `create_page`.
        wording: As for `create_page`.
        settings: As for `create_page`.
        token: The start token of a page on one's own machine; whoever has it is a lead.
        cookie: The cookie's name.
        name: Who is answering, since the token does not say; None to ask.
        model_name: The name of the model on screen.
        quiet_seconds: How long nothing must be answered before waiting cases are checked again.
    """

    def __init__(
        self,
        judges: Judges,
        *,
        waiting: Waiting,
        identify: Identify | None = None,
        allowed_hosts: Sequence[str] | None = None,
        wording: Mapping[str, Wording] | None = None,
        settings: DeskSettings | None = None,
        token: str | None = None,
        cookie: str = "memalign-review",
        name: str | None = None,
        model_name: str = "",
        quiet_seconds: float = 5.0,
    ) -> None:
        if not isinstance(waiting, Waiting):
            raise ConfigurationError(
                f"waiting: found a {type(waiting).__name__}; expected a Waiting, such as "
                "LocalWaiting(cases, reviews=...)."
            )
        self._judges = judges
        self._waiting = waiting
        self._wording = dict(wording or {})
        self._settings = settings
        self._token = token
        self._model_name = model_name
        self._quiet = quiet_seconds
        self._guard = threading.Lock()
        self._desks: dict[str, tuple[Desk, Worker]] = {}
        self._closed = False
        self._visits = Visits()
        self._routes = Router(
            [
                Route("/static/{digest}/{name}", _static),
                Route("/", self._begin),
                Route("/judges", self._choose),
            ],
            default=self._at_a_desk,
        )
        app: ASGIApp = Guard(
            self._routes,
            visits=self._visits,
            cookie=cookie,
            token=token,
            identify=identify,
            name=name,
        )
        if allowed_hosts is not None:
            app = TrustedHostMiddleware(app, allowed_hosts=list(allowed_hosts))
        self._app = SecureHeaders(_Errors(app))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send, self.close)
            return
        await self._app(scope, receive, send)

    def stop_streams(self) -> None:
        """End all streams, so that a server can stop."""
        with self._guard:
            desks = [*self._desks.values()]
        for desk, _ in desks:
            desk.signals.stop()

    def close(self) -> None:
        """End the work behind the page, and close the review file; the memory stays open."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
            desks = [*self._desks.values()]
        for desk, worker in desks:
            desk.signals.stop()
            worker.stop()
            desk.close()
        self._waiting.close()

    @property
    def is_at_work(self) -> bool:
        """Whether work is still under way, even after `close`."""
        with self._guard:
            return any(worker.is_at_work for _, worker in self._desks.values())

    def _judges_of(self, person: Person) -> list[MemAlignJudge]:
        judges = self._judges
        if isinstance(judges, MemAlignJudge):
            return [judges]
        return list(judges(person) if callable(judges) else judges)

    def _desk(self, judge: MemAlignJudge) -> tuple[Desk, Worker]:
        name = judge.spec.name
        with self._guard:
            if self._closed:
                raise Refused("unreachable", 503)
            if name not in self._desks:
                desk = Desk(
                    judge,
                    self._waiting,
                    wording=self._wording.get(name),
                    defaults=self._settings,
                    model_name=self._model_name,
                )
                self._desks[name] = desk, Worker(desk, quiet_seconds=self._quiet)
            desk, worker = self._desks[name]
        worker.start()
        return desk, worker

    def _begin(self, request: Request) -> Response:
        """From the start link, or the bare address, to the queue."""
        return RedirectResponse(render.url(request, "/queue"), 303)

    def _choose(self, request: Request) -> Response:
        """The judges that somebody may see."""
        person = self._person(request)
        found = [
            (
                render.url(request, f"{_CHOSEN}{quote(judge.spec.name, safe='')}/queue"),
                Words(judge.spec, Wording()).title,
                words.cases(len(self._desk(judge)[0].order(person))) + " waiting",
            )
            for judge in self._judges_of(person)
        ]
        return render.page(request, "judges.html", title="Which judge?", judges=found)

    def _person(self, request: Request) -> Person:
        found = getattr(request.state, "person", None)
        if isinstance(found, Person):
            return found
        visit: Visit = request.state.visit
        name = visit.name or ""
        return Person(id=name, name=name, is_lead=True)

    async def _at_a_desk(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a screen of one judge: the only one, or the one that the address names."""
        from anyio import to_thread

        request = Request(scope, receive)
        root = scope.get("root_path", "")
        path = scope["path"].removeprefix(root)
        person = self._person(request)
        judges = {j.spec.name: j for j in await to_thread.run_sync(self._judges_of, person)}
        state = scope.setdefault("state", {})
        state["person"] = person
        state["own_name"] = self._token is not None
        state["several"] = len(judges) > 1
        state["top_root"] = root
        if path.startswith(_CHOSEN):
            encoded = scope.get("raw_path", b"").decode("ascii", "replace").removeprefix(root)
            chosen = _named(encoded, judges)
            if chosen is None:
                raise Refused("gone", 404)
            judge = judges[chosen]
            inside = f"{_CHOSEN}{chosen}"
            scope = {**scope, "root_path": root + inside}
        elif len(judges) == 1:
            (judge,) = judges.values()
        else:
            response = RedirectResponse(render.url(request, "/judges"), 303)
            await response(scope, receive, send)
            return
        asks = self._token is not None and request.state.visit.name is None
        if asks and not path.removesuffix("/").endswith("/who"):
            response = RedirectResponse(render.url(Request(scope), "/who"), 303)
            await response(scope, receive, send)
            return
        desk, worker = await to_thread.run_sync(self._desk, judge)
        state["desk"], state["worker"] = desk, worker
        await _SCREENS(scope, receive, send)


def _named(path: str, judges: Mapping[str, Any]) -> str | None:
    """Which judge an address names; a name may have slashes, encoded there."""
    from urllib.parse import unquote

    name = unquote(path.removeprefix(_CHOSEN).partition("/")[0])
    return name if name in judges else None


class _Errors:
    """Says what went wrong on a page of its own, and in the log what nobody expected."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sending(message: Any) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            if begun:
                raise
            response = _answer(Request(scope), error)
            await response(scope, receive, send)


def _answer(request: Request, error: Exception) -> Response:
    status, state = 500, words.STATES["unexpected"]
    match error:
        case Refused():
            status, state = error.status, words.STATES[error.state]
        case MemoryLockedError():
            locked = words.STATES["locked"]
            status, state = 503, words.State(locked.first, f"{error} {locked.then}")
        case MemoryUnavailableError():
            gone = words.STATES["no_memory"]
            status, state = 503, words.State(gone.first, f"{gone.then} {error}")
        case ModelError():
            status, state = 503, words.State(words.STATES["down"].first, str(error))
        case InvalidInputError():
            status, state = 422, words.State("That cannot be used", str(error))
        case MemAlignError():
            status, state = 500, words.State(words.STATES["unexpected"].first, str(error))
        case _:
            log.error("a request for %s failed", request.url.path, exc_info=error)
    if render.is_fragment(request):
        problem = {
            "first": state.first,
            "then": state.then,
            "kind": "note",
            "tone": "alert",
            "actions": (),
        }
        return HTMLResponse(render.render(request, "_problem.html", problem=problem), status)
    back = render.url(request, "/queue") if status in (404, 422, 500, 503) else ""
    context = {"title": state.first, "state": state, "back": back}
    return HTMLResponse(render.render(request, "bare.html", **context), status)


def _static(request: Request) -> Response:
    found = render.STATIC.get(request.path_params["name"])
    if found is None or request.path_params["digest"] != render.DIGEST:
        raise Refused("gone", 404)
    content, kind = found
    return Response(
        content,
        media_type=kind,
        headers={"cache-control": "public, max-age=31536000, immutable"},
    )


async def _lifespan(receive: Receive, send: Send, close: Callable[[], None]) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            close()
            await send({"type": "lifespan.shutdown.complete"})
            return


def new_token() -> str:
    """A start token: 256 bits that nobody can guess."""
    return secrets.token_urlsafe(32)
