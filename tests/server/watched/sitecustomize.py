"""Loaded by every Python process of a watched server: notes what it calls outside this machine."""

import ipaddress
import os
import sys

_NAMES = {"socket.connect": lambda _, address: address, "socket.getaddrinfo": lambda *a: a[:1]}


def _is_here(host):
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _note(event, given):
    if event not in _NAMES:
        return
    address = _NAMES[event](*given)
    # A Unix socket's address is a path, not a tuple.
    if isinstance(address, tuple) and not _is_here(address[0]):
        with open(os.environ["MEMALIGN_CALLS"], "a", encoding="utf-8") as calls:
            calls.write(f"{event} {address[0]!r}\n")


if "MEMALIGN_CALLS" in os.environ:
    sys.addaudithook(_note)
