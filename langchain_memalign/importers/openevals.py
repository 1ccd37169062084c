"""Few-shot examples as openevals takes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from langchain_memalign.importers.learning import Found, Remark, Skipped


def from_few_shots(examples: Iterable[Mapping[str, Any]]) -> Iterator[Found]:
    """Read the `few_shot_examples` of `openevals.llm.create_llm_as_judge`.

    Args:
        examples: Mappings with `inputs`, `outputs`, `score` and, where there is one, `reasoning`.

    Yields:
        A `Remark` each; `Skipped` for what is no example.
    """
    for number, example in enumerate(examples, 1):
        where = f"example {number}"
        if not isinstance(example, Mapping):
            reason = f"found a {type(example).__name__}; expected a mapping."
            yield Skipped(where, reason, is_unusable=True)
            continue
        fields = {name: example[name] for name in ("inputs", "outputs") if name in example}
        yield Remark(
            where,
            {**fields, "value": example.get("score"), "rationale": example.get("reasoning")},
        )
