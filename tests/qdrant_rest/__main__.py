"""The server itself: `python -m qdrant_rest DIRECTORY [PORT [VERSION [PEERS]]]`.

It prints its port when it listens. Keys are in the environment: `REST_API_KEY` may do everything,
`REST_READ_KEY` reads, `REST_TOKEN` is for one collection (`NAME:KEY`) and may not manage. With
`REST_CERTIFICATE`, a file with a key and a certificate, it speaks TLS. `REST_STATE` names one of
`states.STATES` that it is in from its start.
"""

import json
import os
import re
import signal
import socket
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from .cluster import Cluster
from .engine import Collection
from .faults import Faults
from .states import STATES
from .strict import Refused

MAX_BODY = 32 * 2**20
HANDSHAKE = b"\x16"
ALERT = b"\x15\x03\x03\x00\x02\x02\x0a"  # "unexpected message", to who does not begin with one
DONE = {"operation_id": 0, "status": "completed"}
COLLECTION = re.compile(r"/collections/(?P<name>[^/]+)(?P<rest>.*)")


class Plain(dict):
    """A result that is answered as it is."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port, directory, version, peers):
        super().__init__(("127.0.0.1", port), Handler)
        state = STATES[os.environ.get("REST_STATE", "")]
        self.cluster = Cluster(directory, max(peers, state.peers), copies=state.peers)
        self.cluster.set_peers(dead=state.dead)
        self.cluster.lagging = state.lagging
        self.keys = Keys(os.environ)
        self.version = version
        self.faults = Faults()
        self.requests = []
        self.crash_after = state.crashing_after
        self.tls = None
        if certificate := os.environ.get("REST_CERTIFICATE"):
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(certificate)

    def finish_request(self, request, client_address):
        if self.tls is not None:
            if request.recv(1, socket.MSG_PEEK) != HANDSHAKE:
                request.recv(65536)
                request.sendall(ALERT)
                return
            request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        """A client that has gone away is no news."""
        if not isinstance(sys.exception(), ConnectionError | ssl.SSLError):
            super().handle_error(request, client_address)


class Keys:
    """Who may do what."""

    def __init__(self, environment):
        self._manager = environment.get("REST_API_KEY")
        self._reader = environment.get("REST_READ_KEY")
        self._collection, _, self._token = environment.get("REST_TOKEN", "").partition(":")

    def check(self, key, command, collection, rest):
        """Refuse what a key may not do; `rest` is the path below the collection's name."""
        if not self._manager or key == self._manager:
            return
        if key not in {self._reader, self._token} - {None, ""}:
            raise Refused(401, "Must provide an API key or an Authorization bearer token")
        manages = collection == "aliases" or (rest == "" and command in ("PUT", "DELETE", "PATCH"))
        reads = command == "GET" or (command == "POST" and rest in READS)
        if key == self._reader:
            if manages:
                raise Refused(403, "Forbidden: Global manage access is required")
            if not reads:
                raise Refused(
                    403, f"Forbidden: Write access to collection {collection} is required"
                )
            return
        if manages or collection is None:
            raise Refused(403, "Forbidden: Global access is required")
        if collection != self._collection:
            raise Refused(403, f"Forbidden: Access to collection {collection} is required")

    def sees(self, key, alias):
        """Whether an alias is listed for a key: a token only knows its own collection."""
        return not self._token or key != self._token or alias == self._collection


