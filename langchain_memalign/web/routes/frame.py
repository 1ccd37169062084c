"""What every screen has: the bar on top, and who looks at what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from starlette.requests import Request
from starlette.responses import Response

from langchain_memalign.reviews import Answer
from langchain_memalign.web import render, words
from langchain_memalign.web.desk import Desk
from langchain_memalign.web.people import Person
from langchain_memalign.web.security import Refused
from langchain_memalign.web.views import conflicts
from langchain_memalign.web.views.text import initials

if TYPE_CHECKING:
    from langchain_memalign.web.worker import Worker


@dataclass(frozen=True)
class Frame:
    """The bar on top."""

    judge: str
    tab: str
    name: str
    initials: str
    keys: bool
    is_lead: bool
    waiting: int
    conflicts: int
    several: bool


@dataclass(frozen=True)
class Flash:
    """What became of the last deed on a screen.

    Attributes:
        undo: The number of the deed, if it can be undone here.
        back: Where to go after that.
    """

    first: str
    then: str = ""
    undo: int = 0
    back: str = ""


def desk_of(request: Request) -> Desk:
    """The judge's desk that a request is for."""
    return cast(Desk, request.state.desk)


def worker_of(request: Request) -> Worker:
    """The worker of that desk."""
    return cast("Worker", request.state.worker)


def person_of(request: Request) -> Person:
    """Who sent a request."""
    return cast(Person, request.state.person)


def form_of(request: Request) -> dict[str, str]:
    """What a form sent."""
    return dict(request.state.form)


def only_leads(request: Request) -> None:
    """Refuse who is no lead.

    Raises:
        Refused: The person is none.
    """
    if not person_of(request).is_lead:
        raise Refused("not_lead", 403)


def is_number(text: str) -> bool:
    """Whether a text of an address is a number; other alphabets' digits are none."""
    return text.isascii() and text.isdigit() and len(text) <= 15


def number_of(request: Request) -> int:
    """A number in an address.

    Raises:
        Refused: It is none.
    """
    text = str(request.path_params["n"])
    if not is_number(text):
        raise Refused("gone", 404)
    return int(text)


def answer_of(request: Request) -> Answer:
    """The answer that an address names.

    Raises:
        Refused: There is none.
    """
    found = desk_of(request).answers.get(number_of(request))
    if found is None:
        raise Refused("gone", 404)
    return found


def my_answer(request: Request) -> Answer:
    """The same, if it is the person's own.

    Raises:
        Refused: There is none, or it is somebody else's.
    """
    found = answer_of(request)
    if found.person != person_of(request).id:
        raise Refused("gone", 404)
    return found


def frame_of(request: Request, tab: str, *, waiting: int | None = None) -> Frame:
    """The bar on top of a screen; `waiting` where it is known how many cases wait."""
    desk, person = desk_of(request), person_of(request)
    desk.here(person)
    unsettled = 0
    if desk.index.is_ready:
        found, _ = conflicts.open_and_settled(desk.index.conflicts(), desk.ledger.settled())
        unsettled = len(found)
    return Frame(
        desk.words.title,
        tab,
        person.name or words.SOMEBODY,
        initials(person.name or words.SOMEBODY),
        desk.table.person(person.id).keys,
        person.is_lead,
        len(desk.order(person)) if waiting is None else waiting,
        unsettled,
        bool(getattr(request.state, "several", False)),
    )


def show(
    request: Request, tab: str, template: str, *, status: int = 200, **context: Any
) -> Response:
    """A screen, or a fragment of it, with the bar on top."""
    context.setdefault("frame", frame_of(request, tab))
    return render.page(request, template, status=status, **context)


def flash_of(request: Request, back: str) -> Flash | None:
    """What became of the deed that the address names."""
    done = request.query_params.get("done", "")
    if not is_number(done):
        return None
    return deed_flash(request, int(done), back)


def deed_flash(request: Request, done: int, back: str) -> Flash | None:
    """What became of a deed of the person."""
    desk = desk_of(request)
    deed = desk.answers.get(done)
    if deed is None or deed.person != person_of(request).id:
        return None
    if deed.state in ("undoing", "undone"):
        state = words.STATES["undoing" if deed.state == "undoing" else "undone_rule"]
        return Flash(state.first, state.then if deed.state == "undone" else "")
    if deed.problem and deed.problem.startswith("not_exact"):
        return Flash("It can no longer be taken back", "Something else has been built on it.")
    note = request.query_params.get("note", "")[:200]
    if deed.kind == "answer":
        return Flash(deed.label, note or "Saved.", deed.n, back)
    can = desk.answers.has_images(deed.n)
    return Flash(f"{deed.label}.", note, deed.n if can else 0, back)
