"""Copies of a memory that keep silent, by gRPC, where a client waits no longer than the server."""

from concurrent import futures
from threading import Event

import grpc
import pytest
from qdrant_client import grpc as messages
from qdrant_client.grpc import collections_service_pb2_grpc, points_service_pb2_grpc

from langchain_memalign import MemoryUnavailableError
from langchain_memalign._stores.qdrant.client import RETRY, Requests
from langchain_memalign._stores.qdrant.options import Server

pytestmark = pytest.mark.enable_socket


class Nodes(
    points_service_pb2_grpc.PointsServicer, collections_service_pb2_grpc.CollectionsServicer
):
    """Nodes of which some keep silent, so that some requests are never answered.

    Args:
        silent: How many requests are not answered before one is.
    """

    def __init__(self, silent):
        self.silent = silent
        self.over = Event()

    def Scroll(self, request, context):
        self._answer()
        return messages.ScrollResponse()

    def UpdateAliases(self, request, context):
        self._answer()
        return messages.CollectionOperationResponse(result=True)

    def _answer(self):
        if self.silent:
            self.silent -= 1
            self.over.wait()


@pytest.fixture
def asking():
    """Requests to a memory with copies, of which some keep silent for so many requests."""
    servers = []

    def make(silent):
        nodes, server = Nodes(silent), grpc.server(futures.ThreadPoolExecutor(8))
        points_service_pb2_grpc.add_PointsServicer_to_server(nodes, server)
        collections_service_pb2_grpc.add_CollectionsServicer_to_server(nodes, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        where = Server.checked("http://127.0.0.1", prefer_grpc=True, grpc_port=port, timeout=3)
        requests = Requests(where, RETRY)
        requests.is_replicated = True
        servers.append((nodes, server, requests))
        return requests

    yield make
    for nodes, server, requests in servers:
        requests.close()
        nodes.over.set()
        server.stop(None)


@pytest.mark.parametrize("silent", [1, 2])
def test_what_copies_do_not_answer_in_time_is_asked_of_fewer(asking, silent):
    requests = asking(silent)
    assert requests.read("scroll", limit=1) == ([], None)
    assert bool(requests.doubt) == (silent == 2)


def test_a_change_that_nodes_do_not_agree_on_in_time_is_asked_for_again(asking):
    assert asking(1).agree([])


def test_a_server_that_keeps_silent_altogether_is_told(asking):
    with pytest.raises(MemoryUnavailableError, match=r"no answer .* within 3 s"):
        asking(9).read("scroll", limit=1)
