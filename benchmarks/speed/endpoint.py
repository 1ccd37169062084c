"""A simulated OpenAI-compatible endpoint: fixed latency, deterministic answers, and it counts.

python endpoint.py CHAT_MS EMBEDDING_MS  prints its port. Replies fill whatever JSON schema is asked
for; embeddings are made of a text's hash. `GET /counts` tells what was asked since `POST /reset`.
Under `/varied/v1` truth values and texts vary from call to call, as optimizers need; under
`/remarks/v1` rules are what experts remarked.
"""

import asyncio
import base64
import hashlib
import json
import math
import re
import struct
import sys
from collections import Counter
from functools import lru_cache

from replies import Plain, Remarks, Varied, records_of


class Counts:
    """What was asked.

    Attributes:
        prompt_chars, shared_chars: Of the prompts that judge: their length, and how much of it is
            the beginning of the prompt before.
        prompt_tokens, completion_tokens: Of all chat calls, at four characters a token.
    """

    def __init__(self):
        self.connections = self.chat_calls = self.embedding_calls = self.embedded = 0
        self.under_way = self.most_at_once = self.prompt_chars = self.shared_chars = 0
        self.prompt_tokens = self.completion_tokens = 0
        self.before = None
        self.times = Counter()
        """How often each prompt was asked, where replies vary."""

    def judged(self, prompt):
        if self.before is not None:
            self.prompt_chars += len(prompt)
            self.shared_chars += shared(self.before, prompt)
        self.before = prompt

    def told(self):
        kept = ("before", "times")
        return {name: value for name, value in vars(self).items() if name not in kept}


counts = Counts()


def shared(one, other):
    """How many characters two texts begin with alike; found by halving, since calls wait for it."""
    least, most = 0, min(len(one), len(other))
    while least < most:
        middle = (least + most + 1) // 2
        if other.startswith(one[:middle]):
            least = middle
        else:
            most = middle - 1
    return least


@lru_cache(maxsize=100_000)
def vector(text, size):
    """A unit vector made of a text's hash."""
    drawn = hashlib.shake_256(text.encode()).digest(2 * size)
    values = struct.unpack(f"<{size}h", drawn)
    norm = math.hypot(*values)
    return [value / norm for value in values]


def embeddings(body):
    given = body["input"]
    texts = [given] if isinstance(given, str) else [str(text) for text in given]
    counts.embedding_calls += 1
    counts.embedded += len(texts)
    found = [vector(text, body.get("dimensions") or 1536) for text in texts]
    if body.get("encoding_format") == "base64":
        found = [base64.b64encode(struct.pack(f"<{len(v)}f", *v)).decode() for v in found]
    data = [{"object": "embedding", "index": n, "embedding": v} for n, v in enumerate(found)]
    usage = {"prompt_tokens": sum(map(len, texts)) // 4, "total_tokens": sum(map(len, texts)) // 4}
    return {"object": "list", "model": body["model"], "data": data, "usage": usage}


def asked_schema(body):
    """The schema of the reply and, if it is a tool's, the tool's name."""
    if tools := body.get("tools"):
        return tools[0]["function"]["parameters"], tools[0]["function"]["name"]
    format = body.get("response_format") or {}
    return format.get("json_schema", {}).get("schema", {}), None


def filled(schema, defs, records, says):
    """A value of a schema."""
    if "$ref" in schema:
        return filled(defs[schema["$ref"].rpartition("/")[2]], defs, records, says)
    if "enum" in schema:
        return schema["enum"][0]
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return filled(options[0], defs, records, says)
    kind = schema.get("type")
    if kind == "object":
        fields = schema.get("properties", {})
        return {key: filled(sub, defs, records, says) for key, sub in fields.items()}
    if kind == "array":
        items = schema.get("items", {})
        if items.get("type") == "object" or "$ref" in items:
            size = says.records_a_rule
            groups = [records[n : n + size] for n in range(0, len(records), size)]
            return [filled(items, defs, group, says) for group in groups]
        are_numbers = "integer" in json.dumps(items)
        return [int(record) if are_numbers else record for record in records]
    if kind in ("number", "integer"):
        return schema.get("minimum", 1)
    if kind == "boolean":
        return says.yes
    return says.rule(records) if records else says.text


def chat(body, path):
    counts.chat_calls += 1
    prompt = "\n".join(str(message.get("content")) for message in body["messages"])
    schema, tool = asked_schema(body)
    records = records_of(prompt)
    if not records:
        counts.judged(prompt)
    says = Plain()
    if path.startswith("/remarks/"):
        says = Remarks(prompt)
    elif path.startswith("/varied/"):
        says = Varied(prompt, counts.times[prompt])
        counts.times[prompt] += 1
    if isinstance(says, Varied) and not schema:
        reply = says.unstructured(prompt)
    else:
        reply = json.dumps(filled(schema, schema.get("$defs", {}), records, says) if schema else {})
    message = {"role": "assistant", "content": reply}
    if tool:
        call = {"id": "1", "type": "function", "function": {"name": tool, "arguments": reply}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
    usage = {"prompt_tokens": len(prompt) // 4, "completion_tokens": len(reply) // 4}
    counts.prompt_tokens += usage["prompt_tokens"]
    counts.completion_tokens += usage["completion_tokens"]
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": body["model"],
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": usage | {"total_tokens": (len(prompt) + len(reply)) // 4},
    }


async def answer(path, raw, seconds):
    global counts
    if path == "/counts":
        return counts.told()
    if path == "/reset":
        counts = Counts()
        return {}
    body = json.loads(raw)
    counts.under_way += 1
    counts.most_at_once = max(counts.most_at_once, counts.under_way)
    kind = "embeddings" if path.endswith("embeddings") else "chat"
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds[kind]
    reply = embeddings(body) if kind == "embeddings" else chat(body, path)
    await asyncio.sleep(max(0, until - loop.time()))
    counts.under_way -= 1
    return reply


async def serve(seconds):
    async def talk(reader, writer):
        counts.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = head.split(b" ", 2)[1].decode()
                length = re.search(rb"(?i)content-length: (\d+)", head)
                raw = await reader.readexactly(int(length[1])) if length else b""
                reply = json.dumps(await answer(path, raw, seconds)).encode()
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n" % len(reply) + reply
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=2**26)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    chat_ms, embedding_ms = map(float, sys.argv[1:])
    asyncio.run(serve({"chat": chat_ms / 1000, "embeddings": embedding_ms / 1000}))
