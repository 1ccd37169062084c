"""The queue: one case, its answer, and what can be done instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from langchain_memalign.reviews import Answer, Draft
from langchain_memalign.web import queue, render, words
from langchain_memalign.web.desk import Desk
from langchain_memalign.web.people import Person
from langchain_memalign.web.routes.frame import (
    desk_of,
    form_of,
    frame_of,
    is_number,
    only_leads,
    person_of,
    show,
    worker_of,
)
from langchain_memalign.web.security import Refused
from langchain_memalign.web.views import case as case_views
from langchain_memalign.web.views import queue as views
from langchain_memalign.web.views.learned import not_exact
from langchain_memalign.web.waiting import WaitingCase

LONGEST_REASON = 10_000
TAB = "queue"


def next_case(request: Request) -> Response:
    """The next case, or that nothing waits."""
    return stage(request, focus=render.is_fragment(request))


def one_case(request: Request) -> Response:
    """A case, by its id; also one that was answered, to change the answer."""
    waiting = case_of(request)
    desk, person = desk_of(request), person_of(request)
    before = mine_of(desk, person, waiting)
    if before is not None and not request.query_params.get("change"):
        return render.see(request, f"/answers/{before.n}")
    draft = None
    if before is not None:
        value = "" if before.value is None else desk.words.key(before.value)
        draft = Draft(value=value, reason=before.reason or "")
    elif not queue.waits(waiting, person.id, desk.standing(person)):
        desk.table.mark(person.id, waiting.id, "open")
    return stage(
        request,
        waiting,
        draft=draft,
        focus=render.is_fragment(request),
        taken_back=_taken_back(request, waiting),
    )


def _taken_back(request: Request, waiting: WaitingCase) -> Answer | None:
    """The answer that the address says was taken back, without scripts."""
    n = request.query_params.get("undone", "")
    found = desk_of(request).answers.get(int(n)) if is_number(n) else None
    mine = found is not None and found.person == person_of(request).id
    return found if mine and found is not None and found.case_id == waiting.id else None


def stage(
    request: Request,
    waiting: WaitingCase | None = None,
    *,
    draft: Draft | None = None,
    problem: Any = None,
    told: str = "",
    saved: bool = False,
    focus: bool = True,
    taken_back: Answer | None = None,
) -> Response:
    """A case to be answered, or the next one of the person.

    Args:
        request: The request.
        waiting: The case; None for the next one.
        draft: What is filled in; None for what the person had written before.
        problem: Why an answer was not saved.
        told: What a screen reader is told.
        saved: Whether an answer was saved just now.
        focus: Whether the heading has the focus.
        taken_back: An answer that is being taken back.
    """
    desk, person = desk_of(request), person_of(request)
    standing = desk.standing(person)
    order = desk.order(person, standing)
    if waiting is None:
        free = (c for c in order if queue.is_free(c, person.id, standing))
        waiting = next(free, None)
    frame = frame_of(request, TAB, waiting=len(order))
    mine = next(iter(desk.answers.last_of(person.id, limit=1, kinds=("answer", "left"))), None)
    last = views.last(
        mine,
        desk.words,
        ahead=desk.answers.ahead_of(mine.n) if mine else 0,
        swap=desk.swaps(person, mine.case_id or "") if mine else False,
    )
    fragment = render.is_fragment(request)
    if waiting is None:
        total = len(desk.cases())
        state = words.STATES["empty" if total else "no_cases"]
        return render.page(
            request,
            "_next.html" if fragment else "empty.html",
            inner="_empty.html",
            frame=frame,
            title="Queue",
            state=state,
            total=total,
            skipped=len(order),
            last=last,
            told=f"Saved. {state.first}." if saved else told or state.first,
            focus=focus,
            strip=taken_back,
            not_exact=not_exact(taken_back),
        )
    taken = desk.table.reserve(person.id, person.name or words.SOMEBODY, waiting.id)
    context = case_context(request, desk, person, waiting, draft=draft)
    context["changing"] = mine_of(desk, person, waiting) is not None
    # Who opened an answered case on purpose need not be told that it is answered.
    wanted = (request.query_params.get("change"), form_of(request).get("anyway"))
    context["anyway"] = any(wanted)
    context |= place_of(desk, person, waiting, order, standing)
    page = render.page(
        request,
        "_next.html" if fragment and problem is None else "queue.html",
        status=problem.status if problem else 200,
        inner="_case.html",
        frame=frame,
        last=last,
        taken=taken,
        problem=problem,
        told=f"Saved. {context['place']}." if saved else told,
        focus=focus and problem is None,
        strip=taken_back,
        not_exact=not_exact(taken_back),
        **context,
    )
    worker_of(request).wake()
    return page


def case_context(
    request: Request,
    desk: Desk,
    person: Person,
    waiting: WaitingCase,
    *,
    draft: Draft | None = None,
    early: bool = False,
) -> dict[str, Any]:
    """What is shown of a case; notes whether the judge's answer was sent to the person."""
    blind = desk.is_blind(person)
    answered = mine_of(desk, person, waiting) is not None
    shown_before = desk.table.has(person.id, waiting.id, "shown")
    hidden = blind and not early and not shown_before and not answered
    reading = desk.reading(waiting.id)
    swap = desk.swaps(person, waiting.id)
    opinion = views.opinion(reading, desk.words, me=person.reviewer, hidden=hidden, swap=swap)
    if desk.answers.on(case_id=waiting.id):
        opinion = views.as_it_was(opinion)
    if opinion.state == "shown" and not shown_before:
        desk.table.mark(person.id, waiting.id, "shown")
    question = desk.words.question
    long = len(question) > views.LONG_QUESTION
    return {
        "case": waiting,
        "title": f"Case {waiting.label}",
        "question": desk.words.title if long else question,
        "full_question": question if long else "",
        "blocks": case_views.blocks(waiting.case, desk.words.wording.titles, swap=swap),
        "opinion": opinion,
        "form": views.form(
            desk.words, opinion, draft or desk.table.draft(person.id, waiting.id), swap=swap
        ),
        "legend": "Which is better?" if desk.words.is_pair else "Your answer",
        "missed_label": "" if desk.words.is_scale else words.MISSED_LABEL,
    }


