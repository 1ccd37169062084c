"""Forgetting: what would go, erasing it, and the receipt."""

from __future__ import annotations

import threading
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from langchain_memalign.errors import InvalidInputError, MemAlignError
from langchain_memalign.reviews import Receipt
from langchain_memalign.reviews.forgetting import Traces, forget_everywhere, traces_of
from langchain_memalign.schema import Episode, Principle
from langchain_memalign.web import knowledge, render, words
from langchain_memalign.web.desk import Desk
from langchain_memalign.web.routes.cases import people_of
from langchain_memalign.web.routes.frame import (
    desk_of,
    form_of,
    number_of,
    only_leads,
    person_of,
    show,
    worker_of,
)
from langchain_memalign.web.routes.learned import stream
from langchain_memalign.web.security import Refused
from langchain_memalign.web.views import forget as views

_SHOWN = 25


def form(request: Request) -> Response:
    """What should be forgotten?"""
    only_leads(request)
    ids = tuple(request.query_params.get("ids", "").split())
    return _screen(request, views.Conditions(ids=ids))


def preview(request: Request) -> Response:
    """What would go."""
    only_leads(request)
    try:
        conditions = views.Conditions.of(form_of(request))
    except InvalidInputError as error:
        return _screen(request, _as_given(request), problem=str(error), status=422)
    return _screen(request, conditions, looked=True)


def forget(request: Request) -> Response:
    """Erase it, if it is what was looked at."""
    only_leads(request)
    desk, person, given = desk_of(request), person_of(request), form_of(request)
    conditions = views.Conditions.of(given)
    going, rules = _going(desk, conditions)
    if views.digest(going) != given.get("digest") or given.get("read") != "1":
        state = words.STATES["changed_meanwhile"]
        return _screen(
            request,
            conditions,
            looked=True,
            changed=state.first.format(count=f"{words.cases(len(going))} fit"),
            status=409,
        )
    # First all that can be erased without a model, then what must be learned anew.
    found: list[Traces] = []
    traces = _traces(going, rules, conditions)
    report = forget_everywhere(
        desk.judge,
        [e.id for e in going],
        lambda erased: found.append(desk.clear(erased, traces)),
        redistill=False,
    )
    desk.index.load()
    receipt = desk.ledger.write(
        Receipt(
            by=person.name or words.SOMEBODY,
            conditions=conditions.kinds(),
            cases=len(report.episodes_removed),
            rules=len(report.principles_removed),
            waiting=sum(each.readings_count for each in found),
            drafts=sum(each.others_count for each in found),
            guarantee=report.guarantee,
            anew=None if report.pending else 0,
        )
    )
    if report.pending:
        threading.Thread(target=_learn_anew, args=(desk, receipt), daemon=True).start()
    worker_of(request).wake()
    return render.see(request, f"/receipts/{receipt.n}")


def _learn_anew(desk: Desk, receipt: Receipt) -> None:
    problem = None
    anew = 0
    try:
        report = desk.judge.align([])
        anew = len(report.principles_added)
        problem = report.pending[0].reason if report.pending else None
    except MemAlignError as error:
        problem = str(error)
    desk.ledger.write(receipt.model_copy(update={"anew": anew, "problem": problem}))
    desk.index.load()
    desk.signals.tell()


async def events(request: Request) -> Response:
    """How far learning anew is."""
    n = number_of(request)

    def state() -> tuple[str, bool]:
        receipt = desk_of(request).ledger.receipt(n)
        if receipt is None:
            return "", True
        text = render.render(request, "_job.html", progress="", **_of_receipt(receipt))
        return text, receipt.anew is not None

    await to_thread.run_sync(only_leads, request)
    return stream(request, state)


def receipt(request: Request) -> Response:
    """The receipt on the screen."""
    only_leads(request)
    return show(request, "forget", "receipt.html", progress="", **_of_receipt(_receipt(request)))


def receipt_file(request: Request) -> Response:
    """The receipt as a file."""
    only_leads(request)
    found = _receipt(request)
    moment = found.at.astimezone()
    lines = [
        f"Receipt {found.number}",
        f"Judge: {desk_of(request).words.title}",
        f"Erased: {_counts(found)}",
        f"Also: {_besides(found)}",
        f"When: {moment:%Y-%m-%d %H:%M %Z}",
        f"By whom: {found.by}",
        f"What was asked for: {', '.join(found.conditions)}",
        f"Out of reach: {words.OUT_OF_REACH}",
        f"In the words of the memory: {found.guarantee}",
    ]
    return PlainTextResponse(
        "\n".join(lines) + "\n",
        headers={"content-disposition": f'attachment; filename="receipt-{found.number}.txt"'},
    )


