"""What somebody at Studio reads when a run fails: what was found, what was expected, a remedy."""

import pytest

from .devserver import DevServer

CASE = {"inputs": "My parcel is lost.", "outputs": "That is not our problem."}


@pytest.fixture(scope="module")
def failing(tmp_path_factory):
    """A server of its own, since what fails is logged."""
    running = DevServer(tmp_path_factory.mktemp("failing"))
    running.start()
    yield running
    running.stop()
    assert running.calls() == []


def test_a_misspelt_name_in_configurable_is_refused_but_not_what_is_langgraphs(failing):
    def run(**configurable):
        return failing.client.runs.wait(
            None, "judge", input=CASE, config={"configurable": configurable}, raise_error=False
        )

    assert run(name="tone", thread_ts="1")["verdict"]
    assert run(nme="tone")["__error__"]["message"].startswith("context: found nme; ")


def read(server, graph="review", given=CASE, **context):
    """The error that ends the stream of a run."""
    thread = server.client.threads.create()["thread_id"]
    run = server.client.runs.stream(thread, graph, input=given, context=context)
    (error,) = [chunk.data for chunk in run if chunk.event == "error"]
    return error["error"], error["message"]


@pytest.mark.parametrize(
    ("context", "kind", "said"),
    [
        ({"nme": "x"}, "ConfigurationError", ("context: found nme; expected only", "name, ")),
        ({"value_type": "perhaps"}, "ValidationError", ("value_type", "perhaps")),
        ({"model": "nonesuch:x"}, "ConfigurationError", ("nonesuch:x", "Expected 'provider:name'")),
        ({"memory": "elsewhere"}, "ConfigurationError", ("memory: found a name", "expected none")),
    ],
)
@pytest.mark.parametrize("graph", ["judge", "review"])
def test_what_is_wrong_with_the_context_is_said(failing, graph, context, kind, said):
    error, message = read(failing, graph, **context)
    assert error == kind
    assert all(words in message for words in said), message


@pytest.mark.parametrize("given", [{"inputs": " "}, {"messages": []}])
def test_what_is_wrong_with_the_case_is_said(failing, given):
    error, message = read(failing, given=given)
    assert error == "InvalidInputError"
    assert "the case is empty: expected inputs, outputs or both." in message