def place_of(
    desk: Desk,
    person: Person,
    waiting: WaitingCase,
    order: Sequence[WaitingCase],
    standing: queue.Standing,
) -> dict[str, Any]:
    """Where a case is among those that wait, and why it is asked about."""
    ids = [case.id for case in order]
    done = sum(person.id in by for by in standing.given.values())
    place = (
        f"Case {done + ids.index(waiting.id) + 1} of {done + len(ids)}"
        if waiting.id in ids
        else "Case"
    )
    why = (queue.asked(waiting, standing) if waiting.id in ids else None) or "own"
    if standing.has("asked_again", waiting.id, person.id) is not None:
        why = "again"
    at = ids.index(waiting.id) if waiting.id in ids else -1
    return {
        "place": place,
        "why": words.WHY[why],
        "previous": ids[at - 1] if at > 0 else "",
        "following": ids[at + 1] if 0 <= at + 1 < len(ids) else "",
    }


def skip(request: Request) -> Response:
    """Put a case last; its draft is kept."""
    desk, person, form = desk_of(request), person_of(request), form_of(request)
    waiting = case_of(request)
    draft = Draft(value=form.get("value", ""), reason=form.get("reason", ""))
    desk.table.keep_draft(person.id, waiting.id, waiting.key, draft)
    desk.table.mark(person.id, waiting.id, "skipped")
    desk.table.release(person.id, waiting.id)
    return _go_on(request, "Skipped.")


def leave(request: Request) -> Response:
    """Leave a case out: for this person, or by a lead for everybody."""
    desk, person, form = desk_of(request), person_of(request), form_of(request)
    waiting = case_of(request)
    for_all = bool(request.query_params.get("all"))
    if for_all:
        only_leads(request)
        desk.table.mark(person.id, waiting.id, "left_by_all")
    desk.table.mark(person.id, waiting.id, "left")
    desk.table.unmark(person.id, waiting.id, "asked_again")
    desk.table.release(person.id, waiting.id)
    said = Draft(value=form.get("value", ""), reason=form.get("reason", "")[:LONGEST_REASON])
    desk.table.keep_draft(person.id, waiting.id, waiting.key, said)
    desk.answers.add(
        Answer(
            judge=desk.name,
            kind="left",
            person=person.id,
            name=person.name,
            reviewer=person.reviewer,
            case_id=waiting.id,
            case_key=waiting.key,
            label=waiting.label,
            decision="ignore",
            for_all=for_all,
        )
    )
    return _go_on(request, "Left out.")


def draft(request: Request) -> Response:
    """Keep what is written so far."""
    desk, person, form = desk_of(request), person_of(request), form_of(request)
    waiting = case_of(request)
    said = Draft(value=form.get("value", "")[:1000], reason=form.get("reason", "")[:LONGEST_REASON])
    if mine_of(desk, person, waiting) is None:  # an answer may have overtaken its draft
        desk.table.keep_draft(person.id, waiting.id, waiting.key, said)
        desk.table.reserve(person.id, person.name or words.SOMEBODY, waiting.id)
    return Response(status_code=204)


