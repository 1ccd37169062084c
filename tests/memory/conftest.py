"""Qdrant servers for the tests of the server store."""

import os
import uuid

import pytest
from qdrant_rest.process import RestServer

from .deployment import Deployment

KEY = "rest-key-5d1f7a90c3"


@pytest.fixture(scope="session")
def rest():
    """A REST server over Qdrant Edge, with an API key; faults are healed by `deployed`."""
    server = RestServer(api_key=KEY)
    yield server
    server.close()


@pytest.fixture
def deployed(request):
    """A collection of its own on the server at QDRANT_URL, else on the REST server."""
    url = os.environ.get("QDRANT_URL")
    if url:
        deployment = Deployment(url, os.environ.get("QDRANT_API_KEY"), f"test-{uuid.uuid4().hex}")
    else:
        server = request.getfixturevalue("rest")
        deployment = Deployment(server.url, KEY, f"test-{uuid.uuid4().hex}", rest=server)
    yield deployment
    deployment.discard()


@pytest.fixture
def on_rest(rest):
    """A collection of its own on the REST server, which can be made to fail."""
    deployment = Deployment(rest.url, KEY, f"test-{uuid.uuid4().hex}", rest=rest)
    yield deployment
    rest.heal()
    deployment.discard()
