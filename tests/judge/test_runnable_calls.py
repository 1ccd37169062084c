"""The calls of a Runnable that are not about judging work, or say what to use instead."""

import pytest
from langchain_core.load import dumps
from langchain_core.runnables import ConfigurableField

from langchain_memalign import ConfigurationError, InvalidInputError, Verdict

CASE = {"inputs": "Where is it?", "outputs": "Unknown."}


@pytest.fixture
def judge(make_bench):
    judge = make_bench(model="precedent").judge
    judge.align([{**CASE, "value": False, "rationale": "Too cold."}])
    return judge


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
def test_a_judge_is_a_tool_that_takes_a_case(judge):
    outcome = judge.as_tool().invoke(CASE)

    assert isinstance(outcome, Verdict)
    assert outcome.value is False


def test_options_that_nobody_takes_are_refused_by_name(judge):
    with pytest.raises(InvalidInputError, match="found foo; a judge takes a case and a config"):
        judge.bind(foo=1).invoke(CASE)


@pytest.mark.parametrize("call", ["configurable_fields", "configurable_alternatives"])
def test_what_cannot_be_configured_says_what_to_use_instead(judge, call):
    with pytest.raises(ConfigurationError, match="build one judge for each configuration"):
        getattr(judge, call)(model=ConfigurableField(id="model"))
    with pytest.raises(ConfigurationError, match="build one judge for each configuration"):
        getattr(judge, call)(ConfigurableField(id="model"), other=judge)


def test_a_dump_names_the_judge_and_nothing_of_its_model(judge):
    assert '"type": "not_implemented"' in dumps(judge)
    assert repr(judge.name)[1:-1] in dumps(judge)
