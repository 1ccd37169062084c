"""An MLflow tracking store in a file, as experts use it."""

import os

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
# Else each trace waits for a batch.
os.environ["MLFLOW_ENABLE_ASYNC_TRACE_LOGGING"] = "false"


class Tracking:
    """An MLflow store with the experiment "support".

    Attributes:
        uri: Its tracking URI.
    """

    def __init__(self, uri):
        import mlflow

        self.uri = uri
        self._mlflow = mlflow
        mlflow.set_tracking_uri(uri)
        mlflow.set_experiment("support")

    def trace(self, inputs, outputs):
        """Trace a call; returns the trace's id."""
        with self._mlflow.start_span("agent") as span:
            span.set_inputs(inputs)
            span.set_outputs(outputs)
        return span.trace_id

    def say(self, trace, value, why=None, *, by="ann", kind="HUMAN", name="tone", instead_of=None):
        """Assess a trace; returns the assessment's id."""
        from mlflow.entities import AssessmentSource

        told = {
            "trace_id": trace,
            "value": value,
            "rationale": why,
            "source": AssessmentSource(source_type=kind, source_id=by),
        }
        if instead_of is None:
            said = self._mlflow.log_feedback(name=name, **told)
        else:
            said = self._mlflow.override_feedback(assessment_id=instead_of, **told)
        return said.assessment_id

    def expect(self, trace, value):
        self._mlflow.log_expectation(trace_id=trace, name="expected_response", value=value)

    def log(self, trace, assessment):
        from mlflow.entities import Assessment

        self._mlflow.log_assessment(trace, Assessment.from_dictionary(assessment))
