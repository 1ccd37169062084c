"""The server of the tests answers and refuses as a Qdrant cluster was measured to do."""

import json
import urllib.error
import uuid

import pytest

from .process import RestServer

pytestmark = pytest.mark.enable_socket

IDS = [str(uuid.UUID(int=number)) for number in range(1, 30)]


@pytest.fixture(scope="module")
def nodes():
    """Three nodes behind one address."""
    server = RestServer(peers=3)
    yield server
    server.close()


@pytest.fixture
def name(nodes):
    """A collection with three copies, of which two must have taken a write."""
    name = f"test-{uuid.uuid4().hex}"
    body = {"vectors": {}, "replication_factor": 3, "write_consistency_factor": 2}
    nodes.ask("PUT", f"/collections/{name}", body)
    yield name
    nodes.crash_after(None)
    nodes.kill()
    nodes.drop(name)


class Points:
    """The points of a collection, asked for and written as a client would."""

    def __init__(self, server, name):
        self._server = server
        self._path = f"/collections/{name}"

    def put(self, *numbers, ordering="medium", **payload):
        points = [{"id": IDS[n], "vector": {}, "payload": {"n": n, **payload}} for n in numbers]
        self.ask("PUT", f"/points?ordering={ordering}", {"points": points})

    def found(self, consistency="1", **body):
        answer = self.ask("POST", f"/points/scroll?consistency={consistency}", body)
        return [point["payload"]["n"] for point in answer["points"]]

    def payload(self, number, consistency="1"):
        path = f"/points?consistency={consistency}"
        (point,) = self.ask("POST", path, {"ids": [IDS[number]]})
        return point["payload"]

    def swap(self, number, stamp, after):
        """Give a point another stamp, if it has the one that is expected."""
        must = [{"has_id": [IDS[number]]}, {"key": "stamp", "match": {"value": stamp}}]
        body = {"payload": {"stamp": after}, "filter": {"must": must}}
        self.ask("POST", "/points/payload?ordering=medium", body)

    def states(self):
        info = self.ask("GET", "/cluster")
        return [shard["state"] for shard in info["local_shards"] + info["remote_shards"]]

    def ask(self, method, rest, body=None):
        return self._server.ask(method, self._path + rest, body)


@pytest.fixture
def points(nodes, name):
    return Points(nodes, name)


