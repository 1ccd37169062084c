"""Public data sets with experts' judgements, by their names on the hub.

What a row means was decided by the makers of each set; here it only becomes a case and a value. The
sets are downloaded by the package `datasets` (extra `datasets`) and have licences of their own.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_memalign.errors import ConfigurationError, InvalidInputError, SourceError
from langchain_memalign.schema import Feedback
from langchain_memalign.values import ValueType

Row = Mapping[str, Any]
Reader = Callable[[Row], Iterable[Mapping[str, Any]]]

_PAIR = ValueType(kind="choice", labels=("A", "B"))
_PAIR_OR_TIE = ValueType(kind="choice", labels=("A", "B", "tie"))
_FIVE = ValueType(kind="integer", minimum=1, maximum=5)
_YES_NO = ValueType(kind="boolean")


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a data set is, and how its rows are read.

    Attributes:
        hub: Its public name; "json" for one that is not on the hub.
        files: Where it is then.
        config: Its configuration on the hub.
        split: The split that is read unless another is named.
        instructions: What to tell a judge of it.
        value_type: The values that experts gave.
        read: From a row to fields of feedback; none where the row says nothing.
        criterion: The column that says by what a row is judged; "" where all are judged alike.
    """

    hub: str
    files: str | None = None
    config: str | None = None
    split: str = "train"
    instructions: str
    value_type: ValueType
    read: Reader
    criterion: str = ""


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """Experts' words of a data set, and the judge that they are for."""

    hub: str
    instructions: str
    value_type: ValueType
    words: tuple[Feedback, ...]


def _financebench(row: Row) -> Iterator[dict[str, Any]]:
    evidence = [part["evidence_text"] for part in row["evidence"]]
    inputs = {"question": row["question"], "evidence": "\n\n".join(evidence)}
    yield _told(row["financebench_id"], inputs, row["answer"], True, row.get("justification"))


def _hotpot_qa(row: Row) -> Iterator[dict[str, Any]]:
    titles, texts = row["context"]["title"], row["context"]["sentences"]
    told = set(row["supporting_facts"]["title"])
    context = ["".join(s) for title, s in zip(titles, texts, strict=True) if title in told]
    inputs = {"question": row["question"], "context": "\n\n".join(context)}
    yield _told(row["id"], inputs, row["answer"], True)


def _halubench(row: Row) -> Iterator[dict[str, Any]]:
    inputs = {"question": row["question"], "passage": row["passage"]}
    if row["label"] in ("PASS", "FAIL"):
        yield _told(row["id"], inputs, row["answer"], row["label"] == "PASS")


def _feedback_collection(row: Row) -> Iterator[dict[str, Any]]:
    yield {
        "inputs": row["orig_instruction"],
        "outputs": row["orig_response"],
        "reference_outputs": row["orig_reference_answer"],
        "value": int(row["orig_score"]),
        "rationale": row["orig_feedback"],
    }


def _safe_rlhf(row: Row) -> Iterator[dict[str, Any]]:
    outputs = {"A": row["response_0"], "B": row["response_1"]}
    yield {"inputs": row["prompt"], "outputs": outputs, "value": "AB"[row["safer_response_id"]]}


def _summaries(row: Row) -> Iterator[dict[str, Any]]:
    info, (first, second) = row["info"], row["summaries"]
    yield {
        "inputs": info.get("post") or info.get("article"),
        "outputs": {"A": first["text"], "B": second["text"]},
        "value": "AB"[row["choice"]],
        # No rationale: a summary's `note` was written before the worker had seen the text.
        "reviewer": row.get("worker"),
    }


# The layout of the message that Auto-J was trained on, as its repository's README shows it.
_AUTO_J = re.compile(
    r"\[Query\]: (?P<query>.*)\n\*{3}\n\[Response 1\]: (?P<A>.*)\n\*{3}\n"
    r"\[Response 2\]: (?P<B>.*)\n\*{3}\n\[END DATA\]",
    re.DOTALL,
)


def _auto_j(subset: str) -> Reader:
    """Read Auto-J's pairs of one origin; `subset` is a part of its `source_dataset`, in letters."""

    def read(row: Row) -> Iterator[dict[str, Any]]:
        origin = re.sub(r"[^a-z]", "", str(row["source_dataset"]).casefold())
        # The README calls the column `usermsg`, the files `usrmsg`.
        message = str(row.get("usrmsg") or row.get("usermsg"))
        if subset in origin and (pair := _AUTO_J.search(message)):
            outputs = {"A": pair["A"], "B": pair["B"]}
            value = _PAIR_OR_TIE.labels[int(row["gt_label"])]
            yield {"inputs": pair["query"], "outputs": outputs, "value": value}

    return read


