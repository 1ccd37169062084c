"""An address of one's own before a model: what is asked there is answered, or passed on."""

import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from own_model import SECONDS


@contextmanager
def relay(answer):
    """An address at which `answer(path, body, headers)` gives status and reply, as bytes."""

    class Relay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, reply = answer(self.path, body, self.headers)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def passed_on(url, body, headers):
    """Status and reply of another address, asked the same."""
    kept = {name: headers[name] for name in ("Content-Type", "Authorization") if headers[name]}
    try:
        request = urllib.request.Request(url, body, kept)
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