def refusal(call):
    """Status and text of a request that is refused."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        call()
    with refused.value as answer:
        return answer.code, json.load(answer)["status"]["error"]


# Reading


def test_a_majority_asks_all_copies_and_a_quorum_more_than_half(nodes, points):
    points.put(0, 1)
    nodes.kill(2)
    assert points.found("quorum") == points.found("1") == [0, 1]
    for consistency in ("majority", "all"):
        status, said = refusal(lambda c=consistency: points.found(c))
        assert status == 500
        assert "1 of 3 read operations failed" in said


def test_a_copy_that_missed_a_write_is_dead_until_its_node_is_back(nodes, points):
    points.put(0)
    nodes.kill(3)
    points.put(1)
    assert points.states() == ["Active", "Active", "Dead"]
    assert "does not have enough active replicas" in refusal(lambda: points.found("majority"))[1]
    nodes.kill()
    assert points.states() == ["Active"] * 3
    assert points.found("majority") == [0, 1]


def test_two_dead_nodes_leave_what_one_copy_says(nodes, points):
    points.put(0)
    nodes.kill(1, 2)
    assert points.found("1") == [0]
    assert refusal(lambda: points.found("quorum"))[0] == 500


def test_a_copy_that_is_behind_is_outvoted_by_a_majority_only(nodes, points):
    points.put(0)
    nodes.kill(3)
    points.put(1, 2)
    nodes.come_back_behind()
    assert points.found("majority") == [0, 1, 2]
    # It keeps silent about what one of the two does not have.
    assert points.found("quorum") == [0]
    nodes.come_to(3)
    assert points.found("1") == [0]


def test_a_page_on_which_copies_disagree_ends_the_scroll(nodes, points):
    points.put(0, 1, 2, 3, 4)
    nodes.kill(3)
    points.put(5, 6)
    points.put(0, changed=True)
    nodes.come_back_behind()
    answer = points.ask("POST", "/points/scroll?consistency=quorum", {"limit": 2})
    assert [point["payload"]["n"] for point in answer["points"]] == [1, 2]
    assert answer["next_page_offset"] is None


# Writing


def test_strong_writes_go_through_the_highest_node_and_medium_ones_through_a_living_one(
    nodes, points
):
    nodes.kill(3)
    status, said = refusal(lambda: points.put(0, ordering="strong"))
    assert (status, "Strong ordering via leader peer 3" in said) == (500, True)
    points.put(0)
    nodes.kill(1)
    points.put(1, ordering="strong")


def test_too_few_copies_refuse_a_write_and_one_may_have_it(nodes, points):
    nodes.kill(2, 3)
    assert refusal(lambda: points.put(0))[0] == 500
    assert points.found("1") == [0]


def test_each_copy_resolves_a_filter_by_itself(nodes, points):
    points.put(0, stamp="a")
    nodes.kill(3)
    points.swap(0, "a", "b")
    nodes.come_back_behind()
    points.swap(0, "b", "c")
    assert points.payload(0, "majority")["stamp"] == "c"
    nodes.come_to(3)
    assert points.payload(0)["stamp"] == "a"


def test_what_one_copy_refuses_is_taken_if_enough_others_take_it(nodes, points):
    points.put(0)
    nodes.kill(3)
    points.put(1)
    nodes.come_back_behind()
    stamp = {"payload": {"stamp": "a"}}
    points.ask("POST", "/points/payload?ordering=medium", {**stamp, "points": [IDS[1]]})
    assert points.payload(1, "majority")["stamp"] == "a"
    status, _ = refusal(
        lambda: points.ask("POST", "/points/payload", {**stamp, "points": [IDS[9]]})
    )
    assert status == 400


# Conditional updates after a crash


@pytest.mark.parametrize("is_indexed", [True, False])
def test_a_stale_index_hides_a_point_from_an_update_by_a_filter(nodes, points, is_indexed):
    if is_indexed:
        points.ask("PUT", "/index", {"field_name": "stamp", "field_schema": "keyword"})
    points.put(0, stamp="a")
    nodes.crash()
    assert points.payload(0, "majority")["stamp"] == "a"
    points.swap(0, "a", "b")
    assert points.payload(0, "majority")["stamp"] == ("a" if is_indexed else "b")
    points.put(0, stamp="c")  # by its id, which heals the index
    points.swap(0, "c", "d")
    assert points.payload(0, "majority")["stamp"] == "d"


def test_making_the_index_anew_heals_it(nodes, points):
    index = {"field_name": "stamp", "field_schema": "keyword"}
    points.ask("PUT", "/index", index)
    nodes.crash_after("upsert")
    points.put(0, stamp="a")
    points.swap(0, "a", "b")
    assert points.payload(0)["stamp"] == "a"
    points.ask("DELETE", "/index/stamp")
    points.swap(0, "a", "b")
    assert points.payload(0)["stamp"] == "b"


# What the nodes agree on


def aliases_of(nodes, collection):
    found = nodes.ask("GET", f"/collections/{collection}/aliases")["aliases"]
    return sorted(alias["alias_name"] for alias in found)


def rename(old, new):
    return {"rename_alias": {"old_alias_name": old, "new_alias_name": new}}


def create(collection, alias):
    return {"create_alias": {"collection_name": collection, "alias_name": alias}}


def change(nodes, *actions):
    nodes.ask("POST", "/collections/aliases", {"actions": list(actions)})


def test_renaming_an_alias_is_a_compare_and_swap(nodes, name):
    old, new = f"{name}.a", f"{name}.b"
    change(nodes, create(name, old))
    change(nodes, rename(old, new))
    status, said = refusal(lambda: change(nodes, rename(old, f"{name}.c")))
    assert (status, said) == (404, f"Not found: Alias {old} does not exists!")
    assert aliases_of(nodes, name) == [new]
    # A list of actions ends with the first that cannot be carried out; those before it stay.
    refusal(lambda: change(nodes, rename(new, old), rename(new, new), create(name, f"{name}.d")))
    assert aliases_of(nodes, name) == [old]


def test_an_alias_is_read_like_its_collection_and_not_deleted_like_one(nodes, name, points):
    points.put(0)
    change(nodes, create(name, f"{name}.alias"))
    behind = Points(nodes, f"{name}.alias")
    assert behind.found() == [0]
    assert nodes.ask("DELETE", f"/collections/{name}.alias") is False
    assert behind.found() == [0]
    assert aliases_of(nodes, f"{name}.alias") == []


def test_most_nodes_must_live_to_agree(nodes, name):
    nodes.kill(1)
    change(nodes, create(name, f"{name}.a"))
    nodes.kill(1, 2)
    status, said = refusal(lambda: change(nodes, rename(f"{name}.a", f"{name}.b")))
    assert (status, "consensus" in said) == (500, True)
    assert aliases_of(nodes, name) == [f"{name}.a"]


def test_a_name_is_taken_once(nodes, name):
    change(nodes, create(name, f"{name}.alias"))
    body = {"vectors": {}}
    assert refusal(lambda: nodes.ask("PUT", f"/collections/{name}", body))[0] == 409
    said = refusal(lambda: nodes.ask("PUT", f"/collections/{name}.alias", body))
    assert "Alias with the same name already exists" in said[1]
