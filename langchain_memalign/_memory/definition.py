"""What a memory knows of a judge itself, and whether a judge that is set up anew is that one."""

from __future__ import annotations

import difflib
import json
import logging
from collections.abc import Mapping
from typing import Any

from langchain_memalign._memory.records import Records
from langchain_memalign._values.types import JudgeSpec, ValueType
from langchain_memalign.errors import ConfigurationError, InvalidInputError
from langchain_memalign.schema import JudgeDefinition, Put, now

_log = logging.getLogger(__name__)

_NEAR = 0.8


def definition_of(spec: JudgeSpec, **settings: Any) -> JudgeDefinition:
    """The definition of a judge that is set up like this; `settings` are fields of it."""
    return JudgeDefinition(
        id=JudgeDefinition.id_of(spec.name),
        spec=spec.model_dump(mode="json", exclude={"name"}),
        updated_at=now(),
        **settings,
    )


def written_anew(
    judge: str, known: JudgeDefinition | None, definition: JudgeDefinition
) -> list[Put]:
    """What has to be written for the memory to know the judge as it is now."""
    if known is not None:
        same = known.model_copy(update={"updated_at": definition.updated_at})
        if same == definition:
            return []
    return [Put(judge=judge, record=definition)]


def check_definition(records: Records, judge: str, definition: JudgeDefinition) -> None:
    """Refuse a judge that the memory knows as another one.

    A name that the memory does not know, but that is near to one that it does, is mentioned in the
    log: it may be misspelt.

    Raises:
        ConfigurationError: Instructions, value type or the meanings of its values differ.
    """
    known = records.definition(judge)
    if known is None:
        near = _near(records, judge)
        if near:
            _log.warning(
                "the judge %r is new to the memory %s, which knows %s: is the name right?",
                judge,
                records.location,
                " and ".join(map(repr, near)),
            )
        return
    differs = [
        f"{name}: found {_shown(definition.spec.get(name))}, expected {_shown(was)}"
        for name in JudgeDefinition.DEFINING
        if (was := known.spec.get(name)) != definition.spec.get(name)
    ]
    if differs:
        raise ConfigurationError(
            f"the memory {records.location} knows a different judge {judge!r}: "
            f"{'; '.join(differs)}. Set it up as it was (MemAlignJudge.load does), pass "
            "redefine=True to keep what it has learned so far, or choose another name."
        )


def known_definition(records: Records, judge: str) -> JudgeDefinition:
    """The definition of a judge that the memory knows.

    Raises:
        InvalidInputError: It does not, or it keeps what was learned before definitions were.
    """
    known = records.definition(judge)
    if known is None:
        names = records.judges()
        near = _near(records, judge)
        meant = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise InvalidInputError(
            f"judge: the memory {records.location} keeps no definition of {judge!r}; expected one "
            f"of {', '.join(map(repr, names)) or 'none, for it is empty'}.{meant} Set a judge up "
            "with MemAlignJudge(...); the memory keeps its definition with what it learns."
        )
    return known


def kept_of(known: JudgeDefinition, options: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `MemAlignJudge`, besides name, memory and model, that a memory kept.

    Raises:
        ConfigurationError: The distiller was no name, and `options` give none.
    """
    if known.has_distiller and known.distiller is None and "distiller" not in options:
        raise ConfigurationError(
            "distiller: the memory does not know the judge's distiller by name; expected one: "
            "pass distiller=, or None to learn with the model itself."
        )
    settings = ("k", "principle_tokens", "distiller", "probabilities", "aggregate")
    kept = {**known.spec, **{name: getattr(known, name) for name in settings}}
    kept["value_type"] = ValueType(**kept["value_type"])
    return kept


def _near(records: Records, judge: str) -> list[str]:
    names = records.judges()
    return [] if judge in names else difflib.get_close_matches(judge, names, n=2, cutoff=_NEAR)


def _shown(value: Any) -> str:
    return f"{json.dumps(value, ensure_ascii=False)!s:.160}"