def verdict(request: Request) -> Response:
    """The judge's answer, once it is there."""
    desk, person = desk_of(request), person_of(request)
    waiting = case_of(request)
    desk.here(person)
    if desk.reading(waiting.id) is None:
        worker_of(request).wake()
        return Response(status_code=204)
    context = case_context(request, desk, person, waiting)
    return render.page(request, "_verdict.html", **context)


def show_verdict(request: Request) -> Response:
    """Show the judge's answer before the person has answered."""
    desk, person = desk_of(request), person_of(request)
    waiting = case_of(request)
    desk.table.mark(person.id, waiting.id, "shown")
    if not render.is_fragment(request):
        return render.see(request, f"/queue/{waiting.id}")
    context = case_context(request, desk, person, waiting, early=True)
    return render.page(request, "_verdict.html", **context)


def reread(request: Request) -> Response:
    """Ask the judge again."""
    desk, person = desk_of(request), person_of(request)
    waiting = case_of(request)
    desk.readings.mark_stale([waiting.id])
    worker_of(request).wake()
    if not render.is_fragment(request):
        return render.see(request, f"/queue/{waiting.id}")
    return render.page(request, "_opinion.html", **case_context(request, desk, person, waiting))


def grounds(request: Request) -> Response:
    """All that the judge had before it."""
    desk, person = desk_of(request), person_of(request)
    waiting = case_of(request)
    reading = desk.reading(waiting.id)
    if reading is None or not desk.table.has(person.id, waiting.id, "shown"):
        raise Refused("gone", 404)
    return show(
        request,
        TAB,
        "_grounds.html" if render.is_fragment(request) else "grounds.html",
        case=waiting,
        had=views.had_before_it(reading.memory),
        grounds=views.grounds(reading.memory, desk.words, me=person.reviewer),
    )


def more(request: Request) -> Response:
    """The rest of a long text."""
    return more_of(request, case_of(request).case, f"/queue/{request.path_params['id']}")


def more_of(request: Request, case: Any, base: str) -> Response:
    """The rest of a long text of a case."""
    field = request.query_params.get("field", "")
    text = case_views.field_text(case, field)
    start = request.query_params.get("from", "0")
    if text is None or not is_number(start) or int(start) > len(text):
        raise Refused("gone", 404)
    item = case_views.part(field, text, int(start))
    if render.is_fragment(request):
        return render.page(request, "_more.html", item=item, base=base)
    return show(request, TAB, "more.html", item=item, base=base)


def image(request: Request) -> Response:
    """A picture of a case."""
    return image_of(request, case_of(request).case)


def image_of(request: Request, case: Any) -> Response:
    """A picture of a case, and nothing else that a browser could take it for."""
    n = str(request.path_params["n"])
    found = case_views.picture(case, int(n)) if is_number(n) else None
    if found is None:
        raise Refused("gone", 404)
    return Response(
        found.data,
        media_type=found.kind,
        headers={"content-security-policy": "default-src 'none'; sandbox"},
    )


def _go_on(request: Request, told: str) -> Response:
    worker_of(request).wake()
    if not render.is_fragment(request):
        return render.see(request, "/queue")
    return stage(request, told=told)


def case_of(request: Request) -> WaitingCase:
    """The case that an address names.

    Raises:
        Refused: It does not wait.
    """
    found = desk_of(request).cases().get(str(request.path_params["id"]))
    if found is None:
        raise Refused("gone", 404)
    return found


def mine_of(desk: Desk, person: Person, waiting: WaitingCase) -> Answer | None:
    """What the person has answered, unless the case is asked again."""
    mine = [a for a in desk.answers.on(case_id=waiting.id) if a.person == person.id]
    if not mine or desk.table.has(person.id, waiting.id, "asked_again"):
        return None
    return mine[-1]


ROUTES = [
    Route("/queue", next_case),
    Route("/queue/{id}", one_case),
    Route("/queue/{id}/more", more),
    Route("/queue/{id}/image/{n}", image),
    Route("/queue/{id}/grounds", grounds),
    Route("/queue/{id}/verdict", verdict),
    Route("/queue/{id}/skip", skip, methods=["POST"]),
    Route("/queue/{id}/leave", leave, methods=["POST"]),
    Route("/queue/{id}/show", show_verdict, methods=["POST"]),
    Route("/queue/{id}/reread", reread, methods=["POST"]),
    Route("/queue/{id}/draft", draft, methods=["POST"]),
]
