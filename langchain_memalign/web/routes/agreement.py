"""How often the judge had the answer before it was given."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from langchain_memalign.web import knowledge, words
from langchain_memalign.web.routes.frame import desk_of, person_of, show
from langchain_memalign.web.views import agreement as views
from langchain_memalign.web.views.text import who


def figures(request: Request) -> Response:
    """Figures, the curve, and where it differs."""
    desk, person = desk_of(request), person_of(request)
    entries = desk.index.newest_first()
    rules = knowledge.principles_of(desk.judge)
    abstained = [a.value for a in desk.answers.abstained() if a.value is not None]
    by = request.query_params.get("by", "")
    found = views.measure(
        entries,
        desk.words,
        abstained=abstained[-views.WINDOW :],
        learned=[rule.created_at for rule in rules if rule.origin == "distilled"],
        me=person.reviewer,
        by=by,
    )
    every = max(1, len(found.curve) // 20)
    return show(
        request,
        "agreement",
        "agreement.html",
        found=found,
        chart=views.chart(found),
        table=[p for n, p in enumerate(found.curve) if n % every == 0 or n == len(found.curve) - 1],
        lenient=views.lenient_line(found),
        by=by,
        by_name=who(None if by == "-" else by, person.reviewer),
        too_few=views.too_few(found),
        spots=views.spots_line(desk.answers.spot_checks()),
        cases_words=words.cases(found.among_cases),
        unsure_only=desk.settings.policy == "uncertain",
        number_scale=desk.words.spec.value_type.kind == "number",
    )


ROUTES = [Route("/agreement", figures)]
