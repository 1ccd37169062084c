"""Faults on demand: which requests go wrong, in which way, how often."""

import re
import threading
import time
from dataclasses import dataclass


@dataclass
class Fault:
    """What happens to requests whose "METHOD /path" matches.

    Attributes:
        match: A regular expression.
        skip: So many matching requests pass first.
        times: Then so many meet the fault; None for all.
        body: It meets only requests whose body contains this text.
        query: It meets only requests whose query contains this text.
        status: Answered instead of a result.
        retry_after: Value of that header.
        message: Text of the answer; None for an answer without a body.
        delay: Seconds to wait before anything else; None for as long as the request may take.
        drop: Close the connection without an answer.
        hold: Wait for `release`, then drop the connection.
        after: Carry out the request first, so that only its answer is lost.
        tear: Carry out so many of an upsert's points, or of the changes of aliases.
    """

    match: str
    skip: int = 0
    times: int | None = 1
    body: str | None = None
    query: str = ""
    status: int | None = None
    retry_after: str | None = None
    message: str | None = "Service internal error: told to"
    delay: float | None = 0.0
    drop: bool = False
    hold: bool = False
    after: bool = False
    tear: int | None = None


class Faults:
    """The faults in force, and how many requests met one."""

    def __init__(self):
        self._condition = threading.Condition()
        self._faults = []
        self.hits = 0
        self._held = 0
        self._release = 0

    def set(self, rules):
        with self._condition:
            self._faults = [Fault(**rule) for rule in rules]
            self.hits = 0
            self._release += 1
            self._condition.notify_all()

    def pick(self, request, query, body):
        """The fault that a request meets, if any."""
        with self._condition:
            for fault in self._faults:
                if fault.times == 0 or not re.search(fault.match, request):
                    continue
                if fault.query not in query:
                    continue
                if fault.body is not None and fault.body.encode() not in body:
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                self.hits += 1
                return fault
        return None

    def hold(self):
        """Wait until the faults change or are released."""
        with self._condition:
            generation = self._release
            self._held += 1
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._release != generation)
            self._held -= 1

    def release(self):
        with self._condition:
            self._release += 1
            self._condition.notify_all()

    def wait_until_held(self, timeout):
        with self._condition:
            return self._condition.wait_for(lambda: self._held > 0, timeout)

    def wait_until_hit(self, count, timeout):
        deadline = time.monotonic() + timeout
        while self.hits < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.hits >= count
