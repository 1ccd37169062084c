"""What was learned from an answer, as it happens; and the way back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from langchain_memalign.reviews import Answer, Turned
from langchain_memalign.reviews.forgetting import Traces, forget_everywhere
from langchain_memalign.web import render, words
from langchain_memalign.web.desk import Desk
from langchain_memalign.web.knowledge import episodes_of, principles_of, rules_before
from langchain_memalign.web.routes.frame import (
    answer_of,
    desk_of,
    form_of,
    frame_of,
    my_answer,
    person_of,
    show,
    worker_of,
)
from langchain_memalign.web.routes.queue import stage
from langchain_memalign.web.security import Refused
from langchain_memalign.web.views import learned as views
from langchain_memalign.web.views import queue as queue_views
from langchain_memalign.web.views.text import ago, begins, on_day, short_name, who
from langchain_memalign.web.worker import answers_left, take_back

_KEEP_ALIVE = 15.0


def learned(request: Request) -> Response:
    """What was learned from an answer."""
    answer = answer_of(request)
    if answer.kind != "answer":
        raise Refused("gone", 404)
    if _is_hidden(request, answer):
        return render.see(request, f"/queue/{answer.case_id}")
    return show(request, "queue", "learned.html", **context_of(request, answer))


def _set_aside(request: Request, answer: Answer) -> list[tuple[str, str, str, str]]:
    """Past cases that a rule of this answer contradicts: id, name, how it begins, and why."""
    desk = desk_of(request)
    reasons = {s.episode_id: s.reason for s in answer.report.superseded} if answer.report else {}
    labels = desk.labels()
    return [
        (e.id, labels.get(e.case.key) or e.id[:8], begins(e.case), reasons[e.id])
        for e in episodes_of(desk.judge, reasons)
        if e.is_superseded()
    ]


def _is_hidden(request: Request, answer: Answer) -> bool:
    """Whether it is somebody else's answer to a case that the person has to answer blind."""
    desk, person = desk_of(request), person_of(request)
    if answer.person == person.id or not desk.is_blind(person):
        return False
    given = desk.answers.on(case_id=answer.case_id) if answer.case_id else []
    waits = answer.case_id in desk.cases()
    return waits and all(a.person != person.id for a in given)


def context_of(request: Request, answer: Answer) -> dict[str, Any]:
    """All that the screen shows of an answer."""
    desk, person = desk_of(request), person_of(request)
    now = {rule.id: rule for rule in principles_of(desk.judge)}
    before = rules_before(desk.answers.images(answer.n))
    found = views.changes(answer, before, now)
    last = queue_views.last(answer, desk.words, ahead=desk.answers.ahead_of(answer.n))
    mine = answer.person == person.id
    when = f"saved {ago(answer.said_at)}"
    if answer.state == "learned" and answer.seconds is not None:
        took = words.counted(max(1, round(answer.seconds)), "second", "seconds")
        when += f", learned in {took}"
    live = last is not None and last.live
    if answer.looked is not None and not desk.is_blind(person):
        desk.table.mark_all(person.id, [t.case_id for t in answer.looked.turned], "shown")
    return {
        "answer": answer,
        "when": when,
        "heading": views.title(answer),
        "said": views.said_line(
            answer, desk.words, swap=mine and desk.swaps(person, answer.case_id or "")
        ),
        "changes": found,
        "tags": views.TAGS,
        "live": live and not (answer.state == "learned" and not desk.settings.look),
        "last": last,
        "can_undo": mine and last is not None and last.can_undo,
        "aside": _set_aside(request, answer),
        "undo_lines": views.undo_lines(answer, found),
        "not_exact": views.not_exact(answer) if mine else None,
        "conflict": conflict_of(request, answer),
        "looked_line": views.looked_line(answer),
        "turned": _turned(desk, answer),
        "turned_line": queue_views.turned_line(answer).capitalize(),
        "value": desk.words.of,
        "blind": desk.is_blind(person),
    }


