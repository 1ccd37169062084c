"""Records for a memory, and embeddings that point where their texts say."""

import math
import re
from datetime import UTC, datetime, timedelta

from colours import Call, run
from langchain_core.embeddings import Embeddings

from langchain_memalign import Episode, Feedback, Principle
from langchain_memalign.schema import Put, principle_id

START = datetime(2026, 1, 1, tzinfo=UTC)
JUDGE = "tone"


class Compass(Embeddings):
    """A text such as "60°" points there, so that similarities are known; others point nowhere."""

    def __init__(self):
        self.calls = 0

    def embed_documents(self, texts):
        self.calls += 1
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text):
        found = re.search(r"(-?[\d.]+)°", text)
        angle = math.radians(float(found[1])) if found else 0
        return [math.cos(angle), math.sin(angle)] if found else [0.0, 0.0]


def on_day(day):
    return START + timedelta(days=day)


def episode(inputs, outputs="0°", *, judge=JUDGE, day=0, **fields):
    """An episode as feedback becomes one; to a case at "0°", it is (1 + cos) / 2 similar."""
    word = {"rationale": "Noted.", "created_at": on_day(day), **fields}
    return Episode.from_feedback(judge, Feedback(inputs=inputs, outputs=outputs, **word))


def principle(text, *, judge=JUDGE, day=0, **fields):
    return Principle(id=principle_id(judge, text), text=text, created_at=on_day(day), **fields)


def embedded(memory, *records, judge=JUDGE):
    """The changes that write records with their vectors."""
    return [
        Put(
            judge=judge,
            record=record,
            vector=run(
                Call("model_calls.embed_cases", memory.records, [record.case])
                if isinstance(record, Episode)
                else Call("model_calls.embed_texts", memory.records, [record.text])
            )[0],
        )
        for record in records
    ]


def remember(memory, *records, judge=JUDGE):
    memory.apply(embedded(memory, *records, judge=judge))


def case(inputs="0°", outputs="0°", **more):
    return {"inputs": inputs, "outputs": outputs, **more}


def inputs_of(working_memory):
    """What was recalled, by the inputs, nearest first."""
    return [recalled.episode.case.inputs for recalled in working_memory.episodes]


def texts_of(working_memory):
    return [principle.text for principle in working_memory.principles]
