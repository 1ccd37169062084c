"""A guardrail around a chain."""

import pytest
from fakes import HttpError, verdict
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableGenerator, RunnableLambda
from pydantic import BaseModel

from langchain_memalign import (
    ConfigurationError,
    GuardrailError,
    InvalidInputError,
    Unscored,
    Verdict,
)
from langchain_memalign.guardrails import MemAlignGuardrail

from .runs import Runs

COLD, WARM = "It comes tomorrow.", "SORRY, it comes tomorrow."


def said(text):
    return RunnableLambda(lambda _: text)


class Answers:
    """A chain that gives one answer after the other, and notes what it was asked."""

    def __init__(self, *answers):
        self.asked = []
        self._answers = iter(answers)

    def __call__(self, given):
        self.asked.append(given)
        return next(self._answers)


def streamed(*chunks):
    """A chain that streams, and notes what has left it."""
    out = []

    def give(_):
        for chunk in chunks:
            out.append(chunk)
            yield chunk

    async def agive(_):
        for chunk in chunks:
            out.append(chunk)
            yield chunk

    return RunnableGenerator(give, agive), out


async def test_what_passes_goes_through_unchanged(drive, kind):
    guarded = MemAlignGuardrail(said(WARM), kind.judge)
    assert await drive.invoke(guarded, "Where is my parcel?") == WARM
    (asked,) = kind.model.requests
    assert "Where is my parcel?" in asked.prompt


async def test_raise_tells_the_verdict(drive, kind):
    with pytest.raises(GuardrailError, match="Too cold") as caught:
        await drive.invoke(MemAlignGuardrail(said(COLD), kind.judge), "Where is it?")
    assert caught.value.judge == "tone"
    assert isinstance(caught.value.verdict, Verdict)
    assert caught.value.verdict.value is False


@pytest.mark.parametrize(
    ("message", "expected"),
    [("Sorry?", "Sorry?"), (lambda outcome: outcome.rationale, "Too cold.")],
)
async def test_replace(drive, kind, message, expected):
    guarded = MemAlignGuardrail(said(COLD), kind.judge, on_fail="replace", message=message)
    assert await drive.invoke(guarded, "Where is it?") == expected


class Answer(BaseModel):
    text: str


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"answer": COLD}, {"answer": "No."}),
        ({"result": {"answer": COLD}}, {"result": {"answer": "No."}}),
        ([COLD], ["No."]),
        ([AIMessage(COLD, id="7")], [AIMessage("No.", id="7")]),
        ({"reply": AIMessage(COLD, id="7")}, {"reply": AIMessage("No.", id="7")}),
        (
            {"messages": [HumanMessage("Where?"), AIMessage(COLD, id="7")]},
            {"messages": [AIMessage("No.", id="7")]},
        ),
    ],
)
async def test_a_replacement_keeps_the_form_of_the_answer(drive, kind, caplog, answer, expected):
    guarded = MemAlignGuardrail(said(answer), kind.judge, on_fail="replace", message="No.")
    assert await drive.invoke(guarded, "Where is it?") == expected
    assert not caplog.records


@pytest.mark.parametrize("answer", [{"answer": COLD, "sources": ["a"]}, {"items": [COLD, COLD]}])
async def test_where_the_form_cannot_be_known_it_is_said(drive, kind, caplog, answer):
    guarded = MemAlignGuardrail(said(answer), kind.judge, on_fail="replace", message="No.")
    assert await drive.invoke(guarded, "Where is it?") == "No."
    assert "give message=, a mapping or a function" in caplog.text


async def test_a_mapping_stands_in_for_a_mapping(drive, kind):
    told = {"answer": "No.", "sources": []}
    chain = said({"answer": COLD, "sources": ["a"]})
    guarded = MemAlignGuardrail(chain, kind.judge, on_fail="replace", message=told)
    given = await drive.invoke(guarded, "Where is it?")
    assert given == told
    given["sources"].append("b")
    assert await drive.invoke(guarded, "Where is it?") == {"answer": "No.", "sources": []}


