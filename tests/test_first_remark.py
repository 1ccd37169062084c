"""The README's first example, played with the replies that a real model once gave."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pages import ROOT, check_examples, read

REPLIES = ROOT / "tests" / "recorded" / "first_remark.json"
ADDRESS = "http://localhost:8080"


@pytest.fixture
def recorded():
    """An address at which the recorded replies come in their order."""
    replies = iter(json.loads(REPLIES.read_text("utf-8")))

    class Recorded(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            told = json.dumps(next(replies)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorded)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.enable_socket
def test_it_prints_what_it_says(recorded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    page = read("README.md")
    assert ADDRESS in page
    namespace = check_examples(page.replace(ADDRESS, recorded), "README.md")
    namespace["judge"].memory.close()
