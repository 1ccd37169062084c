"""Putting a judge's prompt before its model: a chat model, or a decision model."""

from __future__ import annotations

from dataclasses import replace

from langchain_core.runnables import RunnableConfig

from langchain_memalign._async.model_calls import ask, decide
from langchain_memalign._judging.reading import (
    Said,
    by_probabilities,
    decided,
    value_reader,
    verdict_reader,
)
from langchain_memalign._judging.setup import JudgeSetup
from langchain_memalign._models import Answer, DecisionModel
from langchain_memalign._models.logprobs import value_probabilities
from langchain_memalign._models.structured import Question
from langchain_memalign._prompts.deciding import decision_of
from langchain_memalign._prompts.judging import JudgePrompt
from langchain_memalign.schema import WorkingMemory


async def said_of(
    setup: JudgeSetup,
    prompt: JudgePrompt,
    memory: WorkingMemory,
    *,
    config: RunnableConfig | None = None,
) -> Answer[Said]:
    """What the judge's model says.

    Args:
        setup: The judge.
        prompt: What is asked.
        memory: What the prompt shows.
        config: Callbacks, tags and the like for the model's run.

    Raises:
        ModelError: The call failed for good.
    """
    if isinstance(setup.model, DecisionModel):
        decision = decision_of(setup.spec, prompt)
        return decided(setup, memory, await decide(setup.model, decision, config=config))
    value_type = setup.asked.value_type

    def value_alone() -> Question[Said]:
        return Question(
            messages=setup.value_alone(prompt),
            schema=value_type.value_schema(),
            read=value_reader(value_type),
            is_for_any_problem=setup.is_compact,
        )

    answer = await ask(
        setup.model,
        prompt.messages,
        value_type.verdict_schema(is_compact=setup.is_compact),
        verdict_reader(value_type, prompt),
        config=config,
        instead=value_alone,
    )
    if answer.value is None or setup.probabilities is None:
        return answer
    told = value_probabilities(answer.message, setup.levels, answer.value.value)
    return replace(answer, value=by_probabilities(setup, answer.value, told))
