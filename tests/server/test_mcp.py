"""The graphs as tools of the Model Context Protocol, called by a real client of it."""

import ast

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from langchain_memalign import Unscored

CASE = {"inputs": "Where is my parcel?", "outputs": "No idea."}


async def test_a_client_lists_and_calls_the_judge(server):
    async with (
        streamable_http_client(f"{server.url}/mcp/") as streams,
        ClientSession(*streams[:2]) as session,
    ):
        await session.initialize()
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        called = await session.call_tool("judge", CASE)

    assert {"judge", "review", "align", "guardrail"} <= set(tools)
    assert "Judges one case" in tools["judge"].description
    assert {"inputs", "outputs", "reference_outputs"} <= set(
        tools["judge"].input_schema["properties"]
    )
    assert not called.is_error
    # The server gives a tool's result as Python's own text of it.
    result = ast.literal_eval(called.content[0].text)
    assert result["outputs"] == CASE["outputs"]
    assert "No close precedent" in Unscored.of(result["verdict"]).reason
