"""Instructions written as a template, as openevals, MLflow and LangSmith have them, as words.

A judge's case has a section of its own in the prompt: what a template would fill in is only named.
"""

from __future__ import annotations

import re
import warnings

_INPUTS = "the inputs of the case"
_OUTPUTS = "the outputs of the case"
_REFERENCE = "the reference_outputs of the case"
_WORDS = {
    "input": _INPUTS,
    "inputs": _INPUTS,
    "question": _INPUTS,
    "query": _INPUTS,
    "request": _INPUTS,
    "prompt": _INPUTS,
    "context": f"the context in {_INPUTS}",
    "retrieval_context": f"the context in {_INPUTS}",
    "plan": f"the plan in {_INPUTS}",
    "attachments": f"the attachments in {_INPUTS}",
    "output": _OUTPUTS,
    "outputs": _OUTPUTS,
    "answer": _OUTPUTS,
    "response": _OUTPUTS,
    "completion": _OUTPUTS,
    "prediction": _OUTPUTS,
    "trajectory": _OUTPUTS,
    "reference": _REFERENCE,
    "reference_output": _REFERENCE,
    "reference_outputs": _REFERENCE,
    "expected": _REFERENCE,
    "expected_output": _REFERENCE,
    "expected_response": _REFERENCE,
    "expectations": _REFERENCE,
    "ground_truth": _REFERENCE,
    "conversation": "the conversation in the case",
    "trace": "the case",
}
# One or two braces around a name, or a path into what the name stands for.
_PLACEHOLDER = re.compile(r"\{\{\{?\s*([A-Za-z_][\w.]*)\s*\}?\}\}|\{([A-Za-z_][\w.]*)\}")


def without_placeholders(instructions: str) -> str:
    """Return instructions with known placeholders, such as `{inputs}`, turned into words.

    Warns of those that are not known, which stay as they are: the model would read them as text.
    """
    unknown: list[str] = []

    def words(match: re.Match[str]) -> str:
        name, _, path = (match[1] or match[2]).partition(".")
        known = _WORDS.get(name.lower())
        if known is None:
            unknown.append(match[0])
            return match[0]
        return f"{path} in {known}" if path else known

    said = _PLACEHOLDER.sub(words, instructions)
    if unknown:
        warnings.warn(
            f"instructions: found {', '.join(dict.fromkeys(unknown))}, which nothing fills in; "
            "expected names such as {inputs}, {outputs} and {reference_outputs}, or plain words. "
            "The model reads it as it stands.",
            stacklevel=3,
        )
    return said
