"""LangChain's cache of model replies: what was understood is kept, what was not is asked anew."""

import pytest
from colours import run
from langchain_core.caches import InMemoryCache
from langchain_core.globals import set_llm_cache

from .asking import GOOD, NONSENSE, PROMPT, SCHEMA, question, replies

BAD = {"value": "yes"}
FALSE = {"value": False}


@pytest.fixture(params=["on the model", "for all models"])
def cached(request):
    """Makes scripted models that use a LangChain cache."""
    if request.param == "on the model":
        shared = InMemoryCache()
        yield lambda *script: replies(*script, cache=shared)
    else:
        set_llm_cache(InMemoryCache())
        yield replies
        set_llm_cache(None)


def test_a_good_reply_is_not_asked_for_twice(cached, drive):
    model = cached(GOOD, FALSE)
    assert drive(question(model)).value is True
    assert drive(question(model)).value is True
    assert len(model.requests) == 1


@pytest.mark.parametrize("reply", [NONSENSE, BAD, {}])
def test_a_malformed_reply_does_not_come_back(cached, drive, reply):
    model = cached(reply, reply, GOOD)
    assert drive(question(model)).value is None
    assert drive(question(model)).value is True
    assert len(model.requests) == 3


def test_a_repaired_reply_does_not_stand_for_the_first_question(cached, drive):
    model = cached(BAD, GOOD, FALSE)
    assert drive(question(model)).value is True
    assert drive(question(model)).value is False
    assert len(model.requests) == 3


def test_a_repair_is_cached_as_the_answer_to_its_own_question(cached, drive):
    model = cached(BAD, GOOD, BAD)
    drive(question(model))
    assert drive(question(model)).value is True
    assert len(model.requests) == 3


def test_a_malformed_reply_does_not_come_back_to_others_who_use_the_cache(cached):
    model = cached(NONSENSE, NONSENSE, GOOD)
    run(question(model))
    other = model.with_structured_output(SCHEMA, include_raw=True)
    assert other.invoke(PROMPT)["parsed"] == GOOD


def test_a_model_that_wants_no_cache_has_none(drive):
    set_llm_cache(InMemoryCache())
    try:
        model = replies(GOOD, FALSE, cache=False)
        assert drive(question(model)).value is True
        assert drive(question(model)).value is False
    finally:
        set_llm_cache(None)


def test_asking_leaves_the_models_own_cache_in_place():
    cache = InMemoryCache()
    model = replies(GOOD, cache=cache)
    run(question(model))
    assert model.cache is cache
