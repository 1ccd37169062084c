"""Rules: what the judge goes by, written, reworded, pinned, retired and brought back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from langchain_memalign._prompts.text import estimate_tokens
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Principle, now
from langchain_memalign.web import knowledge, render, words
from langchain_memalign.web.desk import Desk
from langchain_memalign.web.people import Person
from langchain_memalign.web.routes.frame import (
    deed_flash,
    desk_of,
    flash_of,
    form_of,
    is_number,
    person_of,
    show,
    worker_of,
)
from langchain_memalign.web.security import Refused
from langchain_memalign.web.views import rules as views

_LONGEST = 10_000


def listing(request: Request, *, problem: str = "", draft: str = "", status: int = 200) -> Response:
    """The rules in force, or the retired ones."""
    desk = desk_of(request)
    query = request.query_params
    show_, q = query.get("show", ""), query.get("q", "")
    opened = query.get("open", "")
    found = knowledge.principles_of(desk.judge)
    dates = _dates(desk, found)
    page = views.listing(
        found,
        retired=show_ == "retired",
        find=q,
        after=query.get("after", ""),
        dates=dates,
        authors=_authors(desk, person_of(request)),
    )
    active = [rule for rule in found if rule.retired_at is None]
    spent = sum(estimate_tokens(rule.text) for rule in active)
    too_many = None
    if spent > knowledge.budgets_of(desk.judge).principle_tokens:
        state = words.STATES["too_many_rules"]
        too_many = words.State(state.first.format(count=len(active)), state.then)
    context: dict[str, Any] = {
        "page": page,
        "show": show_,
        "q": q,
        "opened": opened,
        "sources": _sources(request, opened) if opened else [],
    }
    if render.is_fragment(request):
        return show(request, "rules", "_rules.html", **context)
    return show(
        request,
        "rules",
        "rules.html",
        status=status,
        write=bool(query.get("write")) or bool(problem),
        too_many=too_many,
        problem=problem,
        draft=draft,
        flash=flash_of(request, "/rules"),
        **context,
    )


def write(request: Request) -> Response:
    """A new rule, written by hand and pinned."""
    desk, text = desk_of(request), _text(request)
    try:
        n = change(
            desk,
            person_of(request),
            "Rule written",
            lambda: desk.judge.add_principle(text),
        )
    except InvalidInputError as error:
        return listing(request, problem=_said(error), draft=text, status=422)
    worker_of(request).wake()
    return render.see(request, "/rules", done=n)


def reword(request: Request) -> Response:
    """A rule in other words: written by hand from now on, with its sources kept."""
    desk, text = desk_of(request), _text(request)
    rule = _rule(request)
    if text == rule.text and rule.pinned:
        return _back(request, 0, rule.id)
    try:
        n = change(
            desk,
            person_of(request),
            "Rule reworded",
            lambda: desk.judge.edit_principle(rule.id, text),
        )
    except InvalidInputError as error:
        return listing(request, problem=_said(error), draft=text, status=422)
    worker_of(request).wake()
    deed = desk.answers.get(n)
    return _back(request, n, deed.rule_id if deed and deed.rule_id else rule.id)


def pin(request: Request) -> Response:
    """Keep a rule as it is."""
    desk, rule = desk_of(request), _rule(request)
    n = change(
        desk,
        person_of(request),
        "Rule pinned",
        lambda: desk.judge.edit_principle(rule.id, rule.text),
    )
    return _back(request, n, rule.id)


def retire(request: Request) -> Response:
    """Let a rule apply no more; it is kept, and can be brought back."""
    desk, rule = desk_of(request), _rule(request)
    n = change(
        desk, person_of(request), "Rule retired", lambda: desk.judge.remove_principle(rule.id)
    )
    return _back(request, n, rule.id)


def restore(request: Request) -> Response:
    """Let a retired rule apply again; in the place of another one, if that is said."""
    desk, rule = desk_of(request), _rule(request)
    instead = form_of(request).get("instead", "")

    def both() -> None:
        if instead:
            desk.judge.remove_principle(instead)
        desk.judge.restore_principle(rule.id)

    n = change(desk, person_of(request), "Rule brought back", both)
    return _back(request, n, rule.id)


def sources(request: Request) -> Response:
    """Where a rule comes from."""
    rule = _rule(request)
    if not render.is_fragment(request):
        return render.see(request, "/rules", open=rule.id)
    return render.page(request, "_sources.html", sources=_sources(request, rule.id))


def change(desk: Desk, person: Person, label: str, do: Callable[[], object]) -> int:
    """Change rules so that it can be undone; the number of the deed."""
    from langchain_memalign.reviews import Answer

    deed = desk.answers.add(
        Answer(
            judge=desk.name,
            kind="rule",
            person=person.id,
            name=person.name,
            reviewer=person.reviewer,
            label=label,
            state="undone",  # until it is done
        )
    )
    with knowledge.recording(lambda images: desk.answers.keep_images(deed.n, images)):
        do()
    images = desk.answers.images(deed.n)
    rule_id = knowledge.rule_written(images)
    desk.answers.update(deed, state="learned", learned_at=now(), rule_id=rule_id)
    # Past cases that a rule had superseded return when it goes.
    desk.index.refresh(knowledge.changed_ids(images))
    return deed.n


def _sources(request: Request, id_: str) -> list[views.Source]:
    desk, person = desk_of(request), person_of(request)
    rules = {rule.id: rule for rule in knowledge.principles_of(desk.judge)}
    if id_ not in rules:
        return []
    episodes = knowledge.episodes_of(desk.judge, rules[id_].episode_ids[:50])
    desk.saw(person, [episode.case.key for episode in episodes])
    return views.sources(episodes, desk.words, desk.labels(), me=person.reviewer)


def _authors(desk: Desk, person: Person) -> Mapping[str, str]:
    """Who wrote which rule, as the person knows them."""
    return {
        id_: "you" if person.name and name == person.name else name or words.SOMEBODY.lower()
        for id_, name in desk.answers.authors().items()
    }


def _dates(desk: Desk, rules: list[Principle]) -> Mapping[str, datetime]:
    if not desk.index.is_ready:
        return {}
    ids = {id_ for rule in rules for id_ in rule.episode_ids}
    return {id_: entry.updated_at for id_ in ids if (entry := desk.index.get(id_)) is not None}


def _rule(request: Request) -> Principle:
    wanted = str(request.path_params["id"])
    for rule in knowledge.principles_of(desk_of(request).judge):
        if rule.id == wanted:
            return rule
    raise Refused("gone", 404)


def _text(request: Request) -> str:
    return form_of(request).get("text", "").strip()[:_LONGEST]


def _said(error: InvalidInputError) -> str:
    return "Write the rule in words first." if "some text" in str(error) else str(error)


def _back(request: Request, done: int, rule_id: str) -> Response:
    back = form_of(request).get("back", "")
    if render.is_fragment(request):
        return _row(request, done, rule_id)
    if back.startswith("/answers/") and is_number(back.removeprefix("/answers/")):
        return render.see(request, back)
    return render.see(request, "/rules", done=done)


def _row(request: Request, done: int, rule_id: str) -> Response:
    """The rule's row as it is now, with what was done."""
    desk, person = desk_of(request), person_of(request)
    found = knowledge.principles_of(desk.judge)
    by_id = {rule.id: rule for rule in found}
    if rule_id not in by_id:
        raise Refused("gone", 404)
    flash = deed_flash(request, done, "/rules")
    return show(
        request,
        "rules",
        "_rule_row.html",
        line=views.line(by_id[rule_id], _dates(desk, found), by_id, _authors(desk, person)),
        opened="",
        show="",
        focus=True,
        flash=flash,
        told=flash.first if flash else "",
    )


ROUTES = [
    Route("/rules", listing),
    Route("/rules", write, methods=["POST"]),
    Route("/rules/{id}", reword, methods=["POST"]),
    Route("/rules/{id}/pin", pin, methods=["POST"]),
    Route("/rules/{id}/retire", retire, methods=["POST"]),
    Route("/rules/{id}/restore", restore, methods=["POST"]),
    Route("/rules/{id}/sources", sources),
]
