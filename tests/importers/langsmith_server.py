"""The part of LangSmith's REST interface that the importers use, on the loopback interface."""

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit
from uuid import NAMESPACE_URL, uuid5

KEY = "lsv2_pt_0a1b2c3d4e5f6a7b"
STARTED = "2026-03-01T10:00:00+00:00"


REFUSED = {"detail": f"Invalid token {KEY}"}


def uid(name):
    return str(uuid5(NAMESPACE_URL, name))


class LangSmithServer:
    """What a workspace holds, and how the service behaves.

    Attributes:
        url: What a client takes as its API URL.
        runs: Run id to the run.
        feedback: All feedback, oldest first.
        queue: Run ids in the annotation queue "review", by status.
        examples: Examples of the dataset "golden".
        key: The API key that it takes.
        breaks_at: From this request for runs on it answers 500; None for never.
        expires: Whether it refuses the key from there on instead.
        requests: Method and path of all requests.
    """

    def __init__(self):
        self.url = ""
        self.expires = False
        self.runs, self.feedback, self.queue, self.examples = {}, [], {}, []
        self.key, self.breaks_at, self.requests = KEY, None, []

    def add_run(self, name, **fields):
        run = {
            "id": uid(name),
            "inputs": {"question": f"Question of {name}?"},
            "outputs": {"answer": f"Answer of {name}."},
            "project_id": uid("project"),
            **fields,
        }
        self.runs[run["id"]] = run
        return run["id"]

    def say(self, run, *, source="app", user=None, key="tone", **fields):
        """Add feedback on a run, each a minute after the one before."""
        moment = f"2026-03-02T10:{len(self.feedback) % 60:02}:00+00:00"
        item = {
            "id": uid(f"feedback {len(self.feedback)}"),
            "run_id": uid(run),
            "trace_id": uid(run),
            "session_id": uid("project"),
            "start_time": STARTED,
            "created_at": moment,
            "modified_at": moment,
            "key": key,
            "feedback_source": {"type": source, "metadata": {}, "user_name": user},
            **fields,
        }
        self.feedback.append(item)
        return item

    def answer(self, method, path, query, body):
        """Status and JSON of the reply."""
        self.requests.append(f"{method} {path}")
        match method, path.split("/")[1:]:
            case "GET", ["info"]:
                return 200, {"version": "0.17.0"}
            case "GET", ["sessions"]:
                known = query.get("name") == ["support"]
                return 200, [self._project()] if known else []
            case "GET", ["feedback"]:
                return 200, self._feedback(query)
            case "POST", ["api", "v2", "runs", "query"]:
                if self.breaks_at is not None and self._asked_for_runs() >= self.breaks_at:
                    return (401, REFUSED) if self.expires else (500, {"detail": "out of order"})
                return 200, {"items": [r for i, r in self.runs.items() if i in body["ids"]]}
            case "GET", ["annotation-queues"]:
                named = query.get("name") == ["review"]
                return 200, [self._queue()] if named else []
            case "GET", ["api", "v1", "platform", "annotation-queues", _, "items"]:
                return 200, {"items": self.queue.get(query["status"][0], [])}
            case "GET", ["examples"]:
                wanted = query.get("id")
                return 200, [e for e in self.examples if wanted is None or e["id"] in wanted]
            case "GET", ["datasets"]:
                return 200, [{"id": uid("golden"), "name": "golden", "created_at": STARTED}]
        return 404, {"detail": "not found"}

    def _asked_for_runs(self):
        return self.requests.count("POST /api/v2/runs/query")

    def _feedback(self, query):
        found = [f for f in self.feedback if f["key"] in query.get("key", [f["key"]])]
        if "run" in query:
            found = [f for f in found if f["run_id"] in query["run"]]
        if "min_created_at" in query:
            found = [f for f in found if f["created_at"] >= query["min_created_at"][0]]
        offset, limit = (int(query.get(n, [d])[0]) for n, d in (("offset", 0), ("limit", 100)))
        return found[offset : offset + limit]

    @staticmethod
    def _project():
        ids = {"id": uid("project"), "tenant_id": uid("tenant"), "reference_dataset_id": None}
        return {**ids, "name": "support", "start_time": STARTED}

    @staticmethod
    def _queue():
        times = {"created_at": STARTED, "updated_at": STARTED}
        return {"id": uid("queue"), "name": "review", "tenant_id": uid("tenant"), **times}


@contextmanager
def langsmith_server():
    """Serve on a free port."""
    server = LangSmithServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self):
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("x-api-key") != server.key:
                status, answer = 401, REFUSED
            else:
                status, answer = server.answer(
                    self.command, url.path, parse_qs(url.query), json.loads(body or b"null")
                )
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _handle

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        http.block_on_close = False
        server.url = f"http://127.0.0.1:{http.server_port}"
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
