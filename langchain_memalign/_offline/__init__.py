"""What works without a key and without a network: local embeddings and the precedent model.

`LocalEmbeddings` are modest but real: they find cases that share words and themes. They serve small
and private memories as well as trials.

`PrecedentModel` is no judge of quality. It repeats what experts said of the nearest past cases, by
vote, or abstains. It is there for trying the library out, as a deterministic double in tests, and
as the baseline "memory without a language model" that a real model has to beat. It is used only
where it is asked for by name, and says in each rationale what it is.
"""

from langchain_memalign._offline.embeddings import LocalEmbeddings
from langchain_memalign._offline.precedent import CLOSENESS_FLOOR, PrecedentModel
from langchain_memalign._offline.pure import PureChatModel

__all__ = ["CLOSENESS_FLOOR", "LocalEmbeddings", "PrecedentModel", "PureChatModel"]
