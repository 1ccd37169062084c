"""Who gets in, what may be sent, and text of others that stays text."""

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from langchain_memalign.web import create_page, render
from langchain_memalign.web.people import Person, Visit, Visits
from langchain_memalign.web.security import HEADERS, POLICY

from .desk import TOKEN, Visitor, text_of, waiting_case

ROOT = Path(render.__file__).parent
BASE = "http://127.0.0.1:8765"

TAGS = set(
    re.findall(
        r"[\w-]+",
        """html head meta title link script body a header svg circle nav span main article p
        strong h1 h2 h3 section div ol li ul code pre q aside form input fieldset legend label b
        small textarea button kbd details summary table caption thead tr th td tbody select option
        dl dt dd del ins br mark hx-partial""",
    )
)
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<div hx-get='/forget' hx-trigger='load'></div>",
    "{{ 7 * 7 }} {% include 'base.html' %} {# gone #}",
    "</textarea></form><form action='https://evil.example'>",
    "\u202eevil\u202c \u200bhidden\u200b \U000e0041tag",
    "javascript:alert(1)",
    "<hx-partial hx-target='#told'>x</hx-partial>",
    "&lt;b&gt; &amp;amp;",
    "'; DROP TABLE memalign_answers; --",
]


def test_without_the_link_nothing_is_served(bench):
    stranger = TestClient(bench.page, base_url=BASE)
    for path in ("/", "/queue", "/rules", "/cases", "/forget", "/settings", "/answers/1"):
        response = stranger.get(path)
        assert response.status_code == 403
        assert "This link is from an earlier start" in text_of(response.text)
    assert "Parcel" not in response.text


@pytest.mark.parametrize(
    "token", ["", "wrong", TOKEN[:-1], TOKEN + "x", "\ud800".encode("utf-8", "surrogatepass")]
)
def test_another_token_is_refused(bench, token):
    stranger = TestClient(bench.page, base_url=BASE)
    assert stranger.get("/", params={"token": token}).status_code == 403


def test_the_link_becomes_a_cookie_and_leaves_the_address(bench):
    client = TestClient(bench.page, base_url=BASE, follow_redirects=False)
    response = client.get(f"/?token={TOKEN}")
    assert (response.status_code, response.headers["location"]) == (303, "/queue")
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("memalign-8765=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie


def test_a_cookie_of_another_start_is_refused(bench):
    other = Visits()
    stranger = TestClient(bench.page, base_url=BASE)
    stranger.cookies.set("memalign-8765", other.cookie(Visit("id", "Ann")))
    assert stranger.get("/queue").status_code == 403


def test_a_cookie_cannot_be_changed(bench):
    visits = Visits()
    cookie = visits.cookie(Visit("id", "Ann"))
    assert visits.read(cookie) == Visit("id", "Ann")
    for changed in (cookie[:-1], "x" + cookie, cookie.replace(".", "..", 1), "", "a.b", "é.ü"):
        assert visits.read(changed) is None


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.0.7:8765"])
def test_another_host_name_is_refused(bench, host):
    ann = Visitor(bench.page)
    assert ann.client.get("/queue", headers={"host": host}).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {},
    ],
)
def test_what_another_page_sends_is_refused_and_nothing_written(bench, ann, headers):
    data = {"csrf": ann.csrf(), "value": "true"}
    response = ann.client.post("/queue/c1/answer", data=data, headers=headers)
    assert response.status_code == 403
    assert bench.desk.answers.get(1) is None


def test_an_equal_origin_will_do_where_a_browser_says_no_more(bench, ann):
    data = {"csrf": ann.csrf(), "value": "true"}
    ann.client.post("/queue/c1/answer", data=data, headers={"origin": BASE})
    assert bench.desk.answers.get(1) is not None


@pytest.mark.parametrize("csrf", ["", "0" * 64, "é"])
def test_a_form_without_its_own_mark_is_refused(bench, ann, csrf):
    assert ann.answer("c1", "true", csrf=csrf).status_code == 403
    assert bench.desk.answers.get(1) is None


