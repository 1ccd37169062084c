"""The server store: the contract, over blocking and over awaitable requests."""

import os

import pytest

from .contract import StoreContract

pytestmark = pytest.mark.enable_socket


def test_which_server_answered(record_property):
    """Without a Qdrant server the tests below still run, and this line says on what."""
    url = os.environ.get("QDRANT_URL")
    record_property("qdrant", url or "REST server over Qdrant Edge")
    if not url:
        pytest.skip(
            "QDRANT_URL is not set: the server leg of the contract ran on the REST server in "
            "tests/qdrant_rest, which answers from Qdrant Edge"
        )


class TestServer(StoreContract):
    @pytest.fixture
    def open_store(self, deployed):
        return deployed.open