def _turned(desk: Desk, answer: Answer) -> list[tuple[Turned, str]]:
    """The waiting cases that turned, and how they begin, for as long as they wait."""
    if answer.looked is None:
        return []
    waiting = desk.cases()
    return [
        (turned, begins(waiting[turned.case_id].case) if turned.case_id in waiting else "")
        for turned in answer.looked.turned
    ]


def conflict_of(request: Request, answer: Answer) -> words.State | None:
    """Whether somebody had answered the case otherwise."""
    desk = desk_of(request)
    if answer.state != "learned" or not desk.index.is_ready or answer.value is None:
        return None
    entries = desk.index.conflicts().get(answer.case_key)
    if not entries:
        return None
    others = [
        e
        for e in entries
        if e.reviewer != answer.reviewer
        and (type(e.value), e.value) != (type(answer.value), answer.value)
    ]
    if not others:
        return None
    other = others[-1]
    mine = [e for e in entries if e.reviewer == answer.reviewer]
    agreeing = sum((type(e.value), e.value) == (type(answer.value), answer.value) for e in entries)
    against = sum((type(e.value), e.value) == (type(other.value), other.value) for e in entries)
    newer = bool(mine) and mine[-1].updated_at > other.updated_at
    counts = "Theirs counts for now"
    if agreeing > against:
        counts = f"Yours counts, {agreeing} to {against}"
    elif agreeing == against and newer:
        counts = "Yours counts for now, being newer"
    state = words.STATES["conflict"]
    name = short_name(who(other.reviewer, None))
    said = {
        "name": name,
        "value": desk.words.of(other.value),
        "when": f" {on_day(other.updated_at)}",
        "counts": counts,
    }
    return words.State(state.first.format(**said), state.then.format(**said))


def undo(request: Request) -> Response:
    """Take an answer, or a change of the rules, back."""
    desk = desk_of(request)
    deed = my_answer(request)
    recent = {a.n for a in desk.answers.last_of(person_of(request).id)}
    if deed.state not in ("undoing", "undone") and deed.n not in recent:
        raise Refused("gone", 404)
    take_back(desk, deed)
    worker_of(request).wake()
    back = form_of(request).get("back", "")
    if deed.kind == "rule" or back in _BACK:
        return render.see(request, back if back in _BACK else "/rules", done=deed.n)
    waiting = desk.cases().get(deed.case_id or "")
    if waiting is not None and answers_left(desk, deed):  # it was changed, and is answered still
        waiting = None
    if not render.is_fragment(request):
        return render.see(request, f"/queue/{waiting.id}" if waiting else "/queue", undone=deed.n)
    told = f"{words.STATES['undoing'].first}."
    if waiting is not None:
        told = f"{told} {deed.label} waits again."
    return stage(request, waiting, told=told, taken_back=desk.answers.get(deed.n))


_BACK = ("/rules", "/conflicts", "/cases")


def retry(request: Request) -> Response:
    """Try now to learn what could not be learned."""
    answer = answer_of(request)
    worker_of(request).wake(retry=True)
    if not render.is_fragment(request):
        return render.see(request, f"/answers/{answer.n}")
    return render.page(
        request, "_progress.html", last=queue_views.last(answer, desk_of(request).words)
    )


def add(request: Request) -> Response:
    """Add to a reason, after the judge's answer was seen."""
    desk, answer = desk_of(request), my_answer(request)
    reason = form_of(request).get("reason", "").strip()
    if reason and reason != (answer.reason or ""):
        # The value was given unseen; more words do not change that.
        desk.answers.add(
            answer.model_copy(
                update={
                    "n": 0,
                    "reason": reason[:10_000],
                    "state": "saved",
                    "report": None,
                    "looked": None,
                    "problem": None,
                    "learned_at": None,
                    "revises": answer.n,
                    "decision": "edit" if answer.value is not None else "reject",
                }
            )
        )
        worker_of(request).wake()
    if not render.is_fragment(request):
        return render.see(request, "/queue")
    return stage(request, told="Saved.")


