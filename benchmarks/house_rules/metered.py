"""A relay before a model that counts calls, tokens and seconds, the same for both sides."""

import json
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from own_model import SECONDS


class Meter:
    """What was asked of a model since the last `reading`."""

    def __init__(self):
        self._lock = threading.Lock()
        self._counts = self._zero()

    def add(self, usage):
        with self._lock:
            self._counts["calls"] += 1
            self._counts["prompt_tokens"] += usage.get("prompt_tokens", 0)
            self._counts["reply_tokens"] += usage.get("completion_tokens", 0)

    def reading(self):
        """The counts; begins anew."""
        with self._lock:
            found, self._counts = self._counts, self._zero()
        found["seconds"] = round(time.perf_counter() - found.pop("since"), 1)
        return found

    @staticmethod
    def _zero():
        return {"calls": 0, "prompt_tokens": 0, "reply_tokens": 0, "since": time.perf_counter()}


@contextmanager
def metered(base_url):
    """An address that passes all on to a model, and its meter."""
    meter = Meter()

    class Relay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept = {
                k: self.headers[k] for k in ("Content-Type", "Authorization") if self.headers[k]
            }
            request = urllib.request.Request(base_url + self.path, body, kept)
            try:
                with urllib.request.urlopen(request, timeout=SECONDS) as reply:
                    status, told = reply.status, reply.read()
            except urllib.error.HTTPError as error:
                status, told = error.code, error.read()
            if status == 200:
                meter.add(json.loads(told).get("usage") or {})
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", meter
    finally:
        server.shutdown()
        server.server_close()
