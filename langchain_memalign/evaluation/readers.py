"""What a row of each public data set means, as fields of feedback; pure.

A row of another schema than expected raises whatever looking into it raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from langchain_memalign._values import ValueType
from langchain_memalign.schema import Value

Row = Mapping[str, Any]
Reader = Callable[[Row], Iterable[Mapping[str, Any]]]

PAIR = ValueType(kind="choice", labels=("A", "B"))
PAIR_OR_TIE = ValueType(kind="choice", labels=("A", "B", "tie"))


def financebench(row: Row) -> Iterator[dict[str, Any]]:
    """Questions on filings, with the right answer."""
    evidence = [part["evidence_text"] for part in row["evidence"]]
    inputs = {"question": row["question"], "evidence": "\n\n".join(evidence)}
    yield _told(row["financebench_id"], inputs, row["answer"], True, row.get("justification"))


def hotpot_qa(row: Row) -> Iterator[dict[str, Any]]:
    """Questions over several articles, of which those needed are shown, with the right answer."""
    titles, texts = row["context"]["title"], row["context"]["sentences"]
    told = set(row["supporting_facts"]["title"])
    context = ["".join(s) for title, s in zip(titles, texts, strict=True) if title in told]
    inputs = {"question": row["question"], "context": "\n\n".join(context)}
    yield _told(row["id"], inputs, row["answer"], True)


def halubench(row: Row) -> Iterator[dict[str, Any]]:
    """Answers that are, or are not, backed by a passage."""
    inputs = {"question": row["question"], "passage": row["passage"]}
    if row["label"] in ("PASS", "FAIL"):
        yield _told(row["id"], inputs, row["answer"], row["label"] == "PASS")


def feedback_collection(row: Row) -> Iterator[dict[str, Any]]:
    """Responses scored from 1 to 5 by a criterion, with a remark."""
    yield {
        "inputs": row["orig_instruction"],
        "outputs": row["orig_response"],
        "reference_outputs": row["orig_reference_answer"],
        "value": int(row["orig_score"]),
        "rationale": row["orig_feedback"],
    }


def safe_rlhf(row: Row) -> Iterator[dict[str, Any]]:
    """Pairs of responses, of which one is safer."""
    outputs = {"A": row["response_0"], "B": row["response_1"]}
    value = _chosen(PAIR, row["safer_response_id"])
    yield {"inputs": row["prompt"], "outputs": outputs, "value": value}


def summaries(row: Row) -> Iterator[dict[str, Any]]:
    """Pairs of summaries, of which one was chosen."""
    info, (first, second) = row["info"], row["summaries"]
    yield {
        "inputs": info.get("post") or info.get("article"),
        "outputs": {"A": first["text"], "B": second["text"]},
        "value": _chosen(PAIR, row["choice"]),
        # No rationale: a summary's `note` was written before the worker had seen the text.
        "reviewer": row.get("worker"),
    }


# The layout of the message that Auto-J was trained on, as its repository's README shows it.
_AUTO_J = re.compile(
    r"\[Query\]: (?P<query>.*)\n\*{3}\n\[Response 1\]: (?P<A>.*)\n\*{3}\n"
    r"\[Response 2\]: (?P<B>.*)\n\*{3}\n\[END DATA\]",
    re.DOTALL,
)


def auto_j(subset: str) -> Reader:
    """Read Auto-J's pairs of one origin; `subset` is a part of its `source_dataset`, in letters."""

    def read(row: Row) -> Iterator[dict[str, Any]]:
        origin = re.sub(r"[^a-z]", "", str(row["source_dataset"]).casefold())
        # The README calls the column `usermsg`, the files `usrmsg`.
        message = str(row.get("usrmsg") or row.get("usermsg"))
        if subset in origin and (pair := _AUTO_J.search(message)):
            outputs = {"A": pair["A"], "B": pair["B"]}
            value = _chosen(PAIR_OR_TIE, row["gt_label"])
            yield {"inputs": pair["query"], "outputs": outputs, "value": value}

    return read


def _chosen(value_type: ValueType, place: Any) -> Value:
    """The label at a place; hubs write -1 where nobody chose."""
    if (number := int(place)) not in range(len(value_type.labels)):
        raise ValueError(f"found the choice {number}")
    return value_type.labels[number]


def _told(
    id_: str, inputs: Mapping[str, Any], answer: str, value: bool, rationale: str | None = None
) -> dict[str, Any]:
    told = {"id": str(id_), "inputs": dict(inputs), "outputs": answer, "value": value}
    return told | {"rationale": rationale} if rationale else told
