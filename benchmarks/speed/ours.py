"""This package's side of the work; the endpoint is that of OPENAI_BASE_URL.

python ours.py WHAT DIRECTORY N CHAT_SECONDS ATTEMPT
"""

import sys
import time

_BEGAN = time.perf_counter()

from langchain_openai import OpenAIEmbeddings  # noqa: E402
from work import (  # noqa: E402
    CHAT_MODEL,
    DIMENSIONS,
    EMBEDDING_MODEL,
    INSTRUCTIONS,
    NAME,
    Timed,
    as_batch,
    counts,
    judgements,
    many_at_once,
    many_awaited,
    peak_mb,
    real,
    record,
    shared_data,
    told,
)

from langchain_memalign import MemAlignJudge, Memory  # noqa: E402

SPEC = {"name": NAME, "instructions": INSTRUCTIONS, "value_type": bool}


def opened(directory, **spec):
    embeddings = OpenAIEmbeddings(
        model=EMBEDDING_MODEL,
        dimensions=DIMENSIONS,
        # Else it would download a tokenizer.
        check_embedding_ctx_length=False,
    )
    memory = Memory.open(directory, embeddings=embeddings, embeddings_id=EMBEDDING_MODEL)
    judge = MemAlignJudge(**(spec or SPEC), model=f"openai:{CHAT_MODEL}", memory=memory)
    return memory, judge


def case(record):
    return {name: record[name] for name in ("inputs", "outputs")}


def align(directory, n, chat_seconds, attempt):
    memory, judge = opened(f"{directory}/ours-{attempt}")
    with memory:
        given = [record(number) for number in range(n)]
        with Timed() as fresh:
            report = judge.align(given)
        assert len(report.distilled) == n, report.pending[:3]
        counted = counts()
        with Timed() as one_more:
            judge.align([record(n)])
        before = counts()["embedded"]
        with Timed() as forgetting:
            judge.forget([report.stored[0]])
        told(
            align=fresh.wall,
            align_cpu=fresh.cpu,
            align_counts=counted,
            one_more=one_more.wall,
            forget=forgetting.wall,
            forget_embedded=counts()["embedded"] - before,
            peak_mb=peak_mb(),
        )


def align_only(directory, n, chat_seconds, attempt):
    memory, judge = opened(f"{directory}/ours-{attempt}")
    with memory:
        with Timed() as timed:
            report = judge.align([record(number) for number in range(n)])
        assert len(report.distilled) == n, report.pending[:3]
        told(seconds=timed.wall)


def one_more(directory, n, chat_seconds, attempt):
    memory, judge = opened(f"{directory}/ours-{attempt}")
    with memory:
        report = judge.align([record(n + 1)])
        told(seconds=time.perf_counter() - _BEGAN, embedded=report.embedded)


def first_verdict(directory, n, chat_seconds, attempt):
    memory, judge = opened(f"{directory}/ours-{attempt}")
    with memory:
        judge.invoke(case(record(50_000)))
        told(seconds=time.perf_counter() - _BEGAN)


def judge(directory, n, chat_seconds, attempt):
    memory, judge = opened(f"{directory}/ours-{attempt}")
    with memory:
        beyond = judgements(lambda r: judge.invoke(case(r)), chat_seconds)
        threads = many_at_once(lambda r: judge.invoke(case(r)))
        batch = as_batch(judge, case)
        told(**beyond, threads=threads, batch=batch, **many_awaited(judge, case))


def prompts(directory, name):
    """Teach it real records and let it judge others; what counts are its prompts."""
    taught, asked = real(name)
    spec = {
        "name": name,
        "instructions": taught[0]["criterion"],
        "value_type": shared_data.value_type(taught[0]),
    }
    memory, judge = opened(directory, **spec)
    with memory:
        report = judge.align(map(shared_data.feedback, taught))
        assert len(report.distilled) == len(taught), report.pending[:3]
        for row in asked:
            judge.invoke(case(row))
    told()


if __name__ == "__main__":
    what, directory, n, chat_seconds, attempt = sys.argv[1:]
    if what.startswith("prompts:"):
        prompts(directory, what.removeprefix("prompts:"))
    else:
        globals()[what](directory, int(n), float(chat_seconds), int(attempt))
