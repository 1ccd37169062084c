"""The words of this package as frozen models: what is judged, taught, remembered, reported."""

from langchain_memalign.schema.case import (
    Case,
    Feedback,
)
from langchain_memalign.schema.memory import (
    Change,
    Episode,
    Erase,
    JudgeDefinition,
    Principle,
    Put,
    Recalled,
    WorkingMemory,
    deciding,
    principle_id,
)
from langchain_memalign.schema.outcome import (
    AlignmentReport,
    Conflict,
    ForgetReport,
    GateDecision,
    GateEvidence,
    Latency,
    Pending,
    Rejected,
    Superseded,
    Unscored,
    Verdict,
)
from langchain_memalign.schema.probabilities import Probabilities
from langchain_memalign.schema.record import (
    OptionalText,
    Record,
    Text,
    Value,
    now,
)

__all__ = [
    "AlignmentReport",
    "Case",
    "Change",
    "Conflict",
    "Episode",
    "Erase",
    "Feedback",
    "ForgetReport",
    "GateDecision",
    "GateEvidence",
    "JudgeDefinition",
    "Latency",
    "OptionalText",
    "Pending",
    "Principle",
    "Probabilities",
    "Put",
    "Recalled",
    "Record",
    "Rejected",
    "Superseded",
    "Text",
    "Unscored",
    "Value",
    "Verdict",
    "WorkingMemory",
    "deciding",
    "now",
    "principle_id",
]
