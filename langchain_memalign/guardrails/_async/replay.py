"""Work that is done once, and questions that are asked once, however often a node is run again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from langchain_memalign.guardrails.checkpoint import astart_task
from langchain_memalign.guardrails.node_run import NodeRun, Question, Visit

T = TypeVar("T")

_NOTE = "guardrail_note"


async def once(visit: Visit | None, step: str, work: Callable[[], Awaitable[T]]) -> T:
    """Do work; on a visit, only once: its result is kept with the thread.

    Args:
        visit: What the work is for; None where the node is never run again.
        step: What the work is, in this visit.
        work: Returns JSON, or what else the thread's checkpointer can keep.
    """
    if visit is None:
        return await work()
    run, name = visit.run, f"{visit.name}/{step}"
    while True:
        async with run.lock:
            if name in run.kept:
                done: T = run.kept.pop(name)
                return done
            await _note(run, name, None)
            begun = astart_task(partial(_done, work), _task_of(name))
        if (result := await begun()) is not None:
            done = result["done"]
            return done


async def ask(visit: Visit, step: str, question: Question) -> Any:
    """Wait for a human's answer to a question, and to no other.

    Raises:
        GraphInterrupt: There is none yet.
    """
    run, name = visit.run, f"{visit.name}/{step}/{question.digest}"
    async with run.lock:
        run.check_not_asking()
        if name not in run.answers and await _note(run, name, question):
            strays = run.pose(question)
            await astart_task(partial(_done, partial(_given, strays)), _task_of(name))()
            run.check_not_asking()
        return run.answers[name]


async def _note(run: NodeRun, name: str, question: Question | None) -> bool:
    """Read the notes up to the one of that name; add it where they end.

    Returns:
        Whether it was added. A question that was not has its answer then.
    """
    while True:
        is_new: list[bool] = []
        mine: list[Any] = [name, question and [question.request, question.form]]
        noted, asked = await astart_task(partial(_given, mine, is_new), _NOTE)()
        if noted == name and (asked is None or is_new):
            return bool(is_new)
        result = await astart_task(_lost, _task_of(noted))()
        if result is None:
            continue  # the run ended before it was done
        if asked is None:
            run.kept[noted] = result["done"]
            continue
        request, form = asked
        run.take(noted, Question(request=request, form=form), result["done"])
        if noted == name:
            return False


def _task_of(name: str) -> str:
    # LangGraph looks a result up by the number of the call, and the task's name.
    return f"guardrail_{name.split('/')[1]}"


async def _given(this: T, is_new: list[bool] | None = None) -> T:
    if is_new is not None:
        is_new.append(True)
    return this


async def _done(work: Callable[[], Awaitable[T]]) -> dict[str, T]:
    return {"done": await work()}


async def _lost() -> Any:
    return None
