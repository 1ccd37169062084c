"""The judge file that `memalign init` writes."""

from __future__ import annotations

import json
from typing import Any

_YAML = """\
# A judge for `memalign`. Paths are relative to this file.

# Its name is its namespace in the memory: rename it, and it begins with an empty one.
name: {name}

# What it judges, in your words.
instructions: {instructions}

# What a verdict may be: bool, a scale (1-5, 0.0-1.0), labels ([good, fair, bad]; [A, B, tie] for
# pairs), or a JSON schema.
value_type: {value_type}

# The model: provider:name, with its key in the environment (OPENAI_API_KEY). "precedent" needs
# neither key nor network: it lets past cases vote. Your own server, or other options:
#   model: {{name: "openai:my-model", base_url: "http://localhost:8080/v1", temperature: 0}}
model: {model}

# The embeddings: "local" (no key; extra `local`) or provider:name. A memory keeps to its own.
embeddings: {embeddings}

# The memory: a directory, or a Qdrant server:
#   memory: {{location: "https://...:6333", api_key: "${{QDRANT_API_KEY}}", timeout: 10}}
memory: {memory}

# Which verdicts `memalign review` asks about: always, uncertain, never.
review: always

# The rest, with what holds when it is left out:
# k: 5                     # most past cases shown to the model
# principle_tokens: 2000   # budget of the principles shown
# case_tokens: 32000       # budget of the case
# episode_tokens: 2000     # budget of each past case
# distant: 0.3             # below this similarity a past case is no precedent
# on_recall_failure: raise # or principles: judge by them alone if no case can be looked up
# structured_output: {{method: function_calling}}   # for the model's with_structured_output
# reviews: memory.reviews.sqlite                   # where unfinished reviews are kept
"""

_TOML = """\
# A judge for `memalign`. Paths are relative to this file.

# Its name is its namespace in the memory: rename it, and it begins with an empty one.
name = {name}

# What it judges, in your words.
instructions = {instructions}

# What a verdict may be: "bool", a scale ("1-5", "0.0-1.0"), labels (["good", "fair", "bad"];
# ["A", "B", "tie"] for pairs), or a JSON schema.
value_type = {value_type}

# The model: provider:name, with its key in the environment (OPENAI_API_KEY). "precedent" needs
# neither key nor network: it lets past cases vote. Your own server, or other options:
#   model = {{name = "openai:my-model", base_url = "http://localhost:8080/v1", temperature = 0}}
model = {model}

# The embeddings: "local" (no key; extra `local`) or provider:name. A memory keeps to its own.
embeddings = {embeddings}

# The memory: a directory, or a Qdrant server:
#   memory = {{location = "https://...:6333", api_key = "${{QDRANT_API_KEY}}", timeout = 10}}
memory = {memory}

# Which verdicts `memalign review` asks about: always, uncertain, never.
review = "always"

# The rest, with what holds when it is left out:
# k = 5                     # most past cases shown to the model
# principle_tokens = 2000   # budget of the principles shown
# case_tokens = 32000       # budget of the case
# episode_tokens = 2000     # budget of each past case
# distant = 0.3             # below this similarity a past case is no precedent
# on_recall_failure = "raise"   # or "principles": judge by them alone if no case can be looked up
# structured_output = {{method = "function_calling"}}   # for the model's with_structured_output
# reviews = "memory.reviews.sqlite"                    # where unfinished reviews are kept
"""


def judge_file_text(*, toml: bool, **values: Any) -> str:
    """The text of a commented judge file.

    Args:
        toml: TOML instead of YAML.
        **values: name, instructions, value_type, model, embeddings and memory.
    """
    # A JSON string, or list of strings, is one in YAML and in TOML, too.
    written = {key: json.dumps(value, ensure_ascii=False) for key, value in values.items()}
    return (_TOML if toml else _YAML).format(**written)
