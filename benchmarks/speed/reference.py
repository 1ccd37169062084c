"""MLflow's side of the work; the endpoint is that of OPENAI_BASE_URL.

python reference.py WHAT DIRECTORY N CHAT_SECONDS ATTEMPT
"""

import os
import sys
import time
from typing import Literal

_BEGAN = time.perf_counter()
os.environ |= {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it asks for a newer one
}

import mlflow  # noqa: E402
from mlflow.entities import AssessmentSource  # noqa: E402
from mlflow.genai.judges import make_judge  # noqa: E402
from mlflow.genai.judges.optimizers import MemAlignOptimizer  # noqa: E402
from mlflow.genai.scorers import get_scorer  # noqa: E402
from work import (  # noqa: E402
    CHAT_MODEL,
    DIMENSIONS,
    EMBEDDING_MODEL,
    INSTRUCTIONS,
    NAME,
    Timed,
    counts,
    judgements,
    many_at_once,
    peak_mb,
    real,
    record,
    shared_data,
    told,
)


def track(directory):
    mlflow.set_tracking_uri(f"sqlite:///{directory}/mlflow.db")
    return mlflow.set_experiment("speed").experiment_id


def log(said, name=NAME):
    with mlflow.start_span("agent") as span:
        span.set_inputs(said["inputs"])
        span.set_outputs(said["outputs"])
    mlflow.log_feedback(
        trace_id=span.trace_id,
        name=name,
        value=said["value"],
        rationale=said["rationale"],
        source=AssessmentSource(source_type="HUMAN", source_id="ann"),
    )


def setup(directory, n, chat_seconds, attempt):
    track(directory)
    for number in range(n + 2):
        log(record(number))
    told()


def fetched(experiment):
    return mlflow.search_traces(
        locations=[experiment],
        return_type="list",
        max_results=100_000,
        order_by=["timestamp_ms ASC"],
    )


def optimizer():
    return MemAlignOptimizer(
        reflection_lm=f"openai:/{CHAT_MODEL}",
        embedding_model=f"openai:/{EMBEDDING_MODEL}",
        embedding_dim=DIMENSIONS,
    )


def unaligned(name=NAME, instructions=INSTRUCTIONS, value_type=bool):
    return make_judge(
        name=name,
        instructions=instructions + " Request: {{ inputs }} Reply: {{ outputs }}",
        model=f"openai:/{CHAT_MODEL}",
        feedback_value_type=value_type,
    )


def align(directory, n, chat_seconds, attempt):
    experiment = track(directory)
    traces = fetched(experiment)
    with Timed() as fresh:
        judge = unaligned().align(traces[:n], optimizer())
    counted = counts()
    judge.register(experiment_id=experiment)
    with Timed() as one_more:
        more = judge.align([traces[n]], optimizer())
    before = counts()["embedded"]
    with Timed() as forgetting:
        more.unalign([traces[0]])
    told(
        align=fresh.wall,
        align_cpu=fresh.cpu,
        align_counts=counted,
        one_more=one_more.wall,
        forget=forgetting.wall,
        forget_embedded=counts()["embedded"] - before,
        peak_mb=peak_mb(),
    )


def saved(experiment):
    return get_scorer(name=NAME, experiment_id=experiment)


def one_more(directory, n, chat_seconds, attempt):
    experiment = track(directory)
    judge = saved(experiment)
    new = fetched(experiment)[n + 1]
    judge._lazy_init()  # without it, aligning a loaded judge would drop what it knows
    judge.align([new], optimizer())
    told(seconds=time.perf_counter() - _BEGAN)


def asked(r):
    return {"inputs": r["inputs"], "outputs": r["outputs"]}


def first_verdict(directory, n, chat_seconds, attempt):
    saved(track(directory))(**asked(record(50_000)))
    told(seconds=time.perf_counter() - _BEGAN)


def judge(directory, n, chat_seconds, attempt):
    judge = saved(track(directory))
    beyond = judgements(lambda r: judge(**asked(r)), chat_seconds)
    threads = many_at_once(lambda r: judge(**asked(r)))
    told(**beyond, threads=threads)


def prompts(directory, name):
    """Teach it real records and let it judge others; what counts are its prompts."""
    experiment = track(directory)
    taught, others = real(name)
    for row in taught:
        log(shared_data.feedback(row), name)
    values = shared_data.value_type(taught[0]).get("enum")
    plain = unaligned(name, taught[0]["criterion"], Literal[*values] if values else bool)
    judge = plain.align(fetched(experiment), optimizer())
    for row in others:
        judge(**asked(row))
    told()


if __name__ == "__main__":
    what, directory, n, chat_seconds, attempt = sys.argv[1:]
    if what.startswith("prompts:"):
        prompts(directory, what.removeprefix("prompts:"))
    else:
        globals()[what](directory, int(n), float(chat_seconds), int(attempt))
