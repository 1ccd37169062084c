"""The work of optimizers that search for a better prompt: MLflow's GEPA and SIMBA, DSPy's MIPROv2.

python optimizers.py WHAT DIRECTORY N CHAT_SECONDS ATTEMPT

All at their own default budget and seed. The endpoint is that of OPENAI_BASE_URL; GEPA and SIMBA
learn from the traces that `reference.py setup` left in the directory.
"""

import json
import logging
import sys

# First, as it keeps MLflow and LiteLLM from asking the network.
from reference import fetched, track, unaligned  # isort: skip

import dspy
from mlflow.genai.judges.optimizers import GEPAAlignmentOptimizer, SIMBAAlignmentOptimizer
from work import CHAT_MODEL, INSTRUCTIONS, Timed, record, told


class Failures(logging.Handler):
    """Keeps what optimizers log and go on from: a broken call would look like a saved one."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.found = []
        for name in ("dspy", "mlflow"):
            logging.getLogger(name).addHandler(self)

    def emit(self, logged):
        # SIMBA warns of a judgement that failed; what else is a warning is not a failure.
        if logged.levelno >= logging.ERROR or logged.name == "dspy.teleprompt.simba_utils":
            self.found.append(logged.getMessage())


def of_mlflow(optimizer, directory, n):
    traces = fetched(track(directory))[:n]
    with Timed() as timed:
        unaligned().align(traces, optimizer)
    return timed


def gepa(directory, n):
    return of_mlflow(GEPAAlignmentOptimizer(model=f"openai:/{CHAT_MODEL}"), directory, n)


def simba(directory, n):
    return of_mlflow(SIMBAAlignmentOptimizer(model=f"openai:/{CHAT_MODEL}"), directory, n)


def example(number):
    """A record as an example; MLflow, too, gives judges inputs and outputs as JSON."""
    given = record(number)
    asked = {name: json.dumps(given[name]) for name in ("inputs", "outputs")}
    said = {name: given[name] for name in ("value", "rationale")}
    return dspy.Example(**asked, **said).with_inputs(*asked)


def agrees(expected, predicted, trace=None):
    return expected.value == predicted.value


def miprov2(directory, n):
    dspy.configure(lm=dspy.LM(f"openai/{CHAT_MODEL}"))
    asked = dspy.Signature("inputs, outputs -> value: bool, rationale: str", INSTRUCTIONS)
    examples = [example(number) for number in range(n)]
    with Timed() as timed:
        dspy.MIPROv2(metric=agrees, auto="light").compile(dspy.Predict(asked), trainset=examples)
    return timed


if __name__ == "__main__":
    what, directory, n, *_ = sys.argv[1:]
    failures = Failures()
    timed = globals()[what](directory, int(n))
    assert not failures.found, failures.found[:3]
    told(seconds=timed.wall)
