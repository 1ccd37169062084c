"""The server itself: `python -m qdrant_rest DIRECTORY [PORT [VERSION]]`.

It prints its port when it listens.
"""

import json
import os
import re
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from .engine import Engine
from .faults import Faults
from .strict import Refused

MAX_BODY = 32 * 2**20
DONE = {"operation_id": 0, "status": "completed"}
COLLECTION = re.compile(r"/collections/(?P<name>[^/]+)(?P<rest>.*)")


class Plain(dict):
    """A result that is answered as it is."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port, directory, api_key, version):
        super().__init__(("127.0.0.1", port), Handler)
        self.engine = Engine(directory)
        self.api_key = api_key
        self.version = version
        self.faults = Faults()
        self.requests = []

    def handle_error(self, request, client_address):
        """A client that has gone away is no news."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def handle_request(self):
        path = urlsplit(self.path).path
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if path.startswith("/_test/"):
            self._answer(200, self._control(path, json.loads(body)["value"]))
            return
        self.server.requests.append(f"{self.command} {path}")
        fault = self.server.faults.pick(self.server.requests[-1], body)
        if fault is None:
            self._serve(path, body)
        else:
            self._fail(fault, path, body)

    do_GET = do_PUT = do_POST = do_DELETE = handle_request

    def log_message(self, *_):
        pass

    def _serve(self, path, body):
        try:
            self._answer(200, self._result(path, body))
        except Refused as refused:
            self._answer(refused.status, str(refused))

    def _fail(self, fault, path, body):
        time.sleep(fault.delay)
        if fault.after:
            self._result(path, body)
        if fault.tear is not None:
            name = COLLECTION.fullmatch(path)["name"]
            self.server.engine.get(name).upsert(_torn(json.loads(body)), only=fault.tear)
        if fault.hold:
            self.server.faults.hold()
        if fault.drop or fault.hold:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif fault.status is not None:
            self._answer(fault.status, fault.message, retry_after=fault.retry_after)
        else:
            self._serve(path, body)

    def _result(self, path, raw):
        key = self.server.api_key
        if key and self.headers.get("api-key") != key:
            raise Refused(401, "Must provide an API key or an Authorization bearer token")
        if len(raw) > MAX_BODY:
            raise Refused(413, f"JSON payload ({len(raw)} bytes) is larger than allowed")
        if path == "/":
            return Plain(title="qdrant - vector search engine", version=self.server.version)
        found = COLLECTION.fullmatch(path)
        if found is None:
            raise Refused(404, f"no such path: {path}")
        return self._of_collection(unquote(found["name"]), found["rest"], json.loads(raw or b"{}"))

    def _of_collection(self, name, rest, body):
        engine, route = self.server.engine, f"{self.command} {rest}"
        if route == "GET /exists":
            return {"exists": engine.holds(name)}
        if route == "PUT ":
            engine.create(name, body)
            return True
        if route == "DELETE ":
            return engine.drop(name)
        collection = engine.get(name)
        reads = {
            "POST /points": collection.retrieve,
            "POST /points/scroll": collection.scroll,
            "POST /points/query": collection.query,
            "POST /points/count": collection.count,
            "POST /facet": collection.facet,
        }
        writes = {
            "PUT /index": collection.create_index,
            "PUT /points": collection.upsert,
            "POST /points/delete": collection.delete,
            "POST /points/payload": collection.set_payload,
            "POST /points/batch": collection.batch,
        }
        if route == "GET ":
            return collection.info()
        if route in reads:
            return reads[route](body)
        if route in writes:
            writes[route](body)
            return [DONE] * len(body["operations"]) if rest == "/points/batch" else DONE
        if (vector := re.fullmatch(r"PUT /vectors/(\w+)", route)) is not None:
            collection.create_vector(vector[1], body)
            return DONE
        raise Refused(404, f"no such path: {route}")

    def _control(self, path, body):
        server = self.server
        match path.removeprefix("/_test/"):
            case "faults":
                server.faults.set(body)
            case "release":
                server.faults.release()
            case "held":
                return server.faults.wait_until_held(body)
            case "hits":
                return server.faults.hits
            case "requests":
                made, server.requests = server.requests, []
                return made
            case "wipe":
                server.engine.wipe()
        return None

    def _answer(self, status, result, *, retry_after=None):
        if isinstance(result, Plain):
            body = result
        elif status == 200:
            body = {"usage": None, "status": "ok", "time": 0.0, "result": result}
        else:
            body = {"status": {"error": result}, "time": 0.0}
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if retry_after is not None:
            self.send_header("Retry-After", retry_after)
        # Headers and body in one segment, or the client waits for a delayed acknowledgement.
        self._headers_buffer.append(b"\r\n" + content)
        self.flush_headers()


def _torn(body):
    """The upsert of a body, or the first one of a batch."""
    return body["operations"][0]["upsert"] if "operations" in body else body


def main(directory, port="0", version="1.20.0"):
    server = Server(int(port), directory, os.environ.get("REST_API_KEY"), version)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    # Nobody is left who could stop it, once the other end of its input is gone.
    threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
    print(server.server_address[1], flush=True)
    server.serve_forever(poll_interval=0.05)
    server.engine.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
