"""Answering a case: reading the form, what stands in the way, and what is shown after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.reviews import Answer, Draft
from langchain_memalign.schema import Value, Verdict
from langchain_memalign.web import queue, render, words
from langchain_memalign.web.desk import Desk
from langchain_memalign.web.knowledge import episodes_of
from langchain_memalign.web.people import Person
from langchain_memalign.web.routes.frame import desk_of, form_of, person_of, show, worker_of
from langchain_memalign.web.routes.queue import (
    LONGEST_REASON,
    TAB,
    case_of,
    mine_of,
    stage,
)
from langchain_memalign.web.views import case as case_views
from langchain_memalign.web.views import queue as views
from langchain_memalign.web.views.cases import answers_to
from langchain_memalign.web.views.text import ago
from langchain_memalign.web.waiting import WaitingCase


@dataclass(frozen=True)
class Action:
    """A way out of a problem: a button of the form, or a link."""

    words: str
    name: str = ""
    value: str = "1"
    href: str = ""
    primary: bool = False
    plain: bool = False


@dataclass(frozen=True)
class Problem:
    """Why an answer was not saved."""

    first: str
    then: str = ""
    kind: str = "note"
    tone: str = "care"
    field: bool = False
    actions: tuple[Action, ...] = ()
    status: int = 422


def save(request: Request) -> Response:
    """Save an answer, durably, and go on."""
    desk, person, form = desk_of(request), person_of(request), form_of(request)
    waiting = case_of(request)
    draft = Draft(value=form.get("value", ""), reason=form.get("reason", ""))
    try:
        answer = read(desk, person, waiting, form)
        problem = _other_than_seen(desk, person, waiting, answer, form) or _in_the_way(
            request, desk, person, waiting, answer, form
        )
    except InvalidInputError as error:
        problem = _unusable(desk, str(error), draft)
    if problem is not None:
        desk.table.keep_draft(person.id, waiting.id, waiting.key, draft)
        if render.is_fragment(request):
            return HTMLResponse(
                render.render(request, "_problem.html", problem=problem), problem.status
            )
        return stage(request, waiting, draft=draft, problem=problem)
    asked_again = desk.table.has(person.id, waiting.id, "asked_again")
    before = mine_of(desk, person, waiting)
    if before is not None:
        answer = answer.model_copy(update={"revises": before.n})
    answer = desk.answers.add(answer)
    desk.table.drop_draft(person.id, waiting.id)
    desk.table.release(person.id, waiting.id)
    for mark in ("skipped", "asked_again"):
        desk.table.unmark(person.id, waiting.id, mark)
    worker_of(request).wake()
    mine = desk.table.person(person.id)
    if asked_again or (desk.is_blind(person) and answer.unseen):
        desk.table.mark(person.id, waiting.id, "shown")
        return reveal(request, answer, waiting)
    if mine.learned_first:
        if not render.is_fragment(request):
            return render.see(request, f"/answers/{answer.n}")
        return Response(headers={"hx-redirect": render.url(request, f"/answers/{answer.n}")})
    if not render.is_fragment(request):
        return render.see(request, "/queue")
    return stage(request, saved=True)


def read(desk: Desk, person: Person, waiting: WaitingCase, form: dict[str, str]) -> Answer:
    """Read a form as an answer.

    Raises:
        InvalidInputError: It says nothing, or what is no answer.
    """
    reading = desk.reading(waiting.id)
    outcome = reading.outcome if reading else None
    reason = form.get("reason", "").strip()
    if len(reason) > LONGEST_REASON:
        raise InvalidInputError(words.STATES["too_large"].then)
    judged = outcome.value if isinstance(outcome, Verdict) else None
    given = form.get("value", "").strip()
    value = read_value(desk, given) if given else None
    if form.get("decision") == "approve" and value is None:
        if judged is None:
            raise InvalidInputError("The judge has no answer to agree with yet. Choose one.")
        value = judged
    if value is None and not reason:
        raise InvalidInputError("")
    agrees = judged is not None and type(value) is type(judged) and value == judged
    return Answer(
        judge=desk.name,
        person=person.id,
        name=person.name,
        reviewer=person.reviewer,
        case_id=waiting.id,
        case_key=waiting.key,
        label=waiting.label,
        case=waiting.case,
        decision="approve" if agrees else "edit" if value is not None else "reject",
        value=value,
        reason=reason or None,
        outcome=outcome,
        unseen=not desk.table.has(person.id, waiting.id, "shown"),
        asked=queue.asked(waiting, desk.standing(person)) or "",
    )


def read_value(desk: Desk, text: str) -> Value:
    """A value of the form: as the form wrote it, or as somebody typed it.

    Raises:
        InvalidInputError: It is none of the judge's.
    """
    for option in desk.words.options:
        if option.key == text:
            return desk.words.value(text)
    return desk.judge.spec.value_type.read(text.replace(",", ".") if desk.words.is_number else text)


def _other_than_seen(
    desk: Desk, person: Person, waiting: WaitingCase, answer: Answer, form: dict[str, str]
) -> Problem | None:
    """Whether the judge has changed the answer that the person agrees with."""
    agreed = form.get("agreed", "")
    if form.get("decision") != "approve" or form.get("value", "").strip() or not agreed:
        return None
    assert answer.value is not None
    present = desk.words.key(answer.value)
    if agreed == present:
        return None
    swap = desk.swaps(person, waiting.id)
    was = desk.words.swapped(read_value(desk, agreed), swap)
    is_ = desk.words.swapped(answer.value, swap)
    state = words.STATES["judge_changed"]
    return Problem(
        state.first.format(value=is_),
        state.then.format(value=was),
        actions=(Action(f"Save {was}", "value", agreed), Action(f"Save {is_}", "value", present)),
        status=409,
    )


def _in_the_way(
    request: Request,
    desk: Desk,
    person: Person,
    waiting: WaitingCase,
    answer: Answer,
    form: dict[str, str],
) -> Problem | None:
    """Whether somebody has answered the case meanwhile."""
    asked = desk.table.has(person.id, waiting.id, "asked_again")
    if form.get("anyway") or asked:
        return None
    theirs = desk.answers.on(case_id=waiting.id)
    mine = [a for a in theirs if a.person == person.id]
    if mine:
        last = mine[-1]
        if form.get("change"):
            return None
        state = words.STATES["answered_already"]
        swap = desk.swaps(person, waiting.id)
        value = "a reason only" if last.value is None else desk.words.swapped(last.value, swap)
        said = ago(last.said_at)
        return Problem(
            state.first,
            state.then.format(ago=said[:1].upper() + said[1:], value=value),
            actions=(
                Action("See it", href=render.url(request, f"/answers/{last.n}")),
                Action(
                    f"Change it to {desk.words.swapped(answer.value, swap)}"
                    if answer.value is not None
                    else "Change it",
                    "anyway",
                ),
            ),
            status=409,
        )
    others = [a for a in theirs if a.person != person.id]
    needed = desk.settings.needed
    if not needed or len({a.person for a in others}) < needed:
        return None
    last = others[-1]
    by = views.answered_by(last, person.id)
    state = words.STATES["answered"]
    actions = [
        Action("Save mine too", "anyway", primary=True),
        Action(f"See {by['name']}’s answer", href=render.url(request, f"/answers/{last.n}")),
        Action("Leave it", href=render.url(request, "/queue"), plain=True),
    ]
    if desk.is_blind(person):  # their answer is not shown before one's own is saved
        del actions[1]
    return Problem(state.first.format(**by), state.then, actions=tuple(actions), status=409)


def _unusable(desk: Desk, said: str, draft: Draft) -> Problem:
    if not said:
        state = words.STATES["nothing_said"]
        return Problem(state.first, state.then, tone="")
    kind = desk.judge.spec.value_type
    if draft.value and desk.words.is_number:
        example = f"{kind.minimum + 0.7 * (kind.maximum - kind.minimum):.15g}"
        if kind.kind == "integer":
            example = f"{round(kind.minimum + 0.7 * (kind.maximum - kind.minimum))}"
        described = kind.describe()
        return Problem(
            f"Found {draft.value}. Give {described}, such as {example}.", kind="wrong", field=True
        )
    return Problem(said, kind="wrong")


def reveal(request: Request, answer: Answer, waiting: WaitingCase) -> Response:
    """After a blind answer, or one that was asked for again: what the judge and others had said."""
    desk, person = desk_of(request), person_of(request)
    outcome = answer.outcome
    swap = desk.swaps(person, waiting.id)
    entries = desk.index.of_case(answer.case_key) if desk.index.is_ready else []
    past = episodes_of(desk.judge, [e.id for e in entries if e.reviewer != person.reviewer])
    context: dict[str, Any] = {
        "answer": answer,
        "others": answers_to(past, desk.words, me=person.reviewer, swap=swap),
        "title": f"Case {answer.label}",
        "mine": desk.words.swapped(answer.value, swap)
        if answer.value is not None
        else "a reason only",
        "judge": (
            desk.words.swapped(outcome.value, swap)
            if isinstance(outcome, Verdict)
            else ("" if outcome is None else words.NO_ANSWER)
        ),
        "rationale": outcome.rationale if isinstance(outcome, Verdict) else "",
        "blocks": case_views.blocks(waiting.case, desk.words.wording.titles, swap=swap),
    }
    fragment = render.is_fragment(request)
    return show(
        request,
        TAB,
        "_next.html" if fragment else "revealed.html",
        inner="_revealed.html",
        told="Saved.",
        **context,
    )


ROUTES = [Route("/queue/{id}/answer", save, methods=["POST"])]
