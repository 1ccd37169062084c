"""Many judges of many tenants on one Qdrant server: a collection a tenant, a name a judge.

QDRANT_URL=http://localhost:6333 python examples/tenants.py
"""

import os
from typing import Any

from langchain_memalign import MemAlignJudge, Memory

REMARKS = {"acme": "Never promise a date.", "globex": "Always name the date."}
CASE = {"inputs": "Where is my parcel?", "outputs": "It comes on Monday."}


def judge_of(memory: Memory, name: str) -> MemAlignJudge:
    """A judge of a tenant."""
    return MemAlignJudge(
        name=name,
        instructions="Is the reply what our house wants?",
        value_type=bool,
        model="precedent",
        memory=memory,
    )


def main() -> None:
    """Teach each tenant's judge its own rule; any process that opens the memory knows it."""
    url, key = os.environ["QDRANT_URL"], os.environ.get("QDRANT_API_KEY")
    for tenant, remark in REMARKS.items():
        place: dict[str, Any] = {"collection": f"memalign_{tenant}", "api_key": key}
        with Memory.open(url, embeddings="local", **place) as memory:
            value = tenant == "globex"
            judge_of(memory, "dates").align([{**CASE, "value": value, "rationale": remark}])
            judge_of(memory, "tone").align([{**CASE, "value": True}])

        with Memory.open(url, embeddings="local", **place) as memory:  # as another process would
            verdict = judge_of(memory, "dates").invoke(CASE)
            rules = [principle.text for principle in judge_of(memory, "dates").principles()]
            print(f"{tenant}: judges {memory.judges()}, {rules}, {getattr(verdict, 'value', '?')}")


if __name__ == "__main__":
    main()

# Output:
# acme: judges ['dates', 'tone'], ['Never promise a date.'], False
# globex: judges ['dates', 'tone'], ['Always name the date.'], True
