"""Settings, names, keys, and the choice among several judges."""

from __future__ import annotations

from typing import get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from langchain_memalign.reviews import DeskSettings, PersonSettings
from langchain_memalign.web import knowledge, render, words
from langchain_memalign.web.people import Visit
from langchain_memalign.web.routes.frame import (
    Flash,
    desk_of,
    form_of,
    is_number,
    only_leads,
    person_of,
    show,
    worker_of,
)

_SPOTS = ((0, "none"), (20, "1 of 20"), (10, "1 of 10"), (5, "1 of 5"))
_NEEDS = ((1, "1"), (2, "2"), (3, "3"), (0, "one of everyone"))
_KEYS = (
    (("1", "9"), "Choose an answer"),
    (("A",), "Agree with the judge, save, next"),
    (("W",), "Go to your reason"),
    (("Ctrl ↵",), "Save and go on"),
    (("S",), "Skip for now"),
    (("X",), "Leave out"),
    (("V",), "Show the judge’s answer"),
    (("U",), "Undo my last answer"),
    (("L",), "What was learned"),
    (("G",), "All waiting cases"),
    (("J", "K"), "Next, previous, without answering"),
    (("/",), "Find"),
    (("N",), "Write a rule"),
    (("?",), "These keys"),
    (("Esc",), "Leave the text field"),
)


def settings(request: Request) -> Response:
    """How one works, and how cases are worked through."""
    desk, person = desk_of(request), person_of(request)
    rules = [r for r in knowledge.principles_of(desk.judge) if r.retired_at is None]
    past = len(desk.index.newest_first())
    memory = f"{desk.judge.memory.location}, {words.past_cases(past)}, {words.rules(len(rules))}"
    done = request.query_params.get("saved")
    return show(
        request,
        "settings",
        "settings.html",
        name=person.name,
        own_name=bool(getattr(request.state, "own_name", False)),
        mine=desk.table.person(person.id),
        settings=desk.settings,
        policies=words.POLICIES,
        spots=_SPOTS,
        needs=_NEEDS,
        question=desk.words.question,
        model=desk.model_name,
        memory=memory,
        flash=Flash("Saved.") if done else None,
    )


def save(request: Request) -> Response:
    """Keep settings: a person's own, or a lead's for all."""
    desk, person, form = desk_of(request), person_of(request), form_of(request)
    if form.get("what") == "desk":
        only_leads(request)
        policy = form.get("policy", "")
        desk.table.set(
            DeskSettings(
                policy=policy if policy in _POLICIES else desk.settings.policy,
                spot=_number(form.get("spot", ""), most=1000),
                needed=_number(form.get("needed", ""), most=9),
                blind=form.get("blind") == "1",
                look=_number(form.get("look", ""), most=200),
            )
        )
        worker_of(request).wake()
    else:
        desk.table.set_person(
            person.id,
            person.name,
            PersonSettings(
                keys=form.get("keys") == "1",
                blind=form.get("blind") == "1",
                learned_first=form.get("learned_first") == "1",
            ),
        )
    return render.see(request, "/settings", saved=1)


_POLICIES = get_args(DeskSettings.model_fields["policy"].annotation)


def who(request: Request) -> Response:
    """Who is answering?"""
    desk = desk_of(request)
    visit: Visit = request.state.visit
    count = len(desk.order(person_of(request)))
    return render.page(
        request,
        "who.html",
        title="Who is answering?",
        judge=desk.words.title,
        waits=words.cases(count) + (" waits" if count == 1 else " wait"),
        name=visit.name or "",
        people=[name for name in desk.table.people().values() if name][:8],
    )


def name(request: Request) -> Response:
    """Take a name for this browser."""
    visit: Visit = request.state.visit
    given = " ".join(form_of(request).get("name", "").split())[:200]
    request.scope["state"]["new_visit"] = Visit(visit.id, given)
    return render.see(request, "/queue")


def leave(request: Request) -> Response:
    """Sign out: give back what is held, and forget the name."""
    desk, person = desk_of(request), person_of(request)
    desk.table.release(person.id)
    visit: Visit = request.state.visit
    request.scope["state"]["new_visit"] = Visit(visit.id, None)
    return render.see(request, "/who")


def keys(request: Request) -> Response:
    """All single keys."""
    return show(request, "keys", "keys.html", all=_KEYS)


def _number(text: str, *, most: int) -> int:
    return min(int(text), most) if is_number(text) else 0


ROUTES = [
    Route("/settings", settings),
    Route("/settings", save, methods=["POST"]),
    Route("/who", who),
    Route("/who", name, methods=["POST"]),
    Route("/leave", leave, methods=["POST"]),
    Route("/keys", keys),
]
