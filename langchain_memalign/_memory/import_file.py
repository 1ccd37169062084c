"""Reading an export, which may come from anywhere: what is wrong with it is said before it counts.

A file is believed only as far as it can be checked: every record has its one form, an id that is
nobody else's here, and sources that exist; a judge's instructions, which are trusted, are never
replaced by a file's.
"""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from langchain_memalign._content import MAX_DEPTH, clean_text
from langchain_memalign._memory.convert import (
    check_owners,
    owners,
    to_definition,
    to_episode,
    to_principle,
)
from langchain_memalign._memory.export_file import FORMAT, VERSION
from langchain_memalign._memory.records import Records
from langchain_memalign._stores.base import Fingerprint, Point, Selection
from langchain_memalign._stores.payload import unpack_vector
from langchain_memalign._stores.write_batch import OWN_POINT, known_ids
from langchain_memalign._values.types import JudgeSpec
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Episode, JudgeDefinition, Principle, Put

_LONGEST_LINE = 64 * 2**20  # characters
_LARGEST_SIZE = 65_536  # numbers of a vector, which is what the engines take
_MOST = 10**6  # episodes, or tokens of principles, that a definition may ask for
_KINDS: Mapping[str, type[Episode] | type[Principle] | type[JudgeDefinition]] = {
    "episode": Episode,
    "principle": Principle,
    "judge": JudgeDefinition,
}
_KEYS = {"judge", "kind", "record", "vector"}


def read_export(path: str | os.PathLike[str]) -> tuple[Fingerprint | None, list[Put]]:
    """Which embeddings an export was made with, and its records.

    Raises:
        InvalidInputError: It is no export; names the line.
    """
    made_with: Fingerprint | None = None
    puts: dict[str, Put] = {}
    number = 1
    try:
        with open(path, encoding="utf-8") as file:
            made_with = _read_header(_parsed(_line(file) or "null"))
            while True:
                number += 1
                if not (line := _line(file)):
                    break
                if line.strip():
                    put = _read_put(_parsed(line), made_with)
                    if put.record.id in puts:
                        raise InvalidInputError(f"the record {put.record.id} is there twice")
                    puts[put.record.id] = put
    except OSError as error:
        raise InvalidInputError(f"cannot read {path}: {error}. Nothing was imported.") from error
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"cannot read {path}: it is not UTF-8 text ({error}); expected an export by "
            "export_jsonl: decompress or decrypt it first. Nothing was imported."
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError, struct.error) as error:
        raise InvalidInputError(
            f"{path}, line {number}: {error!s:.300}; expected a record of an export by "
            "export_jsonl. Nothing was imported."
        ) from error
    return made_with, list(puts.values())


def newer(records: Records, puts: Sequence[Put]) -> list[Put]:
    """Those of which the memory has nothing, or something older.

    Raises:
        InvalidInputError: One is another judge's here or of another kind, rests on what does not
            exist, or would give a judge that is known here other instructions.
    """
    named = owners(puts)
    pointed_to = {id_ for put in puts for id_, _ in _pointers(put)}
    points = records.scan(Selection(ids=(*named, *(pointed_to - named.keys()))))
    there = {point.id: point for point in points}
    check_owners(named, (point for point in points if point.id in named))
    known = {id_: (point.judge, point.kind) for id_, point in there.items()} | named
    for put in puts:
        for id_, kind in _pointers(put):
            if known.get(id_) != (put.judge, kind):
                raise InvalidInputError(
                    f"the principle {put.record.id} of the judge {put.judge!r} points to the "
                    f"{kind} {id_}, which that judge has neither in the file nor here; expected a "
                    "whole export. Nothing was imported."
                )
    found = [
        put
        for put in puts
        if (point := there.get(put.record.id)) is None or _is_newer(put.record, point)
    ]
    for put in found:
        if isinstance(put.record, JudgeDefinition) and (point := there.get(put.record.id)):
            _check_same(put.judge, put.record, to_definition(point))
    return found


def needs_embedding(records: Records, made_with: Fingerprint | None) -> bool:
    """Whether vectors of other embeddings must be made anew to be imported."""
    held = records.fingerprint()
    is_same_model = made_with is not None and made_with.embeddings == records.embedder.id
    return not is_same_model or (held is not None and held != made_with)


def was_embedded(put: Put) -> bool:
    """Whether a record was embedded, also where the model found nothing; what waits is not."""
    record = put.record
    waits = isinstance(record, Episode) and record.status == "pending"
    return bool(put.vector) or not (waits or isinstance(record, JudgeDefinition))


def _is_newer(record: Episode | Principle | JudgeDefinition, point: Point) -> bool:
    if isinstance(record, Episode):
        there = to_episode(point)
        if record.updated_at != there.updated_at:
            return record.updated_at > there.updated_at
        # The same word: a change of mind may have reached it since, or have been taken back.
        changed, known = record.superseded_at, there.superseded_at
        return changed is not None and (known is None or changed > known)
    if isinstance(record, JudgeDefinition):
        return record.updated_at > to_definition(point).updated_at
    # A principle's text never changes; all that happens to it is that it is retired.
    return not record.is_active() and to_principle(point).is_active()


