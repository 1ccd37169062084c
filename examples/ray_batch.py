"""Judging a large dataset on Ray Data, where one machine no longer serves.

A directory is open in one process at a time, so each worker gets a copy of the memory. On a Qdrant
server, all workers open the same one.
"""

import logging
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import ray

from langchain_memalign import MemAlignJudge, Memory

KNOWN, NEW = "Where is my parcel?", "Where is my letter?"
REPLIES = ["No idea.", "We are sorry that you had to wait. It comes tomorrow."]


def open_judge(memory: Memory) -> MemAlignJudge:
    return MemAlignJudge(
        name="tone", instructions="Is it kind?", value_type=bool, model="precedent", memory=memory
    )


class Judging:
    """What a worker holds, for all of its rows."""

    def __init__(self, exported: str) -> None:
        memory = Memory.open(":memory:", embeddings="local")
        memory.import_jsonl(exported)
        self.judge = open_judge(memory)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "value": getattr(self.judge.invoke(row), "value", None)}


def main() -> None:
    """Teach a judge, then have two workers judge two thousand replies."""
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        exported = str(Path(folder) / "memory.jsonl")
        with Memory.open(":memory:", embeddings="local") as memory:
            cases = [{"inputs": KNOWN, "outputs": reply} for reply in REPLIES]
            open_judge(memory).align([{**c, "value": n == 1} for n, c in enumerate(cases)])
            memory.export_jsonl(exported)
        rows = [{"inputs": NEW, "outputs": REPLIES[n % 2]} for n in range(2000)]
        each: Any = Judging
        judged = ray.data.from_items(rows).map(each, fn_constructor_args=(exported,), concurrency=2)
        print(sorted(Counter(row["value"] for row in judged.iter_rows()).items()))
    ray.shutdown()


if __name__ == "__main__":
    main()

# Output:
# [(False, 1000), (True, 1000)]
