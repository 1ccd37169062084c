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

    def trace(self, inputs, outputs, *, session=None, steps=()):
        """Trace a call, of a session or not, with steps of inputs and outputs.

        Returns the trace's id, or with steps, that and those of their spans.
        """
        ids = []
        with self._mlflow.start_span("agent") as span:
            if session is not None:
                metadata = {"mlflow.trace.session": session}
                self._mlflow.update_current_trace(metadata=metadata)
            for taken, gave in steps:
                with self._mlflow.start_span("step") as step:
                    step.set_inputs(taken)
                    step.set_outputs(gave)
                ids.append(step.span_id)
            span.set_inputs(inputs)
            span.set_outputs(outputs)
        return (span.trace_id, *ids) if steps else span.trace_id

    def say(
        self,
        trace,
        value,
        why=None,
        *,
        by="ann",
        kind="HUMAN",
        name="tone",
        instead_of=None,
        span=None,
        session=None,
    ):
        """Assess a trace, one of its spans or its session; returns the assessment's id."""
        from mlflow.entities import AssessmentSource

        about = {} if span is None else {"span_id": span}
        about |= {} if session is None else {"metadata": {"mlflow.trace.session": session}}
        told = {
            **about,
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

    def unsay(self, trace, assessment):
        """Delete an assessment."""
        self._mlflow.delete_assessment(trace_id=trace, assessment_id=assessment)

    def delete(self, trace):
        from mlflow import MlflowClient

        there = self._mlflow.get_experiment_by_name("support")
        MlflowClient().delete_traces(experiment_id=there.experiment_id, trace_ids=[trace])

    def expect(self, trace, value):
        self._mlflow.log_expectation(trace_id=trace, name="expected_response", value=value)

    def log(self, trace, assessment):
        from mlflow.entities import Assessment

        self._mlflow.log_assessment(trace, Assessment.from_dictionary(assessment))