def forget_mine(request: Request) -> Response:
    """Forget one's own answer where it cannot be undone, and keep what others said."""
    desk, answer = desk_of(request), my_answer(request)
    report = answer.report
    ids = [*report.stored, *report.overwritten, *report.unchanged] if report else []
    mine = [id_ for id_ in ids if (e := desk.index.get(id_)) and e.reviewer == answer.reviewer]
    if mine:
        # The case stays: it waits again.
        forget_everywhere(desk.judge, mine, lambda erased: desk.clear(erased, Traces()))
        desk.index.load()
    desk.answers.update(answer, state="undone", problem=None)
    desk.answers.drop_images([answer.n])
    waiting = desk.cases().get(answer.case_id or "")
    if waiting is not None:
        desk.waiting.reopen(desk.judge, waiting, answer.reviewer)
    return render.see(request, f"/queue/{waiting.id}" if waiting else "/queue")


async def events(request: Request) -> Response:
    """What becomes of an answer, as fragments; ends when nothing more does."""
    answer = await to_thread.run_sync(answer_of, request)
    if await to_thread.run_sync(_is_hidden, request, answer):
        raise Refused("gone", 404)
    whole = bool(request.query_params.get("whole"))
    strip = bool(request.query_params.get("strip"))

    said = ""

    def state() -> tuple[str, bool]:
        nonlocal said
        found = desk_of(request).answers.get(answer.n)
        if found is None:
            return "", True
        if strip:
            exact = views.not_exact(found)
            text = render.render(request, "_strip_text.html", strip=found, not_exact=exact)
            return text, found.state != "undoing"
        desk = desk_of(request)
        last = queue_views.last(found, desk.words, ahead=desk.answers.ahead_of(found.n))
        assert last is not None
        live = last.live and not (found.state == "learned" and not desk_of(request).settings.look)
        if whole:
            context = context_of(request, found)
            return render.render(request, "_learned_now.html", **context), not live
        text = render.render(request, "_progress.html", last=last)
        told = _told(found)
        text += render.render(
            request,
            "_counts.html",
            frame=frame_of(request, "queue"),
            told="" if told == said else told,  # a screen reader would say it again
        )
        said = told
        return text, not live

    return stream(request, state)


def _told(answer: Answer) -> str:
    if answer.state == "learned":
        return f"Learned: {queue_views.learned_line(answer)}"
    return queue_views.progress(answer)[0]


def stream(request: Request, state: Any) -> Response:
    """A stream of what `state` gives, sent when it changes: a fragment, and whether it is the last.

    The first message is the state as it is, so that a reconnecting browser misses nothing.
    """
    signals = desk_of(request).signals

    async def messages() -> AsyncIterator[str]:
        sent = ""
        while True:
            text, is_last = await to_thread.run_sync(state)
            if text != sent:
                sent = text
                yield message(text)
            if is_last or signals.is_stopped:
                yield "event: done\ndata: \n\n"
                return
            if not await signals.wait(_KEEP_ALIVE):
                yield ": still here\n\n"

    return StreamingResponse(messages(), media_type="text/event-stream")


def message(text: str) -> str:
    """A fragment as a message of a stream."""
    lines = "\n".join(f"data: {line}" for line in text.splitlines())
    return f"{lines}\n\n"


ROUTES = [
    Route("/answers/{n}", learned),
    Route("/answers/{n}/events", events),
    Route("/answers/{n}/undo", undo, methods=["POST"]),
    Route("/answers/{n}/retry", retry, methods=["POST"]),
    Route("/answers/{n}/add", add, methods=["POST"]),
    Route("/answers/{n}/forget", forget_mine, methods=["POST"]),
]
