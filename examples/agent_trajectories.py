"""Judging what an agent did, not only what it said: `outputs` are its messages with tool calls.

Runs offline: the judge votes by past cases.
"""

from typing import Any

from agentevals.trajectory.match import create_trajectory_match_evaluator

from langchain_memalign import MemAlignJudge, Memory


def trajectory(query: str) -> list[dict[str, Any]]:
    """An agent's messages: it calls a tool, and answers."""
    call = {"function": {"name": "run_sql", "arguments": f'{{"query": "{query}"}}'}}
    return [
        {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", **call}]},
        {"role": "tool", "tool_call_id": "1", "content": "42"},
        {"role": "assistant", "content": "There were 42 orders."},
    ]


def main() -> None:
    """Teach a house rule that only the trajectory shows."""
    with Memory.open(":memory:", embeddings="local") as memory:
        judge = MemAlignJudge(
            name="sql_agent",
            instructions="Did the analyst agent work by the rules of the house?",
            value_type=bool,
            model="precedent",
            memory=memory,
        )
        asked = "How many orders were there in May?"
        raw = trajectory("SELECT count(*) FROM raw_orders")
        certified = trajectory("SELECT count(*) FROM certified_orders")
        why = "Uses a raw table, not the certified view."
        judge.align(
            [
                {"inputs": asked, "outputs": raw, "value": False, "rationale": why},
                {"inputs": asked, "outputs": certified, "value": True},
            ]
        )

        # The call shape of agentevals: the judge stands beside its evaluators.
        same_tools = create_trajectory_match_evaluator(tool_args_match_mode="ignore")
        for table in ("raw_orders", "certified_orders"):
            done = trajectory(f"SELECT count(id) FROM {table} WHERE month = 'May'")
            matched = same_tools(outputs=done, reference_outputs=certified)["score"]
            judged = judge(inputs="How many orders in May?", outputs=done)
            print(f"{table}: same tools {matched}, {judged['key']} {judged['score']}")


if __name__ == "__main__":
    main()

# Output:
# raw_orders: same tools True, sql_agent False
# certified_orders: same tools True, sql_agent True