def test_a_text_for_a_chain_that_gives_objects_is_warned_of_at_once(kind, recwarn):
    def answer(given: str) -> Answer:
        return Answer(text=COLD)

    def mapping(given: str) -> dict[str, str]:
        return {"answer": COLD}

    for chain, on in ((answer, "output"), (mapping, "input")):
        with pytest.warns(UserWarning, match="message: found a text, and the chain gives"):
            MemAlignGuardrail(chain, kind.judge, on=on, on_fail="replace")
    recwarn.clear()
    MemAlignGuardrail(mapping, kind.judge, on_fail="replace")  # its answer will tell
    MemAlignGuardrail(answer, kind.judge, on_fail="replace", message=lambda _: Answer(text="No."))
    MemAlignGuardrail(answer, kind.judge)
    assert not recwarn.list


async def test_a_model_whose_input_is_refused_gives_a_message(drive, kind):
    model = FakeListChatModel(responses=[WARM])
    guarded = MemAlignGuardrail(model, kind.judge, on="input", on_fail="replace", message="No.")
    reply = await drive.invoke(guarded, "Where is it?!")
    assert isinstance(reply, AIMessage)
    assert reply.text == "No."


async def test_a_message_is_replaced_by_a_message_of_its_id(drive, kind):
    chain = said(AIMessage(COLD, id="7"))
    guarded = MemAlignGuardrail(chain, kind.judge, on_fail="replace", message="No.")
    reply = await drive.invoke(guarded, [HumanMessage("Where is it?")])
    assert (reply.text, reply.id) == ("No.", "7")


@pytest.mark.parametrize(
    "given",
    [
        "Where?",
        HumanMessage("Where?"),
        [HumanMessage("Where?")],
        {"messages": [HumanMessage("Where?")]},
        ChatPromptTemplate.from_messages([("user", "Where?")]).invoke({}),
    ],
    ids=["text", "message", "messages", "mapping", "prompt"],
)
async def test_retry_feeds_the_rationale_back(drive, kind, given):
    chain = Answers(COLD, WARM)
    guarded = MemAlignGuardrail(RunnableLambda(chain), kind.judge, on_fail="retry")
    assert await drive.invoke(guarded, given) == WARM
    assert chain.asked[0] == given
    for part in ("Where?", COLD, "Too cold."):
        assert part in str(chain.asked[1])
    first, second = (request.prompt for request in kind.model.requests)
    assert "Too cold." not in second  # what is judged is the answer to the request, not to a note
    assert first.replace(COLD, WARM) == second


async def test_a_retry_of_other_inputs_needs_to_be_told_how(drive, kind):
    def reworded(given, answer, outcome):
        return {**given, "hint": outcome.rationale}

    def guarded(chain, **options):
        return MemAlignGuardrail(RunnableLambda(chain), kind.judge, on_fail="retry", **options)

    with pytest.raises(ConfigurationError, match="retry_input"):
        await drive.invoke(guarded(Answers(COLD, WARM)), {"question": "Where?"})
    chain = Answers(COLD, WARM)
    await drive.invoke(guarded(chain, retry_input=reworded), {"question": "Where?"})
    assert chain.asked[1] == {"question": "Where?", "hint": "Too cold."}


@pytest.mark.parametrize("otherwise", ["raise", "replace"])
async def test_retries_end(drive, kind, otherwise):
    chain = Answers(*[COLD] * 9)
    guarded = MemAlignGuardrail(
        RunnableLambda(chain), kind.judge, on_fail="retry", retries=2, otherwise=otherwise
    )
    if otherwise == "raise":
        with pytest.raises(GuardrailError):
            await drive.invoke(guarded, "Where?")
    else:
        assert "withheld" in await drive.invoke(guarded, "Where?")
    assert len(chain.asked) == 3