def _screen(
    request: Request,
    conditions: views.Conditions,
    *,
    looked: bool = False,
    problem: str = "",
    changed: str = "",
    status: int = 200,
) -> Response:
    desk, person = desk_of(request), person_of(request)
    found = None
    headline = erase_words = ""
    if looked:
        going, rules = _going(desk, conditions)
        traces = traces_of(desk.file, desk.name, _traces(going, rules, conditions))
        found = views.preview(
            going,
            rules,
            conditions,
            desk.labels(),
            waiting=traces.readings_count,
            drafts=traces.others_count,
            remaining=_remaining(desk, rules, conditions),
            me=person.reviewer,
        )
        headline = f"{words.past_cases(len(going))} and {words.rules(found.rules)} would go"
        erase_words = f"Erase {words.cases(len(going))} and {words.rules(found.rules)}"
    last = desk.ledger.receipt()
    context: dict[str, Any] = _of_receipt(last) if last else {"receipt": None}
    context["out_of_reach"] = words.OUT_OF_REACH
    return show(
        request,
        "forget",
        "forget.html",
        status=status,
        conditions=conditions,
        people=people_of(desk, person.reviewer),
        preview=found,
        shown=found.episodes[:_SHOWN] if found else (),
        headline=headline,
        erase=erase_words,
        changed=changed,
        problem=problem,
        guarantee=desk.judge.memory.guarantee,
        **context,
    )


def _going(desk: Desk, conditions: views.Conditions) -> tuple[list[Episode], list[Principle]]:
    labels = desk.labels()
    return knowledge.would_go(desk.judge, lambda e: conditions.fits(e, labels))


def _remaining(desk: Desk, going: list[Principle], conditions: views.Conditions) -> tuple[str, ...]:
    if not conditions.contains:
        return ()
    gone = {rule.id for rule in going}
    text = conditions.contains.casefold()
    rules = knowledge.principles_of(desk.judge)
    return tuple(r.text for r in rules if r.id not in gone and text in r.text.casefold())


def _traces(going: list[Episode], rules: list[Principle], conditions: views.Conditions) -> Traces:
    return Traces(
        ids=frozenset(e.id for e in going) | frozenset(r.id for r in rules),
        case_keys=frozenset(e.case.key for e in going),
        text=conditions.contains,
        reviewer=conditions.by if conditions.kinds() == ("answered by one person",) else None,
    )


def _of_receipt(found: Receipt) -> dict[str, Any]:
    moment = found.at.astimezone()
    state = words.STATES["forgotten"]
    gone = state.then.format(cases=words.past_cases(found.cases), rules=words.rules(found.rules))
    return {
        "receipt": found,
        "receipt_counts": _counts(found),
        "receipt_when": f"{moment.day} {moment:%B %Y}, {moment:%H:%M}",
        "out_of_reach": words.OUT_OF_REACH,
        "receipt_besides": _besides(found),
        "gone": gone,
    }


def _besides(found: Receipt) -> str:
    readings = words.counted(found.waiting, "waiting case", "waiting cases")
    drafts = words.counted(found.drafts, "draft or undo step", "drafts and undo steps")
    return f"the judge’s answer to {readings}, {drafts}"


def _counts(found: Receipt) -> str:
    return f"{words.past_cases(found.cases)}, {words.rules(found.rules)}"


def _receipt(request: Request) -> Receipt:
    found = desk_of(request).ledger.receipt(number_of(request))
    if found is None:
        raise Refused("gone", 404)
    return found


def _as_given(request: Request) -> views.Conditions:
    given = form_of(request)
    ids = tuple(given.get("ids", "").split())
    return views.Conditions(
        given.get("contains", ""), given.get("by", ""), given.get("before", ""), ids
    )


ROUTES = [
    Route("/forget", form),
    Route("/forget", forget, methods=["POST"]),
    Route("/forget/preview", preview, methods=["POST"]),
    Route("/forget/{n}/events", events),
    Route("/receipts/{n}.txt", receipt_file),
    Route("/receipts/{n}", receipt),
]
