"""Similarity of texts by the words that they share; pure.

Source: S. Robertson and H. Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond,
2009, with the usual k1 = 1.2 and b = 0.75.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from langchain_memalign.evaluation.resampling import Numbers

_WORD = re.compile(r"\w+")
_K1, _B = 1.2, 0.75


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
