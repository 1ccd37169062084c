"""Points of a toy memory: named, with embeddings of two numbers."""

import uuid

from langchain_memalign._stores.base import Fingerprint, Point, Selection

TOY = Fingerprint(embeddings="toy", size=2)
EVERYTHING = Selection()
ABSENT = str(uuid.uuid5(uuid.NAMESPACE_OID, "absent"))


def id_of(name):
    return str(uuid.uuid5(uuid.NAMESPACE_OID, str(name)))


def point(name, **parts):
    parts = {"kind": "episode", "judge": "tone", "record": f"record {name}"} | parts
    return Point(id=id_of(name), **parts)


def case(*numbers):
    return {"case": tuple(map(float, numbers))}


def ids(found):
    return [p.id for p in found]


def names(found):
    """Which points were found, by the names they were made from, in no order."""
    return {p.record.removeprefix("record ") for p in found}
