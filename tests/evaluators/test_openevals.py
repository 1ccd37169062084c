"""openevals' and agentevals' own judges with a judge's prompt, and judges as their evaluators."""

from typing import Annotated, Literal

import pytest
from agentevals.trajectory.llm import create_trajectory_llm_as_judge
from fakes import ScriptedModel, feedback
from openevals.llm import create_async_llm_as_judge, create_llm_as_judge
from openevals.simulators import run_multiturn_simulation, run_multiturn_simulation_async
from pydantic import Field

CASE = {name: feedback(1)[name] for name in ("inputs", "outputs")}


@pytest.fixture
def taught(make_bench):
    """A judge that votes by precedent, was taught one value, and its prompt."""

    def make(value_type=bool, value=False):
        judge = make_bench(value_type=value_type, model="precedent").judge
        judge.align([{**CASE, "value": value, "rationale": "Too cold."}])
        return judge, judge.as_openevals_prompt()

    return make


@pytest.mark.parametrize(
    ("value_type", "value"),
    [
        (bool, False),
        (Annotated[int, Field(ge=1, le=5)], 2),
        (Annotated[float, Field(ge=0, le=1)], 0.25),
        (Literal["good", "bad"], "bad"),
    ],
)
async def test_openevals_judges_with_this_memory(taught, value_type, value):
    judge, prompt = taught(value_type, value)
    settings = {"prompt": prompt, "judge": judge.model, **prompt.options}
    result = create_llm_as_judge(**settings)(**CASE)
    assert result["score"] == value
    assert await create_async_llm_as_judge(**settings)(**CASE) == result


def test_the_prompt_shows_the_memory_and_asks_for_a_score(taught):
    _, prompt = taught()
    system, user = prompt(**CASE)
    assert (system["role"], user["role"]) == ("system", "user")
    assert '"score": true or false.' in system["content"]
    assert '"relied_on"' not in system["content"]
    assert "Too cold." in user["content"]
    with pytest.raises(ValueError, match="found rubric"):
        prompt(**CASE, rubric="Be kind.")


def test_a_context_becomes_part_of_the_case(taught):
    judge, prompt = taught()
    _, user = prompt(**CASE, context=["The parcel is lost."])

    assert '<field name="context">' in user["content"]
    assert "The parcel is lost." in user["content"]
    result = judge(**CASE, context=["The parcel is lost."])
    assert result["key"] == judge.name


def test_openevals_judge_abstains_with_no_score_and_has_the_judge_s_name(taught):
    judge, prompt = taught()
    evaluator = create_llm_as_judge(prompt=prompt, judge=prompt.model, **prompt.options)

    assert evaluator(**CASE)["score"] is False
    result = evaluator(inputs="zzz qqq", outputs="vvv www")
    assert (result["key"], result["score"]) == (judge.name, None)
    assert result["comment"].startswith("Unscored: ")


def test_agentevals_judges_trajectories_with_this_memory(taught):
    judge, prompt = taught()
    evaluator = create_trajectory_llm_as_judge(prompt=prompt, judge=judge.model)
    messages = [
        {"role": "user", "content": CASE["inputs"]},
        {"role": "assistant", "content": CASE["outputs"]},
    ]
    assert evaluator(outputs=messages, inputs=CASE["inputs"])["score"] is False


def test_agentevals_judges_tool_calls_beside_a_reference(bench):
    def trajectory(table):
        query = {"name": "run_sql", "arguments": f'{{"query": "SELECT 1 FROM {table}"}}'}
        call = {"id": "1", "type": "function", "function": query}
        return [
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "1", "content": "1"},
            {"role": "assistant", "content": "One."},
        ]

    asked = []
    prompt = bench.judge.as_openevals_prompt()

    def shown(**case):
        asked.append(prompt(**case))
        return asked[-1]

    evaluator = create_trajectory_llm_as_judge(
        prompt=shown, judge=ScriptedModel(respond=lambda _: {"reasoning": "Raw.", "score": False})
    )
    case = {"outputs": trajectory("raw_orders"), "reference_outputs": trajectory("certified")}
    result = evaluator(inputs="How many?", **case)

    assert (result["score"], result["comment"]) == (False, "Raw.")
    ((_, user),) = asked
    outputs, reference = user["content"].split("<reference_outputs>")
    assert "raw_orders" in outputs
    assert "certified" in reference
    # The same judge as an evaluator of its own takes the messages as they are.
    assert bench.judge(inputs="How many?", **case)["score"] is True
    assert '<tool_call name="run_sql"' in bench.model.requests[-1].prompt


async def test_judges_evaluate_simulated_conversations(bench):
    def app(message, **_):
        return {"role": "assistant", "content": "On its way.", "id": f"re {message['id']}"}

    async def aapp(message, **_):
        return app(message)

    settings = {"user": ["Where is it?"], "max_turns": 1}
    sync = run_multiturn_simulation(app=app, trajectory_evaluators=[bench.judge], **settings)
    other = await run_multiturn_simulation_async(
        app=aapp, trajectory_evaluators=[bench.judge.aevaluate], **settings
    )
    for result in (sync, other):
        assert [each["score"] for each in result["evaluator_results"]] == [True]
    assert "On its way." in bench.model.requests[0].prompt
