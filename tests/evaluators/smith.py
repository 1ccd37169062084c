"""LangSmith without its server: examples, and clients that count what they would send."""

import uuid
from datetime import UTC, datetime

from langsmith import Client, schemas

DATASET = uuid.UUID(int=1)


class OfflineClient(Client):
    """Sends nothing, and remembers of which runs it was told."""

    def __init__(self):
        super().__init__(api_key="offline", auto_batch_tracing=False)
        self.__dict__["told"] = []

    def create_run(self, name, inputs, run_type, **fields):
        self.told.append(name)

    def update_run(self, run_id, **fields):
        pass


def client():
    """One that drops the runs of the evaluated program, which `aevaluate` always traces."""
    return Client(api_key="offline", auto_batch_tracing=False, tracing_sampling_rate=0.0)


def example(inputs, outputs=None):
    return schemas.Example(id=uuid.uuid4(), dataset_id=DATASET, inputs=inputs, outputs=outputs)


def run(outputs, *, of=None):
    moment = datetime(2026, 1, 5, tzinfo=UTC)
    return schemas.Run(
        id=uuid.uuid4(),
        name="program",
        start_time=moment,
        run_type="chain",
        inputs={},
        outputs=outputs,
        trace_id=uuid.uuid4(),
        reference_example_id=of and of.id,
    )


def offline(target_or_pair, data, **options):
    """Options of `evaluate` and `aevaluate` that keep everything here."""
    return {"data": data, "upload_results": False, "client": client(), **options}
