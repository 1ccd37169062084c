"""What Python objects hold is what is judged, written as the ecosystem writes it."""

import collections
import dataclasses
import datetime as dt
import enum
import ipaddress
import json
import pathlib
import uuid
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from langchain_core.documents import Document
from langchain_core.messages import AIMessage
from pydantic import BaseModel, ConfigDict

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Case

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


class Colour(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    LARGE = 3


@dataclasses.dataclass
class Order:
    number: int
    at: dt.date
    tags: list[str] = dataclasses.field(default_factory=list)


class Point(NamedTuple):
    x: int
    y: float


class Reply(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    text: str
    scores: Any = None


class Speaks:
    """An object of some library that says itself what it holds."""

    def to_dict(self):
        return {"said": "hello"}


FRAME = pd.DataFrame({"city": ["Paris", "Rome"], "celsius": [22, 19]})
ROWS = [{"city": "Paris", "celsius": 22}, {"city": "Rome", "celsius": 19}]
HELD = {
    "datetime": (NOON, "2026-01-01T12:00:00+00:00"),
    "date": (NOON.date(), "2026-01-01"),
    "time": (dt.time(12, 30), "12:30:00"),
    "duration": (dt.timedelta(minutes=2), 120.0),
    "pandas time": (pd.Timestamp(NOON), "2026-01-01T12:00:00+00:00"),
    "NumPy time": (np.datetime64("2026-01-01T12:00"), "2026-01-01T12:00"),
    "uuid": (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    "path": (pathlib.PurePosixPath("/a/b"), "/a/b"),
    "address": (ipaddress.ip_address("10.0.0.1"), "10.0.0.1"),
    "whole decimal": (Decimal(12), 12),
    "decimal": (Decimal("19.90"), 19.9),
    "decimal of more digits than a float": (
        Decimal("0.12345678901234567890123"),
        "0.12345678901234567890123",
    ),
    "enum": (Colour.RED, "red"),
    "enum of numbers": (Size.LARGE, 3),
    "dataclass": (Order(7, NOON.date()), {"number": 7, "at": "2026-01-01", "tags": []}),
    "named tuple": (Point(1, 2.5), {"x": 1, "y": 2.5}),
    "deque": (collections.deque([1, 2]), [1, 2]),
    "NumPy truth": (np.bool_(True), True),
    "NumPy integer": (np.int64(7), 7),
    "NumPy number": (np.float32(0.5), 0.5),
    "NumPy text": (np.str_("a"), "a"),
    "array": (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    "array of times": (np.array(["2026-01-01"], dtype="datetime64[ns]"), None),
    "missing of pandas": (pd.NA, None),
    "missing time": (pd.NaT, None),
    "series": (FRAME["celsius"], [22, 19]),
    "data frame": (FRAME, ROWS),
    "Arrow table": (pa.table({"city": ["Paris", "Rome"], "celsius": [22, 19]}), ROWS),
    "Arrow scalar": (pa.scalar(5), 5),
    "with to_dict": (Speaks(), {"said": "hello"}),
    "pydantic": (Reply(text="Hi"), {"text": "Hi", "scores": None}),
    "pydantic with an array": (
        Reply(text="Hi", scores=np.array([0.5])),
        {"text": "Hi", "scores": [0.5]},
    ),
    "pydantic with a dataclass": (
        Reply(text="Hi", scores=Order(7, NOON.date())),
        {"text": "Hi", "scores": {"number": 7, "at": "2026-01-01", "tags": []}},
    ),
}


@pytest.mark.parametrize(("value", "held"), HELD.values(), ids=HELD)
def test_an_object_is_what_it_holds(value, held):
    case = Case(inputs={"order": value}, outputs=[value, "and more"])

    held = ["2026-01-01T00:00:00.000000000"] if held is None and hasattr(value, "tolist") else held
    assert json.dumps(case.inputs["order"]) == json.dumps(held)
    assert json.dumps(case.outputs[0]) == json.dumps(held)
    assert Case(**json.loads(case.model_dump_json())) == case


def test_documents_are_read_with_what_their_metadata_holds():
    document = Document("It is warm.", metadata={"at": NOON, "page": np.int64(3)})

    (kept,) = Case(inputs="Warm?", outputs={"documents": [document]}).outputs["documents"]
    assert kept["page_content"] == "It is warm."
    assert kept["metadata"]["page"] == 3
    assert kept["metadata"]["at"].startswith("2026-01-01T12:00:00")


def test_objects_within_messages_and_tool_calls_are_what_they_hold():
    calls = [{"name": "book", "args": {"at": NOON, "seats": np.int64(2)}, "id": "1"}]
    written = [{"name": "book", "args": {"at": NOON.isoformat(), "seats": 2}, "id": "2"}]

    assert Case(outputs=AIMessage("", tool_calls=calls)) == Case(
        outputs=AIMessage("", tool_calls=written)
    )


def test_missing_inputs_are_not_there():
    for missing in (float("nan"), pd.NA, pd.NaT, np.float64("nan"), None):
        assert Case(inputs=missing, outputs="Hi").inputs is None


@pytest.mark.parametrize(
    "value",
    [object(), lambda: 1, iter([1]), {1, 2}, b"raw", 1j, np.array([1j]), Colour],
    ids=["object", "function", "iterator", "set", "bytes", "complex", "array", "class"],
)
def test_what_cannot_be_written_is_refused_with_its_place(value):
    with pytest.raises(InvalidInputError, match=r"outputs\.steps\[0\]"):
        Case(outputs={"steps": [{"x": value}]})


@pytest.mark.parametrize("value", [Decimal("nan"), Decimal("inf"), np.float32("nan")])
def test_numbers_that_are_none_are_refused_wherever_they_come_from(value):
    with pytest.raises(InvalidInputError, match=r"outputs\.score is (nan|inf)"):
        Case(outputs={"score": value})


def test_nul_becomes_the_replacement_character():
    case = Case(inputs={"a\0": "b\0c"}, outputs=AIMessage("d\0"))

    assert case.inputs == {"a\ufffd": "b\ufffdc"}
    assert case.outputs == [{"role": "assistant", "content": "d\ufffd"}]


def test_keys_that_would_become_one_are_refused():
    with pytest.raises(InvalidInputError, match="differ by NUL"):
        Case(inputs={"a\0": 1, "a\ufffd": 2})
