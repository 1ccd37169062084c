"""The words of this package as frozen models: what is judged, taught, remembered, reported."""

from langchain_memalign.schema.agreement import (
    AgreementReport,
    CalibrationReport,
    Rate,
    Threshold,
)
from langchain_memalign.schema.case import (
    Case,
    Feedback,
)
from langchain_memalign.schema.health import (
    Drift,
    Gap,
    HealthReport,
    PassRate,
    PrincipleEffect,
    Slope,
)
from langchain_memalign.schema.judge_record import JudgeRecord, NearCase, with_record
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
    "AgreementReport",
    "AlignmentReport",
    "CalibrationReport",
    "Case",
    "Change",
    "Conflict",
    "Drift",
    "Episode",
    "Erase",
    "Feedback",
    "ForgetReport",
    "Gap",
    "GateDecision",
    "GateEvidence",
    "HealthReport",
    "JudgeDefinition",
    "JudgeRecord",
    "Latency",
    "NearCase",
    "OptionalText",
    "PassRate",
    "Pending",
    "Principle",
    "PrincipleEffect",
    "Probabilities",
    "Put",
    "Rate",
    "Recalled",
    "Record",
    "Rejected",
    "Slope",
    "Superseded",
    "Text",
    "Threshold",
    "Unscored",
    "Value",
    "Verdict",
    "WorkingMemory",
    "deciding",
    "now",
    "principle_id",
    "with_record",
]