def _pointers(put: Put) -> Iterable[tuple[str, str]]:
    """What a record rests on or gave way to: ids, each with its kind."""
    if isinstance(put.record, Principle):
        yield from ((id_, "episode") for id_ in put.record.episode_ids)
        if put.record.replaced_by is not None:
            yield put.record.replaced_by, "principle"


def _check_same(judge: str, found: JudgeDefinition, known: JudgeDefinition) -> None:
    one, other = _spec(judge, found), _spec(judge, known)
    differs = [n for n in JudgeDefinition.DEFINING if getattr(one, n) != getattr(other, n)]
    if differs:
        raise InvalidInputError(
            f"the file has the judge {judge!r} with other {' and '.join(differs)} than here, and "
            "from a later time; expected the same judge: set it up here with redefine=True as it "
            "is in the file, or import into another memory. Nothing was imported."
        )


def _line(file: TextIO) -> str:
    line = file.readline(_LONGEST_LINE + 1)
    if len(line) > _LONGEST_LINE:
        raise InvalidInputError(f"the line is longer than {_LONGEST_LINE:,} characters")
    return line


def _parsed(line: str) -> Any:
    return json.loads(line, parse_constant=_refused)


def _refused(constant: str) -> None:
    raise InvalidInputError(f"found {constant}, which is not JSON")


def _read_header(data: Any) -> Fingerprint | None:
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise InvalidInputError(f"this is not an export; expected a header with format {FORMAT!r}")
    if data.get("version") != VERSION:
        raise InvalidInputError(
            f"found version {data.get('version')!s:.40}; expected {VERSION}. Upgrade "
            "langchain-memalign"
        )
    held = data["embeddings"]
    if held is None:
        return None
    name, size = held["id"], held["size"]
    if not isinstance(name, str) or not name or type(size) is not int:
        raise InvalidInputError(f"found embeddings {held!r:.80}; expected an id and a size")
    if not 0 < size <= _LARGEST_SIZE:
        raise InvalidInputError(f"found embeddings of size {size}; expected 1 to {_LARGEST_SIZE}")
    return Fingerprint(embeddings=clean_text(name, where="the embeddings' id"), size=size)


def _read_put(data: Any, made_with: Fingerprint | None) -> Put:
    if not isinstance(data, dict) or data.keys() != _KEYS:
        raise InvalidInputError(f"found no object with {', '.join(sorted(_KEYS))}")
    judge, kind = data["judge"], data["kind"]
    if not isinstance(judge, str) or not judge.strip():
        raise InvalidInputError(f"found the judge {judge!r:.80}; expected a name")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise InvalidInputError(f"found the kind {kind!r:.80}; expected {', '.join(_KINDS)}")
    record = _KINDS[kind].of(_cleaned(data["record"]))
    if known_ids([record.id]) != [record.id] or record.id == OWN_POINT:
        raise InvalidInputError(
            f"found the id {record.id!r:.80}; expected a UUID in its usual form"
        )
    if isinstance(record, JudgeDefinition):
        _check_definition(judge, record)
    vector = _vector(data["vector"], record, made_with)
    return Put(judge=_cleaned(judge), record=record, vector=vector)


def _vector(
    packed: Any, record: Episode | Principle | JudgeDefinition, made_with: Fingerprint | None
) -> tuple[float, ...]:
    if packed is None:
        return ()
    if not isinstance(packed, str):
        raise InvalidInputError(f"found a {type(packed).__name__} as its vector; expected base64")
    vector = unpack_vector(packed)
    size = made_with.size * (2 if isinstance(record, Episode) else 1) if made_with else 0
    if vector and (len(vector) != size or not all(map(math.isfinite, vector))):
        raise InvalidInputError(f"its vector is not one of {size} finite numbers")
    return vector


def _check_definition(judge: str, found: JudgeDefinition) -> None:
    """Refuse a definition that no judge of this name could have."""
    if found.id != JudgeDefinition.id_of(judge):
        raise InvalidInputError(f"found the definition of another judge for {judge!r}")
    _spec(judge, found)
    if not 0 <= found.k <= _MOST or not 1 <= found.principle_tokens <= _MOST:
        raise InvalidInputError(
            f"found k {found.k} and principle_tokens {found.principle_tokens}; expected numbers "
            f"up to {_MOST:,}"
        )


def _spec(judge: str, definition: JudgeDefinition) -> JudgeSpec:
    return JudgeSpec(**{**definition.spec, "name": judge})


def _cleaned(value: Any, depth: int = 0) -> Any:
    """JSON with all its texts as a store can take them."""
    if depth > MAX_DEPTH + len(_KEYS):
        raise InvalidInputError(f"it is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        return clean_text(value, where="a text")
    if isinstance(value, list):
        return [_cleaned(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item, depth + 1) for key, item in value.items()}
    return value
