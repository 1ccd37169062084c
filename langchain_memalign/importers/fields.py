"""Which field of a foreign row becomes which field of a case or feedback."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Case, Feedback

CASE_FIELDS = ("id", *Case.model_fields)
"""What a row of cases may hold; the id is not judged, it only names the row."""

FEEDBACK_FIELDS = tuple(Feedback.model_fields)
"""What a row of feedback may hold."""

_EXAMPLE = "such as 'label=value,question=inputs.question'"
# A backslash before a comma, an equals sign or a dot makes it part of a name.
_COMMA, _EQUALS, _DOT = (re.compile(rf"(?<!\\){re.escape(mark)}") for mark in ",=.")

Path = tuple[str, ...]


@dataclass(frozen=True)
class _Pair:
    source: Path
    target: Path
    """Empty: the source is not used."""
    optional: bool


@dataclass(frozen=True)
class FieldMap:
    """Maps rows of other tools to the fields of a `Case` or `Feedback`.

    Written as `source=target` pairs with dotted paths on both sides:
    `label=value,question=inputs.question`. `comment?=rationale` is for a field that not every row
    has, `id=` drops one. A digit in a source path is a place in a list. Fields of a row that have
    the name of a target already need no pair.

    Attributes:
        fields: The targets that there are.
    """

    fields: tuple[str, ...]
    pairs: tuple[_Pair, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str], *, fields: Sequence[str]) -> Self:
        """Read pairs, several in a text, separated by commas.

        Args:
            texts: The pairs.
            fields: The targets that there are: `CASE_FIELDS` or `FEEDBACK_FIELDS`.

        Raises:
            InvalidInputError: A text is no such pair, a target is unknown, or two pairs have the
                same target.
        """
        pairs: list[_Pair] = []
        for text in (part.strip() for given in texts for part in _COMMA.split(given)):
            if text:
                pairs.append(_pair(text, tuple(fields)))
        for index, pair in enumerate(pairs):
            for other in pairs[:index]:
                shorter = min(len(pair.target), len(other.target))
                if shorter and pair.target[:shorter] == other.target[:shorter]:
                    raise InvalidInputError(
                        f"field mapping: found {_dotted(other.source)!r} and "
                        f"{_dotted(pair.source)!r} for {_dotted(pair.target)!r}; expected one "
                        "source for each target."
                    )
        return cls(tuple(fields), tuple(pairs))

    def apply(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a case or feedback that a row holds.

        A field that is mapped as a whole stands for the row's own of that name. Fields that are
        mapped into one join those that the row's own has, unless pairs pick some of these.

        Raises:
            InvalidInputError: The row lacks a mapped field, a list stands where a name is looked
                up, or what mapped fields would join is no object; names the field.
        """
        record = {name: row[name] for name in self.fields if name in row and self._keeps(name)}
        for name in self._joined():
            own = record.pop(name, None)
            if isinstance(own, Mapping):
                record[name] = own
            elif own is not None:
                raise InvalidInputError(
                    f"{name}: found a {type(own).__name__} and fields mapped into it; expected an "
                    f"object that they join. Map {name + '=' + name + '.text'!r} to keep it too, "
                    f"or {name + '='!r} to leave it out."
                )
        for pair in self.pairs:
            if not pair.target:
                continue
            found, value = _look_up(row, pair.source)
            if found:
                _put(record, pair.target, value)
            elif not pair.optional:
                source, target = _dotted(pair.source), _dotted(pair.target)
                raise InvalidInputError(
                    f"no field {source!r}; found {_listed(row)}. Where rows may lack it, map "
                    f"{source + '?=' + target!r}."
                )
        return record

    def missing(self, rows: Sequence[Mapping[str, Any]]) -> str | None:
        """The first mapped field that none of the rows has: most likely a slip of the pen."""
        for pair in self.pairs:
            if rows and not any(_look_up(row, pair.source)[0] for row in rows):
                return _dotted(pair.source)
        return None

    def unused(self, rows: Iterable[Mapping[str, Any]]) -> list[str]:
        """The names of top-level fields that stand in the rows and are not looked at."""
        roots = self._roots()
        names = dict.fromkeys(name for row in rows for name in row)
        return [n for n in names if n not in roots and not (n in self.fields and self._keeps(n))]

    def _keeps(self, name: str) -> bool:
        """Whether the row's own field of this name stays what it is, or is joined by others."""
        goes_elsewhere = (name,) in [pair.source for pair in self.pairs]
        # What is put in its place only in some rows leaves it to the others.
        is_replaced = (name,) in [pair.target for pair in self.pairs if not pair.optional]
        is_picked = name in self._parted() and name in self._roots()
        return not (goes_elsewhere or is_replaced or is_picked)

    def _joined(self) -> list[str]:
        return [name for name in self._parted() if self._keeps(name)]

    def _parted(self) -> list[str]:
        """Targets of which the parts are mapped."""
        return list(dict.fromkeys(p.target[0] for p in self.pairs if len(p.target) > 1))

    def _roots(self) -> set[str]:
        """Top-level fields that pairs look into."""
        return {pair.source[0] for pair in self.pairs}


def _pair(text: str, fields: tuple[str, ...]) -> _Pair:
    source, *targets = _EQUALS.split(text)
    optional = source.endswith("?")
    source = source.removesuffix("?")
    if len(targets) != 1 or not source.strip():
        raise InvalidInputError(f"field mapping: found {text!r}; expected pairs, {_EXAMPLE}.")
    target = _path(targets[0]) if targets[0].strip() else ()
    if target and target[0] not in fields:
        raise InvalidInputError(
            f"field mapping: found the target {target[0]!r} in {text!r}; expected one of "
            f"{', '.join(fields)}, {_EXAMPLE}."
        )
    nests = not target or target[0] in ("inputs", "outputs", "reference_outputs")
    path = _path(source)
    if "" in path or "" in target or (len(target) > 1 and not nests):
        raise InvalidInputError(
            f"field mapping: found {text!r}; expected dotted paths, of which only those into "
            f"inputs, outputs and reference_outputs go deeper, {_EXAMPLE}."
        )
    return _Pair(path, target, optional)


def _path(text: str) -> Path:
    return tuple(re.sub(r"\\([,=.])", r"\1", part).strip() for part in _DOT.split(text))


def _dotted(path: Path) -> str:
    return ".".join(path)


def _look_up(row: Any, path: Path) -> tuple[bool, Any]:
    for name in path:
        if isinstance(row, Mapping) and name in row:
            row = row[name]
        elif isinstance(row, list) and name.isdecimal() and int(name) < len(row):
            row = row[int(name)]
        else:
            return False, None
    return True, row


def _put(record: dict[str, Any], path: Path, value: Any) -> None:
    *parents, last = path
    for name in parents:
        within = record.get(name)
        # A copy: it may be the row's own.
        record[name] = dict(within) if isinstance(within, Mapping) else {}
        record = record[name]
    record[last] = value


def _listed(row: Mapping[str, Any]) -> str:
    names = [str(name) for name in row]
    shown = ", ".join(names[:12]) or "an empty row"
    return f"{shown} and {len(names) - 12} more" if len(names) > 12 else shown
