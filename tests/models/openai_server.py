"""A tiny server on this machine that speaks OpenAI's API by a script, and notes what it got."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HANGING = "hanging"
"""No answer until the server ends."""

CUT_OFF = "cut off"
"""The connection breaks in the middle of an answer."""

DROPPED = "dropped"
"""The connection breaks before any answer."""


class OpenAIServer:
    """Answers each request with the next of its replies.

    Attributes:
        url: What a client takes as its base URL.
        requests: What came over the wire: path, headers (names in lower case) and JSON body.
        otherwise: Makes a reply, of path and body, when no other is left.
    """

    def __init__(self, url, replies):
        self.url = url
        self.requests = []
        self.otherwise = None
        self._replies = replies

    def will_say(self, *replies):
        """Queue replies, each `(status, headers, body)`, text for a body that is no JSON, or one
        of the constants above.
        """
        self._replies.extend(replies)

    @property
    def bodies(self):
        return [body for _, _, body in self.requests]


@contextmanager
def openai_server(*, keep_alive=False):
    """Serve on a free port of the loopback interface."""
    replies = []
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1" if keep_alive else "HTTP/1.0"

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.requests.append((self.path, headers, body))
            reply = replies.pop(0) if replies else server.otherwise(self.path, body)
            if reply == HANGING:
                ended.wait()
            if reply in (HANGING, DROPPED):
                self.close_connection = True
                return
            status, extra, answer = completion("{") if reply == CUT_OFF else reply
            data = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
            self.send_response(status)
            for name, value in {**extra, "Content-Type": "application/json"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data) + (9 if reply == CUT_OFF else 0)))
            self.end_headers()
            self.wfile.write(data)
            self.close_connection = reply == CUT_OFF

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_):
            pass  # clients that go away

    with Server(("127.0.0.1", 0), Handler) as http:
        server = OpenAIServer(f"http://127.0.0.1:{http.server_port}/v1", replies)
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            ended.set()
            http.shutdown()
            thread.join()


def completion(content=None, *, finish="stop", **message):
    """A chat completion, as the API gives it."""
    choice = {"role": "assistant", "content": content, **message}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "gpt-test",
        "choices": [{"index": 0, "finish_reason": finish, "message": choice}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }
    return 200, {}, body


def tool_call(arguments, *, finish="tool_calls"):
    """A chat completion that calls the function `verdict`."""
    function = {"name": "verdict", "arguments": arguments}
    return completion(
        finish=finish, tool_calls=[{"id": "call_1", "type": "function", "function": function}]
    )


def failure(status, message="No.", **headers):
    """An error, as the API gives it."""
    return status, headers, {"error": {"message": message, "type": "error", "code": None}}


def embedding_list(*vectors):
    """Embeddings, as the API gives them."""
    data = [
        {"object": "embedding", "index": i, "embedding": list(vector)}
        for i, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return 200, {}, {"object": "list", "data": data, "model": "embed-test", "usage": usage}
