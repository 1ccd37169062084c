"""Every error is caught by the root, and by the built-in error it is one of."""

import pytest

import langchain_memalign.errors as errors

ALL = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("error", ALL)
def test_every_error_is_caught_by_the_root(error):
    with pytest.raises(errors.MemAlignError, match="what was found"):
        raise error("what was found")


@pytest.mark.parametrize("error", ALL)
def test_every_error_is_drawn_in_the_tree_and_explained(error):
    assert error.__name__ in errors.__doc__
    assert error.__doc__


def test_invalid_input_is_a_value_error_too():
    with pytest.raises(ValueError, match="a set"):
        raise errors.InvalidInputError("inputs is a set")


def test_only_invalid_input_is_a_value_error():
    assert [e for e in ALL if issubclass(e, ValueError)] == [errors.InvalidInputError]


@pytest.mark.parametrize(
    "error",
    [
        errors.MemoryLockedError,
        errors.MemoryUnavailableError,
        errors.MemoryCorruptError,
        errors.EmbeddingMismatchError,
    ],
)
def test_what_a_memory_raises_is_caught_as_a_memory_error(error):
    with pytest.raises(errors.MemoryStoreError):
        raise error("the directory is held")


def test_a_model_error_carries_what_the_provider_said():
    error = errors.ModelError("too many requests", status=429, retry_after=2.5, transient=True)

    assert str(error) == "too many requests"
    assert (error.status, error.retry_after, error.transient) == (429, 2.5, True)


def test_a_model_error_is_final_unless_told_otherwise():
    error = errors.ModelError("refused")

    assert (error.status, error.retry_after, error.transient) == (None, None, False)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_wrong_keys_and_unknown_models_are_refused_access(status):
    assert errors.ModelError("no", status=status).is_refused_access


@pytest.mark.parametrize("status", [None, 400, 408, 429, 500, 503])
def test_other_failures_are_no_refused_access(status):
    assert not errors.ModelError("no", status=status).is_refused_access
