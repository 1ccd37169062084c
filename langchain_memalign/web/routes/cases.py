"""Past cases: the list with its filters, and one of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from langchain_memalign.schema import Episode
from langchain_memalign.web import knowledge, render, words
from langchain_memalign.web.desk import Desk
from langchain_memalign.web.routes.frame import (
    desk_of,
    flash_of,
    person_of,
    show,
    worker_of,
)
from langchain_memalign.web.routes.queue import image_of, more_of
from langchain_memalign.web.routes.rules import change as change_rules
from langchain_memalign.web.security import Refused
from langchain_memalign.web.views import agreement as figures
from langchain_memalign.web.views import case as case_views
from langchain_memalign.web.views import cases as views
from langchain_memalign.web.views.forget import found_in
from langchain_memalign.web.views.queue import LONG_QUESTION
from langchain_memalign.web.views.text import who


def listing(request: Request) -> Response:
    """Past cases, newest first."""
    desk, person, query = desk_of(request), person_of(request), request.query_params
    given: dict[str, Any] = {
        name: query.get(name, "") for name in ("q", "by", "show", "value", "judge", "last")
    }
    entries = desk.index.newest_first()
    if query.get("last"):
        entries = figures.last_compared(entries, by=given["by"])
    found = views.select(
        entries,
        by=given["by"],
        show=given["show"],
        value=given["value"],
        judge=given["judge"],
        contested=frozenset(desk.index.conflicts())
        if given["show"] == "contested"
        else frozenset(),
        ids=search(desk, given["q"]) if given["q"].strip() else None,
    )
    shown, counted = views.page(found, query.get("after", ""))
    episodes = knowledge.episodes_of(desk.judge, [e.id for e in shown])
    rules = knowledge.principles_of(desk.judge)
    taught = Counter(id_ for rule in rules for id_ in rule.episode_ids)
    desk.saw(person, [e.case.key for e in episodes])
    abstained = frozenset(a.case_key for a in desk.answers.abstained())
    return show(
        request,
        "cases",
        "cases.html",
        rows=views.rows(
            episodes,
            desk.words,
            desk.labels(),
            me=person.reviewer,
            taught=taught,
            abstained=abstained,
        ),
        range=counted,
        people=people_of(desk, person.reviewer),
        shows=views.SHOWS,
        value_words=_words(desk, given["value"]),
        judge_words=_words(desk, given["judge"]),
        flash=flash_of(request, "/cases"),
        total_words=words.cases(len(entries)),
        **given,
    )


def search(desk: Desk, text: str) -> frozenset[str]:
    """Ids of the past cases in which a text is found; reads the memory."""
    return frozenset(e.id for e in desk.judge.episodes() if found_in(e, text.strip()) is not None)


def people_of(desk: Desk, me: str | None) -> list[tuple[str, str]]:
    """Who has answered, for a filter: as the memory has them, and as they are called."""
    reviewers = {entry.reviewer for entry in desk.index.newest_first()}
    named = sorted((r for r in reviewers if r), key=lambda r: (r != me, r))
    return [(r, who(r, me)) for r in named] + ([("-", who(None, me))] if None in reviewers else [])


def one_case(request: Request) -> Response:
    """A past case, with everybody's answers and what came of it."""
    desk, person = desk_of(request), person_of(request)
    episode = _episode(request)
    entries = desk.index.of_case(episode.case.key)
    same = knowledge.episodes_of(desk.judge, [e.id for e in entries] or [episode.id])
    ids = {e.id for e in same}
    rules = [r for r in knowledge.principles_of(desk.judge) if ids & set(r.episode_ids)]
    question = desk.words.question
    desk.saw(person, [episode.case.key])
    return show(
        request,
        "cases",
        "past_case.html",
        id=episode.id,
        label=desk.label(episode.case.key, episode.id),
        question=question if len(question) <= LONG_QUESTION else desk.words.title,
        blocks=case_views.blocks(episode.case, desk.words.wording.titles),
        said=views.answers_to(same, desk.words, me=person.reviewer),
        rules=rules,
        mine=any(e.reviewer == person.reviewer for e in same),
        contested=episode.case.key in desk.index.conflicts(),
        case_key=episode.case.key,
        flash=flash_of(request, "/cases"),
    )


def change(request: Request) -> Response:
    """Answer a past case again: its waiting case is opened, also where it was done."""
    desk = desk_of(request)
    key = _episode(request).case.key
    for waiting in desk.waiting.cases(desk.judge):
        if waiting.key == key:
            return render.see(request, f"/queue/{waiting.id}", change=1)
    waiting_again = desk.bring(_episode(request).case, person_of(request).id)
    return render.see(request, f"/queue/{waiting_again.id}", change=1)


def restore(request: Request) -> Response:
    """Let a past case that was set aside count again."""
    desk, episode = desk_of(request), _episode(request)
    if not episode.is_superseded():
        return render.see(request, f"/cases/{episode.id}")
    label = f"{desk.label(episode.case.key, episode.id)} counts again"
    n = change_rules(
        desk, person_of(request), label, lambda: desk.judge.restore_episode(episode.id)
    )
    desk.index.refresh([episode.id])
    worker_of(request).wake()
    return render.see(request, f"/cases/{episode.id}", done=n)


def more(request: Request) -> Response:
    """The rest of a long text."""
    return more_of(request, _episode(request).case, f"/cases/{request.path_params['id']}")


def image(request: Request) -> Response:
    """A picture of a case."""
    return image_of(request, _episode(request).case)


def _episode(request: Request) -> Episode:
    found = knowledge.episodes_of(desk_of(request).judge, [str(request.path_params["id"])])
    if not found:
        raise Refused("gone", 404)
    return found[0]


def _words(desk: Desk, key: str) -> str:
    return next((option.words for option in desk.words.options if option.key == key), key)


ROUTES = [
    Route("/cases", listing),
    Route("/cases/{id}", one_case),
    Route("/cases/{id}/change", change, methods=["POST"]),
    Route("/cases/{id}/restore", restore, methods=["POST"]),
    Route("/cases/{id}/more", more),
    Route("/cases/{id}/image/{n}", image),
]
