"""Do recalled episodes carry the right value? No model is asked: this is about finding alone.

Each case is looked up among the taught ones, its own left out, in several ways; the k nearest then
vote. Ways differ in what is compared (`inputs`, `outputs`, `both` as memory does it, or the two
rankings `fused`) and how (`dense` embeddings, or `hybrid`: fused with BM25 over the same texts).

Source of the fusion: G. Cormack et al., Reciprocal rank fusion outperforms Condorcet and
individual rank learning methods, SIGIR 2009; with its constant 60. Source of BM25: S. Robertson and
H. Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009; with k1 = 1.2, b = 0.75.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np

from langchain_memalign._judging.arguments import at_least
from langchain_memalign._prompts.content import embedding_texts
from langchain_memalign._sync.model_calls import embed
from langchain_memalign._values.types import value_key
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.evaluation.metrics import exact_match, same
from langchain_memalign.evaluation.resampling import (
    Estimate,
    Numbers,
    Resampling,
    estimate,
    ratio,
)
from langchain_memalign.evaluation.trials import readable
from langchain_memalign.judge import FeedbackLike, MemAlignJudge
from langchain_memalign.schema import Case, Feedback, Record, Value

By = Literal["inputs", "outputs", "both", "fused"]
How = Literal["dense", "hybrid"]
_FUSION = 60
_WORD = re.compile(r"\w+")
_K1, _B = 1.2, 0.75
_EMBED_AT_ONCE = 128


class RecallQuality(Record):
    """How well one way of finding episodes does.

    Attributes:
        by: What is compared.
        how: How it is compared.
        vote: How often the most frequent value of the k nearest is the expert's; of equally
            frequent ones, that of the nearest.
        share: Of the k nearest, the mean share with the expert's value.
        nearest: How often the very nearest has the expert's value.
        right: For each case asked, whether the vote is the expert's value: two ways over the same
            cases can be compared in pairs.
    """

    by: By
    how: How
    vote: Estimate
    share: Estimate
    nearest: Estimate
    right: tuple[bool, ...]


def recall_quality(
    judge: MemAlignJudge,
    feedback: Sequence[FeedbackLike],
    *,
    unseen: Sequence[FeedbackLike] | None = None,
    k: int = 5,
    resampling: Resampling | None = None,
) -> list[RecallQuality]:
    """Measure all ways to find episodes with a judge's embeddings; calls no chat model.

    Args:
        judge: Its embeddings and value type are used, its memory is not.
        feedback: The episodes to find; those without a value are left out.
        unseen: The cases to look up; without it the feedback's own, each with all words on the
            same case left out.
        k: How many are found.
        resampling: How intervals are drawn.

    Raises:
        InvalidInputError: The data cannot be used.
        ModelError: They could not be embedded.
    """
    at_least(1, "k", k)
    value_type = judge.spec.value_type
    episodes = [word for word in readable(value_type, feedback)[0] if word.value is not None]
    asked = episodes
    if unseen is not None:
        asked = [word for word in readable(value_type, unseen)[0] if word.value is not None]
    if not episodes or not asked:
        raise InvalidInputError(
            f"found {len(episodes)} episodes with a value, and {len(asked)} cases with one; "
            "expected some of each."
        )
    sides = _similarities(judge, asked, episodes)
    own = np.array([[a.case.key == e.case.key for e in episodes] for a in asked])
    found = []
    for how in ("dense", "hybrid"):
        for by in ("inputs", "outputs", "both", "fused"):
            scores = np.where(own, -np.inf, _scores(sides, by, how))
            found.append(_measured(by, how, scores, asked, episodes, k, resampling))
    return found


Sides = dict[str, Numbers]


def _similarities(
    judge: MemAlignJudge, asked: Sequence[Feedback], episodes: Sequence[Feedback]
) -> Sides:
    """Cosine and BM25 of inputs and of outputs, a line for each case asked."""
    embedder = judge.memory.records.embedder.remembering()
    texts = [[_texts(word.case) for word in words] for words in (asked, episodes)]
    every = [text for words in texts for pair in words for text in pair if text]
    for start in range(0, len(every), _EMBED_AT_ONCE):
        embed(embedder, every[start : start + _EMBED_AT_ONCE])
    sides: Sides = {}
    for side, name in enumerate(("inputs", "outputs")):
        queries, targets = ([pair[side] for pair in words] for words in texts)
        vectors = embed(embedder, [text for text in (*queries, *targets) if text])
        size = len(vectors[0]) if vectors else 1
        waiting = iter(vectors)
        rows = [next(waiting) if text else (0.0,) * size for text in (*queries, *targets)]
        matrix = np.array(rows)
        sides[f"dense {name}"] = matrix[: len(queries)] @ matrix[len(queries) :].T
        sides[f"words {name}"] = bm25(queries, targets)
    return sides


def bm25(queries: Sequence[str], texts: Sequence[str]) -> Numbers:
    """How well each text answers each query: a line for each query, a column for each text."""
    bags = [Counter(_WORD.findall(text.casefold())) for text in texts]
    lengths = [sum(bag.values()) for bag in bags]
    mean = sum(lengths) / len(lengths) if lengths else 1.0
    found_in = Counter(word for bag in bags for word in bag)
    scores = np.zeros((len(queries), len(texts)))
    for line, query in enumerate(queries):
        for word in set(_WORD.findall(query.casefold())) & found_in.keys():
            rarity = math.log(1 + (len(bags) - found_in[word] + 0.5) / (found_in[word] + 0.5))
            for column, bag in enumerate(bags):
                if count := bag[word]:
                    long = 1 - _B + _B * lengths[column] / (mean or 1.0)
                    scores[line, column] += rarity * count * (_K1 + 1) / (count + _K1 * long)
    return scores


def _texts(case: Case) -> tuple[str, str]:
    inputs, outputs = embedding_texts(case)
    return inputs or "", outputs or ""


def _scores(sides: Sides, by: By, how: How) -> Numbers:
    kinds = ("dense",) if how == "dense" else ("dense", "words")
    if by in ("inputs", "outputs"):
        parts = [sides[f"{kind} {by}"] for kind in kinds]
    elif by == "both":
        # The mean of both cosines is what the cosine of memory's one vector amounts to.
        parts = [sides[f"{kind} inputs"] + sides[f"{kind} outputs"] for kind in kinds]
    else:
        parts = [sides[f"{kind} {name}"] for kind in kinds for name in ("inputs", "outputs")]
    if len(parts) == 1:
        return parts[0]
    ranks = [np.argsort(np.argsort(-part, axis=1, kind="stable"), axis=1) for part in parts]
    return np.asarray(sum(1.0 / (_FUSION + 1 + rank) for rank in ranks))


def _measured(
    by: By,
    how: How,
    scores: Numbers,
    asked: Sequence[Feedback],
    episodes: Sequence[Feedback],
    k: int,
    resampling: Resampling | None,
) -> RecallQuality:
    expert: list[Value] = []
    votes: list[Value | None] = []
    nearest: list[Value | None] = []
    shares: list[float] = []
    for word, line in zip(asked, scores, strict=True):
        order = np.argsort(-line, kind="stable")[:k].tolist()
        values = [v for i in order if line[i] > -np.inf and (v := episodes[i].value) is not None]
        assert word.value is not None
        expert.append(word.value)
        counts = Counter(map(value_key, values))
        # `max` keeps the first of equals, which is the value of the nearest among them.
        votes.append(max(values, key=lambda value: counts[value_key(value)]) if values else None)
        nearest.append(values[0] if values else None)
        shares.append(sum(same(word.value, v) for v in values) / len(values) if values else 0.0)
    share, ones = np.array(shares), np.ones(len(shares))
    groups = [word.case.key for word in asked]
    return RecallQuality(
        by=by,
        how=how,
        vote=exact_match(expert, votes, groups=groups, resampling=resampling),
        share=estimate(
            "share",
            lambda weights: ratio(weights @ share, weights @ ones),
            counted=ones,
            groups=groups,
            resampling=resampling,
        ),
        nearest=exact_match(expert, nearest, groups=groups, resampling=resampling),
        right=tuple(
            vote is not None and same(value, vote)
            for value, vote in zip(expert, votes, strict=True)
        ),
    )
