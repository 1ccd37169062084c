import pytest
from colours import Call, Twin, run
from fakes import HttpError

from langchain_memalign import InvalidInputError, ModelError
from langchain_memalign._models import NO_RETRY, Retry
from langchain_memalign._models.failures import as_model_error


def failing(*errors, then="done"):
    """An attempt that raises these errors, one each time, and counts how often it was made."""
    left = list(errors)

    def attempt():
        made.made += 1
        if left:
            raise left.pop(0)
        return then

    async def aattempt():
        return attempt()

    made = Twin(attempt, aattempt)
    made.made = 0
    return made


def retried(retry, attempt):
    return Call("model_calls.retried", retry, attempt)


def overloaded(retry_after=None):
    return ModelError("overloaded", status=429, retry_after=retry_after, transient=True)


def test_a_call_that_succeeds_is_made_once(drive):
    attempt = failing()
    assert drive(retried(Retry(), attempt)) == "done"
    assert attempt.made == 1


def test_a_passing_failure_is_overcome(drive):
    attempt = failing(overloaded(), overloaded())
    assert drive(retried(Retry(first_wait=0), attempt)) == "done"
    assert attempt.made == 3


def test_after_the_last_attempt_the_failure_says_how_many_there_were(drive):
    attempt = failing(*(overloaded() for _ in range(9)))
    with pytest.raises(ModelError, match="overloaded") as caught:
        drive(retried(Retry(attempts=3, first_wait=0), attempt))
    assert (attempt.made, caught.value.attempts) == (3, 3)


def test_without_retry_the_first_failure_counts(waits):
    attempt = failing(overloaded())
    with pytest.raises(ModelError) as caught:
        run(retried(NO_RETRY, attempt))
    assert (attempt.made, caught.value.attempts, waits) == (1, 1, [])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_what_would_fail_again_is_not_repeated(waits, status):
    attempt = failing(as_model_error(HttpError(status), "the call"))
    with pytest.raises(ModelError) as caught:
        run(retried(Retry(), attempt))
    assert (attempt.made, caught.value.status, waits) == (1, status, [])


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_what_may_pass_is_repeated(waits, status):
    attempt = failing(as_model_error(HttpError(status), "the call"))
    assert run(retried(Retry(), attempt)) == "done"
    assert len(waits) == 1


def test_an_error_that_is_not_the_models_is_not_repeated():
    attempt = failing(InvalidInputError("mine"))
    with pytest.raises(InvalidInputError):
        run(retried(Retry(first_wait=0), attempt))
    assert attempt.made == 1


def test_waits_grow_twofold_at_most_and_vary_from_the_first_on():
    retry = Retry(attempts=9, first_wait=0.5, longest_wait=3)
    for number, ceiling in enumerate([0.5, 1, 2, 3, 3], 1):
        seconds = [retry.wait(number, overloaded()) for _ in range(200)]
        assert 0 <= min(seconds) < ceiling / 3
        assert ceiling / 1.5 < max(seconds) <= ceiling


def test_a_provider_that_asks_to_wait_is_waited_for(waits):
    attempt = failing(overloaded(7.0))
    assert run(retried(Retry(first_wait=0.5), attempt)) == "done"
    assert 7.0 <= waits[0] <= 7.5


def test_what_a_provider_asks_for_does_not_lengthen_the_longest_wait():
    retry = Retry(first_wait=8, longest_wait=8)
    assert {retry.wait(1, overloaded(8.0)) for _ in range(50)} == {8.0}


def test_a_provider_that_asks_for_too_long_is_not_called_again(waits):
    attempt = failing(overloaded(3600.0))
    with pytest.raises(ModelError):
        run(retried(Retry(longest_wait=60), attempt))
    assert (attempt.made, waits) == (1, [])
