"""Who is there: on one's own machine by the link and a name, mounted by the application."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from starlette.requests import Request


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who uses the page.

    Attributes:
        id: Identifies the person; kept with each answer.
        name: The name that others see, and the reviewer in the memory; "" for somebody without one.
        is_lead: Whether the person may forget, and decide how cases are worked through.
        tenant: Whose judges the person may see; None if everybody sees all of them.
    """

    id: str
    name: str
    is_lead: bool = False
    tenant: str | None = None

    @property
    def reviewer(self) -> str | None:
        """As the memory has it."""
        return self.name or None


Identify: TypeAlias = Callable[[Request], Person | None]
"""Says who sent a request; None for nobody who may see the page."""


def by_request_user(request: Request) -> Person | None:
    """The user of Starlette's authentication; nobody where there is none."""
    user = request.scope.get("user")
    if user is None or not getattr(user, "is_authenticated", False):
        return None
    name = str(getattr(user, "display_name", "") or user.identity)
    scopes = getattr(request.scope.get("auth"), "scopes", ())
    return Person(
        id=str(getattr(user, "identity", name)), name=name, is_lead="memalign:lead" in scopes
    )


@dataclass(frozen=True)
class Visit:
    """What a cookie says.

    Attributes:
        id: Of this browser; what forms are signed for.
        name: The name that was given; None before it was asked for.
        judge: Which judge was chosen last, of several.
    """

    id: str
    name: str | None = None


class Visits:
    """Signs and reads the cookies of one page; they are good for as long as its process lives."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def begin(self, name: str | None = None) -> Visit:
        """A new visit."""
        return Visit(secrets.token_urlsafe(18), name)

    def cookie(self, visit: Visit) -> str:
        """A visit as a signed cookie."""
        said = base64.urlsafe_b64encode(json.dumps([visit.id, visit.name]).encode()).decode()
        return f"{said}.{self._sign('cookie', said)}"

    def read(self, cookie: str | None) -> Visit | None:
        """The visit of a cookie; None for one that is not ours."""
        said, _, signature = (cookie or "").rpartition(".")
        if not said or not is_equal(signature, self._sign("cookie", said)):
            return None
        try:
            id_, name = json.loads(base64.urlsafe_b64decode(said))
        except (ValueError, binascii.Error):
            return None
        return Visit(id_, name)

    def csrf(self, visit: Visit) -> str:
        """What a form of this visit has to carry."""
        return self._sign("form", visit.id)

    def is_csrf(self, visit: Visit, given: str) -> bool:
        """Whether a form carries it."""
        return is_equal(given, self.csrf(visit))

    def _sign(self, what: str, said: str) -> str:
        message = f"{what}:{said}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()


def is_equal(given: str, secret: str) -> bool:
    """Whether a text is a secret, told in a time that says nothing of the secret."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), secret.encode())
