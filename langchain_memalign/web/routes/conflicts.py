"""Conflicts: cases that experts answered differently, and five ways out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.reviews import Answer, Settled
from langchain_memalign.schema import Episode, now
from langchain_memalign.web import knowledge, render, words
from langchain_memalign.web.desk import Desk
from langchain_memalign.web.index import Entry
from langchain_memalign.web.routes.answering import read_value
from langchain_memalign.web.routes.frame import (
    desk_of,
    flash_of,
    form_of,
    person_of,
    show,
    worker_of,
)
from langchain_memalign.web.routes.rules import change
from langchain_memalign.web.security import Refused
from langchain_memalign.web.views import case as case_views
from langchain_memalign.web.views import conflicts as views
from langchain_memalign.web.views.queue import LONG_QUESTION
from langchain_memalign.web.views.text import begins, who

_LISTED = 25


def listing(request: Request) -> Response:
    """The oldest open conflict, and the list of them."""
    return conflict(request)


def conflict(
    request: Request, *, wrong: str = "", wrong_side: str = "", status: int = 200
) -> Response:
    """One conflict beside the list."""
    desk, person = desk_of(request), person_of(request)
    me = person.reviewer
    found = desk.index.conflicts()
    settled = desk.ledger.settled()
    open_, done = views.open_and_settled(found, settled)
    key = str(request.path_params.get("key", ""))
    show_ = request.query_params.get("show", "")
    if key and key not in found:
        raise Refused("gone", 404)
    if key in done:
        show_ = "settled"
    listed = done if show_ == "settled" else open_
    if not key and listed:
        key = listed[0]
    place = listed.index(key) if key in listed else 0
    start = max(0, min(place - _LISTED // 2, len(listed) - _LISTED))
    window = listed[start : start + _LISTED]
    first = {e.id: e for e in knowledge.episodes_of(desk.judge, [found[k][0].id for k in window])}
    entered = [
        views.Entered(
            k,
            begins(first[found[k][0].id].case, longest=90) if found[k][0].id in first else k[:8],
            views.meta(found[k], me),
            k == key,
        )
        for k in window
    ]
    context: dict[str, Any] = {
        "entered": entered,
        "more": len(listed) - len(window),
        "show": show_,
        "open_count": len(open_),
        "settled_count": len(done),
        "flash": flash_of(request, "/conflicts"),
    }
    if not listed:
        return show(request, "conflicts", "conflicts.html", **context)
    episodes = _said(desk, found[key])
    if saved := [a for a in desk.answers.on(case_key=key) if a.state in ("saved", "learning")]:
        episodes = views.as_saved(episodes, saved)
    sides = views.sides(episodes, desk.words, me=me)
    desk.saw(person, [key])
    question = desk.words.question
    following = listed[(place + 1) % len(listed)]
    return show(
        request,
        "conflicts",
        "conflicts.html",
        status=status,
        key=key,
        label=desk.label(key, key),
        place=f"{place + 1} of {len(listed)}",
        how=views.settled_line(settled[key]) if show_ == "settled" and key in settled else "",
        question=question if len(question) <= LONG_QUESTION else desk.words.title,
        blocks=case_views.blocks(episodes[0].case, desk.words.wording.titles),
        sides=sides,
        first_id=found[key][0].id,
        both_digit=str(len(sides) + 1) if len(sides) < 9 else "",
        ask=list(dict.fromkeys(e.reviewer for e in episodes if e.reviewer and e.reviewer != me)),
        next_key=following if following != key and show_ != "settled" else "",
        wrong=wrong,
        wrong_side=wrong_side,
        **context,
    )


def settle(request: Request) -> Response:
    """Say which answer is right: an answer of one's own, with a reason."""
    desk, person, form = desk_of(request), person_of(request), form_of(request)
    key = _key(request)
    reason = form.get("reason", "").strip()
    side = form.get("side", "")
    if not reason:
        return conflict(request, wrong="Say why, in one sentence.", wrong_side=side, status=422)
    try:
        value = read_value(desk, form.get("value", ""))
    except InvalidInputError as error:
        return conflict(request, wrong=str(error), wrong_side=side, status=422)
    episodes = _said(desk, desk.index.conflicts()[key])
    mine = next((e for e in episodes if e.reviewer == person.reviewer), None)
    case = episodes[0].case
    waiting = next((w for w in desk.waiting.cases(desk.judge) if w.key == key), None)
    answer = desk.answers.add(
        Answer(
            judge=desk.name,
            person=person.id,
            name=person.name,
            reviewer=person.reviewer,
            case_id=waiting.id if waiting else None,
            case_key=key,
            label=desk.label(key, episodes[0].id),
            case=case,
            decision="edit",
            value=value,
            reason=reason[:10_000],
            outcome=knowledge.said_before(mine or episodes[0]),
        )
    )
    others = [e for e in episodes if e.reviewer != person.reviewer]
    as_it_will_be = [
        *others,
        episodes[0].model_copy(
            update={"id": "mine", "value": value, "reviewer": person.reviewer, "updated_at": now()}
        ),
    ]
    note = views.after_settling(as_it_will_be, value, person.reviewer)
    worker_of(request).wake()
    return render.see(request, _next_key(desk, key), done=answer.n, note=note)


