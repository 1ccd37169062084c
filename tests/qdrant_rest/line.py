"""The line between a client and a server: it delays, cuts, halves and reorders requests."""

import http.client
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

PATIENCE = 20
_HOP = {"connection", "host", "keep-alive", "transfer-encoding", "content-length"}


class Line(ThreadingHTTPServer):
    """A proxy in a thread of this process; by default everything goes through.

    What happens to a request is what `meets`, called with its "METHOD /path", returns:

    - None: it goes through, and so does its answer;
    - a number: the same, after so many seconds;
    - "cut": it never arrives; "lost": its answer does not;
    - "half": half of it arrives; "half answer": half of the answer does;
    - "overtaken": it waits until a later one is through, if there is one soon;
    - "kept": it arrives when `release` is called, when nobody waits for the answer any more.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, url):
        self._to = urlsplit(url)
        self.meets = lambda request: None
        self.met = []
        self._through = threading.Condition()
        self._passed = self._kept = self._arrived = 0
        self._released = False
        super().__init__(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=[0.05], daemon=True)
        self._thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def close(self):
        self.release()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request, client_address):
        """Who cuts lines has broken connections."""

    def wait_until_kept(self, count=1):
        with self._through:
            assert self._through.wait_for(lambda: self._kept >= count, PATIENCE)

    def release(self):
        """Let what was kept arrive, and wait until it has."""
        with self._through:
            self._released = True
            self._through.notify_all()
            self._through.wait_for(lambda: self._arrived == self._kept, PATIENCE)

    def keep(self):
        with self._through:
            self._released = False
            self._kept += 1
            self._through.notify_all()
            self._through.wait_for(lambda: self._released, PATIENCE)

    def arrived(self):
        with self._through:
            self._arrived += 1
            self._through.notify_all()

    def passed(self):
        with self._through:
            self._passed += 1
            self._through.notify_all()

    def let_another_pass(self):
        with self._through:
            before = self._passed
            self._through.wait_for(lambda: self._passed > before, 0.05)

    def forward(self, command, path, headers, body, *, half=False):
        """The server's answer; None where half of the request is sent."""
        connection = http.client.HTTPConnection(self._to.hostname, self._to.port, timeout=PATIENCE)
        try:
            connection.putrequest(command, path, skip_accept_encoding=True)
            for name, value in headers.items():
                if name.lower() not in _HOP:
                    connection.putheader(name, value)
            connection.putheader("content-length", str(len(body)))
            connection.endheaders(body[: len(body) // 2] if half else body)
            if half:
                return None
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Line

    def handle_request(self):
        line = self.server
        request = (self.command, self.path, self.headers)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        meets = line.meets(f"{self.command} {self.path.split('?')[0]}")
        if meets is not None:
            line.met.append(meets)
        if meets == "cut":
            return self._hang_up()
        if meets == "half":
            line.forward(*request, body, half=True)
            return self._hang_up()
        if meets == "kept":
            line.keep()
        elif meets == "overtaken":
            line.let_another_pass()
        elif isinstance(meets, int | float):
            time.sleep(meets)
        try:
            status, headers, said = line.forward(*request, body)
        finally:
            if meets == "kept":
                line.arrived()
        line.passed()
        if meets in ("lost", "kept"):
            return self._hang_up()
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said[: len(said) // 2] if meets == "half answer" else said)
        if meets == "half answer":
            self._hang_up()
        return None

    do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = handle_request

    def log_message(self, *_):
        pass

    def _hang_up(self):
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
