"""Processes that share a memory on a server: what they do, and what the test sees of it."""

import multiprocessing
from contextlib import contextmanager

from fakes import CountingEmbeddings, ScriptedModel, feedback, one_rule_a_record

from langchain_memalign import MemAlignJudge, Memory, create_alignment_graph
from langchain_memalign._models import Retry

# Children come from a process that has imported everything, not from pytest, which has threads.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["qdrant_client", "langchain_memalign", __name__])
PATIENCE = 60

SHARED = "Shared remark."
"""What experts in every process say: the rule of it is one principle with all their cases."""


def open_judge(url, options, respond=one_rule_a_record):
    """A judge on a memory of its own process, and its model."""
    memory = Memory.open(url, embeddings=CountingEmbeddings(), **options)
    model = ScriptedModel(respond=respond)
    judge = MemAlignJudge(
        name="tone",
        instructions="Is the reply kind?",
        value_type=bool,
        model=model,
        memory=memory,
        retry=Retry(first_wait=0),
    )
    return judge, model


def rounds(start, count):
    """Feedback in small batches; in each, one with the remark that all share."""
    for number in range(start, start + count):
        yield [feedback(2 * number), feedback(2 * number + 1, rationale=SHARED)]


def align_and_judge(pipe, url, options, start, count, by_graph):
    """Align batch after batch and judge in between; tell what the model was asked and answered."""
    judge, model = open_judge(url, options)
    graph = create_alignment_graph(judge) if by_graph else None
    pipe.send("ready")
    pipe.recv()
    verdicts = []
    with judge.memory:
        for batch in rounds(start, count):
            if graph is None:
                judge.align(batch)
            else:
                graph.invoke({"feedback": batch})
            verdict = judge.invoke({"inputs": batch[0]["inputs"], "outputs": "An answer."})
            verdicts.append((verdict.principle_ids, verdict.episode_ids))
    distilled = [len(request.record_ids) for request in model.titled("principles")]
    pipe.send((verdicts, distilled))


def align_once(pipe, url, options, batch):
    """Align once, telling when it is about to begin."""
    judge, _ = open_judge(url, options)
    pipe.send("ready")
    pipe.recv()
    judge.align(batch)
    pipe.send("done")


def write_in_turn(pipe, url, options, first, second):
    """Hold the writer's lease, wait to be told, and write."""
    from .deployment import AT_ONCE, QdrantStore
    from .points import point

    store = QdrantStore.open(url, retry=AT_ONCE, **options)
    store.acquire("writer")
    store.write([point(first)])
    pipe.send("holds")
    pipe.recv()
    try:
        store.write([point(second)])
    except Exception as error:
        pipe.send(f"{type(error).__name__}: {error}")
    else:
        pipe.send("wrote")


@contextmanager
def process(task, *arguments):
    """A process at work on a task; its end of the pipe is the task's first argument."""
    ours, theirs = PROCESSES.Pipe()
    child = PROCESSES.Process(target=task, args=(theirs, *arguments), daemon=True)
    child.start()
    theirs.close()
    try:
        yield child, ours
    finally:
        child.kill()
        child.join()
        child.close()
        ours.close()


def heard(pipe):
    """The next message of a process."""
    assert pipe.poll(PATIENCE), "the process said nothing in time"
    return pipe.recv()
