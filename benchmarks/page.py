"""The page at 10,000 past cases and 1,000 waiting: what the server takes, and what a browser sees.

python benchmarks/page.py [--past 10000] [--waiting 1000] [--rounds 30]

Offline: local embeddings, the model "precedent". The browser part needs a Chromium and Playwright;
without them it is left out, and says so.
"""

from __future__ import annotations

import argparse
import gzip
import re
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from starlette.testclient import TestClient

from langchain_memalign import Case, Feedback, MemAlignJudge, Memory
from langchain_memalign.schema import Episode, Put
from langchain_memalign.web import LocalWaiting, WaitingCase
from langchain_memalign.web.app import Page
from langchain_memalign.web.serve import HOSTS

TOKEN = "benchmark"
LISTS = ("/waiting", "/rules", "/cases", "/conflicts")
PATHS = ("/queue", *LISTS, "/agreement", "/forget", "/settings", "/keys")
BUDGETS = {"/queue": "30 / 80 ms", **dict.fromkeys(LISTS, "60 KB, 25 rows")}


def judge_with(memory, past):
    """A judge with so many past cases, written at once, of which one in a hundred is contested."""
    judge = MemAlignJudge(
        name="tone",
        instructions="Is the reply appropriate?",
        value_type=bool,
        model="precedent",
        memory=memory,
    )
    puts = []
    for n in range(past):
        said = Feedback(
            inputs=f"Customer {n // 2 if n % 100 == 1 else n}: my parcel {n % 997} is late.",
            outputs=f"It comes on day {n % 31}.",
            value=n % 3 != 0,
            judge_value=n % 4 != 0,
            rationale=f"Reason {n % 50}." if n % 10 == 0 else None,
            reviewer=("ann", "ben")[n % 2],
        )
        episode = Episode.from_feedback("tone", said).model_copy(update={"status": "distilled"})
        puts.append(Put(judge="tone", record=episode))
    for start in range(0, len(puts), 2000):
        memory.apply(puts[start : start + 2000])
    for n in range(30):
        judge.add_principle(f"Rule number {n}: say sorry first when somebody had to wait.")
    return judge


def timed(do, rounds):
    """Milliseconds of each round."""
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        do()
        took.append((time.perf_counter() - start) * 1000)
    return took


def line(name, took, budget=""):
    """One line of the report: median and the 95th percentile."""
    p95 = sorted(took)[min(len(took) - 1, int(0.95 * len(took)))]
    print(f"{name:34} median {statistics.median(took):7.1f} ms   p95 {p95:7.1f} ms   {budget}")


def server_side(page, rounds):
    """Requests without a browser, and the size of what is sent."""
    client = TestClient(page, base_url="http://127.0.0.1:8765")
    client.get(f"/?token={TOKEN}")
    client.get("/cases")  # the index is read
    for path in PATHS:
        took = timed(lambda path=path: client.get(path), rounds)
        page_text = client.get(path).text
        size = len(page_text.encode()) / 1024
        rows = len(re.findall(r"<tr><td|<li id=\"rule-|<li><a href=\"/conflicts/", page_text))
        counted = f", {rows} rows" if path in LISTS else ""
        line(f"GET {path} ({size:.0f} KB{counted})", took, BUDGETS.get(path, ""))
    csrf = re.search(r'name="csrf" value="(\w+)"', client.get("/settings").text).group(1)
    headers = {"sec-fetch-site": "same-origin", "hx-request": "true"}
    numbers = iter(range(rounds))

    def answer():
        data = {"csrf": csrf, "value": "false"}
        client.post(f"/queue/c{next(numbers)}/answer", data=data, headers=headers)

    line("POST answer, next case sent", timed(answer, rounds), "150 ms with painting")
    start = time.perf_counter()
    client.get("/cases?q=parcel+996")
    print(f"{'text search, once':34} {(time.perf_counter() - start) * 1000:14.1f} ms")
    text = client.get("/queue").text
    files = set(re.findall(r'(?:href|src)="(/static/[^"]+\.(?:css|js))"', text))
    packed = sum(len(gzip.compress(client.get(path).content)) for path in files) / 1024
    print(f"{'CSS and scripts, gzipped':34} {len(files)} files, {packed:.1f} KB   24 KB")


def browser_side(page, rounds):
    """First paint of a page, and a key until the next case is painted, in a real Chromium."""
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        chromium = None
    if chromium is None:
        print("browser: left out, found no Chromium or no Playwright")
        return
    import os
    import socket
    import threading

    import uvicorn

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(page, log_level="error", lifespan="off"))
    threading.Thread(target=server.run, args=([listening],), daemon=True).start()
    while not server.started:
        time.sleep(0.01)
    paint = """new Promise(done => {
        const look = () => {
            const [first] = performance.getEntriesByName('first-contentful-paint');
            first ? done(first.startTime) : requestAnimationFrame(look);
        };
        look();
    })"""
    with sync_playwright() as playwright:
        as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium, args=as_root)
        tab = browser.new_page()
        tab.goto(f"{address}/?token={TOKEN}")
        past = tab.request.get(f"{address}/cases").text()
        one = re.search(r'href="(/cases/[^"/]+)"', past).group(1)
        for path in (*PATHS, one, "/answers/1"):
            painted = []
            for _ in range(max(3, rounds // 5)):
                tab.goto(address + path)
                painted.append(tab.evaluate(paint))
            line(f"first paint of {path[:20]}", painted, "300 ms")
        tab.goto(f"{address}/queue")
        took = []
        for _ in range(max(3, rounds // 3)):
            before = tab.title()
            start = time.perf_counter()
            tab.keyboard.press("2")
            tab.keyboard.press("Control+Enter")
            while tab.title() == before:
                pass
            tab.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
            took.append((time.perf_counter() - start) * 1000)
        line("keys to next case painted", took, "150 ms")
        browser.close()
    page.stop_streams()
    server.should_exit = True


def main():
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--past", type=int, default=10_000)
    parser.add_argument("--waiting", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=30)
    wanted = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        Memory.open(Path(folder) / "memory", embeddings="local") as memory,
    ):
        judge = judge_with(memory, wanted.past)
        cases = (
            WaitingCase(
                f"c{n}",
                f"T-{n}",
                Case(inputs=f"My parcel {n} is late!", outputs="It comes tomorrow."),
            )
            for n in range(wanted.waiting)
        )
        page = Page(
            judge,
            waiting=LocalWaiting(cases, reviews=Path(folder) / "reviews.sqlite"),
            allowed_hosts=HOSTS,
            token=TOKEN,
            cookie="memalign-8765",
            name="ann",
        )
        print(f"{wanted.past:,} past cases, {wanted.waiting:,} waiting")
        server_side(page, wanted.rounds)
        browser_side(page, wanted.rounds)
        page.close()


if __name__ == "__main__":
    main()
