"""What an evaluator is asked to judge, as LangSmith, openevals and agentevals pass it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_memalign._judging.results import is_without_outputs
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Case, Unscored

NO_OUTPUTS = Unscored(reason="there are no outputs to judge, as when what is evaluated failed.")
# What openevals' prompts take besides, of what a program was given.
_GIVEN = ("context", "plan")


def evaluated(
    inputs: Any, outputs: Any, reference_outputs: Any, more: Mapping[str, Any]
) -> Case | Unscored:
    """The case to judge; or why the judge abstains: no outputs, or some that nothing can hold.

    Args:
        inputs: What the program was given.
        outputs: What it put out.
        reference_outputs: What it should have put out.
        more: LangSmith's `run` and `example`, from which what is not given is taken; openevals'
            `context` and `plan`, which join the inputs.

    Raises:
        InvalidInputError: There is something else, which would go unseen.
    """
    ran, example = more.get("run"), more.get("example")
    if ran is not None and outputs is None:
        outputs = ran.outputs or {}
    if example is not None:
        inputs = example.inputs if inputs is None else inputs
        reference_outputs = reference_outputs or example.outputs
    beside = {name: item for name, item in more.items() if name not in ("run", "example")}
    inputs = with_given(inputs, beside)
    if is_without_outputs(outputs):
        return NO_OUTPUTS
    try:
        # LangSmith writes {} for what there is not.
        return Case(inputs=inputs, outputs=outputs, reference_outputs=reference_outputs or None)
    except InvalidInputError as error:
        if outputs is None:
            raise
        return Unscored(reason=str(error))


def with_given(inputs: Any, more: Mapping[str, Any]) -> Any:
    """Inputs together with what openevals passes beside them: a `context` (RAG), a `plan`.

    Raises:
        InvalidInputError: There is something else, or it is in the inputs already.
    """
    given = {name: more[name] for name in _GIVEN if more.get(name)}
    if unread := sorted(name for name in more if more[name] and name not in given):
        raise InvalidInputError(
            f"found {', '.join(unread)}; a judge reads inputs, outputs, reference_outputs, "
            f"{' and '.join(_GIVEN)} only: put what it should see into one of these."
        )
    if not given:
        return inputs
    beside = inputs if isinstance(inputs, Mapping) else {} if inputs is None else {"inputs": inputs}
    if twice := sorted(name for name in given if name in beside and beside[name] != given[name]):
        raise InvalidInputError(
            f"found {', '.join(twice)} both beside the inputs and in them; pass one of them."
        )
    return {**beside, **given}
