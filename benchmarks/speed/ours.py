"""This package's side of the work; the endpoint is that of OPENAI_BASE_URL.

python ours.py WHAT DIRECTORY N CHAT_SECONDS
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
    judgements,
    many_at_once,
    many_awaited,
    peak_mb,
    record,
    told,
)

from langchain_memalign import MemAlignJudge, Memory  # noqa: E402


def opened(directory):
    embeddings = OpenAIEmbeddings(
        model=EMBEDDING_MODEL,
        dimensions=DIMENSIONS,
        # Else it would download a tokenizer.
        check_embedding_ctx_length=False,
    )
    memory = Memory.open(directory, embeddings=embeddings, embeddings_id=EMBEDDING_MODEL)
    return memory, MemAlignJudge(
        name=NAME,
        instructions=INSTRUCTIONS,
        value_type=bool,
        model=f"openai:{CHAT_MODEL}",
        memory=memory,
    )


def case(number_or_record):
    return {name: number_or_record[name] for name in ("inputs", "outputs")}


def align(directory, n, chat_seconds):
    memory, judge = opened(f"{directory}/ours")
    with memory:
        given = [record(number) for number in range(n)]
        with Timed() as fresh:
            report = judge.align(given)
        assert len(report.distilled) == n, report.pending[:3]
        with Timed() as one_more:
            judge.align([record(n)])
        with Timed() as forgetting:
            judge.forget([report.stored[0]])
        told(
            align=fresh.wall,
            align_cpu=fresh.cpu,
            one_more=one_more.wall,
            forget=forgetting.wall,
            peak_mb=peak_mb(),
        )


def align_only(directory, n, chat_seconds):
    memory, judge = opened(f"{directory}/ours")
    with memory:
        with Timed() as timed:
            report = judge.align([record(number) for number in range(n)])
        assert len(report.distilled) == n, report.pending[:3]
        told(seconds=timed.wall)


def one_more(directory, n, chat_seconds):
    memory, judge = opened(f"{directory}/ours")
    with memory:
        report = judge.align([record(n + 1)])
        told(seconds=time.perf_counter() - _BEGAN, embedded=report.embedded)


def first_verdict(directory, n, chat_seconds):
    memory, judge = opened(f"{directory}/ours")
    with memory:
        judge.invoke(case(record(50_000)))
        told(seconds=time.perf_counter() - _BEGAN)


def judge(directory, n, chat_seconds):
    memory, judge = opened(f"{directory}/ours")
    with memory:
        beyond = judgements(lambda r: judge.invoke(case(r)), chat_seconds)
        threads = many_at_once(lambda r: judge.invoke(case(r)))
        awaited = many_awaited(lambda r: judge.ainvoke(case(r)))
        told(**beyond, threads=threads, awaited=awaited)


if __name__ == "__main__":
    what, directory, n, chat_seconds = sys.argv[1:]
    globals()[what](directory, int(n), float(chat_seconds))
