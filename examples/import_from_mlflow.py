"""Remarks that experts left on MLflow traces teach the judge; again, they cost nothing.

Runs offline, on a tracking store in a temporary directory. `memalign import-feedback mlflow` does
the same from the command line.
"""

import os
import tempfile

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")
import mlflow
from mlflow.entities import AssessmentSource

from langchain_memalign import MemAlignJudge, Memory
from langchain_memalign.importers import from_mlflow, import_feedback


def collect(tracking_uri: str) -> None:
    """What users of MLflow have already: traces, and what an expert said of them."""
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_experiment("support")
    ann = AssessmentSource(source_type="HUMAN", source_id="ann")
    for outputs, why in (("No idea.", "Say sorry first."), ("We are sorry. Tomorrow.", None)):
        with mlflow.start_span("agent") as span:
            span.set_inputs({"question": "Where is my parcel?"})
            span.set_outputs(outputs)
        mlflow.log_feedback(
            trace_id=span.trace_id, name="tone", value=why is None, rationale=why, source=ann
        )


def main() -> None:
    """Import twice."""
    with tempfile.TemporaryDirectory() as folder, Memory.open(":memory:", embeddings="local") as m:
        store = f"sqlite:///{folder}/mlflow.db"
        collect(store)
        judge = MemAlignJudge(
            name="tone", instructions="Is it kind?", value_type=bool, model="precedent", memory=m
        )
        for _ in range(2):
            source = from_mlflow(name="tone", experiment="support", tracking_uri=store)
            report = import_feedback(judge, source).alignment
            print(len(report.stored), "stored,", len(report.unchanged), "unchanged")
        for episode in judge.episodes():
            print(episode.reviewer, episode.value, "-", episode.rationale)


if __name__ == "__main__":
    main()

# Output:
# 2 stored, 0 unchanged
# 0 stored, 2 unchanged
# ann False - Say sorry first.
# ann True - None