async def test_an_input_is_judged_before_the_chain_runs(drive, kind):
    chain = Answers("Hello.")
    guarded = MemAlignGuardrail(
        RunnableLambda(chain), kind.judge, on="input", on_fail="replace", message="Please rephrase."
    )
    assert await drive.invoke(guarded, "Where is it?!") == "Please rephrase."
    assert chain.asked == []
    assert await drive.invoke(guarded, "SORRY, where is it?") == "Hello."


@pytest.mark.parametrize(
    ("failure", "trouble"),
    [
        (HttpError(503), "outage"),
        (HttpError(429), "outage"),
        (ConnectionError("refused"), "outage"),
        (HttpError(400), "error"),
        (HttpError(401), "error"),
    ],
)
async def test_an_outage_of_the_model_is_told_from_an_abstention(
    drive, make_bench, failure, trouble
):
    judge = make_bench(lambda request: failure).judge
    others = {"unscored", "timeout", "outage"} - {trouble}
    with pytest.raises(GuardrailError, match=f"fail_open={{'{trouble}'}}"):
        await drive.invoke(MemAlignGuardrail(said(WARM), judge, fail_open=others), "Where?")
    opened = MemAlignGuardrail(said(WARM), judge, fail_open={trouble})
    assert await drive.invoke(opened, "Where?") == WARM


async def test_an_outage_of_the_memory_is_one(drive, make_bench):
    bench = make_bench()
    guarded = MemAlignGuardrail(said(WARM), bench.judge, fail_open={"outage"})
    bench.memory.close()
    assert await drive.invoke(guarded, "Where?") == WARM


async def test_without_a_verdict_it_is_closed(drive, troubled):
    judge, options, trouble = troubled
    with pytest.raises(GuardrailError, match=f"fail_open={{'{trouble}'}}") as caught:
        await drive.invoke(MemAlignGuardrail(said(WARM), judge, **options), "Where?")
    assert isinstance(caught.value.verdict, Unscored)
    assert (caught.value.__cause__ is None) is (trouble != "error")


async def test_without_a_verdict_it_is_open_if_told(drive, troubled):
    judge, options, trouble = troubled
    guarded = MemAlignGuardrail(said(WARM), judge, fail_open=[trouble], **options)
    assert await drive.invoke(guarded, "Where?") == WARM


async def test_a_reply_with_an_image_is_judged_with_it(drive, kind):
    reply = AIMessage(
        [{"type": "text", "text": WARM}, {"type": "image", "url": "https://example.invalid/cat"}]
    )
    await drive.invoke(MemAlignGuardrail(said(reply), kind.judge), "Where?")
    assert "example.invalid/cat" in kind.model.requests[0].prompt


async def test_what_is_no_case_is_not_passed(drive, kind):
    with pytest.raises(GuardrailError, match="the case is empty"):
        await drive.invoke(MemAlignGuardrail(said(""), kind.judge), "")
    assert kind.model.requests == []


async def test_a_case_may_be_made_of_other_things(drive, kind):
    def case(given, answer):
        return {"inputs": given["question"], "outputs": answer["text"], "reference_outputs": "Yes"}

    guarded = MemAlignGuardrail(said({"text": WARM, "n": 1}), kind.judge, case=case)
    await drive.invoke(guarded, {"question": "Really?", "secret": "s3cret"})
    (asked,) = kind.model.requests
    assert "Really?" in asked.prompt
    assert "s3cret" not in asked.prompt


async def test_a_batch_is_guarded_one_by_one(drive, kind):
    echo = MemAlignGuardrail(RunnableLambda(str), kind.judge, on_fail="replace", message="-")
    given = [COLD, "SORRY a", "b", "SORRY c"]
    got = await echo.abatch(given) if drive.is_async else echo.batch(given)
    assert got == ["-", "SORRY a", "-", "SORRY c"]


