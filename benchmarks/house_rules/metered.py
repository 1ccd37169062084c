"""A relay before a model that counts calls, tokens and seconds, the same for both sides."""

import json
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from relay import passed_on, relay


class Meter:
    """What was asked of a model since the last `reading`.

    Attributes:
        base_url: Where the model is asked, to be counted; another one at each start.
    """

    base_url = None

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
    """A meter, whose address passes all on to a model."""
    meter = Meter()

    def answer(path, body, headers):
        status, reply = passed_on(base_url + path, body, headers)
        if status == 200:
            meter.add(json.loads(reply).get("usage") or {})
        return status, reply

    with relay(answer) as address:
        meter.base_url = address
        yield meter
