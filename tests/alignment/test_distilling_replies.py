"""What a distilling reply may look like, and what is made of one that is not quite right."""

import pytest
from fakes import dump, feedback, one_rule_a_record, principle
from langchain_core.messages import AIMessage


def scripted(*replies):
    """A model that distils by these replies, one after the other, and then well."""
    left = list(replies)

    def respond(request):
        if request.title == "principles" and left:
            return left.pop(0)
        return one_rule_a_record(request)

    return respond


def sources(bench):
    """The remarks of the sources of each principle, by its text."""
    remark = {e.id: e.rationale for e in bench.judge.episodes()}
    return {p.text: sorted(map(remark.get, p.episode_ids)) for p in bench.judge.principles()}


def test_a_principle_cites_the_records_that_it_comes_from(make_bench):
    rules = [principle("One.", "R1"), principle("Two.", "R2", "R1"), principle("Three.", "R2")]
    bench = make_bench(scripted({"principles": rules}))
    bench.judge.align([feedback(1), feedback(2)])
    first = bench.model.requests[0].prompt.split('<record id="R2">')[0]
    one, two = ("Remark 1.", "Remark 2.") if "Remark 1." in first else ("Remark 2.", "Remark 1.")
    assert sources(bench) == {"One.": [one], "Two.": ["Remark 1.", "Remark 2."], "Three.": [two]}


def test_principles_come_in_the_order_in_which_the_model_gave_them(make_bench):
    texts = [f"Rule {letter}." for letter in "QWERTYUIOP"]
    bench = make_bench(scripted({"principles": [principle(text, "R1") for text in texts]}))
    bench.judge.align([feedback(1)])
    assert bench.texts() == texts
    bench.judge.invoke({"inputs": "?", "outputs": "!"})
    prompt = bench.model.titled("verdict")[0].prompt
    assert sorted(texts, key=prompt.index) == texts


def test_a_principle_without_citation_has_the_whole_batch_as_its_sources(make_bench):
    bench = make_bench(scripted({"principles": [principle("From all."), {"text": "So too."}]}))
    bench.judge.align([feedback(1), feedback(2)])
    everything = ["Remark 1.", "Remark 2."]
    found = sources(bench)
    assert (found["From all."], found["So too."]) == (everything, everything)


def test_a_principle_that_cites_nothing_covers_what_it_says_alone(make_bench):
    bench = make_bench(scripted({"principles": [principle("Refunds need their number.", "R99")]}))
    said = ("A refund needs its number: missing.", "Never promise a weekday.")
    report = bench.judge.align([feedback(n, rationale=why) for n, why in enumerate(said)])
    assert report.remarks_covered == 2
    assert bench.texts() == ["Refunds need their number.", "Rule: Never promise a weekday."]


def test_invented_sources_are_dropped(make_bench):
    rules = [principle("One.", "R1", "R99", "E1"), principle("All.", "R77", "nonsense")]
    bench = make_bench(scripted({"principles": rules}))
    bench.judge.align([feedback(1), feedback(2)])
    assert len(sources(bench)["One."]) == 1
    assert len(sources(bench)["All."]) == 2


@pytest.mark.parametrize("relation", ["same", "replaces"])
def test_an_invented_target_is_dropped_and_the_principle_counts_as_new(make_bench, relation):
    bench = make_bench(
        scripted({"principles": [principle("Fresh rule.", "R1", relation=relation, target="P9")]})
    )
    report = bench.judge.align([feedback(1)])
    assert bench.texts() == ["Fresh rule."]
    assert len(report.principles_added) == 1
    # It is embedded, so that it can be found when there are too many to show all.
    assert "Fresh rule." in bench.embeddings.texts


def test_an_empty_list_is_a_good_answer_where_there_is_no_remark(make_bench):
    bench = make_bench(scripted({"principles": []}))
    report = bench.judge.align([feedback(1, rationale=None), feedback(2, rationale=None)])
    assert (len(report.distilled), report.principles_added, report.model_calls) == (2, (), 1)


