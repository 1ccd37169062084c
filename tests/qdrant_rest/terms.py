"""Bodies of Qdrant's REST requests in the terms of Qdrant Edge, and its answers as JSON."""

import uuid

import qdrant_edge as qe

MODES = {
    "upsert": qe.UpdateMode.Upsert,
    "insert_only": qe.UpdateMode.InsertOnly,
    "update_only": qe.UpdateMode.UpdateOnly,
}


def to_points(items):
    return [qe.Point(item["id"], item["vector"], item.get("payload") or {}) for item in items]


def to_filter(body):
    if body is None:
        return None
    parts = {}
    for name in ("must", "should", "must_not"):
        conditions = body.get(name)
        if conditions is not None:
            several = conditions if isinstance(conditions, list) else [conditions]
            parts[name] = [_condition(condition) for condition in several]
    return qe.Filter(**parts)


def has_id(ids):
    return qe.HasIdCondition({uuid.UUID(id_) for id_ in ids})


def _condition(body):
    if "has_id" in body:
        return has_id(body["has_id"])
    if "key" in body:
        match = body["match"]
        kind = qe.MatchAny(match["any"]) if "any" in match else qe.MatchValue(match["value"])
        return qe.FieldCondition(key=body["key"], match=kind)
    return to_filter(body)


def filtered_keys(body):
    """The payload fields that a filter asks for."""
    for name in ("must", "should", "must_not"):
        conditions = (body or {}).get(name) or []
        for condition in conditions if isinstance(conditions, list) else [conditions]:
            if "key" in condition:
                yield condition["key"]
            elif "has_id" not in condition:
                yield from filtered_keys(condition)


def condition_sizes(body):
    """How many values each condition of a filter lists."""
    for name in ("must", "should", "must_not"):
        conditions = (body or {}).get(name) or []
        for condition in conditions if isinstance(conditions, list) else [conditions]:
            if "key" in condition:
                yield len(condition["match"].get("any", [0]))
            else:
                yield len(condition.get("has_id", []))


def from_record(record, **more):
    return {"id": str(record.id), "payload": record.payload, "vector": record.vector, **more}


def to_selector(wanted):
    """`with_payload` and `with_vector`: true, false, names, or names to include."""
    return wanted["include"] if isinstance(wanted, dict) else wanted
