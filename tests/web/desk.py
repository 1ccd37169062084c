"""A page over a small memory, and a visitor who needs no browser."""

from __future__ import annotations

import html
import re
import threading
import time
from contextlib import contextmanager
from pathlib import Path

from fakes import CountingEmbeddings, ScriptedModel, one_rule_a_record
from starlette.testclient import TestClient

from langchain_memalign import Case, MemAlignJudge, Memory
from langchain_memalign._models import Retry
from langchain_memalign.reviews import DeskSettings
from langchain_memalign.reviews.wording import Wording
from langchain_memalign.web.app import Page
from langchain_memalign.web.serve import HOSTS
from langchain_memalign.web.waiting import LocalWaiting, WaitingCase

TOKEN = "a-token-that-nobody-guesses"
NO_WAIT = Retry(attempts=1, first_wait=0)
REPLY = "Your parcel left our warehouse on Tuesday. It comes tomorrow."


def waiting_case(number, *, inputs=None, outputs=None):
    """A waiting case whose label is T-1, T-2, ..."""
    return WaitingCase(
        f"c{number}",
        f"T-{number}",
        Case(
            inputs=inputs or f"Parcel {number} is a week late. Where is it?",
            outputs=outputs or f"{REPLY} Number {number}.",
        ),
    )


class Bench:
    """A page of one judge, with all that it needs; to be closed."""

    def __init__(
        self,
        folder,
        *,
        respond=one_rule_a_record,
        cases=None,
        value_type=bool,
        instructions="Is the reply appropriate for an upset customer?",
        wording=None,
        settings=None,
        name="Ann Becker",
        location=":memory:",
        embeddings=None,
        decider=None,
        store=None,
        **options,
    ):
        self.folder = Path(folder)
        self.model = ScriptedModel(respond=respond)
        self.memory = Memory.open(
            location, embeddings=embeddings or CountingEmbeddings(), **(store or {})
        )
        self.judge = MemAlignJudge(
            name="support_tone",
            instructions=instructions,
            value_type=value_type,
            model=decider or self.model,
            distiller=self.model,
            memory=self.memory,
            retry=NO_WAIT,
        )
        self.reviews = self.folder / "reviews.sqlite"
        self.cases = [waiting_case(n) for n in range(1, 6)] if cases is None else cases
        given = {"values": {True: "Appropriate", False: "Not appropriate"}}
        if value_type is not bool:
            given = {}
        self.page = Page(
            self.judge,
            waiting=LocalWaiting(self.cases, reviews=self.reviews),
            allowed_hosts=HOSTS,
            token=TOKEN,
            cookie="memalign-8765",
            name=name,
            wording={
                "support_tone": Wording.create(
                    self.judge.spec.value_type,
                    titles={"inputs": "The customer wrote", "outputs": "The reply"},
                    **{**given, **(wording or {})},
                )
            },
            settings=settings or DeskSettings(),
            quiet_seconds=0.05,
            **options,
        )

    def close(self):
        self.page.close()
        self.memory.close()

    @property
    def desk(self):
        """The desk itself, for what no screen shows."""
        desk, _ = self.page._desk(self.judge)
        return desk

    def read_all(self):
        """Wait until the judge has read the next case of whoever is there."""
        until(lambda: self.desk.readings.states(), "nothing was read")


def until(condition, message="it did not come to that", seconds=60.0):
    """Wait for something that another thread does."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, message
        threading.Event().wait(0.02)
    return found


class Visitor:
    """Somebody who follows links and sends forms."""

    def __init__(self, page, *, token=TOKEN, base="http://127.0.0.1:8765"):
        self.client = TestClient(page, base_url=base, follow_redirects=True)
        self.last = self.get(f"/?token={token}") if token else None

    def get(self, path, *, htmx=False, **headers):
        self.last = self.client.get(path, headers=_headers(htmx, headers))
        return self.last

    def post(self, path, *, htmx=False, csrf=None, **form):
        if csrf is None:
            csrf = self.csrf()
        headers = {"sec-fetch-site": "same-origin"}
        self.last = self.client.post(
            path, data={"csrf": csrf, **form}, headers=_headers(htmx, headers)
        )
        return self.last

    def csrf(self):
        found = re.search(r'name="csrf" value="(\w+)"', self.get("/settings").text)
        return found.group(1)

    def call_me(self, name):
        self.post("/who", name=name)
        return self

    def answer(self, case_id, value="", reason="", **form):
        return self.post(f"/queue/{case_id}/answer", value=value, reason=reason, **form)

    def learned(self, n):
        """Wait until nothing more comes of an answer: the stream ends then."""
        return self.get(f"/answers/{n}/events").text

    def shown(self):
        return text_of(self.last.text)


def _headers(htmx, headers):
    return {**({"hx-request": "true"} if htmx else {}), **headers}


def text_of(page):
    """What a page says, without its markup."""
    body = re.sub(r"(?s)<(script|style|head|title)\b.*?</\1>", " ", page)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


@contextmanager
def opened(folder, **options):
    """A bench that is closed afterwards."""
    bench = Bench(folder, **options)
    try:
        yield bench
    finally:
        bench.close()