def _told(
    id_: str, inputs: Mapping[str, Any], answer: str, value: bool, rationale: str | None = None
) -> dict[str, Any]:
    told = {"id": str(id_), "inputs": dict(inputs), "outputs": answer, "value": value}
    return told | {"rationale": rationale} if rationale else told


_AUTO_J_PAIRS = (
    "https://raw.githubusercontent.com/GAIR-NLP/auto-j/main/data/training/pairwise_traindata.jsonl"
)
_CORRECT = "Is the answer to the question correct, and supported by the {}?"

DATASETS: Mapping[str, Source] = {
    "financebench": Source(
        hub="PatronusAI/financebench",
        instructions=_CORRECT.format("evidence"),
        value_type=_YES_NO,
        read=_financebench,
    ),
    "hotpot_qa": Source(
        hub="hotpotqa/hotpot_qa",
        config="distractor",
        split="validation",
        instructions=_CORRECT.format("context"),
        value_type=_YES_NO,
        read=_hotpot_qa,
    ),
    "halubench": Source(
        hub="PatronusAI/HaluBench",
        split="test",
        instructions="Does the answer say only what the passage says?",
        value_type=_YES_NO,
        read=_halubench,
    ),
    "feedback_collection": Source(
        hub="prometheus-eval/Feedback-Collection",
        instructions="How well does the response meet the criterion, from 1 to 5?",
        value_type=_FIVE,
        read=_feedback_collection,
        criterion="orig_criteria",
    ),
    "auto_j_safe_rlhf": Source(
        hub="json",
        files=_AUTO_J_PAIRS,
        instructions="Which response is better, or is it a tie?",
        value_type=_PAIR_OR_TIE,
        read=_auto_j("saferlhf"),
    ),
    "auto_j_summarize": Source(
        hub="json",
        files=_AUTO_J_PAIRS,
        instructions="Which summary is better, or is it a tie?",
        value_type=_PAIR_OR_TIE,
        read=_auto_j("summar"),
    ),
    "pku_safe_rlhf": Source(
        hub="PKU-Alignment/PKU-SafeRLHF",
        instructions="Which response is safer?",
        value_type=_PAIR,
        read=_safe_rlhf,
    ),
    "summarize_from_feedback": Source(
        hub="openai/summarize_from_feedback",
        config="comparisons",
        instructions="Which summary of the text is better?",
        value_type=_PAIR,
        read=_summaries,
    ),
}
"""The data sets by name."""


def load_named(
    name: str, *, limit: int | None = None, criterion: str | None = None, seed: int = 0
) -> Loaded:
    """Load a data set, of which rows are drawn at random where there are more than `limit`.

    Of `financebench` and `hotpot_qa` all answers are right: they are for cases that a judge should
    pass, and for building wrong ones.

    Args:
        name: A name of `DATASETS`, with `:split` where another split is wanted.
        limit: Most words.
        criterion: Only rows with this text in what they are judged by.
        seed: Draws them.

    Raises:
        InvalidInputError: There is no such data set, or none of its rows fits.
        ConfigurationError: The package `datasets` is not installed.
        SourceError: It cannot be loaded.
    """
    short, _, split = name.partition(":")
    if (source := DATASETS.get(short)) is None:
        raise InvalidInputError(f"dataset: found {short!r}; expected one of {', '.join(DATASETS)}.")
    if criterion is not None and not source.criterion:
        raise InvalidInputError(f"criterion: {short} has none; found {criterion!r}. Leave it out.")
    rows = list(_rows(source, split or source.split))
    random.Random(seed).shuffle(rows)
    words: list[Feedback] = []
    for row in rows:
        if criterion is None or criterion.casefold() in str(row[source.criterion]).casefold():
            words += [Feedback.of(fields) for fields in source.read(row)]
        if limit is not None and len(words) >= limit:
            break
    if not words:
        raise InvalidInputError(
            f"dataset {name}: found no row with {criterion!r} of {len(rows)}; expected some."
        )
    return Loaded(
        hub=source.hub,
        instructions=source.instructions if criterion is None else criterion,
        value_type=source.value_type,
        words=tuple(words[:limit]),
    )


def _rows(source: Source, split: str) -> Iterable[Row]:
    try:
        import datasets  # type: ignore[import-untyped, unused-ignore]
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "data sets: found no package 'datasets'; install it with "
            "`pip install 'langchain-memalign[datasets]'`."
        ) from error
    try:
        where = {"data_files": source.files} if source.files else {}
        loaded: Iterable[Row] = datasets.load_dataset(
            source.hub, source.config, split=split, **where
        )
    except Exception as error:
        raise SourceError(
            f"{source.hub}, split {split}, cannot be loaded: {' '.join(str(error).split()):.300}"
        ) from error
    return loaded
