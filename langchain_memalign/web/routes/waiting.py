"""The list of waiting cases."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from langchain_memalign._content import canonical
from langchain_memalign._prompts.content import embedding_texts
from langchain_memalign.web import queue, words
from langchain_memalign.web.routes.frame import desk_of, person_of, show
from langchain_memalign.web.routes.queue import TAB
from langchain_memalign.web.views import cases as cases_views
from langchain_memalign.web.views.text import begins
from langchain_memalign.web.waiting import WaitingCase


@dataclass(frozen=True)
class Row:
    """A waiting case in the list."""

    id: str
    label: str
    begins: str
    why: str
    judge: str
    open_with: str


def listing(request: Request) -> Response:
    """The cases that wait for the person."""
    desk, person = desk_of(request), person_of(request)
    standing = desk.standing(person)
    order = desk.order(person, standing)
    why = request.query_params.get("why", "")
    q = request.query_params.get("q", "")
    wanted = [
        c
        for c in order
        if (not why or (queue.asked(c, standing) or "own") == why) and contains(c, q.strip())
    ]
    ids = [case.id for case in wanted]
    after = request.query_params.get("after", "")
    start = ids.index(after) + 1 if after in ids else 0
    size = cases_views.PAGE
    shown = wanted[start : start + size]
    end = start + len(shown)
    blind = desk.is_blind(person)
    rows = []
    told = []
    for case in shown:
        reading = None if blind else desk.reading(case.id)
        holder = standing.reserved.get(case.id)
        if reading is not None:
            told.append(case.id)
        key = queue.asked(case, standing) or "own"
        if standing.has("asked_again", case.id, person.id) is not None:
            key = "again"
        rows.append(
            Row(
                case.id,
                case.label,
                begins(case.case),
                _SHORT_WHY[key],
                desk.words.of(reading.value) if reading else ("Not read yet" if not blind else ""),
                holder[1] if holder and holder[0] != person.id else "",
            )
        )
    desk.table.mark_all(person.id, told, "shown")
    counted = cases_views.Range(
        start + 1 if shown else 0,
        end,
        len(wanted),
        ids[end - 1] if shown and end < len(ids) else "",
        ids[start - size - 1] if start > size else ("-" if start else ""),
    )
    return show(
        request,
        TAB,
        "waiting.html",
        rows=rows,
        range=counted,
        blind=blind,
        why=why,
        q=q,
        reasons=queue.reasons(order, standing).most_common(),
        short_why=_SHORT_WHY,
        total_words=words.cases(len(order)) + (" wait" if len(order) != 1 else " waits"),
    )


def contains(waiting: WaitingCase, text: str) -> bool:
    """Whether a case, or what it is called, contains a text, in any case of letters."""
    if not text or text.casefold() in waiting.label.casefold():
        return True
    parts = (*embedding_texts(waiting.case), canonical(dict(waiting.case)))
    return any(part and text.casefold() in part.casefold() for part in parts)


_SHORT_WHY = {
    key: said.removeprefix("Asked because ")[:1].upper() + said.removeprefix("Asked because ")[1:]
    for key, said in words.WHY.items()
}


ROUTES = [Route("/waiting", listing)]
