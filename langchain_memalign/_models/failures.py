"""What a provider's exception means: whether to wait, to give up, or to blame the record."""

from __future__ import annotations

import random
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from langchain_memalign._models.secrets import without_secrets
from langchain_memalign.errors import MemAlignError, ModelError

_CUT = 500
_TRANSIENT_STATUS = {408, 409, 425, 429}
# Providers' own classes, told by name so that none of them has to be imported.
_TRANSIENT_NAMES = {
    "APIConnectionError",
    "APITimeoutError",
    "ConnectionError",
    "TransportError",
    "Timeout",
}


@dataclass(frozen=True, kw_only=True)
class Retry:
    """How often and how patiently a failing call is repeated.

    Waits grow twofold with full jitter, as in "Exponential Backoff And Jitter"
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/); a provider's
    Retry-After is a lower bound.

    Attributes:
        attempts: Calls in all, the first included.
        first_wait: Longest wait before the second attempt, in seconds.
        longest_wait: Longest wait of all; a provider that asks for more is not called again.
    """

    attempts: int = 4
    first_wait: float = 0.5
    longest_wait: float = 60.0

    def wait(self, attempt: int, error: ModelError) -> float | None:
        """Seconds to wait after failed attempt number `attempt` (from 1); None to give up."""
        asked = error.retry_after or 0.0
        if not error.transient or attempt >= self.attempts or asked > self.longest_wait:
            return None
        ceiling = min(self.longest_wait, self.first_wait * 2 ** (attempt - 1))
        return min(self.longest_wait, asked + random.uniform(0, ceiling))


NO_RETRY = Retry(attempts=1)


def as_model_error(error: Exception, what: str, known: Iterable[str] = ()) -> MemAlignError:
    """Translate whatever a model raised; our own errors pass as they are.

    Args:
        error: The exception, of any provider.
        what: What was called, for the message.
        known: Secrets of the model, which must not be said.
    """
    if isinstance(error, MemAlignError):
        return error
    status = _status(error)
    transient = (
        status in _TRANSIENT_STATUS or status >= 500
        if status is not None
        else isinstance(error, TimeoutError | ConnectionError)
        or any(base.__name__ in _TRANSIENT_NAMES for base in type(error).__mro__)
    )
    said = without_secrets(str(error), known)[:_CUT]
    remedy = {
        401: " Check the API key.",
        403: " Check what the API key may use.",
        404: " Check the model's name and the base URL.",
    }.get(status or 0, "")
    return ModelError(
        f"{what} failed with {type(error).__name__}: {said}{remedy}",
        status=status,
        retry_after=_retry_after(error),
        transient=transient,
    )


def as_cause(error: Exception, known: Iterable[str] | str | None = None) -> Exception:
    """What to chain one of our errors to: tracebacks print the text of all causes.

    Args:
        error: The foreign error.
        known: A secret, or several, that it may quote.

    Returns:
        The foreign error itself; where its text or that of its own causes quotes a secret, a
        stand-in with its name, its words and its traceback, but without the secret.
    """
    told = "".join(traceback.format_exception(error))
    if without_secrets(told, known) == told:
        return error
    said = without_secrets(str(error), known)[:_CUT]
    stand_in = type(type(error).__name__, (Exception,), {"__module__": type(error).__module__})
    cause: Exception = stand_in(said)
    return cause.with_traceback(error.__traceback__)


def said_by(error: Exception) -> str:
    """What a foreign error says: one line, cut, without secrets; empty if it says nothing."""
    return " ".join(without_secrets(str(error)).split())[:300]


def _status(error: Exception) -> int | None:
    response = getattr(error, "response", None)
    for holder, name in ((error, "status_code"), (response, "status_code"), (error, "code")):
        status = getattr(holder, name, None)
        if isinstance(status, int) and 100 <= status < 600:
            return status
    return None


def _retry_after(error: Exception) -> float | None:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        if (milliseconds := headers.get("retry-after-ms")) is not None:
            return max(0.0, float(milliseconds) / 1000)
        if (value := headers.get("retry-after")) is None:
            return None
        if value.strip().replace(".", "", 1).isdigit():
            return float(value)
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, AttributeError):
        return None  # an unreadable header is no reason to fail differently


_CLOSED_LOOP = "Event loop is closed"  # asyncio's words


def is_of_a_closed_loop(error: BaseException | None) -> bool:
    """Whether a call met a connection of an event loop that has ended, as after `asyncio.run`.

    Clients keep connections for the next call; each call that meets such a one fails and drops it.
    The provider may have got it, but could not answer.
    """
    while error is not None:
        if isinstance(error, RuntimeError) and str(error) == _CLOSED_LOOP:
            return True
        error = error.__cause__
    return False