async def test_it_stands_in_a_chain(drive, kind):
    prompt = ChatPromptTemplate.from_messages([("user", "{question}")])
    model = FakeListChatModel(responses=[COLD, WARM])
    chain = prompt | MemAlignGuardrail(model, kind.judge, on_fail="retry") | (lambda m: m.text)
    assert await drive.invoke(chain, {"question": "Where?"}) == WARM


async def test_a_stream_is_held_until_it_is_judged(drive, kind):
    chain, out = streamed("SORRY,", " it comes", " tomorrow.")
    guarded = MemAlignGuardrail(chain, kind.judge)
    assert await drive.stream(guarded, "Where?") == out == ["SORRY,", " it comes", " tomorrow."]

    chain, _ = streamed("It comes", " tomorrow.")
    guarded = MemAlignGuardrail(chain, kind.judge, on_fail="replace", message="No.")
    assert await drive.stream(guarded, "Where?") == ["No."]


async def test_a_stream_judged_at_the_end_has_been_seen(drive, kind):
    chain, _ = streamed(AIMessageChunk("It comes"), AIMessageChunk(" tomorrow."))
    guarded = MemAlignGuardrail(chain, kind.judge, streaming="after")
    seen = []

    async def watch():
        if drive.is_async:
            async for chunk in guarded.astream("Where?"):
                seen.append(chunk.text)
        else:
            seen.extend(chunk.text for chunk in guarded.stream("Where?"))

    with pytest.raises(GuardrailError, match="Too cold"):
        await watch()
    assert seen == ["It comes", " tomorrow."]
    assert "It comes tomorrow." in kind.model.requests[0].prompt


async def test_a_judged_input_streams_through(drive, kind):
    chain, out = streamed("a", "b")
    guarded = MemAlignGuardrail(chain, kind.judge, on="input", on_fail="replace", message="No.")
    assert await drive.stream(guarded, "SORRY?") == out == ["a", "b"]
    assert await drive.stream(guarded, "Where?") == ["No."]


async def test_a_stream_without_a_verdict_is_closed(drive, troubled):
    judge, options, _ = troubled
    for streaming in ("hold", "after"):
        chain, _ = streamed(WARM)
        guarded = MemAlignGuardrail(chain, judge, streaming=streaming, **options)
        with pytest.raises(GuardrailError):
            await drive.stream(guarded, "Where?")


@pytest.mark.parametrize(
    "options",
    [
        {"on": "tools"},
        {"streaming": "never"},
        {"on": "input", "on_fail": "retry"},
        {"streaming": "after", "on_fail": "replace"},
        {"threshold": 3},
    ],
)
def test_options_that_do_not_fit_are_told(kind, options):
    with pytest.raises(ConfigurationError, match="expected"):
        MemAlignGuardrail(said(WARM), kind.judge, **options)


def test_what_is_no_judge_is_told():
    with pytest.raises(ConfigurationError, match="expected a MemAlignJudge"):
        MemAlignGuardrail(said(WARM), "tone")
    with pytest.raises(InvalidInputError, match="on_fail"):
        MemAlignGuardrail(said(WARM), "tone", on_fail="shout")


async def test_a_threshold(drive, make_bench):
    stars = {"type": "integer", "minimum": 1, "maximum": 5}

    def respond(request):
        return verdict(4 if "SORRY" in request.prompt else 2)

    judge = make_bench(respond, value_type=stars).judge
    assert await drive.invoke(MemAlignGuardrail(said(WARM), judge, threshold=4), "?") == WARM
    with pytest.raises(GuardrailError, match="gives 2"):
        await drive.invoke(MemAlignGuardrail(said(COLD), judge, threshold=4), "?")


async def test_its_runs_hang_together(drive, kind):
    runs = []
    guarded = MemAlignGuardrail(said(WARM).with_config(run_name="chain"), kind.judge)
    await drive.invoke(guarded, "Where?", {"callbacks": [Runs(runs)]})
    names = {name: parent for name, _, parent in runs}
    ids = {name: run_id for name, run_id, _ in runs}
    assert names["chain"] == names["tone"] == ids["memalign_guardrail"]
