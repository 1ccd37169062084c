"""LangChain's own suites for a retriever and for a tool, over episodic memory and the judge."""

import pytest
from langchain_tests.integration_tests import RetrieversIntegrationTests, ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from langchain_memalign.retriever import EpisodeRetriever
from langchain_memalign.tool import JudgeTool


class TestRetriever(RetrieversIntegrationTests):
    retriever_constructor = EpisodeRetriever
    retriever_constructor_params = None
    retriever_query_example = "Question 1"

    @pytest.fixture(autouse=True)
    def _taught(self, bench):
        given = [{"inputs": f"Question {n}", "outputs": "No.", "value": False} for n in range(4)]
        bench.judge.align(given)
        self.retriever_constructor_params = {"memory": bench.memory, "judge": "tone"}


class _OfTheJudge:
    tool_constructor = JudgeTool
    tool_constructor_params = None
    tool_invoke_params_example = {"inputs": "Where is it?", "outputs": "No idea."}  # noqa: RUF012

    @pytest.fixture(autouse=True)
    def _made(self, bench):
        self.tool_constructor_params = {"judge": bench.judge}


class TestTool(_OfTheJudge, ToolsUnitTests):
    pass


class TestToolCalls(_OfTheJudge, ToolsIntegrationTests):
    pass