def test_another_visits_mark_is_refused(bench, ann):
    ben = Visitor(bench.page)
    assert ann.answer("c1", "true", csrf=ben.csrf()).status_code == 403


def test_a_megabyte_is_refused(bench, ann):
    assert ann.answer("c1", "true", "x" * 1_100_000).status_code == 413
    assert bench.desk.answers.get(1) is None


def test_a_reason_that_is_too_long_is_refused(bench, ann):
    assert ann.answer("c1", "true", "x" * 10_001).status_code == 422
    assert bench.desk.answers.get(1) is None


def test_every_answer_carries_the_policy(bench, ann):
    for path in ("/queue", "/nowhere", "/keys", "/answers/9"):
        headers = ann.get(path).headers
        assert {name: headers[name] for name in HEADERS} == HEADERS
        assert headers["cache-control"] == "no-store"
    assert "unsafe" not in POLICY


def test_static_files_are_kept_for_a_year(ann):
    page = ann.get("/queue").text
    for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        response = ann.get(path)
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
    assert ann.get("/static/other/page.css").status_code == 404


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_others_is_shown_as_text_everywhere(make_bench, text):
    case = waiting_case(
        1,
        inputs={text: text, "question": text},
        outputs=[
            {"role": "user", "content": text, "name": text},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"name": text, "args": {text: text}, "id": "1"}],
            },
        ],
    )
    bench = make_bench(cases=[case, waiting_case(2, inputs=f"Other {text}")])
    bench.judge.add_principle(f"Rule {text}")
    ann = Visitor(bench.page).call_me(text)
    ann.answer("c1", "false", text)
    ann.learned(1)
    ben = Visitor(bench.page).call_me("Ben")
    ben.answer("c1", "true", text, anyway="1")
    ben.learned(2)
    episode = bench.judge.episodes()[0]
    for path in (
        "/queue",
        "/queue/c2",
        "/waiting",
        "/rules",
        f"/rules?q={text}",
        "/cases",
        f"/cases?q={text}",
        f"/cases/{episode.id}",
        "/conflicts",
        "/settings",
        "/who",
        "/answers/1",
    ):
        page = Markup()
        page.feed(ann.get(path).text)
        assert page.tags <= TAGS, path
        assert page.handlers == [], path
        assert not set(page.text) & set("\u202e\u202c\u200b\U000e0041"), path


class Markup(HTMLParser):
    """Which tags a page has, which attributes that run or style something, and what it says.

    Fields that are written in hold text as it is.
    """

    def __init__(self):
        super().__init__()
        self.tags = set()
        self.handlers = []
        self.text = ""
        self._inside = ""

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self._inside = tag
        self.handlers += [
            name
            for name, value in attributes
            if name.startswith("on")
            or name in ("style", "srcdoc")
            or (name in ("href", "src", "action") and not (value or "").startswith(("/", "#")))
        ]

    def handle_data(self, data):
        if self._inside not in ("textarea", "title"):
            self.text += data

    def handle_endtag(self, tag):
        self._inside = ""


def test_templates_trust_nothing(bench):
    for path in (ROOT / "templates").iterdir():
        source = path.read_text(encoding="utf-8")
        assert "|safe" not in source.replace(" ", "")
        assert "autoescape" not in source
        assert "style=" not in source
        assert "hx-on" not in source
        assert "js:" not in source
        assert "<script>" not in source
        assert not re.search(r"hx-trigger=\"[^\"]*\[", source)
        assert not re.search(r"https?://", source)


