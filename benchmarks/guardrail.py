"""What a guardrail adds to a chain beyond the model's own time, at a memory of 1,000 episodes.

    python benchmarks/guardrail.py

The judge's model answers at once, and so does the chain: what is measured is embedding the case,
recall, the prompt, reading the verdict, and the guardrail itself.
"""

import argparse
import asyncio
import os
import statistics
import time

import report
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import RunnableLambda

from langchain_memalign import MemAlignJudge, Memory
from langchain_memalign.guardrails import MemAlignGuardrail

VERDICT = {"rationale": "It fits.", "relied_on": [], "value": True}
TOPICS = ("parcel", "fridge", "invoice", "password", "refund", "contract", "delivery", "warranty")


class InstantModel(BaseChatModel):
    """Judges everything true in no time, and learns nothing from a batch."""

    @property
    def _llm_type(self):
        return "instant"

    def bind_tools(self, tools, **kwargs):
        return self.bind(tool=tools[0], **kwargs)

    def _generate(self, messages, stop=None, run_manager=None, tool=None, **kwargs):
        name = tool["title"] if "title" in tool else tool["function"]["name"]
        answer = VERDICT if name == "verdict" else {"principles": []}
        reply = AIMessage("", tool_calls=[{"name": name, "args": answer, "id": "1"}])
        return ChatResult(generations=[ChatGeneration(message=reply)])

    async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
        return self._generate(messages, **kwargs)


def question(number):
    return f"Case {number}: my {TOPICS[number % len(TOPICS)]} of day {number} is late. What now?"


def answer(asked):
    return f"We are sorry. A colleague will look at it: {asked}"


async def async_answer(asked):
    return answer(asked)


def measure(runnable, asked):
    """Milliseconds of each call."""
    taken = []
    for one in asked:
        started = time.perf_counter()
        runnable.invoke(one)
        taken.append((time.perf_counter() - started) * 1000)
    return taken


async def ameasure(runnable, asked):
    """`measure`, on the event loop."""
    taken = []
    for one in asked:
        started = time.perf_counter()
        await runnable.ainvoke(one)
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--calls", type=int, default=500)
    options = parser.parse_args()

    chain = RunnableLambda(answer, async_answer)
    with Memory.open(":memory:", embeddings="local") as memory:
        judge = MemAlignJudge(
            name="support_tone",
            instructions="Is the reply appropriate?",
            value_type=bool,
            model=InstantModel(),
            memory=memory,
        )
        taught = [
            {"inputs": question(n), "outputs": f"Wait {n} days.", "value": n % 2 == 0}
            for n in range(options.episodes)
        ]
        judge.align(taught)
        kept = len(judge.episodes())
        asked = [question(n + options.episodes) for n in range(options.calls)]
        legs = {
            "bare chain": chain,
            "judge": RunnableLambda(lambda q: {"inputs": q, "outputs": answer(q)}) | judge,
            "guarded": MemAlignGuardrail(chain, judge),
            "guarded, timeout=10": MemAlignGuardrail(chain, judge, timeout=10),
        }
        figures = {}
        for name, runnable in legs.items():
            measure(runnable, asked[:20])  # what is made on first use is not measured
            sync = measure(runnable, asked)
            figures[name] = {"sync": summary(sync)}
            figures[name]["async"] = summary(asyncio.run(ameasure(runnable, asked)))

    print(f"{kept} episodes, {options.calls} calls, milliseconds of a call\n")
    head = ["", "sync median", "p95", "async median", "p95"]
    rows = [
        [
            name,
            *(f"{leg[side][key]:.2f}" for side in ("sync", "async") for key in ("median", "p95")),
        ]
        for name, leg in figures.items()
    ]
    print(report.table(rows, head=head))
    report.write(
        report.RESULTS / "guardrail.json",
        {
            "episodes": kept,
            "calls": options.calls,
            "load_average": round(os.getloadavg()[0], 1),  # of all that runs on the machine
            "milliseconds": figures,
        },
    )


def summary(taken):
    p95 = statistics.quantiles(taken, n=20)[-1]
    return {"median": round(statistics.median(taken), 3), "p95": round(p95, 3)}


if __name__ == "__main__":
    main()
