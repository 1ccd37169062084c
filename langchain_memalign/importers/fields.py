"""Which field of a foreign row becomes which field of a case or feedback."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Case, Feedback

CASE_FIELDS = ("id", *Case.model_fields)
"""What a row of cases may hold; the id is not judged, it only names the row."""

FEEDBACK_FIELDS = tuple(Feedback.model_fields)
"""What a row of feedback may hold."""

NOTHING = {"nan", "-nan", "nat", "null", "none", "n/a", "<na>", "#n/a", "#na", "\\n"}
"""How tables write that a cell holds nothing, in lower case."""

_EXAMPLE = "such as 'label=value,question=inputs.question'"
_QUOTES = """Put quotes around a name that holds a comma, an equals sign or a dot: '"a=b"=value'."""
# A name, in quotes or with a backslash before each mark that is part of it, and the mark after it.
_NAME = re.compile(
    r"""\s*(?:"(?P<double>(?:[^"]|"")*+)"|'(?P<single>(?:[^']|'')*+)'
           |(?P<bare>(?:\\[,=.?]|[^,=.])*+))
        \s*(?P<optional>\??)\s*(?P<mark>[,=.]|\Z)""",
    re.VERBOSE,
)

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
    has, or that is blank in some; `id=` drops a field. Put a name that holds a comma, an equals
    sign or a dot in quotes: `"score, final"=value`; a dot needs none if no other field can be
    meant. A digit in a source path is a position in a list. Fields that already have the name of a
    target need no pair.

    Attributes:
        fields: The possible targets.
    """

    fields: tuple[str, ...]
    pairs: tuple[_Pair, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str], *, fields: Sequence[str]) -> Self:
        """Read pairs; one text may hold several, separated by commas.

        Args:
            texts: The pairs.
            fields: The targets that there are: `CASE_FIELDS` or `FEEDBACK_FIELDS`.

        Raises:
            InvalidInputError: A text is no such pair, a target is unknown, or two pairs have the
                same target.
        """
        pairs = [pair for text in texts for pair in _pairs(text, tuple(fields))]
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

    @property
    def targets(self) -> set[str]:
        """The fields that pairs map to, at the top level."""
        return {pair.target[0] for pair in self.pairs if pair.target}

    def source_of(self, target: str) -> str | None:
        """The field that is mapped to a target as a whole."""
        return next((".".join(p.source) for p in self.pairs if p.target == (target,)), None)

    @property
    def sources(self) -> set[str]:
        """The top-level fields of a row that pairs may look into."""
        return self._roots()

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
            found, value = _look_up(row, pair)
            if found and not (pair.optional and value is None):
                _put(record, pair.target, value)
            elif not found and not pair.optional:
                source, target = _dotted(pair.source), _dotted(pair.target)
                raise InvalidInputError(
                    f"no field {source!r}; found {_listed(row)}. Where rows may lack it, map "
                    f"{source + '?=' + target!r}."
                )
        return record

    def missing(self, rows: Sequence[Mapping[str, Any]]) -> str | None:
        """The first mapped field that none of the rows has: most likely a slip of the pen."""
        for pair in self.pairs:
            if rows and not any(_look_up(row, pair)[0] for row in rows):
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
        """Top-level fields that pairs may look into."""
        return {
            ".".join(pair.source[:length]) + mark
            for pair in self.pairs
            for length in range(1, len(pair.source) + 1)
            for mark in ("", "?" if pair.optional else "")
        }


def _pairs(text: str, fields: tuple[str, ...]) -> Iterator[_Pair]:
    """The pairs in a text, which commas part."""
    sides, optional, begin = [[""]], False, 0
    for name in _NAME.finditer(text):
        read, may_be_missing = _name(name)
        sides[-1][-1] = read
        optional = optional or (may_be_missing and len(sides) == 1)
        if name["mark"] == ".":
            sides[-1].append("")
        elif name["mark"] == "=":
            sides.append([""])
        else:
            if given := text[begin : name.start("mark")].strip():
                yield _pair(given, sides, optional, fields)
            sides, optional, begin = [[""]], False, name.end()


def _name(found: re.Match[str]) -> tuple[str, bool]:
    """A name without what it is written with, and whether it may be missing."""
    if found["double"] is not None:
        return found["double"].replace('""', '"'), bool(found["optional"])
    if found["single"] is not None:
        return found["single"].replace("''", "'"), bool(found["optional"])
    bare = found["bare"].strip()
    asked = found["mark"] == "=" and bare.endswith("?") and not bare.endswith("\\?")
    bare = bare.removesuffix("?").strip() if asked else bare
    return re.sub(r"\\([,=.?])", r"\1", bare), asked


def _pair(text: str, sides: list[list[str]], optional: bool, fields: tuple[str, ...]) -> _Pair:
    source, *targets = (tuple(side) for side in sides)
    if len(targets) != 1 or source == ("",):
        raise InvalidInputError(
            f"field mapping: found {text!r}; expected pairs, {_EXAMPLE}. {_QUOTES}"
        )
    target = targets[0] if targets[0] != ("",) else ()
    if target and target[0] not in fields:
        raise InvalidInputError(
            f"field mapping: found the target {target[0]!r} in {text!r}; expected one of "
            f"{', '.join(fields)}, {_EXAMPLE}."
        )
    nests = not target or target[0] in ("inputs", "outputs", "reference_outputs")
    if "" in source or "" in target or (len(target) > 1 and not nests):
        raise InvalidInputError(
            f"field mapping: found {text!r}; expected dotted paths, of which only those into "
            f"inputs, outputs and reference_outputs go deeper, {_EXAMPLE}."
        )
    return _Pair(source, target, optional)


def _dotted(path: Path) -> str:
    """A path as it is written in a mapping."""
    return ".".join(f'"{name}"' if re.search(r"[,=.?]", name) else name for name in path)


def _look_up(row: Mapping[str, Any], pair: _Pair) -> tuple[bool, Any]:
    found = _at(row, pair.source)
    if not found[0] and pair.optional:  # `Good?=value` may be for a column "Good?"
        found = _at(row, (*pair.source[:-1], pair.source[-1] + "?"))
    return found


def _at(row: Any, path: Path) -> tuple[bool, Any]:
    """What stands at a path, of which some names may hold the dot themselves."""
    if not path:
        return True, row
    if isinstance(row, list) and path[0].isdecimal() and int(path[0]) < len(row):
        return _at(row[int(path[0])], path[1:])
    if isinstance(row, Mapping):
        for length in range(1, len(path) + 1):
            name = ".".join(path[:length])
            if name in row and (found := _at(row[name], path[length:]))[0]:
                return found
    return False, None


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