@pytest.mark.parametrize(
    "text",
    [
        dump({"principles": [principle("Said in text.", "R1")]}),
        "```json\n" + dump({"principles": [principle("Said in text.", "R1")]}) + "\n```",
        "<think>Hm. {}</think>" + dump({"principles": [principle("Said in text.", "R1")]}),
    ],
)
def test_a_reply_as_plain_json_text_is_read(make_bench, text):
    bench = make_bench(scripted(text))
    report = bench.judge.align([feedback(1)])
    assert (bench.texts(), report.model_calls) == (["Said in text."], 1)


def test_an_unreadable_reply_is_repaired_once(make_bench):
    bench = make_bench(scripted("I would say: be kind."))
    report = bench.judge.align([feedback(1)])
    first, repair = bench.model.requests
    assert (first.is_repair, repair.is_repair) == (False, True)
    assert "I would say: be kind." in str(repair.messages[-2].content)
    assert (len(report.distilled), report.model_calls) == (1, 2)


def test_a_reply_cut_off_in_the_middle_is_not_taken_for_the_whole(make_bench):
    whole = dump({"principles": [principle("One.", "R1"), principle("Two.", "R2")]})
    bench = make_bench(scripted(whole[:-30], whole))
    bench.judge.align([feedback(1), feedback(2)])
    assert bench.texts() == ["One.", "Two."]
    assert len(bench.model.requests) == 2


BROKEN = [
    {"sources": ["R2"]},
    {"text": 5, "sources": ["R2"]},
    {"text": "x", "sources": "the second"},
]


@pytest.mark.parametrize("broken", [*BROKEN, principle("x", "R2", relation="removes"), "x", None])
def test_a_partly_malformed_reply_is_salvaged_item_by_item(make_bench, broken):
    reply = {"principles": [principle("Good one.", "R1"), broken]}
    bench = make_bench(scripted(reply, reply))
    report = bench.judge.align([feedback(1), feedback(2)])
    # The good item is kept with the record it cites; only the other record is asked about again.
    assert "Good one." in bench.texts()
    assert (len(report.distilled), len(report.pending)) == (1, 1)
    assert bench.judge.align([]).distilled == (report.pending[0].episode_id,)


@pytest.mark.parametrize("reply", [{"rules": []}, {"principles": "Be kind."}, {}])
def test_a_reply_without_a_list_of_principles_is_repaired_once(make_bench, reply):
    bench = make_bench(scripted(reply))
    report = bench.judge.align([feedback(1)])
    assert (len(report.distilled), report.model_calls) == (1, 2)
    assert "'principles'" in str(bench.model.requests[1].messages[-1].content)


def test_an_uncited_item_of_a_malformed_reply_is_not_salvaged(make_bench):
    # It would have the whole batch as sources, and pass all records off as learned.
    reply = {"principles": [principle("From all."), {"sources": ["R2"]}]}
    bench = make_bench(scripted(reply, reply))
    bench.judge.align([feedback(1), feedback(2)])
    assert sorted(bench.texts()) == ["Rule: Remark 1.", "Rule: Remark 2."]


def test_blank_principles_are_not_learned(make_bench):
    reply = {"principles": [principle("   ", "R1")]}
    bench = make_bench(scripted(reply, reply))
    report = bench.judge.align([feedback(1)])
    assert bench.texts() == []
    assert len(report.pending) == 1


def test_half_a_character_in_a_reply_is_replaced(make_bench):
    bench = make_bench(scripted({"principles": [principle("Smile \ud83d always.", "R1")]}))
    report = bench.judge.align([feedback(1)])
    assert len(report.distilled) == 1
    assert bench.texts() == ["Smile ? always."]