def rule(request: Request) -> Response:
    """Both are right: a pinned rule tells the two apart, and the conflict is settled."""
    desk, person = desk_of(request), person_of(request)
    key = _key(request)
    text = form_of(request).get("text", "").strip()[:10_000]
    if not text:
        return conflict(request, status=422)
    following = _next_key(desk, key)
    n = change(
        desk,
        person,
        "Rule written, conflict settled",
        lambda: desk.judge.add_principle(text),
    )
    entries = desk.index.conflicts()[key]
    desk.ledger.settle(
        Settled(
            case_key=key,
            said=views.digest(entries),
            how="Both are right, a rule tells them apart",
            by=person.name or words.SOMEBODY,
        )
    )
    deed = desk.answers.get(n)
    assert deed is not None
    desk.answers.update(deed, case_key=key)
    worker_of(request).wake()
    return render.see(request, following, done=n)


def ask(request: Request) -> Response:
    """Ask somebody to look again: the case comes back into their queue."""
    desk, form = desk_of(request), form_of(request)
    key = _key(request)
    name = form.get("who", "")
    entries = desk.index.conflicts()[key]
    if name not in {e.reviewer for e in entries}:
        raise Refused("gone", 404)
    waiting = next((w for w in desk.waiting.cases(desk.judge) if w.key == key), None)
    person = next((id_ for id_, called in desk.table.people().items() if called == name), name)
    if waiting is None:
        waiting = desk.bring(_said(desk, entries)[0].case, person)
    desk.table.mark(person, waiting.id, "asked_again")
    return render.see(
        request, _next_key(desk, key), note=f"{who(name, None)} is asked to look again."
    )


def _key(request: Request) -> str:
    key = str(request.path_params["key"])
    if key not in desk_of(request).index.conflicts():
        raise Refused("gone", 404)
    return key


def _said(desk: Desk, entries: Sequence[Entry]) -> list[Episode]:
    """What was said of a case.

    Raises:
        Refused: It has been forgotten meanwhile.
    """
    found = knowledge.episodes_of(desk.judge, [e.id for e in entries])
    if not found:
        raise Refused("gone", 404)
    return found


def _next_key(desk: Desk, key: str) -> str:
    open_, _ = views.open_and_settled(desk.index.conflicts(), desk.ledger.settled())
    at = open_.index(key) if key in open_ else -1
    left = open_[at + 1 :] + open_[:at] if at >= 0 else open_
    return f"/conflicts/{left[0]}" if left else "/conflicts"


ROUTES = [
    Route("/conflicts", listing),
    Route("/conflicts/{key}", conflict),
    Route("/conflicts/{key}/settle", settle, methods=["POST"]),
    Route("/conflicts/{key}/rule", rule, methods=["POST"]),
    Route("/conflicts/{key}/ask", ask, methods=["POST"]),
]
