"""Judges for guardrails, driven on both sides."""

import threading

import pytest
from fakes import HttpError, one_rule_a_record, verdict
from graph.conftest import bench, drive, make_bench, new_thread, thread

__all__ = ["bench", "drive", "make_bench", "new_thread", "thread"]


def kind_if_sorry(request):
    """Judges true what says sorry, in its outputs if there are any, and false what does not."""
    if request.title != "verdict":
        return one_rule_a_record(request)
    case = request.prompt.rpartition("<case>")[2]
    if "SORRY" in case.rpartition("<outputs>")[2]:
        return verdict(True, rationale="It says sorry.")
    return verdict(False, rationale="Too cold.")


@pytest.fixture
def kind(make_bench):
    """A bench whose judge wants to read SORRY."""
    return make_bench(kind_if_sorry)


def out_of_order(trouble, make_bench, gate):
    """A bench whose judge ends in a trouble, and the options that bring it about."""
    if trouble == "unscored":
        return make_bench(lambda request: "Hm."), {}
    if trouble == "memory":
        bench = make_bench()
        bench.memory.close()
        return bench, {}
    if trouble == "refused":
        return make_bench(lambda request: HttpError(401)), {}

    def hang(request):
        gate.wait()
        return verdict(True)

    return make_bench(hang), {"timeout": 0.05}


@pytest.fixture
async def gate():
    """What a hanging model waits for; opened at the end, before the loop waits for its threads."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(params=["unscored", "memory", "refused", "timeout"])
def troubled(request, make_bench, gate):
    """A judge in trouble: itself, the options to meet it with, and what the trouble is called."""
    bench, options = out_of_order(request.param, make_bench, gate)
    called = {"memory": "error", "refused": "error"}.get(request.param, request.param)
    return bench.judge, options, called
