"""MLflow's MemAlign on the trials of a learning curve, with our model and embeddings."""

import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import groupby
from typing import Literal

os.environ |= {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it asks for a newer one
}

import mlflow
from mlflow.entities import AssessmentSource
from mlflow.genai.judges import make_judge
from mlflow.genai.judges.optimizers import MemAlignOptimizer
from relay import passed_on, relay

from langchain_memalign._models.resolve import resolve_embeddings
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.evaluation.trials import Judgement


def judged_trials(trials, spec, options, told):
    """Rows of all trials.

    Args:
        trials: What to teach and to ask.
        spec: Our judge's name, instructions and value type.
        options: The model, its address, the embeddings, and how many are asked at once.
        told: Called with how many more are judged.
    """
    found = []
    with served(spec, options) as size:
        for _, alike in groupby(trials, key=lambda trial: trial.training_id):
            together = list(alike)
            judge = taught(spec, together[0].teach, options, size)
            for trial in together:
                found += asked(judge, trial, spec.value_type, options.concurrency)
                told(len(trial.ask))
    return found


@contextmanager
def served(spec, options):
    """A place for MLflow to log to, and an address with model and embeddings; gives their size."""
    embeddings, _ = resolve_embeddings(options.embeddings)
    with tempfile.TemporaryDirectory() as folder, _relay(options, embeddings) as url:
        os.environ |= {"OPENAI_BASE_URL": url, "OPENAI_API_BASE": url}
        os.environ.setdefault("OPENAI_API_KEY", "none")
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        mlflow.set_experiment(spec.name)
        yield len(embeddings.embed_query("size"))


def taught(spec, words, options, size):
    """MLflow's judge of our specification, after it was taught the words, if there are any."""
    judge = make_judge(
        name=spec.name,
        instructions=spec.instructions + " Inputs: {{ inputs }} Outputs: {{ outputs }}",
        model=f"openai:/{options.model}",
        feedback_value_type=_declared(spec.value_type),
    )
    if not words:
        return judge
    optimizer = MemAlignOptimizer(
        reflection_lm=f"openai:/{options.model}",
        embedding_model="openai:/embeddings",
        embedding_dim=size,
    )
    return judge.align([_logged(word, spec.name) for word in words], optimizer)


def guidelines(judge):
    """What it learned; only a judge that was taught has any."""
    return tuple(g.guideline_text for g in getattr(judge, "_semantic_memory", ()))


def asked(judge, trial, value_type, concurrency):
    """Its judgements of a trial's cases."""
    learned = guidelines(judge)

    def one(question):
        value, reason, examples = None, "", ()
        try:
            said = judge(**_sides(question.case))
            examples = tuple((said.metadata or {}).get("retrieved_example_trace_ids", ()))
            value, reason = value_type.check(said.value), said.rationale or ""
        except InvalidInputError as error:
            reason = str(error)
        except Exception as error:  # whatever its libraries raise: no verdict, as in ours
            reason = f"{type(error).__name__}: {error}"
        return Judgement(
            setting=trial.setting,
            split=question.split,
            id=question.id,
            expert=question.expert,
            value=value,
            reason=reason,
            principle_ids=learned,
            episode_ids=examples,
        )

    with ThreadPoolExecutor(concurrency) as pool:
        return list(pool.map(one, trial.ask))


def _logged(word, name):
    """An expert's word as a trace with an assessment."""
    with mlflow.start_span("agent") as span:
        sides = _sides(word.case)
        span.set_inputs(sides["inputs"])
        span.set_outputs(sides["outputs"])
    mlflow.log_feedback(
        trace_id=span.trace_id,
        name=name,
        value=word.value,
        rationale=word.rationale,
        source=AssessmentSource(source_type="HUMAN", source_id=word.reviewer or "expert"),
    )
    return mlflow.get_trace(span.trace_id)


def _sides(case):
    """Inputs and outputs; a reference stands with the inputs, where its judge can see it."""
    inputs = case.inputs if isinstance(case.inputs, dict) else {"input": case.inputs}
    if case.reference_outputs is not None:
        inputs = inputs | {"reference_outputs": case.reference_outputs}
    return {"inputs": inputs, "outputs": case.outputs}


def _declared(value_type):
    if value_type.kind == "boolean":
        return bool
    if value_type.kind == "integer":
        return Literal[*range(int(value_type.minimum), int(value_type.maximum) + 1)]
    return Literal[*value_type.labels] if value_type.labels else float


def _relay(options, embeddings):
    """An address with our embeddings that passes all else on: MLflow knows one address.

    What is passed on is sampled as ours is.
    """

    def answer(path, body, headers):
        asked = json.loads(body)
        if path.endswith("/embeddings"):
            return 200, json.dumps(_embedded(asked, embeddings)).encode()
        sampled = json.dumps(asked | options.sampling).encode()
        return passed_on(options.base_url + path, sampled, headers)

    return relay(answer)


def _embedded(asked, embeddings):
    texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    data = [
        {"object": "embedding", "index": place, "embedding": list(vector)}
        for place, vector in enumerate(embeddings.embed_documents(texts))
    ]
    usage = {"prompt_tokens": 0, "total_tokens": 0}
    return {"object": "list", "model": asked["model"], "data": data, "usage": usage}