READS = {
    "/points": "retrieve",
    "/points/scroll": "scroll",
    "/points/query": "query",
    "/points/query/batch": "query_batch",
    "/points/count": "count",
    "/facet": "facet",
}
WRITES = {
    "PUT /points": "upsert",
    "POST /points/delete": "delete",
    "POST /points/payload": "set_payload",
    "POST /points/batch": "batch",
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def handle_request(self):
        path, query = urlsplit(self.path).path, urlsplit(self.path).query
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # the client has gone away in the middle of it
            self.close_connection = True
            return
        if path.startswith("/_test/"):
            self._answer(200, self._control(path, json.loads(body)["value"]))
            return
        self.server.requests.append(f"{self.command} {path}")
        fault = self.server.faults.pick(self.server.requests[-1], query, body)
        if fault is None:
            self._serve(path, body)
        else:
            self._fail(fault, path, body)

    do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = handle_request

    def log_message(self, *_):
        pass

    def _serve(self, path, body):
        try:
            self._answer(200, self._result(path, body))
        except Refused as refused:
            self._answer(refused.status, str(refused))

    def _fail(self, fault, path, body):
        allowed = parse_qs(urlsplit(self.path).query).get("timeout", ["10"])
        time.sleep(float(allowed[0]) if fault.delay is None else fault.delay)
        if fault.after:
            self._result(path, body)
        if fault.tear is not None and path == "/collections/aliases":
            self.server.cluster.change_aliases(json.loads(body)["actions"][: fault.tear])
        elif fault.tear is not None:
            name = COLLECTION.fullmatch(path)["name"]
            torn = _torn(json.loads(body))
            self.server.cluster.get(name).write("upsert", torn, None, only=fault.tear)
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
        if len(raw) > MAX_BODY:
            raise Refused(413, f"JSON payload ({len(raw)} bytes) is larger than allowed")
        key, cluster = self.headers.get("api-key"), self.server.cluster
        found = COLLECTION.fullmatch(path)
        name, rest = (unquote(found["name"]), found["rest"]) if found else (None, path)
        self.server.keys.check(key, self.command, name, rest)
        body = json.loads(raw or b"{}")
        match f"{self.command} {path}":
            case "GET /":
                return Plain(title="qdrant - vector search engine", version=self.server.version)
            case "GET /collections":
                return cluster.names()
            case "GET /aliases":
                return cluster.aliases()
            case "GET /cluster":
                return cluster.status()
            case "GET /snapshots":
                return []
            case "POST /collections/aliases":
                cluster.change_aliases(body["actions"])
                return True
        if found is None:
            raise Refused(404, f"no such path: {path}")
        return self._of_collection(key, name, rest, body)

    def _of_collection(self, key, name, rest, body):
        cluster, route = self.server.cluster, f"{self.command} {rest}"
        match route:
            case "GET /exists":
                return {"exists": cluster.holds(name)}
            case "PUT ":
                cluster.create(name, body)
                return True
            case "DELETE ":
                return cluster.drop(name)
            case "GET /aliases":
                found = cluster.aliases(name)["aliases"]
                sees = self.server.keys.sees
                return {"aliases": [a for a in found if sees(key, a["alias_name"])]}
        copies = cluster.get(name)
        query = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
        if self.command == "POST" and rest in READS:
            return copies.read(READS[rest], body, query.get("consistency"))
        if route in WRITES:
            copies.write(WRITES[route], body, query.get("ordering"))
            if self.server.crash_after == WRITES[route]:
                cluster.crash()
            return [DONE] * len(body["operations"]) if rest == "/points/batch" else DONE
        match route:
            case "GET ":
                return copies.info()
            case "PATCH ":
                copies.each(lambda copy: copy.configure(body))
                return True
            case "GET /cluster":
                return copies.cluster_info()
            case "GET /snapshots":
                return cluster.snapshots.get(name, [])
            case "POST /snapshots":
                made = {"name": f"{name}-{time.time_ns()}.snapshot", "size": 1}
                cluster.snapshots.setdefault(name, []).append(made)
                return made
            case "PUT /index":
                copies.each(lambda copy: copy.create_index(body))
                return DONE
        if (index := re.fullmatch(r"DELETE /index/(\w+)", route)) is not None:
            copies.each(lambda copy: Collection.drop_index(copy, index[1]))
            return DONE
        if (vector := re.fullmatch(r"PUT /vectors/(\w+)", route)) is not None:
            copies.each(lambda copy: copy.create_vector(vector[1], body))
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
                server.cluster.wipe()
            case "peers":
                server.cluster.set_peers(**body)
            case "crash":
                server.cluster.crash()
            case "crash_after":
                server.crash_after = body
            case "approximate":
                server.cluster.approximate_from(body)
        return None

    def _answer(self, status, result, *, retry_after=None):
        if isinstance(result, Plain):
            body = result
        elif status == 200:
            body = {"usage": None, "status": "ok", "time": 0.0, "result": result}
        else:
            body = {"status": {"error": result}, "time": 0.0}
        # A server that is busy or frozen answers 408, and nothing else.
        content = b"" if result is None and status != 200 else json.dumps(body).encode()
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


def main(directory, port="0", version="1.20.0", peers="1"):
    server = Server(int(port), directory, version, int(peers))
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    # Nobody is left who could stop it, once the other end of its input is gone.
    threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
    print(server.server_address[1], flush=True)
    server.serve_forever(poll_interval=0.05)
    server.cluster.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
