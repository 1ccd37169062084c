"""Python objects as the JSON data that they hold, by protocol: none of their packages is imported.

Texts and numbers are written as LangSmith's serialiser and `datetime.isoformat` write them, so that
a case is the same whether it comes from memory or from a trace.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import ipaddress
import math
import os
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from langchain_core.messages import BaseMessage
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

_AS_TEXT = (
    uuid.UUID,
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
)
# How pandas, polars and pyarrow give a table's rows.
_ROWS = ("to_dicts", "to_pylist")


def opened(value: object) -> Any:
    """Return what an object holds, one level deep, as JSON types, mappings or sequences.

    Opened are dates and times (ISO text), UUIDs, paths and addresses (text), decimals and NumPy
    scalars (numbers), enums (their values), arrays and tensors (lists), tables (their rows), and
    dataclasses, named tuples, pydantic objects and others with `to_dict` (mappings). Missing values
    of pandas are None. Anything else, messages among it, is returned as it is.
    """
    if value is None or isinstance(value, str | bool | int | float | list | dict | BaseMessage):
        # Subclasses of these, such as an IntEnum, are what they hold already.
        return value
    match value:
        case enum.Enum():
            return opened(value.value)
        case Decimal():
            return _number(value)
        case BaseModel():
            return _dumped(value)
    if _is_not_there(value):
        return None
    match value:
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta():
            return value.total_seconds()
        case os.PathLike():
            return os.fspath(value)
    if isinstance(value, _AS_TEXT):
        return str(value)
    if isinstance(value, Mapping | type):
        return value
    if dataclasses.is_dataclass(value):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return value._asdict() if hasattr(value, "_asdict") else value
    if (rows := table_rows(value)) is not None:
        return rows
    if hasattr(value, "dtype"):
        return _array(value)
    if attributes := getattr(type(value), "__attrs_attrs__", None):
        return {attribute.name: getattr(value, attribute.name) for attribute in attributes}
    for name, kind in (("as_py", object), ("to_pylist", list), ("to_dict", dict)):
        if callable(give := getattr(value, name, None)):
            return held if isinstance(held := give(), kind) else value
    return value


def is_missing(value: object) -> bool:
    """Whether `value` stands for one that is not there: None, nan, or pandas' NaT and NA."""
    if value is None:
        return True
    if isinstance(value, float):
        return math.isnan(value)
    if isinstance(value, Decimal):
        return value.is_nan()
    if getattr(getattr(value, "dtype", None), "kind", "") == "f":
        return getattr(value, "shape", None) == () and bool(value != value)  # true of nan alone
    return _is_not_there(value)


def scalar(value: object) -> object:
    """A bare value of pandas, NumPy or an enum as Python's own; None where it is missing."""
    if is_missing(value):
        return None
    held = opened(value)
    return value if isinstance(held, Mapping | list | tuple) else held


def table_rows(value: object) -> list[dict[str, Any]] | None:
    """The rows of a DataFrame or table, as mappings; None if `value` is none."""
    if isinstance(value, type) or not (
        hasattr(value, "__dataframe__")
        or hasattr(value, "__arrow_c_stream__")
        or hasattr(value, "iterrows")
    ):
        return None
    for name in _ROWS:
        if callable(give := getattr(value, name, None)):
            rows = give()
            break
    else:
        if not hasattr(value, "iterrows"):
            return None
        rows = value.to_dict("records")  # type: ignore[attr-defined]
    return rows if isinstance(rows, list) and all(isinstance(r, dict) for r in rows) else None


def _is_not_there(value: object) -> bool:
    """Whether `value` is pandas' NA, or a time that is none."""
    if type(value).__name__ in ("NAType", "NaTType"):
        return type(value).__module__.startswith("pandas.")
    if getattr(getattr(value, "dtype", None), "kind", "") in ("M", "m"):
        return getattr(value, "shape", None) == () and bool(value != value)
    return False


def _array(value: Any) -> Any:
    if getattr(value.dtype, "kind", "") in ("M", "m"):
        value = value.astype(str)  # as numbers they would lose what they are
    if getattr(value, "shape", None) == () and callable(getattr(value, "item", None)):
        return value.item()
    for give in ("tolist", "to_list"):
        if callable(getattr(value, give, None)):
            return getattr(value, give)()
    return value


def _number(value: Decimal) -> int | float | str:
    if not value.is_finite():
        return float(value)
    if value == value.to_integral_value() and value.adjusted() < 19:
        return int(value) if value.as_tuple().exponent == 0 else float(value)
    number = float(value)
    # Of more digits than a float holds, the text says more.
    return number if Decimal(repr(number)) == value else str(value)


def _dumped(value: BaseModel) -> Any:
    try:
        return value.model_dump(mode="json", warnings="none")
    except PydanticSerializationError as error:
        if "Unable to serialize unknown type" not in str(error):
            raise
        # Something within that pydantic does not know, such as an array: opened in its turn.
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        return fields | (value.model_extra or {})