def calls(*args):
    """Several calls in one reply; text stands for arguments that are no JSON."""
    whole = [{"name": "principles", "args": a, "id": "1"} for a in args if isinstance(a, dict)]
    broken = [
        {"name": "principles", "args": a, "id": "2", "error": None, "type": "invalid_tool_call"}
        for a in args
        if isinstance(a, str)
    ]
    return AIMessage("", tool_calls=whole, invalid_tool_calls=broken)


ONE, TWO = ({"principles": [principle(f"Rule {i}.", f"R{i}")]} for i in (1, 2))


def test_several_calls_in_one_reply_are_joined(make_bench):
    bench = make_bench(scripted(calls(ONE, TWO)))
    report = bench.judge.align([feedback(1), feedback(2)])
    assert bench.texts() == ["Rule 1.", "Rule 2."]
    assert (len(report.distilled), report.pending, report.model_calls) == (2, (), 1)


@pytest.mark.parametrize(
    "unread", ['{"principles": [{"text": "Ru', {"rules": []}, {"principles": "Rule 2."}]
)
def test_records_of_a_call_that_cannot_be_read_stay_pending(make_bench, unread):
    reply = calls(ONE, unread)
    bench = make_bench(scripted(reply, reply))
    report = bench.judge.align([feedback(1), feedback(2)])
    assert bench.texts() == ["Rule 1."]
    assert (len(report.distilled), len(report.pending)) == (1, 1)
    assert bench.judge.align([]).distilled == (report.pending[0].episode_id,)


def test_a_second_list_in_the_text_may_be_a_correction_and_is_asked_about(make_bench):
    bench = make_bench(scripted(f"First {dump(ONE)}, or rather {dump(TWO)}."))
    report = bench.judge.align([feedback(1), feedback(2)])
    assert (len(report.distilled), report.model_calls) == (2, 2)
    assert "Rule: Remark 1." in bench.texts()


@pytest.mark.parametrize("said", ["R1", "r1", "[R1]", '["R1"]', ["[R1]"]])
def test_sources_are_read_in_any_form_of_a_list(make_bench, said):
    rule = {"text": "One.", "sources": said, "relation": "Add", "target": None}
    bench = make_bench(scripted({"principles": [rule, principle("Two.", "R2")]}))
    report = bench.judge.align([feedback(1), feedback(2)])
    assert len(sources(bench)["One."]) == 1
    assert report.model_calls == 1


@pytest.mark.parametrize(
    "reply",
    [
        dump(ONE["principles"]),
        dump(ONE["principles"][0]),
        {"principles": dump(ONE["principles"])},
        {"name": "principles", "parameters": ONE},
        {"rules": ONE["principles"]},
        '{"principles": [{"text": "Rule\n1.", "sources": ["R1"],},]}',
    ],
)
def test_a_list_is_read_wherever_it_plainly_stands(make_bench, reply):
    bench = make_bench(scripted(reply))
    report = bench.judge.align([feedback(1)])
    assert (bench.texts(), report.model_calls) == (["Rule 1."], 1)


def test_an_empty_list_alone_is_a_good_answer_too(make_bench):
    bench = make_bench(scripted("```json\n[]\n```"))
    report = bench.judge.align([feedback(1, rationale=None)])
    assert (len(report.distilled), bench.texts(), report.model_calls) == (1, [], 1)


def test_a_tag_inside_a_principle_is_part_of_it(make_bench):
    text = "Markup such as <think>x</think> is no answer."
    bench = make_bench(scripted(dump({"principles": [principle(text, "R1")]})))
    bench.judge.align([feedback(1)])
    assert bench.texts() == [text]


def test_records_that_a_provider_blocks_stay_pending_with_the_reason(make_bench):
    blocked = AIMessage("", response_metadata={"finish_reason": "SAFETY"})
    bench = make_bench(scripted(blocked))
    report = bench.judge.align([feedback(1)])
    assert report.model_calls == 1
    assert "blocked the answer (SAFETY)" in report.pending[0].reason
