"""Public data sets with experts' judgements, by their names on the hub.

What a row means was decided by the makers of each set; here it only becomes a case and a value. The
sets are downloaded by the package `datasets` (extra `datasets`) and have licences of their own.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_memalign._values.types import ValueType
from langchain_memalign.errors import ConfigurationError, InvalidInputError, SourceError
from langchain_memalign.importers import (
    FEEDBACK_FIELDS,
    BadRow,
    FieldMap,
    map_rows,
    read_rows,
    with_values,
)
from langchain_memalign.importers import Row as FileRow
from langchain_memalign.schema import Feedback, Value

Row = Mapping[str, Any]
Reader = Callable[[Row], Iterable[Mapping[str, Any]]]

PAIR = ValueType(kind="choice", labels=("A", "B"))
PAIR_OR_TIE = ValueType(kind="choice", labels=("A", "B", "tie"))
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
    """Experts' words of a data set, and the judge that they are for.

    Attributes:
        left_out: Of rows that could not be read, why.
    """

    hub: str
    instructions: str
    value_type: ValueType
    words: tuple[Feedback, ...]
    left_out: tuple[str, ...] = ()


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


_AUTO_J_PAIRS = (
    "https://raw.githubusercontent.com/GAIR-NLP/auto-j/main/data/training/pairwise_traindata.jsonl"
)
_CORRECT = "Is the answer to the question correct, and supported by the {}?"

DATASETS: Mapping[str, Source] = {
    "financebench": Source(
        hub="PatronusAI/financebench",
        instructions=_CORRECT.format("evidence"),
        value_type=_YES_NO,
        read=financebench,
    ),
    "hotpot_qa": Source(
        hub="hotpotqa/hotpot_qa",
        config="distractor",
        split="validation",
        instructions=_CORRECT.format("context"),
        value_type=_YES_NO,
        read=hotpot_qa,
    ),
    "halubench": Source(
        hub="PatronusAI/HaluBench",
        split="test",
        instructions="Does the answer say only what the passage says?",
        value_type=_YES_NO,
        read=halubench,
    ),
    "feedback_collection": Source(
        hub="prometheus-eval/Feedback-Collection",
        instructions="How well does the response meet the criterion, from 1 to 5?",
        value_type=_FIVE,
        read=feedback_collection,
        criterion="orig_criteria",
    ),
    "auto_j_safe_rlhf": Source(
        hub="json",
        files=_AUTO_J_PAIRS,
        instructions="Which response is better, or is it a tie?",
        value_type=PAIR_OR_TIE,
        read=auto_j("saferlhf"),
    ),
    "auto_j_summarize": Source(
        hub="json",
        files=_AUTO_J_PAIRS,
        instructions="Which summary is better, or is it a tie?",
        value_type=PAIR_OR_TIE,
        read=auto_j("summar"),
    ),
    "pku_safe_rlhf": Source(
        hub="PKU-Alignment/PKU-SafeRLHF",
        instructions="Which response is safer?",
        value_type=PAIR,
        read=safe_rlhf,
    ),
    "summarize_from_feedback": Source(
        hub="openai/summarize_from_feedback",
        config="comparisons",
        instructions="Which summary of the text is better?",
        value_type=PAIR,
        read=summaries,
    ),
}
"""The data sets by name."""


def load_named(
    name: str,
    *,
    file: str | os.PathLike[str] | None = None,
    limit: int | None = None,
    criterion: str | None = None,
    seed: int = 0,
) -> Loaded:
    """Load a data set, of which rows are drawn at random where there are more than `limit`.

    Of `financebench` and `hotpot_qa` all answers are right: they are for cases that a judge should
    pass, and for building wrong ones.

    Args:
        name: A name of `DATASETS`, with `:split` where another split is wanted.
        file: A JSONL file with rows of that set, to read instead of asking the hub.
        limit: Most words.
        criterion: Only rows with this text in what they are judged by.
        seed: Draws them.

    Raises:
        InvalidInputError: There is no such data set or file, or none of its rows fits.
        ConfigurationError: The package `datasets` is not installed.
        SourceError: It cannot be loaded.
    """
    short, _, split = name.partition(":")
    if (source := DATASETS.get(short)) is None:
        raise InvalidInputError(f"dataset: found {short!r}; expected one of {', '.join(DATASETS)}.")
    if criterion is not None and not source.criterion:
        raise InvalidInputError(f"criterion: {short} has none; found {criterion!r}. Leave it out.")
    rows = list(_rows(source, split or source.split) if file is None else _rows_of(file))
    random.Random(seed).shuffle(rows)
    words: list[Feedback] = []
    left_out: list[str] = []
    for row in rows:
        try:
            if criterion is None or criterion.casefold() in str(row[source.criterion]).casefold():
                for fields in source.read(row):
                    value = source.value_type.check(fields["value"])
                    words.append(Feedback.of({**fields, "value": value}))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            left_out.append(f"{type(error).__name__}: {' '.join(str(error).split()):.200}")
        if limit is not None and len(words) >= limit:
            break
    if not words:
        wanted = "" if criterion is None else f" with {criterion!r}"
        first = f" ({left_out[0]})" if left_out else ""
        raise InvalidInputError(
            f"dataset {name}: found no row{wanted} of {len(rows)} that can be used{first}; "
            f"expected some{', as ' + source.hub + ' has them' if left_out else ''}."
        )
    return Loaded(
        hub=source.hub,
        instructions=source.instructions if criterion is None else criterion,
        value_type=source.value_type,
        words=tuple(words[:limit]),
        left_out=tuple(left_out),
    )


def load_file(
    path: str | os.PathLike[str], value_type: ValueType, *, mapping: Sequence[str] = ()
) -> tuple[Feedback, ...]:
    """Load experts' words from a file of one's own: JSONL, or .csv with names of columns.

    Labels are read as generously as those of a reviewer: "Yes", "GOOD" and " 4 " are understood.

    Args:
        path: The file.
        value_type: What the values are, such as a judge's `spec.value_type`.
        mapping: What is what in a row, such as `label=value,question=inputs.question`.

    Raises:
        InvalidInputError: The file, or a line of it, cannot be used; says which.
    """
    fields = FieldMap.parse(mapping, fields=FEEDBACK_FIELDS)
    try:
        rows, bad, _ = map_rows(_read(path), fields)
    except InvalidInputError as error:
        raise InvalidInputError(f"{path}: {error}") from error
    words = []
    for row in rows:
        try:
            named = row.data.get("id")
            fields_of = row.data | ({"id": str(named)} if isinstance(named, int) else {})
            words.append(Feedback.of(with_values(fields_of, value_type)))
        except InvalidInputError as error:
            bad.append(BadRow(row.line, str(error)))
    for line in sorted(bad, key=lambda row: row.line)[:1]:
        raise InvalidInputError(f"{path}, line {line.line}: {line.reason}")
    return tuple(words)


def _rows_of(path: str | os.PathLike[str]) -> Iterator[Row]:
    for row in _read(path):
        if isinstance(row, BadRow):
            raise InvalidInputError(f"{path}, line {row.line}: {row.reason}")
        yield row.data


def _read(path: str | os.PathLike[str]) -> list[FileRow | BadRow]:
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise InvalidInputError(
            f"cannot read {path}: {error.strerror or error}; expected a file of JSONL or .csv."
        ) from error
    return list(read_rows(text, Path(path).name))


def _rows(source: Source, split: str) -> Iterable[Row]:
    try:
        import datasets
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