def test_pictures_are_served_as_pictures_alone(make_bench):
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"pixels").decode()
    svg = "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4="
    remote = "https://cdn.example.net/p/2.jpg?id=7"
    case = waiting_case(
        1,
        outputs=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "See these."},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{png}"}},
                    {
                        "type": "image_url",
                        "image_url": {"url": remote},
                    },
                    {"type": "image_url", "image_url": {"url": f"data:image/svg+xml;base64,{svg}"}},
                ],
            }
        ],
    )
    ann = Visitor(make_bench(cases=[case]).page)
    ann.get("/queue")
    assert "Picture 2 was not loaded" in ann.shown()
    assert "cdn.example.net/p/2.jpg" in ann.shown()
    assert "?id=7" not in ann.last.text
    assert "Picture 3 is not shown" in ann.shown()
    response = ann.get("/queue/c1/image/1")
    assert response.headers["content-type"] == "image/png"
    assert response.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert ann.get("/queue/c1/image/2").status_code == 404
    assert ann.get("/queue/c1/image/3").status_code == 404


def test_a_long_text_comes_in_parts(make_bench):
    text = "".join(f"{n:07}" for n in range(5000))
    ann = Visitor(make_bench(cases=[waiting_case(1, inputs=text)]).page)
    page = ann.get("/queue").text
    assert "Show the next 12,000 of 35,000 characters" in text_of(page)
    seen = re.search(r"\d{12000}", page).group()
    while more := re.search(r'hx-get="(/queue/c1/more[^"]+)"', page):
        page = ann.get(more.group(1).replace("&amp;", "&"), htmx=True).text
        seen += re.search(r"\d{100,}", page).group()
    assert seen == text


def test_mounted_nobody_is_let_in_without_a_person(bench):
    page = create_page(bench.judge, waiting=bench.page._waiting)
    client = TestClient(page, base_url="http://app.example")
    response = client.get("/queue")
    assert response.status_code == 403
    assert "You are not signed in" in text_of(response.text)


def test_people_see_their_own_judges_alone(bench):
    from langchain_memalign import MemAlignJudge

    theirs = MemAlignJudge(
        name="globex/tone",
        instructions="Is it what Globex wants?",
        value_type=bool,
        model=bench.model,
        memory=bench.memory,
    )

    def judges(person):
        return [theirs] if person.tenant == "globex" else [bench.judge]

    def identify(request):
        tenant = request.headers.get("x-tenant")
        return Person(id=tenant, name=tenant, tenant=tenant) if tenant else None

    page = create_page(judges, waiting=bench.page._waiting, identify=identify)
    client = TestClient(page, base_url="http://app.example")
    assert "Is it what Globex wants?" in client.get("/queue", headers={"x-tenant": "globex"}).text
    assert "upset customer" in client.get("/queue", headers={"x-tenant": "acme"}).text
    for name in ("support_tone", "globex%2Ftone"):
        other = "globex" if name == "support_tone" else "acme"
        assert client.get(f"/in/{name}/queue", headers={"x-tenant": other}).status_code == 404
    page.close()


def test_a_line_of_a_megabyte_is_shown_in_part_and_keeps_the_page_small(make_bench):
    line = "<b>&amp;\u202e" * 125_000
    case = waiting_case(1, inputs=line, outputs={line[:2000]: line})
    ann = Visitor(make_bench(cases=[case]).page)
    page = ann.get("/queue")
    parsed = Markup()
    parsed.feed(page.text)
    assert parsed.tags <= TAGS
    assert "\u202e" not in parsed.text
    assert "Show the next 12,000 of" in text_of(page.text)
    assert len(ann.get("/waiting").content) < 60_000


@pytest.mark.parametrize(
    "path",
    [
        "/answers/²",
        "/receipts/²",
        "/queue/c1/image/²",
        "/queue/c1/more?field=inputs&from=²",
        "/queue/c1/more?field=inputs&from=" + "9" * 5000,
    ],
)
def test_what_is_no_number_is_not_found(ann, path):
    assert ann.get(path).status_code == 404


def test_a_number_of_another_alphabet_beside_an_address_is_passed_over(ann):
    assert ann.get("/queue/c1?undone=²").status_code == 200
    assert ann.get("/rules?done=²").status_code == 200
